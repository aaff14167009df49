// Findings as bytes: a key to sort by, then the rest in as little room as it takes.
//
// A finding with a whole event is some six kilobytes of small strings in memory, and one in these
// bytes. Names (fields, tables, paths) are numbers of a list that all codecs of a hunt share. The
// bytes never leave the process. Tests: tests/unit/engine/finding_store_test.cc.
#pragma once
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/varint.h"
#include "engine/finding.h"

namespace postern::engine {

/// Texts by number. Thread-safe.
class FindingNames {
 public:
  /// Names of fields come from the evidence, which may have a new one in every event: beyond these
  /// limits they stand in each finding as they are.
  static constexpr size_t kMaxFields = 65536;
  static constexpr size_t kMaxFieldBytes = 128;

  /// For texts that a hunt holds anyway: tables, paths.
  uint32_t number(std::string_view text);
  /// For names of fields; nothing when there are too many.
  std::optional<uint32_t> field(std::string_view text);
  /// Stays where it is.
  const std::string& text(uint32_t number) const;

 private:
  uint32_t add(std::string_view text);

  mutable std::mutex mutex_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, uint32_t> numbers_;  // views of texts_
};

/// When a finding was made, as if one thread had read all the evidence: the last tie-break, and the
/// order of findings that are not sorted.
struct FindingTurn {
  uint64_t unit = 0;  ///< of the evidence; rows of queries come behind all of it
  uint64_t number = 0;
};

/// What begins an encoded finding; most comparisons need no more.
struct FindingKey {
  int64_t time = 0;
  const plan::RuleInfo* rule = nullptr;
  FindingTurn turn;
  uint64_t offset = 0;  ///< of the first piece of evidence, like the two below
  uint64_t record = 0;
  uint32_t path = 0;
  uint32_t num_evidence = 0;
  uint64_t size = 0;  ///< of what follows, bytes
};

/// Encoded findings, one behind the other.
struct FindingBatch {
  std::string bytes;
  std::vector<const plan::RuleInfo*> rules;  ///< of each

  bool empty() const { return rules.empty(); }
};

/// Remembers the numbers it has asked for: one for each thread.
class FindingCodec {
 public:
  explicit FindingCodec(FindingNames& names) : names_(names) {}

  void encode(const Finding& f, FindingTurn turn, FindingBatch& out);
  /// The key of the finding that begins at `at`, which need not be aligned.
  static FindingKey key(const char* at);
  /// `at`: key and what follows.
  Finding decode(const char* at);
  /// Orders two findings of one time and rule as before() does: by evidence, then by row. Takes
  /// neither apart: a rule may give ten thousand rows without a time of their own.
  int compare_rest(const char* at_a, const char* at_b);

  const std::string& text(uint32_t number);

 private:
  uint32_t number(std::string_view text);
  void put_field(std::string& out, std::string_view name);
  void put_field(std::string& out, std::string_view name, size_t place);
  std::string read_field(VarintReader& in);

  FindingNames& names_;
  std::unordered_map<std::string_view, uint32_t> numbers_;  // views of names_
  /// Field and number at each place of a row: findings of one rule have the same fields.
  std::vector<std::pair<std::string_view, uint32_t>> last_row_;
  std::vector<const std::string*> texts_;
};

}  // namespace postern::engine
