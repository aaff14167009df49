#include "input/json/flat_plan.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "input/json/windows_flat.h"

namespace postern::input::json {
namespace {

/// The name of a data field in events of one spelling.
std::string_view spelled(std::string_view key, bool filtering) {
  return filtering && key == "ProcessId" ? std::string_view("ProcessID") : key;
}

FlatPlan::Columns make_columns(const FlatPlan& plan,
                               WindowsTable table,
                               bool filtering,
                               Output& out) {
  using Way = FlatPlan::Step::Way;
  FlatPlan::Columns columns;
  const data::BatchBuilder* builder = out.windows_builder(table);
  const NameTable* names = out.windows_names(table);
  if (!builder || !names) return columns;
  const data::Layout& layout = builder->layout();
  std::set<std::string_view> seen;
  for (const uint32_t item : plan.fields) {
    const std::string_view name = spelled(plan.keys[item - 1], filtering);
    // Equal names make a list, and so does Data, which has none.
    if (name.empty() || !seen.insert(name).second) return columns;
    FlatPlan::Step step;
    step.member = static_cast<uint16_t>(item - 1);
    step.slot = names->find(name);
    if (step.slot < 0) {
      std::string scratch;
      const std::string_view column = data_column(name, scratch);
      step.slot = layout.slot(column);
      if (step.slot < 0) continue;
      step.way = Way::kField;
      step.name = static_cast<uint16_t>(columns.names.size());
      columns.names.emplace_back(column);
    } else if (layout.fields()[static_cast<size_t>(step.slot)].type != data::Type::kString) {
      step.way = Way::kValue;
    }
    columns.steps.push_back(step);
  }
  columns.in_columns = true;
  columns.has_process_id = seen.count("ProcessId") > 0;
  columns.has_upper_process_id = seen.count("ProcessID") > 0;
  columns.message_slot = layout.slot(system_column(SystemField::kMessage));
  return columns;
}

void put_columns(const FlatRecord& record,
                 const FlatPlan::Columns& columns,
                 const FlatHeader& header,
                 data::BatchBuilder& row,
                 std::string& scratch) {
  if (header.message().data() && columns.message_slot >= 0) {
    const std::string_view text = unescaped(header.message(), scratch);
    row.text(columns.message_slot, text, text.data() == header.message().data());
  }
  Arena& arena = row.arena();
  for (const FlatPlan::Step& step : columns.steps) {
    const std::string_view raw = record.values[step.member];
    if (step.way == FlatPlan::Step::Way::kText) {
      row.borrowed_text(step.slot, unescaped(raw, record.input, arena));
      continue;
    }
    const std::string_view text = unescaped(raw, scratch);
    const bool borrowed = text.data() == raw.data();
    if (step.way == FlatPlan::Step::Way::kValue)
      row.text(step.slot, text, borrowed);
    else
      row.field(columns.names[step.name], text, borrowed);
  }
  if (!header.may_lose_process()) return;
  const std::string_view lost = header.lost_column();
  if (lost == "ProcessId" ? columns.has_process_id : columns.has_upper_process_id) return;
  const std::string_view id = header.lost_id();
  if (!id.empty()) row.field(lost, id, true);
}

}  // namespace

const FlatPlan::Columns& FlatPlan::columns(WindowsTable table, bool filtering, Output& out) {
  auto& made = by_table[static_cast<size_t>(table) * kNumSpellings + (filtering ? 1 : 0)];
  if (!made) made = make_columns(*this, table, filtering, out);
  return *made;
}

void FlatPlans::learn(const Document& document, bool nxlog) {
  const uint32_t shape = shapes_.add(document);
  if (shape == FlatShapes::kNoShape) return;
  auto plan = std::make_unique<FlatPlan>();
  uint32_t writer = 0;
  bool has_process = false;
  for (uint32_t i = 1; i < document.size(); ++i) {
    const Item& member = document[i];
    plan->keys.emplace_back(member.key);
    const int role = FlatHeader::role_of(nxlog, member.key, member.hash);
    if (role < 0) {
      plan->fields.push_back(i);
    } else if (!FlatHeader::is_ignored(role)) {
      plan->header.push_back({role, i - 1});
      if (FlatHeader::is_writer(role)) writer = i;
      has_process = has_process || FlatHeader::is_execution_process(role);
    }
  }
  // As FlatHeader::writer_field() of each of them.
  if (writer > 0 && has_process) plan->fields.push_back(writer);
  by_shape_.resize(std::max<size_t>(by_shape_.size(), size_t{shape} + 1));
  by_shape_[shape] = std::move(plan);
}

void put_planned(const FlatRecord& record,
                 FlatPlan& plan,
                 const ReadItems& read_items,
                 DialectState& state,
                 Output& out) {
  state.planned.set_text(record.text, true);
  WindowsReader reader(state.planned, state, out);
  FlatHeader header(reader);
  Item item;
  item.kind = Kind::kString;
  for (const FlatPlan::HeaderStep& step : plan.header) {
    item.text = record.values[step.member];
    header.member(step.role, step.member + 1, item);
  }
  header.finish(out);
  if (!reader.start(true)) return;
  const WindowsTable table = reader.table();
  const FlatPlan::Columns& columns = plan.columns(table, header.is_filtering(), out);
  if (reader.reads_values() || !columns.in_columns) {
    state.planned.set_known(read_items(), true);
    return put_flat_fields(reader, header, plan.fields);
  }
  data::BatchBuilder& row = out.begin_windows_row(table, reader.event(), reader.borrowed());
  put_columns(record, columns, header, row, state.scratch.text);
  out.end_windows_row(table, reader.event());
}

}  // namespace postern::input::json
