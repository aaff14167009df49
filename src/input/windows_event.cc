// The mapping itself. EVTX takes a faster way to the same columns (evtx/program.cc: bind), with
// system_column() and data_column() as common ground; tests hold both against each other.
#include "input/windows_event.h"

#include <algorithm>
#include <bitset>
#include <functional>
#include <numeric>

#include "base/text.h"
#include "data/dynamic.h"
#include "input/name_hash.h"

namespace postern::input {
namespace {

constexpr std::string_view kTableNames[kNumWindowsTables] = {
    "windows.sysmon", "windows.security", "windows.powershell", "windows.event", "linux.sysmon"};

constexpr std::string_view kSystemColumns[kNumSystemFields] = {"Provider_Name",
                                                               "Provider_Guid",
                                                               "Provider_EventSourceName",
                                                               "EventID",
                                                               "EventID_Qualifiers",
                                                               "Version",
                                                               "Level",
                                                               "Task",
                                                               "Opcode",
                                                               "Keywords",
                                                               "TimeCreated",
                                                               "EventRecordID",
                                                               "Correlation_ActivityID",
                                                               "Correlation_RelatedActivityID",
                                                               "Execution_ProcessID",
                                                               "Execution_ThreadID",
                                                               "Channel",
                                                               "Computer",
                                                               "Security_UserID",
                                                               "Message"};

constexpr std::string_view kUserIdAlias = "UserID";

bool is_number_field(SystemField f) {
  switch (f) {
    case SystemField::kEventId:
    case SystemField::kEventIdQualifiers:
    case SystemField::kVersion:
    case SystemField::kLevel:
    case SystemField::kTask:
    case SystemField::kOpcode:
    case SystemField::kEventRecordId:
    case SystemField::kExecutionProcessId:
    case SystemField::kExecutionThreadId:
      return true;
    default:
      return false;
  }
}

/// System columns decide where an event belongs; a data field must not be able to change that.
/// Message gives way to a data field of that name: it is the same text, rendered.
bool is_reserved(std::string_view name) {
  for (const std::string_view column : kSystemColumns)
    if (column == name) return name != "Message";
  return false;
}

bool is_within(std::string_view text, std::string_view whole) {
  return std::greater_equal<>{}(text.data(), whole.data()) &&
         std::less_equal<>{}(text.data() + text.size(), whole.data() + whole.size());
}

/// Whether two fields have the same name, if each gives a number that fields of the same name
/// share.
template <class Number>
bool repeats_a_name(const std::vector<WindowsEvent::Field>& data, const Number& number_of) {
  constexpr size_t kBits = 1024;
  std::bitset<kBits> seen;
  for (size_t i = 0; i < data.size(); ++i) {
    const WindowsEvent::Field& f = data[i];
    const size_t bit = number_of(f) % kBits;
    if (!seen[bit]) {
      seen[bit] = true;
      continue;
    }
    for (size_t j = 0; j < i; ++j)
      if (data[j].name == f.name) return true;
  }
  return false;
}

/// Nearly every event is without repeats, and then needs no grouping.
bool repeats_a_name(const std::vector<WindowsEvent::Field>& data) {
  // Where every name has a slot of its own, they are told apart by that.
  if (std::all_of(data.begin(), data.end(),
                  [](const WindowsEvent::Field& f) { return f.slot >= 0; }))
    return repeats_a_name(data,
                          [](const WindowsEvent::Field& f) { return static_cast<size_t>(f.slot); });
  return repeats_a_name(data,
                        [](const WindowsEvent::Field& f) { return size_t{name_hash(f.name)}; });
}

/// Numbers of the data fields, grouped by name, groups and members in order of the source.
std::vector<std::vector<uint32_t>> groups_by_name(const std::vector<WindowsEvent::Field>& data) {
  std::vector<uint32_t> order(data.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return data[a].name < data[b].name; });
  std::vector<std::vector<uint32_t>> groups;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || data[order[i]].name != data[order[i - 1]].name) groups.emplace_back();
    groups.back().push_back(order[i]);
  }
  std::sort(groups.begin(), groups.end(),
            [](const auto& a, const auto& b) { return a.front() < b.front(); });
  return groups;
}

data::Value text_array(const std::vector<WindowsEvent::Field>& data,
                       const std::vector<uint32_t>& members) {
  data::DynamicWriter w;
  w.begin_array();
  for (const uint32_t i : members)
    w.string(data[i].value);
  w.end();
  return data::Value::dynamic(w.take());
}

/// Calls one(field) for each data field that is a plain value, many(name, array) for each list:
/// nameless Data always, other names when they repeat.
template <class One, class Many>
void for_each_field(const std::vector<WindowsEvent::Field>& data,
                    const One& one,
                    const Many& many) {
  if (!repeats_a_name(data)) {
    for (uint32_t i = 0; i < data.size(); ++i) {
      if (data[i].name.empty())
        many(data[i].name, text_array(data, {i}));
      else
        one(data[i]);
    }
    return;
  }
  for (const auto& members : groups_by_name(data)) {
    const WindowsEvent::Field& first = data[members.front()];
    if (members.size() == 1 && !first.name.empty())
      one(first);
    else
      many(first.name, text_array(data, members));
  }
}

}  // namespace

std::string_view windows_table_name(WindowsTable table) {
  return kTableNames[static_cast<size_t>(table)];
}

WindowsTable windows_table(std::string_view provider, std::string_view channel) {
  if (provider == "Microsoft-Windows-Sysmon") return WindowsTable::kSysmon;
  if (provider == "Linux-Sysmon") return WindowsTable::kLinuxSysmon;
  if (equal_ignore_case(channel, "Security")) return WindowsTable::kSecurity;
  if (equal_ignore_case(channel, "Microsoft-Windows-PowerShell/Operational") ||
      equal_ignore_case(channel, "PowerShellCore/Operational") ||
      equal_ignore_case(channel, "Windows PowerShell"))
    return WindowsTable::kPowerShell;
  // Forwarders that drop the channel keep the provider.
  if (channel.empty()) {
    if (provider == "Microsoft-Windows-Security-Auditing") return WindowsTable::kSecurity;
    if (provider == "Microsoft-Windows-PowerShell" || provider == "PowerShellCore" ||
        provider == "PowerShell")
      return WindowsTable::kPowerShell;
  }
  return WindowsTable::kEvent;
}

std::string_view system_column(SystemField f) {
  return kSystemColumns[static_cast<size_t>(f)];
}

void WindowsEvent::clear() {
  system.fill({});
  data.clear();
  time.reset();
  raw = {};
  searched = true;
}

std::string_view data_column(std::string_view name, std::string& scratch) {
  if (name.empty()) return "Data";
  if (name.find(' ') != std::string_view::npos) {
    std::string without;
    for (const char c : name)
      if (c != ' ') without.push_back(c);
    scratch = std::move(without);
    name = scratch;
  }
  if (!is_reserved(name)) return name;
  scratch = "EventData_" + std::string(name);
  return scratch;
}

void visit(const WindowsEvent& event, data::FieldVisitor& out) {
  std::string scratch;
  const auto has_data = [&](std::string_view name) {
    return std::any_of(event.data.begin(), event.data.end(),
                       [&](const WindowsEvent::Field& f) { return f.name == name; });
  };
  for (size_t i = 0; i < kNumSystemFields; ++i) {
    const auto f = static_cast<SystemField>(i);
    const std::string_view text = event[f];
    if (!text.data() || (f == SystemField::kMessage && has_data("Message"))) continue;
    const auto number = is_number_field(f) ? parse_int(text) : std::nullopt;
    out.field(system_column(f), number ? data::Value::integer(*number, data::Type::kLong)
                                       : data::Value::string(std::string(text)));
  }
  for_each_field(
      event.data,
      [&](const WindowsEvent::Field& f) {
        out.field(data_column(f.name, scratch), data::Value::string(std::string(f.value)));
      },
      [&](std::string_view name, const data::Value& list) {
        out.field(data_column(name, scratch), list);
      });
}

WindowsEventWriter::WindowsEventWriter(DecodeContext& context, const std::string& path)
    : context_(context) {
  for (size_t i = 0; i < kNumWindowsTables; ++i) {
    const data::Layout* layout = context.layout(kTableNames[i]);
    if (!layout) continue;
    builders_[i] =
        std::make_unique<data::BatchBuilder>(*layout, context.sink, context.anomalies, path);
    for (size_t f = 0; f < kNumSystemFields; ++f)
      slots_[i].system[f] = layout->slot(kSystemColumns[f]);
    slots_[i].user_id = layout->slot(kUserIdAlias);
    constexpr auto kUserId = static_cast<size_t>(SystemField::kUserId);
    for (size_t f = 0; f < kNumSystemFields; ++f)
      if (slots_[i].system[f] >= 0) slots_[i].read.push_back({f, slots_[i].system[f]});
    if (slots_[i].user_id >= 0) slots_[i].read.push_back({kUserId, slots_[i].user_id});
  }
}

int WindowsEventWriter::slot_of(WindowsTable table, std::string_view name) const {
  const data::BatchBuilder* b = builder(table);
  std::string scratch;
  if (!b || name.empty() || data_column(name, scratch) != name) return WindowsEvent::kAnySlot;
  const int slot = b->layout().slot(name);
  if (slot < 0) return WindowsEvent::kAnySlot;
  const data::Type type = b->layout().fields()[static_cast<size_t>(slot)].type;
  return type == data::Type::kDynamic ? WindowsEvent::kAnySlot : slot;
}

bool WindowsEventWriter::wanted(WindowsTable table, const WindowsEvent& event) const {
  const data::BatchBuilder* b = builder(table);
  if (!b) return false;
  // An event whose kind cannot be told might be any.
  const auto id = parse_int(event[SystemField::kEventId]);
  return !id || b->layout().wants_event(*id);
}

data::BatchBuilder& WindowsEventWriter::begin_row(WindowsTable table,
                                                  const WindowsEvent& event,
                                                  data::Position position,
                                                  bool borrowed,
                                                  std::string_view lasting) {
  data::BatchBuilder& b = *builder(table);
  b.begin(position);
  if (!event.searched) b.leave_out_texts();
  if (event.time) b.set_time(*event.time);
  for (const Slots::Read& read : slots_[static_cast<size_t>(table)].read) {
    const std::string_view text = event.system[read.field];
    if (text.data()) b.text(read.slot, text, borrowed || is_within(text, lasting));
  }
  return b;
}

void WindowsEventWriter::put(WindowsTable table,
                             const WindowsEvent& event,
                             data::Position position,
                             bool borrowed,
                             std::string_view lasting) {
  data::BatchBuilder* b = builder(table);
  const auto lasts = [&](std::string_view text) { return borrowed || is_within(text, lasting); };
  const Slots& slots = slots_[static_cast<size_t>(table)];
  b->begin(position);
  if (!event.searched) b->leave_out_texts();
  const bool values = b->wants_values();
  if (event.time) b->set_time(*event.time);
  const auto has_data = [&](std::string_view name) {
    return std::any_of(event.data.begin(), event.data.end(),
                       [&](const WindowsEvent::Field& f) { return f.name == name; });
  };
  for (size_t i = 0; i < kNumSystemFields; ++i) {
    const std::string_view text = event.system[i];
    const auto f = static_cast<SystemField>(i);
    if (!text.data() || (f == SystemField::kMessage && has_data("Message"))) continue;
    if (values) b->feed_values(text);
    b->text(slots.system[i], text, lasts(text));
    // Not fed again: `_values` holds the id once.
    if (f == SystemField::kUserId && !has_data(kUserIdAlias))
      b->text(slots.user_id, text, lasts(text));
  }
  for_each_field(
      event.data,
      [&](const WindowsEvent::Field& f) {
        if (f.slot == WindowsEvent::kAnySlot)
          return b->field(data_column(f.name, scratch_), f.value, lasts(f.value));
        if (values) b->feed_values(f.value);
        b->text(f.slot, f.value, lasts(f.value));
      },
      [&](std::string_view name, const data::Value& list) {
        b->field(data_column(name, scratch_), list);
      });
  if (event.raw.data()) b->raw(event.raw, lasts(event.raw));
  b->end();
}

void WindowsEventWriter::keep(const std::shared_ptr<const void>& owner) {
  for (const auto& b : builders_)
    if (b) b->keep(owner);
}

void WindowsEventWriter::set_reader_factory(const ReaderFactory& make) {
  for (size_t i = 0; i < kNumWindowsTables; ++i)
    if (builders_[i])
      builders_[i]->set_reader_factory([make, i] { return make(static_cast<WindowsTable>(i)); });
}

bool WindowsEventWriter::ok() const {
  return std::all_of(builders_.begin(), builders_.end(),
                     [](const auto& b) { return !b || b->ok(); });
}

void WindowsEventWriter::flush() {
  for (size_t i = 0; i < kNumWindowsTables; ++i) {
    if (builders_[i]) builders_[i]->flush();
    if (skipped_[i]) context_.sink.skipped(kTableNames[i], skipped_[i]);
    skipped_[i] = 0;
  }
}

}  // namespace postern::input
