// What rules ask of each kind of record, in tables that hold many kinds side by side.
//
// The fields of an audit record depend on its type: `a1` is a register in SYSCALL, and an argument
// in EXECVE. A rule that requires EXECVE asks nothing of any other record: decoders leave its
// columns (and its keywords) out of those, and what is in the others' columns is not looked up for
// it. Kinds are told by a text in one column. Tests: tests/unit/engine/record_kinds_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "plan/expr.h"

namespace postern::engine {

/// Texts (folded) of which a filter requires one in a column: elsewhere it is false, whatever is in
/// other columns. nullopt: any text may do.
std::optional<std::set<std::string>> required_texts(const plan::ExprPtr& where,
                                                    const std::string& column);

/// Kinds in groups: those of one group are asked for by the same filters.
struct RecordKinds {
  std::map<std::string, uint32_t, std::less<>> groups;  ///< of the texts (folded) that filters name
  /// Numbers of the filters, by group. The first group is of all other texts, and of none.
  std::vector<std::vector<uint32_t>> filters;

  /// Whether filters tell kinds apart at all.
  bool any() const { return !groups.empty(); }
};

RecordKinds record_kinds(const std::vector<plan::ExprPtr>& filters, const std::string& column);

/// What one branch reads of its table: its filter (or null), and what it makes of rows that pass.
struct BranchReads {
  plan::ExprPtr where;
  std::vector<plan::ExprPtr> results;  ///< columns of results
  std::set<std::string> columns;       ///< all that are read
};

/// Tells a layout what is read of each kind. `branches`: those of the filters. `gate`: decoders may
/// look into records for what filters need (Layout::set_text_gate, data::RowGate).
void set_kinds(data::Layout& layout,
               const RecordKinds& kinds,
               const std::string& column,
               const std::vector<BranchReads>& branches,
               bool gate);

/// The groups of texts that come again and again.
class KindLookup {
 public:
  /// `kinds` live as long as this.
  explicit KindLookup(const RecordKinds& kinds) : kinds_(kinds) {}

  uint32_t group(std::string_view text);

 private:
  struct Known {
    std::string text;
    uint32_t group = 0;
  };

  const RecordKinds& kinds_;
  std::array<Known, 64> known_;  // by hash of the text, the last one that came
  std::string folded_;
};

}  // namespace postern::engine
