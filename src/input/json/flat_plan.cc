#include "input/json/flat_plan.h"

#include <set>
#include <string_view>
#include <utility>

#include "input/json/windows_flat.h"

namespace postern::input::json {
namespace {

/// Whether the keys of a flat document are these.
bool same_keys(const Document& document, const std::vector<uint16_t>& ids) {
  if (document.size() != ids.size() + 1) return false;
  const Item* const members = &document[1];
  for (size_t i = 0; i < ids.size(); ++i)
    if (members[i].id != ids[i]) return false;
  return true;
}

/// The name of a data field in events of one spelling.
std::string_view spelled(std::string_view key, bool filtering) {
  return filtering && key == "ProcessId" ? std::string_view("ProcessID") : key;
}

FlatPlan::Columns make_columns(const Document& document,
                               const std::vector<uint32_t>& fields,
                               WindowsTable table,
                               bool filtering,
                               Output& out) {
  FlatPlan::Columns columns;
  const data::BatchBuilder* builder = out.windows_builder(table);
  const NameTable* names = out.windows_names(table);
  if (!builder || !names) return columns;
  const data::Layout& layout = builder->layout();
  std::set<std::string_view> seen;
  for (const uint32_t i : fields) {
    const std::string_view name = spelled(document[i].key, filtering);
    // Equal names make a list, and so does Data, which has none.
    if (name.empty() || !seen.insert(name).second) return columns;
    FlatPlan::Step step;
    step.item = i;
    step.slot = names->find(name);
    if (step.slot < 0) {
      std::string scratch;
      step.column = data_column(name, scratch);
      step.slot = layout.slot(step.column);
      if (step.slot < 0) continue;
    }
    step.is_text = layout.fields()[static_cast<size_t>(step.slot)].type == data::Type::kString;
    columns.steps.push_back(std::move(step));
  }
  columns.in_columns = true;
  columns.has_process_id = seen.count("ProcessId") > 0;
  columns.has_upper_process_id = seen.count("ProcessID") > 0;
  columns.message_slot = layout.slot(system_column(SystemField::kMessage));
  return columns;
}

void put_columns(const Document& document,
                 const FlatPlan::Columns& columns,
                 const FlatHeader& header,
                 data::BatchBuilder& row,
                 std::string& scratch) {
  if (header.message().data() && columns.message_slot >= 0) {
    const std::string_view text = unescaped(header.message(), scratch);
    row.text(columns.message_slot, text, text.data() == header.message().data());
  }
  for (const FlatPlan::Step& step : columns.steps) {
    const std::string_view raw = document[step.item].text;
    if (step.is_text && step.column.empty()) {
      row.borrowed_text(step.slot, unescaped(raw, document.text(), row.arena()));
      continue;
    }
    const std::string_view text = unescaped(raw, scratch);
    const bool borrowed = text.data() == raw.data();
    if (step.column.empty())
      row.text(step.slot, text, borrowed);
    else
      row.field(step.column, text, borrowed);
  }
  if (!header.may_lose_process()) return;
  const std::string_view lost = header.lost_column();
  if (lost == "ProcessId" ? columns.has_process_id : columns.has_upper_process_id) return;
  const std::string_view id = header.lost_id();
  if (!id.empty()) row.field(lost, id, true);
}

}  // namespace

const FlatPlan::Columns& FlatPlan::columns(const Document& document,
                                           WindowsTable table,
                                           bool filtering,
                                           Output& out) {
  auto& made = by_table[static_cast<size_t>(table) * kNumSpellings + (filtering ? 1 : 0)];
  if (!made) made = make_columns(document, fields, table, filtering, out);
  return *made;
}

FlatPlan* FlatPlans::find(const Document& document) const {
  const auto it = plans_.find(document.shape());
  return it != plans_.end() && same_keys(document, it->second->ids) ? it->second.get() : nullptr;
}

void FlatPlans::learn(const Document& document, bool nxlog) {
  // Of two shapes with one hash the first has the plan.
  if (plans_.size() >= kMaxPlans || plans_.count(document.shape()) > 0) return;
  auto plan = std::make_unique<FlatPlan>();
  uint32_t writer = 0;
  bool has_process = false;
  for (uint32_t i = 1; i < document.size(); ++i) {
    const Item& member = document[i];
    plan->ids.push_back(member.id);
    const int role = FlatHeader::role_of(nxlog, member.key, member.hash);
    if (role < 0) {
      plan->fields.push_back(i);
    } else if (!FlatHeader::is_ignored(role)) {
      plan->header.push_back({role, i});
      if (FlatHeader::is_writer(role)) writer = i;
      has_process = has_process || FlatHeader::is_execution_process(role);
    }
  }
  // As FlatHeader::writer_field() of each of them.
  if (writer > 0 && has_process) plan->fields.push_back(writer);
  plans_.emplace(document.shape(), std::move(plan));
}

bool put_planned(const Document& document, DialectState& state, Output& out) {
  if (!document.is_flat()) return false;
  FlatPlan* plan = state.flat_plans.find(document);
  if (!plan) return false;
  state.planned.set_known(document, true);
  WindowsReader reader(state.planned, state, out);
  FlatHeader header(reader);
  for (const FlatPlan::HeaderStep& step : plan->header)
    header.member(step.role, step.item, document[step.item]);
  header.finish(out);
  if (!reader.start(true)) return true;
  const WindowsTable table = reader.table();
  const FlatPlan::Columns& columns = plan->columns(document, table, header.is_filtering(), out);
  if (reader.reads_values() || !columns.in_columns) {
    put_flat_fields(reader, header, plan->fields);
    return true;
  }
  data::BatchBuilder& row = out.begin_windows_row(table, reader.event(), reader.borrowed());
  put_columns(document, columns, header, row, state.scratch.text);
  out.end_windows_row(table, reader.event());
  return true;
}

}  // namespace postern::input::json
