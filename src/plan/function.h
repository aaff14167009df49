// Function signatures and their kernels: what an expression may call, with which types, and how it
// runs.
//
// `plan` knows names, typing and printing; `exec` registers the kernels (src/exec/functions/*.cc:
// one entry there adds a function everywhere). Kernels work on whole columns, for the given rows
// only. Tests: tests/unit/plan/function_test.cc, tests/unit/exec.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/column.h"
#include "plan/expr.h"

namespace postern::plan {

/// What the type rule says of a call.
struct Typing {
  data::Type type = data::Type::kNull;
  std::string error;  ///< not empty: the argument types are wrong, in words for the user
  /// With `error`: what every reader understands all the same (a string against a number). In a
  /// hunt it becomes a warning and the rule is degraded; under --strict and in `query` it stays an
  /// error.
  bool coercible = false;

  static Typing ok(data::Type t) { return {t, "", false}; }

  static Typing wrong(std::string message) {
    return {data::Type::kNull, std::move(message), false};
  }

  static Typing coerced(data::Type t, std::string message) { return {t, std::move(message), true}; }
};

/// Arguments as the type rule sees them; `constant[i]` is the literal if argument i is one.
struct TypeRequest {
  std::span<const data::Type> types;
  std::span<const data::Value* const> constants;
};

/// What is the same for every row of one run (one window of a scheduled query).
struct RunContext {
  int64_t now_ticks = 0;         ///< now() and ago()
  int64_t window_from = 0;       ///< inclusive; 0 none
  int64_t window_to = 0;         ///< exclusive; 0 none
  uint64_t max_state_bytes = 0;  ///< of one keyed operator; 0: its own default
};

/// One evaluation: fill rows `rows` (others are never looked at) of a column of `num_rows`.
struct KernelCall {
  std::span<const data::Column> args;
  data::Rows rows;
  uint32_t num_rows = 0;
  data::Type type;              ///< result type as bound
  const void* state = nullptr;  ///< what prepare() made
  const RunContext* run = nullptr;
};

using Kernel = data::Column (*)(const KernelCall&);
/// Called once per call site with its literal arguments (nullptr for the others): compiles regexes,
/// builds tables. Error text (kInvalid) is shown as a diagnostic of the rule.
using Prepare = Result<std::shared_ptr<const void>> (*)(
    std::span<const data::Value* const> constants, std::span<const data::Type> types);

struct FunctionDef {
  std::string name;  ///< "kql.has"
  int min_args = 0;
  int max_args = 0;  ///< -1: any number
  Typing (*typing)(const TypeRequest&) = nullptr;
  Kernel kernel = nullptr;  ///< null for the special forms (and, or, not, if, case, coalesce)
  Prepare prepare = nullptr;
  std::string symbol;         ///< infix or postfix-list form in print: "==", "in~"; "" = call form
  bool deterministic = true;  ///< false: now(), rand(): never folded at bind
  bool any_of = false;        ///< f(x, a, b) means f(x, a) or f(x, b): details split it
  /// From this argument on, prepare() keeps what literals say: the kernel finds null columns in
  /// their place, or, behind the last other argument, nothing. -1: it is given them.
  int literals_from = -1;
  std::string doc;  ///< one line
};

/// Per-group state of one aggregate call; holds all groups of it. One thread.
class Aggregator {
 public:
  virtual ~Aggregator() = default;
  /// Makes room for groups up to `num_groups`.
  virtual void resize(uint32_t num_groups) = 0;
  /// Row rows[i] belongs to group groups[i]. `time` is the event time column (may be all null).
  virtual void update(std::span<const data::Column> args,
                      const data::Column& time,
                      data::Rows rows,
                      const uint32_t* groups) = 0;
  virtual void finish(uint32_t group, data::ColumnBuilder& out) = 0;

  /// Memory of what grows with the rows (lists, sets), of all groups. Aggregates of a few words per
  /// group have none.
  virtual uint64_t memory_bytes() const { return 0; }

  /// Gives another column of the rows that this one chooses (AggregateDef::chosen_by): to be
  /// updated after this one with the same rows, and not to outlive it.
  virtual std::unique_ptr<Aggregator> companion() { return nullptr; }
};

struct AggregateDef {
  std::string name;  ///< "kql.dcount", "spl.values"
  int min_args = 0;
  int max_args = 0;
  Typing (*typing)(const TypeRequest&) = nullptr;
  /// `constants` as for Prepare.
  std::unique_ptr<Aggregator> (*make)(std::span<const data::Value* const> constants,
                                      std::span<const data::Type> types,
                                      data::Type result) = nullptr;
  std::string doc;
  /// Of an aggregate that chooses one row of each group: by how many first arguments. Calls that
  /// are equal in them choose the same rows. -1: it chooses none.
  int chosen_by = -1;
};

/// All functions of all languages, by name. Filled once at start; then read-only.
class FunctionCatalog {
 public:
  void add(FunctionDef f);
  void add(AggregateDef f);
  const FunctionDef* function(std::string_view name) const;
  const AggregateDef* aggregate(std::string_view name) const;
  /// Names that start with `prefix` ("kql."), for did-you-mean and documentation.
  std::vector<std::string_view> function_names(std::string_view prefix) const;
  std::vector<std::string_view> aggregate_names(std::string_view prefix) const;

 private:
  std::map<std::string, FunctionDef, std::less<>> functions_;
  std::map<std::string, AggregateDef, std::less<>> aggregates_;
};

}  // namespace postern::plan
