#include "input/auditd/event.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "input/auditd/decode.h"
#include "input/auditd/syscalls.h"

namespace postern::input::auditd {
namespace {

/// Arguments come in order; a number far beyond the last one is no argument, and must not cost
/// memory.
constexpr size_t kMaxArgumentGap = 128;

constexpr char kKeySeparator = '\x01';

/// How the kernel and user space write "none". The tty "(none)" is a fact about the process, and
/// stays.
bool is_none(std::string_view value, char quote) {
  return quote == 0 && (value == "(null)" || value == "?");
}

/// Several keys of one rule set come joined.
void write_keys(Row& row, std::string_view name, std::string_view keys, data::DynamicWriter& list) {
  if (keys.find(kKeySeparator) == std::string_view::npos) return row.text(name, keys);
  list.clear();
  list.begin_array();
  for (const std::string_view key : split(keys, kKeySeparator))
    list.string(key);
  list.end();
  row.dynamic(name, list.encoded());
}

enum class Value : uint8_t { kText, kNumber, kId, kSuccess, kKeys };

/// A column of linux.auditd that is one field of some record of the event.
struct Column {
  std::string_view field;
  std::string_view name;
  Value value;
};

constexpr Column kColumns[] = {
    {"ppid", "ppid", Value::kNumber},
    {"pid", "pid", Value::kNumber},
    {"auid", "auid", Value::kId},
    {"uid", "uid", Value::kId},
    {"gid", "gid", Value::kId},
    {"euid", "euid", Value::kId},
    {"suid", "suid", Value::kId},
    {"fsuid", "fsuid", Value::kId},
    {"egid", "egid", Value::kId},
    {"sgid", "sgid", Value::kId},
    {"fsgid", "fsgid", Value::kId},
    {"ses", "ses", Value::kId},
    {"old-auid", "old_auid", Value::kId},
    {"old-ses", "old_ses", Value::kId},
    {"tty", "tty", Value::kText},
    {"comm", "comm", Value::kText},
    {"exe", "exe", Value::kText},
    {"key", "key", Value::kKeys},
    {"cwd", "cwd", Value::kText},
    {"success", "success", Value::kSuccess},
    {"exit", "exit", Value::kNumber},
    {"res", "success", Value::kSuccess},
    {"op", "op", Value::kText},
    {"acct", "acct", Value::kText},
    {"addr", "addr", Value::kText},
    {"hostname", "hostname", Value::kText},
    {"terminal", "terminal", Value::kText},
    {"subj", "subj", Value::kText},
    {"unit", "unit", Value::kText},
    {"AUID", "auid_name", Value::kText},
    {"UID", "uid_name", Value::kText},
};

const NameTable& column_table() {
  static const NameTable table = [] {
    NameTable t;
    for (size_t i = 0; i < std::size(kColumns); ++i)
      t.add(std::string(kColumns[i].field), static_cast<int>(i));
    return t;
  }();
  return table;
}

/// The records whose fields describe the event; others (PATH, OBJ_PID, MMAP) describe its objects.
bool describes_event(std::string_view type) {
  constexpr std::string_view kObjects[] = {"PATH",         "EXECVE",     "SOCKADDR", "PROCTITLE",
                                           "OBJ_PID",      "MMAP",       "FD_PAIR",  "IPC",
                                           "IPC_SET_PERM", "BPRM_FCAPS", "CAPSET",   "SOCKETCALL"};
  return std::find(std::begin(kObjects), std::end(kObjects), type) == std::end(kObjects);
}

}  // namespace

void write_record(const Line& line, Row& row) {
  row.time(line.id.time);
  const std::string_view type = type_name(line.type);
  row.text("type", type, true);
  row.integer("serial", static_cast<int64_t>(line.id.serial));
  if (!line.id.node.empty()) row.text("node", line.id.node, true);
  std::string scratch;
  data::DynamicWriter list;
  std::string_view arch;
  std::string_view call;
  bool enriched = false;
  FieldWalk walk(line.body);
  Field field;
  while (walk.next(field)) {
    if (field.name == "type" || field.name == "node") continue;  // the head's stay true
    if (field.name == "arch") arch = field.value;
    if (field.name == "syscall") call = field.value;
    enriched = enriched || field.name == "SYSCALL";
    const Row::Target target = row.target(field.name);
    if (target == Row::kUnread) continue;
    const std::string_view text = text_of(type, field, scratch);
    if (field.name == "key")
      write_keys(row, field.name, text, list);
    else
      row.text(target, field.name, text, text.data() == field.value.data());
  }
  if (enriched || call.empty() || arch.empty()) return;
  row.text("ARCH", arch_name(arch));
  row.text("SYSCALL", syscall_name(arch, call));
}

/// Fields of the event as columns; the first record that has a field gives it.
class EventWriter::Columns {
 public:
  Columns(Row& row, EventWriter& writer) : row_(row), writer_(writer) {}

  void take(std::string_view type, const Field& field) {
    const int i = column_table().find(field.name, name_hash(field.name));
    if (i < 0) return;
    const Column& column = kColumns[static_cast<size_t>(i)];
    if (is_none(field.value, field.quote)) return;
    // "res" and "success" are one column.
    if (is_set(column.name)) return;
    const Row::Target target = row_.target(column.name);
    if (target == Row::kUnread) return;
    set_.push_back(column.name);
    const std::string_view text = text_of(type, field, writer_.scratch_);
    const bool borrowed = text.data() == field.value.data();
    switch (column.value) {
      case Value::kId:
        if (const auto id = id_of(text)) row_.integer(target, column.name, *id);
        return;
      case Value::kNumber:
        if (const auto number = parse_int(text)) return row_.integer(target, column.name, *number);
        return row_.text(target, column.name, text, borrowed);
      case Value::kSuccess:
        return row_.text(target, column.name, is_success(text) ? "yes" : "no", true);
      case Value::kKeys:
        return write_keys(row_, column.name, text, writer_.list_);
      case Value::kText:
        return row_.text(target, column.name, text, borrowed);
    }
  }

 private:
  static bool is_success(std::string_view text) {
    return text == "yes" || text == "success" || text == "1";
  }

  bool is_set(std::string_view name) const {
    return std::find(set_.begin(), set_.end(), name) != set_.end();
  }

  Row& row_;
  EventWriter& writer_;
  std::vector<std::string_view> set_;
};

/// EXECVE: a0="x" a1=6869 … ; a long one in pieces: a2_len=9000 a2[0]=… a2[1]=…, over several
/// records.
void EventWriter::arguments(const Line& line) {
  FieldWalk walk(line.body);
  Field field;
  while (walk.next(field)) {
    if (field.name.size() < 2 || field.name[0] != 'a' || !ascii_digit(field.name[1])) continue;
    const std::string_view number = field.name.substr(1, field.name.find_first_of("[_") - 1);
    if (field.name.find('_') != std::string_view::npos) continue;  // a2_len
    const auto i = parse_int(number);
    if (!i || *i < 0 || static_cast<size_t>(*i) > argv_.size() + kMaxArgumentGap) continue;
    const auto at = static_cast<size_t>(*i);
    if (argv_.size() <= at) argv_.resize(at + 1);
    // Pieces come in order, so appending rebuilds the argument.
    argv_[at].append(text_of("EXECVE", field, scratch_));
  }
}

void EventWriter::write_lists(Row& row) {
  if (argv_.empty()) return;
  if (const auto target = row.target("argv"); target != Row::kUnread) {
    list_.clear();
    list_.begin_array();
    for (const std::string& a : argv_)
      list_.string(a);
    list_.end();
    row.dynamic(target, "argv", list_.encoded());
  }
  if (const auto target = row.target("cmdline"); target != Row::kUnread) {
    joined_.clear();
    for (const std::string& a : argv_) {
      if (!joined_.empty()) joined_.push_back(' ');
      joined_.append(a);
    }
    row.text(target, "cmdline", joined_, false);
  }
}

void EventWriter::write(const std::vector<Line>& lines, Row& row) {
  if (lines.empty()) return;
  argv_.clear();
  row.time(lines[0].id.time);
  row.integer("serial", static_cast<int64_t>(lines[0].id.serial));
  if (!lines[0].id.node.empty()) row.text("node", lines[0].id.node, true);

  data::DynamicWriter types;
  data::DynamicWriter paths;
  data::DynamicWriter name_types;
  types.begin_array();
  paths.begin_array();
  name_types.begin_array();
  size_t num_paths = 0;
  std::string title;
  std::string_view arch;
  std::string_view call;
  std::optional<SocketAddress> address;
  Columns columns(row, *this);
  for (const Line& line : lines) {
    const std::string_view type = type_name(line.type);
    types.string(type);
    if (type == "EXECVE") {
      arguments(line);
      continue;
    }
    const bool describes = describes_event(type);
    bool has_name = false;
    FieldWalk walk(line.body);
    Field field;
    while (walk.next(field)) {
      if (type == "PATH") {
        if (field.name == "name" && !is_none(field.value, field.quote)) {
          paths.string(text_of(type, field, scratch_));
          has_name = true;
          ++num_paths;
        } else if (has_name && (field.name == "nametype" || field.name == "objtype")) {
          name_types.string(field.value);
        }
      } else if (type == "PROCTITLE" && field.name == "proctitle") {
        title = text_of(type, field, scratch_);
      } else if (type == "SOCKADDR" && field.name == "saddr" && !address) {
        address = socket_address(field.value);
      } else if (type == "SYSCALL" && field.name.size() == 2 && field.name[0] == 'a' &&
                 field.name[1] >= '0' && field.name[1] <= '3') {
        const std::array<char, 10> name = {'s', 'y', 's', 'c', 'a',
                                           'l', 'l', '_', 'a', field.name[1]};
        row.text({name.data(), name.size()}, field.value, true);
      } else if (describes) {
        if (field.name == "arch") arch = field.value;
        if (field.name == "syscall") call = field.value;
        columns.take(type, field);
      }
    }
  }
  types.end();
  row.dynamic("types", types.encoded());
  if (!arch.empty()) row.text("arch", arch_name(arch));
  if (!call.empty()) row.text("syscall", syscall_name(arch, call));
  if (num_paths > 0) {
    paths.end();
    name_types.end();
    row.dynamic("paths", paths.encoded());
    row.dynamic("path_types", name_types.encoded());
  }
  if (!title.empty()) row.text("proctitle", title);
  if (argv_.empty() && !title.empty()) row.text("cmdline", title);
  write_lists(row);
  if (address) {
    row.text("saddr_family", address->family);
    if (!address->ip.empty()) row.text("saddr_ip", address->ip);
    if (address->port >= 0) row.integer("saddr_port", address->port);
    if (!address->path.empty()) row.text("saddr_path", address->path);
  }
}

}  // namespace postern::input::auditd
