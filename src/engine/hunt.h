// A hunt: all rules over all evidence in one pass, then what is found, in one order.
//
// Files are decoded in parallel; what event rules find and what query rules keep is committed in
// the order of the files, so any number of threads gives the same findings in the same order.
// Tests: tests/unit/engine/hunt_test.cc, tests/cases, tests/incident.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "engine/finding.h"
#include "engine/finding_store.h"
#include "engine/profile.h"
#include "engine/rule_set.h"
#include "input/format.h"

namespace postern::engine {

/// Evidence that is made, not read: decodes itself when its turn comes (tests, services).
using Feed = std::function<void(input::DecodeContext&)>;

/// What findings say instead of a path for the evidence of feed `i`.
inline std::string feed_path(size_t i) {
  return "feed:" + std::to_string(i);
}

struct HuntOptions {
  std::vector<Feed> feeds;              ///< before the files
  std::vector<std::string> feed_names;  ///< in place of feed_path(i), where given
  std::vector<std::string> evidence;    ///< files, folders, globs, "-"
  unsigned threads = 1;
  std::optional<int64_t> from;             ///< only events at or after, ticks
  std::optional<int64_t> to;               ///< only events before
  std::optional<int64_t> now;              ///< run scheduled queries once with this now()
  uint32_t batch_rows = data::kBatchRows;  ///< tests: small batches
  /// Bytes, for what queries keep, findings, and what filters remember.
  uint64_t memory_limit = uint64_t{2} << 30;
  uint64_t slice_bytes = input::kSliceBytes;  ///< of large files; tests: small ones
  bool use_event_ids = true;                  ///< tests: off
  bool share_filters = true;                  ///< tests: off, each rule's filter on its own
  bool profile = false;                       ///< tell what rules and predicates cost
  bool carve = false;  ///< look for event records in damaged and unallocated space
  bool sorted = true;  ///< off: rows stay in the order that a query's plan gives
  /// Rules whose findings are kept; null: all.
  std::function<bool(const plan::RuleInfo&)> wanted;
};

inline bool is_wanted(const HuntOptions& options, const LoadedRule& rule) {
  return !options.wanted || options.wanted(rule.rule.info);
}

/// What is known while a hunt runs; read by a progress display.
struct Progress {
  std::atomic<uint64_t> bytes_total{0};
  std::atomic<uint64_t> bytes_done{0};
  std::atomic<uint64_t> events{0};
  std::atomic<uint64_t> findings{0};
};

struct FileSummary {
  std::string path;
  std::string format;  ///< "" unknown
  uint64_t bytes = 0;
  uint64_t events = 0;
};

/// How well an analytic could be judged on this evidence.
struct Coverage {
  const LoadedRule* rule = nullptr;
  enum class State : uint8_t { kEvaluable, kPartly, kBlind } state = State::kBlind;
  std::vector<std::string> missing;  ///< names of requirements without evidence
};

/// What query rules and findings kept, for the summary.
struct MemoryUse {
  uint64_t limit = 0;             ///< of query rules: the whole limit less what is for the others
  uint64_t findings = 0;          ///< memory that findings may have
  uint64_t findings_in_file = 0;  ///< bytes of those that did not fit into it
  uint64_t peak = 0;              ///< of all rules together
  uint64_t memos = 0;             ///< what filters may remember of values and rows
  uint64_t memos_peak = 0;
  std::vector<std::pair<const LoadedRule*, uint64_t>> rules;  ///< at their end, largest first
};

struct HuntResult {
  FindingList findings;  ///< in output order; they point into the rules
  std::vector<FileSummary> files;
  data::Anomalies anomalies;
  std::map<std::string, uint64_t> events;  ///< by native table
  std::vector<Coverage> coverage;          ///< strategies, in rule order
  /// Rows that group-by columns with null dropped, per rule: `stats … by` of SPL.
  std::map<const LoadedRule*, exec::RunNotes> notes;
  /// Evidence that could not be opened, and rules that were stopped by the memory limit.
  std::vector<std::string> errors;
  MemoryUse memory;
  std::optional<HuntProfile> profile;
  bool cancelled = false;
  uint64_t bytes = 0;
};

/// `cancelled` may be set from a signal handler; the result then holds what was found so far.
HuntResult hunt(const RuleSet& rules,
                const HuntOptions& options,
                Progress& progress,
                const std::atomic<bool>& cancelled);

}  // namespace postern::engine
