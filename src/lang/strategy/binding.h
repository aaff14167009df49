// Binding files: what makes an analytic of a strategy run. Format: docs/strategies.md.
// Tests: tests/unit/lang/strategy/binding_test.cc.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "lang/strategy/parameter.h"
#include "lang/strategy/strategy.h"

namespace postern::lang::strategy {

struct BoundParameter {
  std::string name;
  ParameterType type = ParameterType::kStrings;
  ParameterValues values;  ///< the default, as the query gets it
  std::string doc;
  bool own = false;  ///< ours: no mutable element of the analytic
  Span span;
};

struct Waiver {
  std::string what;  ///< element's field, or log source's "name channel"
  std::string reason;
  Span span;
};

/// A log source of the analytic, and the native tables of which any one provides it.
struct BoundSource {
  std::string name;
  std::string channel;
  std::vector<RequiredSource> tables;
  Span span;
};

struct BoundAnalytic {
  std::string id;
  std::string strategy;
  std::string title;  ///< in our words: what it is called where no STIX file names it
  std::vector<std::string> attack;
  std::string level;
  std::vector<BoundSource> sources;
  std::vector<Waiver> waived_sources;
  std::vector<BoundParameter> parameters;
  std::vector<Waiver> waived_elements;
  std::vector<std::string> false_positives;
  std::vector<std::string> key;
  std::vector<std::string> shown;
  std::string query;
  Span span;  ///< of the id
};

/// The analytics of a binding file; an entry with a fault is left out, the fault is in `diag`.
std::vector<BoundAnalytic> read_binding(const Source& file, Diagnostics& diag);

}  // namespace postern::lang::strategy
