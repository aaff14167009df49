#include "input/auditd/event.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "input/auditd/record_writer.h"
#include "input/auditd/syscalls.h"

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

/// The first record that has a field gives its column.
void EventWriter::take(int column, const FieldPlan& plan, const Field& field, Row& row) {
  const auto i = static_cast<size_t>(column);
  const Row::Target target = to_->columns[i];
  if (target == Row::kUnread || (taken_ & kColumnBits[i]) != 0 || is_none(field)) return;
  taken_ |= kColumnBits[i];
  const std::string_view name = kEventColumns[i].name;
  const std::string_view text = text_of(plan.is_untrusted, field, scratch_);
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

void EventWriter::describe(const Line& line, RecordShape& shape, Row& row) {
  PlannedWalk walk(shape, line.body);
  Field field;
  while (const FieldPlan* plan = walk.next(field)) {
    if (plan->role == FieldRole::kArch) arch_ = field.value;
    if (plan->role == FieldRole::kCall) call_ = field.value;
    if (plan->column < 0) continue;
    if (plan->column < kNumEventColumns) {
      take(plan->column, *plan, field, row);
    } else {
      const auto i = static_cast<size_t>(plan->column - kCallArgument0);
      row.text(to_->call_arguments[i], kCallArguments[i], field.value, true);
    }
  }
}

/// EXECVE: a0="x" a1=6869 … ; a long one in pieces: a2_len=9000 a2[0]=… a2[1]=…, over several
/// records.
void EventWriter::arguments(const Line& line, RecordShape& shape) {
  PlannedWalk walk(shape, line.body);
  Field field;
  while (const FieldPlan* plan = walk.next(field)) {
    if (plan->column < 0) continue;
    const auto at = static_cast<size_t>(plan->column);
    if (at > num_arguments_ + kMaxArgumentGap) continue;
    if (argv_.size() <= at) argv_.resize(at + 1);
    for (; num_arguments_ <= at; ++num_arguments_)
      argv_[num_arguments_].clear();
    // Pieces come in order, so appending rebuilds the argument.
    argv_[at].append(text_of(plan->is_untrusted, field, scratch_));
  }
}

void EventWriter::path(const Line& line, RecordShape& shape) {
  PlannedWalk walk(shape, line.body);
  Field field;
  bool has_name = false;
  while (const FieldPlan* plan = walk.next(field)) {
    if (plan->column == kPathName && !is_none(field)) {
      paths_.string(text_of(plan->is_untrusted, field, scratch_));
      has_name = true;
      ++num_paths_;
    } else if (has_name && plan->column == kPathType) {
      path_types_.string(field.value);
    }
  }
}

void EventWriter::record(const Line& line, Row& row) {
  if (to_->types != Row::kUnread) types_.string(type_name(line.type));
  RecordShape& shape = shapes_.of(line.type);
  switch (shape.kind()) {
    case RecordKind::kExecve:
      if (to_->arguments) arguments(line, shape);
      return;
    case RecordKind::kPath:
      if (to_->path_records) path(line, shape);
      return;
    case RecordKind::kSyscall:
      if (to_->call_record) describe(line, shape, row);
      return;
    case RecordKind::kDescribes:
      if (to_->describing) describe(line, shape, row);
      return;
    case RecordKind::kProctitle:
      if (to_->title == Row::kUnread && (to_->command_line == Row::kUnread || num_arguments_ > 0))
        return;
      break;
    case RecordKind::kSockaddr:
      if (!to_->socket_records) return;
      break;
    case RecordKind::kObject:
      return;
  }
  PlannedWalk walk(shape, line.body);
  Field field;
  while (const FieldPlan* plan = walk.next(field)) {
    if (plan->column == kTitle)
      title_ = text_of(plan->is_untrusted, field, scratch_);
    else if (plan->column == kSocketAddress && !address_)
      address_ = socket_address(field.value);
  }
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
  arch_ = call_ = {};
  title_.clear();
  address_.reset();
  for (data::DynamicWriter* list : {&types_, &paths_, &path_types_}) {
    list->clear();
    list->begin_array();
  }
}

void EventWriter::write(const std::vector<Line>& lines, Row& row) {
  if (lines.empty()) return;
  if (!to_) to_.emplace(row);
  clear();
  const EventId& id = lines[0].id;
  row.time(id.time);
  row.integer(to_->serial, "serial", static_cast<int64_t>(id.serial));
  if (!id.node.empty()) row.text(to_->node, "node", id.node, true);
  for (const Line& line : lines)
    record(line, row);
  if (to_->types != Row::kUnread) {
    types_.end();
    row.dynamic(to_->types, "types", types_.encoded());
  }
  if (!arch_.empty()) row.text(to_->arch, "arch", arch_name(arch_), true);
  if (!call_.empty()) row.text(to_->call, "syscall", syscall_name(arch_, call_), true);
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
