// Detection strategies and analytics as ATT&CK publishes them: STIX 2.x objects of MITRE's own
// types.
//
// Any JSON that holds them is read: a bundle with `objects`, a list, or a document with the objects
// in lists of its own. Which version of ATT&CK it is does not matter; revoked and deprecated
// objects are skipped. Source: MITRE's attack-data-model (x-mitre-detection-strategy,
// x-mitre-analytic). Tests: tests/unit/lang/strategy/stix_test.cc.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapt/json.h"
#include "base/diagnostic.h"
#include "lang/strategy/json_places.h"

namespace postern::lang::strategy {

struct LogSource {
  std::string name;     ///< "WinEventLog:Sysmon"
  std::string channel;  ///< "EventCode=3, 22"
  const adapt::JsonNode* channel_node = nullptr;
  Span span;  ///< of the channel

  std::string text() const {
    return channel.empty() || channel == "None" ? name : name + " " + channel;
  }
};

struct MutableElement {
  std::string field;
  std::string description;
  Span span;
};

struct StixAnalytic {
  std::string id;  ///< "AN0379"
  std::string name;
  std::string description;
  std::string version;
  std::string url;
  std::string strategy;  ///< "DET0135"; "" when no strategy of the file refers to it
  std::string strategy_name;
  std::vector<std::string> platforms;
  std::vector<std::string> techniques;
  std::vector<LogSource> sources;
  std::vector<MutableElement> elements;
  Span span;  ///< of the id
};

struct StixFile {
  std::vector<StixAnalytic> analytics;
  /// The tree that nodes point into, and the places of its strings.
  std::shared_ptr<const adapt::JsonNode> root;
  std::shared_ptr<const JsonPlaces> places;
};

/// Nullopt when the text is no JSON (a diagnostic says why).
std::optional<StixFile> read_stix(const Source& file, Diagnostics& diag);

/// The event ids of "EventCode=3, 22" and "EventCode=13, EventCode=14"; empty for other channels.
std::vector<int64_t> event_codes(std::string_view channel);

}  // namespace postern::lang::strategy
