// Runs all rules over the batches of one file or slice; rows of queries go to an Outbox in evidence
// order, findings of event rules where findings are sorted.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "engine/finding_store.h"
#include "engine/hunt.h"
#include "engine/query_run.h"
#include "engine/scan_program.h"
#include "exec/chunk.h"
#include "match/content_scanner.h"

namespace postern::engine {

/// Rows for a query rule's scan; evidence ids count within the outbox.
struct PassedRows {
  size_t rule_index = 0;
  size_t scan = 0;
  exec::Chunk chunk;
  /// Not null: the machine of each row; rows of a foreign table wait for what the own one tells.
  HostsOfRows hosts;
  bool own = false;
};

/// What one file, or a slice of one, gave, until it is its turn to be committed.
struct Outbox {
  std::vector<PassedRows> rows;
  std::vector<RowSource> sources;
  std::vector<RowOrigin> refs;
  /// Events by table and event id (0 where the table has none).
  std::map<std::string, std::map<int64_t, uint64_t>, std::less<>> events;
  uint64_t num_events = 0;
  uint64_t bytes = 0;  ///< memory of rows, about

  size_t weight() const { return rows.size() * 64 + refs.size() / 8; }
};

class FileWorker final : public data::BatchSink {
 public:
  /// Called when the outbox has grown; it may empty it.
  using Flush = std::function<void(Outbox&)>;

  FileWorker(const ScanPrograms& programs,
             const HuntOptions& options,
             const std::atomic<bool>& cancelled,
             FindingWriter& findings,
             Flush flush)
      : programs_(programs),
        options_(options),
        cancelled_(cancelled),
        findings_(findings),
        flush_(std::move(flush)) {}

  ~FileWorker() override;

  void set_path(const std::string& path) { path_ = path; }

  bool push(data::Batch&& batch) override;
  void skipped(std::string_view table, uint64_t num_events) override;
  /// A hit of a content rule.
  void content_hit(const LoadedRule& rule,
                   const match::ContentOrigin& origin,
                   const match::ContentHit& hit);

  Outbox& outbox() { return outbox_; }

 private:
  /// Each branch's filter on its own: the oracle of the shared one.
  void filter_one_by_one(const TableProgram& table,
                         const data::Batch& batch,
                         std::span<const data::Column> columns,
                         const RowsById& rows);
  void filter_together(const TableProgram& table,
                       const data::Batch& batch,
                       std::span<const data::Column> columns,
                       const RowsById& rows);
  void deliver(const BranchProgram& p,
               const data::Batch& batch,
               std::span<const data::Column> columns,
               data::Rows rows);
  void emit_events(const BranchProgram& p,
                   const data::Batch& batch,
                   std::span<const data::Column> columns,
                   data::Rows rows);
  void keep_rows(const BranchProgram& p,
                 const data::Batch& batch,
                 std::span<const data::Column> columns,
                 data::Rows rows);
  struct SharedRows;
  SharedRows& shared_rows(const data::Batch& batch, data::Rows rows);
  const HostsOfRows& hosts_of(SharedRows& shared, const data::Column& host);
  /// A query takes these rows of the current batch.
  void take(const BranchProgram& p, data::Rows rows);
  void number_rows(const data::Batch& batch);
  uint32_t ref(const data::Batch& batch, uint32_t row);

  const ScanPrograms& programs_;
  const HuntOptions& options_;
  const std::atomic<bool>& cancelled_;
  FindingWriter& findings_;
  Flush flush_;
  std::string path_;
  Outbox outbox_;
  std::map<const TableProgram*, std::unique_ptr<RowFilter>> filters_;
  std::vector<uint32_t> row_refs_;  // of the current batch: ref + 1, or 0
  std::vector<bool> is_taken_;      // of the current batch, by row: a query takes it

  /// Rows of the current batch, and what rules that let just these through keep of them: columns by
  /// what computes them.
  struct SharedRows {
    std::vector<uint32_t> rows;
    std::unordered_map<const exec::CompiledExpr*, data::Column> columns;
    std::vector<int64_t> times;
    exec::RowRefs refs;
    HostsOfRows hosts;
  };

  std::unordered_map<size_t, std::vector<SharedRows>> shared_rows_;  // by hash of the rows
};

}  // namespace postern::engine
