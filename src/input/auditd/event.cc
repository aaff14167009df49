#include "input/auditd/event.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "input/auditd/record_writer.h"

namespace postern::input::auditd {
namespace {

/// Arguments come in order; a number far beyond the last one is no argument, and must not cost
/// memory.
constexpr size_t kMaxArgumentGap = 128;

/// Room that is kept for the arguments of the events to come.
constexpr size_t kKeptArguments = 256;

/// How the kernel and user space write "none". The tty "(none)" is a fact about the process, and
/// stays.
bool is_none(const Field& field) {
  return field.quote == 0 && (field.value == "?" || field.value == "(null)");
}

bool is_success(std::string_view text) {
  return text == "yes" || text == "success" || text == "1";
}

/// "res" and "success" are one column.
constexpr std::array<uint64_t, kNumEventColumns> kColumnBits = [] {
  std::array<uint64_t, kNumEventColumns> bits{};
  for (size_t i = 0; i < bits.size(); ++i)
    for (size_t j = 0; j <= i && bits[i] == 0; ++j)
      if (kEventColumns[j].name == kEventColumns[i].name) bits[i] = uint64_t{1} << j;
  return bits;
}();
static_assert(kNumEventColumns <= 64);

}  // namespace

/// The fields of a line of the event: as they were found with its record, or else found again.
template <class F>
void EventWriter::each_field(size_t line, F&& f) {
  if (const FieldRange& range = event_->ranges[line]) {
    for (uint32_t i = range->first; i < range->second; ++i)
      f(event_->fields[i]);
    return;
  }
  const Line& text = event_->lines[line];
  PlannedWalk walk(shapes_.of(text.type), text.body, text.readable);
  Field field;
  while (const FieldPlan* plan = walk.next(field))
    f(EventField(field, *plan));
}

/// The first record that has a field gives its column.
void EventWriter::take(const EventField& f, Row& row) {
  const Field& field = f.field;
  const auto i = static_cast<size_t>(f.column);
  const Row::Target target = to_->columns[i];
  if (target == Row::kUnread || (taken_ & kColumnBits[i]) != 0 || is_none(field)) return;
  taken_ |= kColumnBits[i];
  const std::string_view name = kEventColumns[i].name;
  const std::string_view text = text_of(f.is_untrusted, field, scratch_);
  const bool borrowed = text.data() == field.value.data();
  switch (kEventColumns[i].value) {
    case ColumnValue::kId:
      if (const auto id = id_of(text)) row.integer(target, name, *id);
      return;
    case ColumnValue::kNumber:
      if (const auto number = parse_int(text)) return row.integer(target, name, *number);
      return row.text(target, name, text, borrowed);
    case ColumnValue::kSuccess:
      return row.text(target, name, is_success(text) ? "yes" : "no", true);
    case ColumnValue::kKeys:
      return write_keys(row, target, name, text, list_);
    case ColumnValue::kText:
      return row.text(target, name, text, borrowed);
  }
}

void EventWriter::describe(const EventField& f, Row& row) {
  if (f.column < 0) return;
  if (f.column < kNumEventColumns) return take(f, row);
  const auto i = static_cast<size_t>(f.column - kCallArgument0);
  row.text(to_->call_arguments[i], kCallArguments[i], f.field.value, true);
}

/// EXECVE: a0="x" a1=6869 … ; a long one in pieces: a2_len=9000 a2[0]=… a2[1]=…, over several
/// records.
void EventWriter::argument(const EventField& f) {
  if (f.column < 0) return;
  const auto at = static_cast<size_t>(f.column);
  if (at > num_arguments_ + kMaxArgumentGap) return;
  if (argv_.size() <= at) argv_.resize(at + 1);
  for (; num_arguments_ <= at; ++num_arguments_)
    argv_[num_arguments_].clear();
  // Pieces come in order, so appending rebuilds the argument.
  argv_[at].append(text_of(f.is_untrusted, f.field, scratch_));
}

void EventWriter::path(size_t line) {
  bool has_name = false;
  each_field(line, [&](const EventField& f) {
    if (f.column == kPathName && !is_none(f.field)) {
      paths_.string(text_of(f.is_untrusted, f.field, scratch_));
      has_name = true;
      ++num_paths_;
    } else if (has_name && f.column == kPathType) {
      path_types_.string(f.field.value);
    }
  });
}

void EventWriter::describing_record(size_t line, Row& row) {
  if (to_->types != Row::kUnread) types_.string(type_name(event_->lines[line].type));
  const RecordKind kind = kinds_[line];
  if (kind == RecordKind::kSyscall ? to_->call_record
                                   : kind == RecordKind::kDescribes && to_->describing)
    each_field(line, [&](const EventField& f) { describe(f, row); });
}

void EventWriter::other_record(size_t line) {
  switch (kinds_[line]) {
    case RecordKind::kSyscall:
    case RecordKind::kDescribes:
    case RecordKind::kObject:
      return;
    case RecordKind::kExecve:
      if (to_->arguments) each_field(line, [&](const EventField& f) { argument(f); });
      return;
    case RecordKind::kPath:
      if (to_->path_records) path(line);
      return;
    case RecordKind::kProctitle:
      if (to_->title == Row::kUnread && (to_->command_line == Row::kUnread || num_arguments_ > 0))
        return;
      break;
    case RecordKind::kSockaddr:
      if (!to_->socket_records) return;
      break;
  }
  each_field(line, [&](const EventField& f) {
    if (f.column == kTitle)
      title_ = text_of(f.is_untrusted, f.field, scratch_);
    else if (f.column == kSocketAddress && !address_)
      address_ = socket_address(f.field.value, scratch_);
  });
}

/// By its call the kind of the event is known. The last one counts.
void EventWriter::find_call() {
  arch_ = call_ = {};
  kinds_.clear();
  for (size_t line = 0; line < event_->lines.size(); ++line) {
    const std::optional<RecordKind> known = event_->lines[line].kind;
    const RecordKind kind = known ? *known : shapes_.of(event_->lines[line].type).kind();
    kinds_.push_back(kind);
    if (kind == RecordKind::kSyscall || kind == RecordKind::kDescribes)
      each_field(line, [&](const EventField& f) {
        if (f.role == FieldRole::kArch) arch_ = f.field.value;
        if (f.role == FieldRole::kCall) call_ = f.field.value;
      });
  }
  names_.set(arch_, call_);
}

bool EventWriter::begin(const Event& event) {
  event_ = &event;
  find_call();
  kind_ = nullptr;
  if (!layout_) return true;
  kind_ = kind_of(names_.call());
  return !kind_ || kind_->is_read;
}

/// Names of calls are where they are in a table, or in the evidence.
const data::Layout::Kind* EventWriter::kind_of(std::string_view call) {
  KnownKind& known = known_kinds_[(reinterpret_cast<uintptr_t>(call.data()) >> 2) % kKnownKinds];
  if (known.call.data() != call.data() || known.call.size() != call.size() || call.empty()) {
    fold(call, folded_);
    known = {call, layout_->kind(folded_)};
  }
  return known.kind;
}

/// Who reads what of events of a kind; null: of any.
const EventTargets& EventWriter::targets_of(const data::Layout::Kind* kind, const Row& row) {
  auto known = std::find_if(targets_.begin(), targets_.end(),
                            [&](const auto& t) { return t.first == kind; });
  if (known == targets_.end())
    known = targets_.emplace(known, kind, std::make_unique<const EventTargets>(row, kind));
  return *known->second;
}

void EventWriter::write_lists(Row& row) {
  if (num_arguments_ == 0) return;
  if (to_->argv != Row::kUnread) {
    list_.clear();
    list_.begin_array();
    for (size_t i = 0; i < num_arguments_; ++i)
      list_.string(argv_[i]);
    list_.end();
    row.dynamic(to_->argv, "argv", list_.encoded());
  }
  if (to_->command_line != Row::kUnread) {
    joined_.clear();
    for (size_t i = 0; i < num_arguments_; ++i) {
      if (!joined_.empty()) joined_.push_back(' ');
      joined_.append(argv_[i]);
    }
    row.text(to_->command_line, "cmdline", joined_, false);
  }
}

void EventWriter::write_address(Row& row) {
  if (!address_) return;
  row.text(to_->socket_family, "saddr_family", address_->family, false);
  if (!address_->ip.empty()) row.text(to_->socket_ip, "saddr_ip", address_->ip, false);
  if (address_->port >= 0) row.integer(to_->socket_port, "saddr_port", address_->port);
  if (!address_->path.empty()) row.text(to_->socket_path, "saddr_path", address_->path, false);
}

void EventWriter::clear() {
  if (argv_.size() > kKeptArguments) argv_.clear();
  num_arguments_ = num_paths_ = 0;
  taken_ = 0;
  title_.clear();
  address_.reset();
  const auto begin = [](data::DynamicWriter& list) {
    list.clear();
    list.begin_array();
  };
  if (to_->types != Row::kUnread) begin(types_);
  if (!to_->path_records) return;
  begin(paths_);
  begin(path_types_);
}

void EventWriter::write(Row& row) {
  const Event& event = *event_;
  if (event.lines.empty()) return;
  // Without a call it may be of any kind.
  to_ = &targets_of(names_.call().empty() ? nullptr : kind_, row);
  clear();
  const EventId& id = event.lines[0].id;
  row.time(id.time);
  row.integer(to_->serial, "serial", static_cast<int64_t>(id.serial));
  if (!id.node.empty()) row.text(to_->node, "node", id.node, true);
  for (size_t line = 0; line < event.lines.size(); ++line)
    describing_record(line, row);
  for (size_t line = 0; line < event.lines.size(); ++line)
    other_record(line);
  if (to_->types != Row::kUnread) {
    types_.end();
    row.dynamic(to_->types, "types", types_.encoded());
  }
  if (!arch_.empty()) row.text(to_->arch, "arch", names_.arch(), true);
  if (!call_.empty()) row.text(to_->call, "syscall", names_.call(), true);
  if (num_paths_ > 0) {
    paths_.end();
    path_types_.end();
    row.dynamic(to_->paths, "paths", paths_.encoded());
    row.dynamic(to_->path_types, "path_types", path_types_.encoded());
  }
  if (!title_.empty()) row.text(to_->title, "proctitle", title_, false);
  if (num_arguments_ == 0 && !title_.empty()) row.text(to_->command_line, "cmdline", title_, false);
  write_lists(row);
  write_address(row);
}

}  // namespace postern::input::auditd
