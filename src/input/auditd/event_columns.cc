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

EventTargets::EventTargets(const Row& row)
    : serial(row.target("serial")),
      node(row.target("node")),
      types(row.target("types")),
      arch(row.target("arch")),
      call(row.target("syscall")),
      paths(row.target("paths")),
      path_types(row.target("path_types")),
      title(row.target("proctitle")),
      argv(row.target("argv")),
      command_line(row.target("cmdline")),
      socket_family(row.target("saddr_family")),
      socket_ip(row.target("saddr_ip")),
      socket_port(row.target("saddr_port")),
      socket_path(row.target("saddr_path")) {
  for (size_t i = 0; i < columns.size(); ++i)
    columns[i] = row.target(kEventColumns[i].name);
  for (size_t i = 0; i < call_arguments.size(); ++i)
    call_arguments[i] = row.target(kCallArguments[i]);
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
