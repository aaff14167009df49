// Where the fields of records go in linux.auditd. Tests: tests/unit/input/auditd_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "input/auditd/shape.h"
#include "input/rows.h"

namespace postern::input::auditd {

/// How a field becomes the value of its column.
enum class ColumnValue : uint8_t { kText, kNumber, kId, kSuccess, kKeys };

/// A column of linux.auditd that is one field of some record of the event.
struct EventColumn {
  std::string_view field;
  std::string_view name;
  ColumnValue value;
};

inline constexpr EventColumn kEventColumns[] = {
    {"ppid", "ppid", ColumnValue::kNumber},
    {"pid", "pid", ColumnValue::kNumber},
    {"auid", "auid", ColumnValue::kId},
    {"uid", "uid", ColumnValue::kId},
    {"gid", "gid", ColumnValue::kId},
    {"euid", "euid", ColumnValue::kId},
    {"suid", "suid", ColumnValue::kId},
    {"fsuid", "fsuid", ColumnValue::kId},
    {"egid", "egid", ColumnValue::kId},
    {"sgid", "sgid", ColumnValue::kId},
    {"fsgid", "fsgid", ColumnValue::kId},
    {"ses", "ses", ColumnValue::kId},
    {"old-auid", "old_auid", ColumnValue::kId},
    {"old-ses", "old_ses", ColumnValue::kId},
    {"tty", "tty", ColumnValue::kText},
    {"comm", "comm", ColumnValue::kText},
    {"exe", "exe", ColumnValue::kText},
    {"key", "key", ColumnValue::kKeys},
    {"cwd", "cwd", ColumnValue::kText},
    {"success", "success", ColumnValue::kSuccess},
    {"res", "success", ColumnValue::kSuccess},
    {"exit", "exit", ColumnValue::kNumber},
    {"op", "op", ColumnValue::kText},
    {"acct", "acct", ColumnValue::kText},
    {"addr", "addr", ColumnValue::kText},
    {"hostname", "hostname", ColumnValue::kText},
    {"terminal", "terminal", ColumnValue::kText},
    {"subj", "subj", ColumnValue::kText},
    {"unit", "unit", ColumnValue::kText},
    {"AUID", "auid_name", ColumnValue::kText},
    {"UID", "uid_name", ColumnValue::kText},
};

inline constexpr int kNumEventColumns = static_cast<int>(std::size(kEventColumns));

/// The first four arguments of a system call, by number.
inline constexpr std::array<std::string_view, 4> kCallArguments = {"syscall_a0", "syscall_a1",
                                                                   "syscall_a2", "syscall_a3"};

/// Fields that are more or less than a column of their own: numbers beyond those of kEventColumns.
enum : int {
  kCallArgument0 = kNumEventColumns,
  kPathName = kCallArgument0 + 4,
  kPathType,
  kTitle,
  kSocketAddress
};

/// What a field of a record of this kind is for the event: an index of kEventColumns, one of the
/// numbers above, of EXECVE the number of an argument; -1: nothing.
int event_column(RecordKind kind, std::string_view field);

/// Whether anybody reads what is made of such a field.
bool reads_event_column(const data::Layout& layout, RecordKind kind, int column);

/// Who reads which column of linux.auditd, asked once.
struct EventTargets {
  /// `kind`: of the layout behind the row; null: of any kind.
  EventTargets(const Row& row, const data::Layout::Kind* kind);

  std::array<Row::Target, kNumEventColumns> columns;
  std::array<Row::Target, 4> call_arguments;
  Row::Target serial, node, types, arch, call, paths, path_types, title, argv, command_line;
  Row::Target socket_family, socket_ip, socket_port, socket_path;
  /// Whether records of a kind have anything that is read.
  bool describing = false;
  bool call_record = false;
  bool arguments = false;
  bool path_records = false;
  bool socket_records = false;
};

}  // namespace postern::input::auditd
