#include "input/auditd/event_columns.h"

#include <algorithm>

#include "base/text.h"

namespace postern::input::auditd {
namespace {

/// "a0", "a12", "a2[3]" (a piece): the number; "a2_len" is no argument.
int argument_number(std::string_view field) {
  if (field.size() < 2 || field[0] != 'a' || !ascii_digit(field[1])) return -1;
  if (field.find('_') != std::string_view::npos) return -1;
  const auto number = parse_int(field.substr(1, field.find('[') - 1));
  return number && *number >= 0 && *number <= INT32_MAX ? static_cast<int>(*number) : -1;
}

}  // namespace

int event_column(RecordKind kind, std::string_view field) {
  switch (kind) {
    case RecordKind::kExecve:
      return argument_number(field);
    case RecordKind::kObject:
      return -1;
    case RecordKind::kPath:
      if (field == "name") return kPathName;
      return field == "nametype" || field == "objtype" ? kPathType : -1;
    case RecordKind::kSockaddr:
      return field == "saddr" ? kSocketAddress : -1;
    case RecordKind::kProctitle:
      return field == "proctitle" ? kTitle : -1;
    case RecordKind::kSyscall:
      if (field.size() == 2 && field[0] == 'a' && field[1] >= '0' && field[1] <= '3')
        return kCallArgument0 + (field[1] - '0');
      break;
    case RecordKind::kDescribes:
      break;
  }
  for (int i = 0; i < kNumEventColumns; ++i)
    if (kEventColumns[i].field == field) return i;
  return -1;
}

bool reads_event_column(const data::Layout& layout, RecordKind kind, int column) {
  const auto reads = [&](std::string_view name) { return layout.slot(name) >= 0; };
  if (column < 0) return false;
  if (layout.values_slot() >= 0) return true;
  if (kind == RecordKind::kExecve) return reads("argv") || reads("cmdline");
  if (column < kNumEventColumns) return reads(kEventColumns[static_cast<size_t>(column)].name);
  switch (column) {
    case kPathName:
    case kPathType:
      return reads("paths") || reads("path_types");
    case kTitle:
      return reads("proctitle") || reads("cmdline");
    case kSocketAddress:
      return reads("saddr_family") || reads("saddr_ip") || reads("saddr_port") ||
             reads("saddr_path");
    default:
      return reads(kCallArguments[static_cast<size_t>(column - kCallArgument0)]);
  }
}

EventTargets::EventTargets(const Row& row, const data::Layout::Kind* kind) {
  const auto target = [&](std::string_view name) {
    const Row::Target t = row.target(name);
    const bool has_slot = t != Row::kUnread && t != Row::kByName;
    return kind && has_slot && !kind->reads[static_cast<size_t>(t)] ? Row::kUnread : t;
  };
  serial = target("serial");
  node = target("node");
  types = target("types");
  arch = target("arch");
  call = target("syscall");
  paths = target("paths");
  path_types = target("path_types");
  title = target("proctitle");
  argv = target("argv");
  command_line = target("cmdline");
  socket_family = target("saddr_family");
  socket_ip = target("saddr_ip");
  socket_port = target("saddr_port");
  socket_path = target("saddr_path");
  for (size_t i = 0; i < columns.size(); ++i)
    columns[i] = target(kEventColumns[i].name);
  for (size_t i = 0; i < call_arguments.size(); ++i)
    call_arguments[i] = target(kCallArguments[i]);
  const auto is_read = [](Row::Target t) { return t != Row::kUnread; };
  describing =
      is_read(arch) || is_read(call) || std::any_of(columns.begin(), columns.end(), is_read);
  call_record = describing || std::any_of(call_arguments.begin(), call_arguments.end(), is_read);
  arguments = is_read(argv) || is_read(command_line);
  path_records = is_read(paths) || is_read(path_types);
  socket_records =
      is_read(socket_family) || is_read(socket_ip) || is_read(socket_port) || is_read(socket_path);
}

}  // namespace postern::input::auditd
