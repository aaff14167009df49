#include "engine/file_worker.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace postern::engine {

using data::Batch;
using data::Column;
using data::Rows;

namespace {

constexpr size_t kFlushWeight = 4096;
constexpr uint64_t kFlushBytes = uint64_t{8} << 20;

class RowCopy final : public data::FieldVisitor {
 public:
  explicit RowCopy(Finding& f) : finding_(f) {}

  void field(std::string_view name, const data::Value& value) override {
    if (data::is_pseudo_column(name)) return;
    finding_.row.emplace_back(std::string(name), value);
  }

 private:
  Finding& finding_;
};

}  // namespace

void FileWorker::skipped(std::string_view table, uint64_t num_events) {
  outbox_.events[std::string(table)][0] += num_events;
  outbox_.num_events += num_events;
}

bool FileWorker::push(Batch&& batch) {
  outbox_.num_events += batch.num_rows;
  auto& counts = outbox_.events[std::string(batch.table)];
  const TableProgram* table = programs_.table(batch.table);
  if (!table) {
    counts[0] += batch.num_rows;
    return !cancelled_;
  }
  std::vector<Column> columns = batch.columns;
  columns.push_back(batch.time);
  row_refs_.assign(batch.num_rows, 0);
  is_taken_.assign(batch.num_rows, false);
  shared_rows_.clear();

  std::vector<uint32_t> rows;
  const auto time = batch.time.view<int64_t>();
  for (uint32_t r = 0; r < batch.num_rows; ++r) {
    if ((options_.from || options_.to) && time.valid(r)) {
      if (options_.from && time[r] < *options_.from) continue;
      if (options_.to && time[r] >= *options_.to) continue;
    }
    rows.push_back(r);
  }
  // Rows by event id once per batch; each rule then looks only at the kinds of event it asks for.
  RowsById by_id;
  if (table->event_id_slot >= 0) {
    const Column& ids = batch.columns[static_cast<size_t>(table->event_id_slot)];
    const auto v = ids.view<int64_t>();
    for (const uint32_t r : rows)
      by_id[ids.type() != data::Type::kNull && v.valid(r) ? v[r] : 0].push_back(r);
  } else {
    by_id[0] = std::move(rows);
  }
  for (const auto& [id, of_id] : by_id)
    counts[id] += of_id.size();
  if (options_.share_filters) {
    table->derived.add_to(columns, by_id, batch.num_rows);
    filter_together(*table, batch, columns, by_id);
  } else {
    filter_one_by_one(*table, batch, columns, by_id);
  }
  if (outbox_.weight() > kFlushWeight || outbox_.bytes > kFlushBytes) flush_(outbox_);
  return !cancelled_;
}

FileWorker::~FileWorker() {
  for (auto& [table, filter] : filters_)
    table->filter_states->give_back(std::move(filter));
}

void FileWorker::filter_together(const TableProgram& table,
                                 const Batch& batch,
                                 std::span<const Column> columns,
                                 const RowsById& rows) {
  std::unique_ptr<RowFilter>& filter = filters_[&table];
  if (!filter) filter = table.filter_states->take(table, options_.profile);
  filter->run(columns, rows, batch.num_rows);
  for (const uint32_t b : filter->passed())
    take(table.branches[b], filter->rows(b));
  number_rows(batch);
  for (const uint32_t b : filter->passed())
    deliver(table.branches[b], batch, columns, filter->rows(b));
}

void FileWorker::filter_one_by_one(const TableProgram& table,
                                   const Batch& batch,
                                   std::span<const Column> columns,
                                   const RowsById& rows) {
  const plan::RunContext none;
  std::vector<std::vector<uint32_t>> passed_by_branch;
  for (const BranchProgram& p : table.branches) {
    std::vector<uint32_t> todo;
    for (const auto& [id, of_id] : rows)
      if (p.wants(id)) todo.insert(todo.end(), of_id.begin(), of_id.end());
    std::sort(todo.begin(), todo.end());
    std::vector<uint32_t>& passed = passed_by_branch.emplace_back();
    if (p.plain && !todo.empty())
      p.plain->get().select(columns, todo, batch.num_rows, none, passed);
    else
      passed = std::move(todo);
    take(p, passed);
  }
  number_rows(batch);
  for (size_t b = 0; b < table.branches.size(); ++b)
    deliver(table.branches[b], batch, columns, passed_by_branch[b]);
}

void FileWorker::take(const BranchProgram& p, Rows rows) {
  if (reports_event(*p.rule)) return;
  for (const uint32_t row : rows)
    is_taken_[row] = true;
}

// In their order, not in that of the rules that take them: then the evidence of a group does not
// depend on where batches end.
void FileWorker::number_rows(const Batch& batch) {
  for (uint32_t row = 0; row < batch.num_rows; ++row)
    if (is_taken_[row]) ref(batch, row);
}

void FileWorker::deliver(const BranchProgram& p,
                         const Batch& batch,
                         std::span<const Column> columns,
                         Rows rows) {
  const bool event = reports_event(*p.rule);
  for (size_t at = 0; at < rows.size(); at += options_.batch_rows) {
    const Rows part = rows.subspan(at, std::min<size_t>(options_.batch_rows, rows.size() - at));
    if (event)
      emit_events(p, batch, columns, part);
    else
      keep_rows(p, batch, columns, part);
  }
}

uint32_t FileWorker::ref(const Batch& batch, uint32_t row) {
  if (row_refs_[row] == 0) {
    const data::Position at =
        row < batch.positions.size() ? batch.positions[row] : data::Position{};
    // Neighbours come from the same place.
    if (outbox_.sources.empty() || outbox_.sources.back().path != path_ ||
        outbox_.sources.back().table != batch.table)
      outbox_.sources.push_back({std::string(batch.table), path_});
    outbox_.refs.push_back(
        {at.offset, at.record, static_cast<uint32_t>(outbox_.sources.size() - 1)});
    row_refs_[row] = static_cast<uint32_t>(outbox_.refs.size());
  }
  return row_refs_[row] - 1;
}

void FileWorker::emit_events(const BranchProgram& p,
                             const Batch& batch,
                             std::span<const Column> columns,
                             Rows rows) {
  if (!is_wanted(options_, *p.rule)) return;
  const auto time = batch.time.view<int64_t>();
  for (const uint32_t row : rows) {
    Finding f;
    f.rule = &p.rule->rule.info;
    f.degraded = p.rule->report.degraded;
    if (time.valid(row)) f.time = time[row];
    RowCopy copy(f);
    if (batch.records)
      batch.records->read(row, copy);
    else
      for (size_t i = 0; i < batch.columns.size(); ++i)
        if (batch.columns[i].type() != data::Type::kNull && batch.columns[i].valid(row))
          copy.field(batch.layout->fields()[i].name, batch.columns[i].value(row));
    name_entities(f);
    f.why = p.why->of(columns, row, batch.num_rows);
    const data::Position at =
        row < batch.positions.size() ? batch.positions[row] : data::Position{};
    f.evidence.push_back({std::string(batch.table), path_, at.offset, at.record});
    findings_.add(f);
  }
}

FileWorker::SharedRows& FileWorker::shared_rows(const Batch& batch, Rows rows) {
  size_t hash = rows.size();
  for (const uint32_t row : rows)
    hash = hash * 1'000'003 + row;
  std::vector<SharedRows>& alike = shared_rows_[hash];
  for (SharedRows& s : alike)
    if (std::equal(s.rows.begin(), s.rows.end(), rows.begin(), rows.end())) return s;
  SharedRows& s = alike.emplace_back();
  s.rows.assign(rows.begin(), rows.end());
  s.times.reserve(rows.size());
  const auto time = batch.time.view<int64_t>();
  for (const uint32_t row : rows) {
    s.times.push_back(time.valid(row) ? time[row] : 0);
    const uint32_t id = ref(batch, row);
    s.refs.add_row(&id, 1);
  }
  return s;
}

const HostsOfRows& FileWorker::hosts_of(SharedRows& shared, const Column& host) {
  if (shared.hosts) return shared.hosts;
  auto hosts = std::make_shared<std::vector<std::string>>();
  hosts->reserve(shared.rows.size());
  for (const uint32_t row : shared.rows)
    hosts->push_back(
        fold(host.type() == data::Type::kNull || !host.valid(row) ? "" : host.value(row).text()));
  return shared.hosts = std::move(hosts);
}

void FileWorker::keep_rows(const BranchProgram& p,
                           const Batch& batch,
                           std::span<const Column> columns,
                           Rows rows) {
  PassedRows out;
  out.rule_index = p.rule_index;
  out.scan = p.scan;
  out.chunk.num_rows = static_cast<uint32_t>(rows.size());
  const plan::Schema& schema = p.rule->compiled->scans()[p.scan]->schema;
  const plan::RunContext none;
  out.chunk.columns.reserve(p.columns->size());
  SharedRows& shared = shared_rows(batch, rows);
  for (size_t i = 0; i < p.columns->size(); ++i) {
    const exec::CompiledExpr* program = (*p.columns)[i].get();
    if (!program) {
      out.chunk.columns.push_back(Column::nulls(schema[i].type, out.chunk.num_rows));
      continue;
    }
    const auto [it, is_new] = shared.columns.try_emplace(program);
    if (is_new) {
      const Column c = program->evaluate(columns, rows, batch.num_rows, none);
      if (c.type() != data::Type::kNull) it->second = c.gather(rows).compact();
      outbox_.bytes += it->second.memory_bytes();
    }
    out.chunk.columns.push_back(it->second.type() == data::Type::kNull
                                    ? Column::nulls(schema[i].type, out.chunk.num_rows)
                                    : it->second);
  }
  out.chunk.times = shared.times;
  out.chunk.refs = shared.refs;
  if (p.host_slot >= 0) {
    out.own = p.branch->own;
    // A table has one column that names its machines.
    out.hosts = hosts_of(shared, batch.columns[static_cast<size_t>(p.host_slot)]);
  }
  outbox_.bytes += out.chunk.columns.size() * sizeof(Column) + rows.size() * 32;
  outbox_.rows.push_back(std::move(out));
}

void FileWorker::content_hit(const LoadedRule& rule,
                             const match::ContentOrigin& origin,
                             const match::ContentHit& hit) {
  if (!is_wanted(options_, rule)) return;
  Finding f;
  f.rule = &rule.rule.info;
  f.time = origin.time;
  f.row.emplace_back("View", data::Value::string(origin.view));
  if (!origin.name.empty()) f.row.emplace_back("Name", data::Value::string(origin.name));
  for (const auto& [name, value] : origin.fields) {
    const bool port = name == "SrcPort" || name == "DstPort";
    f.row.emplace_back(name, port
                                 ? data::Value::integer(std::atoll(value.c_str()), data::Type::kInt)
                                 : data::Value::string(value));
  }
  std::set<std::string> told;
  for (const match::StringMatch& s : hit.strings)
    if (told.insert(s.identifier).second)
      f.why.push_back({s.identifier, "matches", data::Value::string(s.data)});
  name_entities(f);
  f.evidence.push_back({"content." + origin.view, origin.path.empty() ? path_ : origin.path,
                        origin.offset, origin.record});
  findings_.add(f);
}

}  // namespace postern::engine
