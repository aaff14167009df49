// Runs bound plans: a compiled plan, and the operators of one run of it.
//
// CompiledPlan is immutable and shared; a Run holds the state of one execution (for a scheduled
// query: of one window). The engine pushes chunks of each scan's schema, in evidence order, then
// finishes; result rows come out at the sink. Operators: src/exec/operators/*.cc. Tests:
// tests/unit/exec/run_test.cc, tests/cases.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/chunk.h"
#include "exec/evaluate.h"
#include "exec/memory.h"
#include "plan/op.h"

namespace postern::exec {

/// What a run noticed beside its rows.
struct RunNotes {
  /// Rows dropped because a group-by column was null (SPL `stats … by`): column -> rows.
  std::map<std::string, uint64_t> null_key_rows;
  uint64_t rows_dropped = 0;
  /// What windows could not honour, by anomaly: "correlation-late-event" -> number.
  std::map<std::string, uint64_t> anomalies;
};

class CompiledPlan {
 public:
  virtual ~CompiledPlan() = default;
  /// Error: an expression that a function refuses. `check`: of many plans.
  static Result<std::shared_ptr<const CompiledPlan>> make(plan::OpPtr bound, CompileCheck& check);
  static Result<std::shared_ptr<const CompiledPlan>> make(plan::OpPtr bound);

  virtual const plan::Schema& schema() const = 0;
  virtual const std::vector<const plan::Op*>& scans() const = 0;
  /// True when the plan may give rows although no evidence does.
  virtual bool gives_rows_of_none() const = 0;
};

class Run {
 public:
  virtual ~Run() = default;
  static std::unique_ptr<Run> start(std::shared_ptr<const CompiledPlan> plan,
                                    const plan::RunContext& context,
                                    ChunkSink& sink,
                                    MemoryBudget* budget = nullptr);

  /// Rows of scan `scan` (index into CompiledPlan::scans()), columns as its schema.
  virtual void push(size_t scan, Chunk&& chunk) = 0;
  /// No row before `watermark` (event time in ticks) comes any more, for any scan: windows before
  /// it are decided. A run that is never told (a hunt) decides them all when it finishes.
  virtual void advance(int64_t watermark) = 0;
  /// No more input: blocking operators give their rows.
  virtual void finish() = 0;
  virtual const RunNotes& notes() const = 0;
  /// Memory that the operators keep now.
  virtual uint64_t memory_bytes() const = 0;
};

/// Collects result rows as columns, which take a tenth of what their values would.
class ChunkCollector final : public ChunkSink {
 public:
  /// `budget` null: rows are taken as soon as they are there, and stay as they came.
  explicit ChunkCollector(MemoryBudget* budget = nullptr) : memory(budget) {}

  /// Rows beyond the budget are dropped, and all that were there: a part of an answer is none.
  void push(Chunk&& chunk, int port) override;

  void finish(int) override {}

  /// Of those that were not taken.
  uint64_t num_rows() const { return num_rows_; }

  /// All rows in order; the collector is empty afterwards. What they take stays charged.
  std::vector<Chunk> take();

  MemoryAccount memory;
  bool over_budget = false;

 private:
  /// A column of the small chunks that came one behind the other: each of its own would take more
  /// than its rows. Nothing is built of columns that are null throughout.
  struct Joined {
    data::Type type;
    std::optional<data::ColumnBuilder> cells;
  };

  bool fits(const Chunk& c) const;
  void join(const Chunk& c);
  void end_joined();

  std::vector<Chunk> chunks_;
  std::vector<Joined> joined_;
  Chunk rows_of_joined_;  // times and refs
  uint64_t num_rows_ = 0;
};

/// Collects rows as values: for tests, and small results.
class RowCollector final : public ChunkSink {
 public:
  void push(Chunk&& chunk, int port) override;

  void finish(int) override {}

  std::vector<std::vector<data::Value>> rows;
  std::vector<int64_t> times;
  std::vector<std::vector<uint32_t>> refs;
};

/// Runs a plan that reads no evidence (datatable, print) to its end.
Result<std::vector<std::vector<data::Value>>> run_values(const plan::OpPtr& bound,
                                                         const plan::RunContext& context);

}  // namespace postern::exec
