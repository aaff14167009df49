// osquery results: differential events, snapshots and batches, as results.log and snapshots.log
// hold them. Source: osquery documentation (deployment/logging) and table specifications.
//
// Query names are the user's, so the table is told by the columns. The envelope's own fields join
// the columns (hostIdentifier, name, action, decorations.x, …); where a column has the same name
// (socket events have an action of their own) the column keeps it, and the envelope's is query_name
// or result_action, which are always there.
#include <array>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "input/json/output.h"
#include "input/time_field.h"

namespace postern::input::json {
namespace {

enum Column : uint8_t {
  kAction,
  kName,
  kPid,
  kParent,
  kPathColumn,
  kCmdline,
  kAuid,
  kUptime,
  kTimeColumn,
  kEid,
  kStatus,
  kSuccess,
  kSocket,
  kRemoteAddress,
  kRemotePort,
  kState,
  kOnDisk,
  kResidentSize,
  kProbeError,
  kTid,
  kCid,
  kNtime,
  kEventTypeColumn,
  kSigningId,
  kCdhash,
  kTeamId,
  kPlatformBinary,
  kSeqNum,
  kFilename,
  kOverflows,
  kBtime,
  kSyscall,
  kNumColumns
};

constexpr std::array<std::string_view, kNumColumns> kColumnNames = {"action",
                                                                    "name",
                                                                    "pid",
                                                                    "parent",
                                                                    "path",
                                                                    "cmdline",
                                                                    "auid",
                                                                    "uptime",
                                                                    "time",
                                                                    "eid",
                                                                    "status",
                                                                    "success",
                                                                    "socket",
                                                                    "remote_address",
                                                                    "remote_port",
                                                                    "state",
                                                                    "on_disk",
                                                                    "resident_size",
                                                                    "probe_error",
                                                                    "tid",
                                                                    "cid",
                                                                    "ntime",
                                                                    "event_type",
                                                                    "signing_id",
                                                                    "cdhash",
                                                                    "team_id",
                                                                    "platform_binary",
                                                                    "seq_num",
                                                                    "filename",
                                                                    "overflows",
                                                                    "btime",
                                                                    "syscall"};

const NameTable& column_table() {
  static const NameTable table = [] {
    NameTable t;
    for (size_t i = 0; i < kColumnNames.size(); ++i)
      t.add(std::string(kColumnNames[i]), static_cast<int>(i));
    return t;
  }();
  return table;
}

/// Which of the telling columns a row has, and where.
class Columns {
 public:
  Columns(const Record& record, uint32_t object) {
    record.members(object, [&](uint32_t i, const Item& member) {
      const int c = column_table().find(member.key, member.hash);
      if (c >= 0) at_[static_cast<size_t>(c)] = i;
    });
  }

  template <class... Cs>
  bool all(Cs... cs) const {
    return ((at_[cs] != 0) && ...);
  }

  template <class... Cs>
  bool any(Cs... cs) const {
    return ((at_[cs] != 0) || ...);
  }

  uint32_t at(Column c) const { return at_[c]; }

  /// `query`: the user's name for the query, a hint where the columns could be of two tables.
  std::string_view table(std::string_view query) const {
    if (any(kProbeError, kNtime) || all(kTid, kCid)) {
      if (any(kRemoteAddress, kRemotePort)) return "osquery.bpf_socket_events";
      if (any(kCmdline)) return "osquery.bpf_process_events";
    }
    // Tables of the present state have columns that no event has.
    const bool event_columns =
        any(kTimeColumn, kEid, kUptime, kAuid) && !any(kOnDisk, kResidentSize, kState);
    if (any(kRemoteAddress) && any(kRemotePort) && !any(kState) &&
        (any(kAction) || event_columns || named(query, "socket_events")))
      return "osquery.socket_events";
    if (any(kFilename)) return "osquery.result";  // es_process_file_events
    if (any(kSigningId, kCdhash, kTeamId, kPlatformBinary, kSeqNum) &&
        any(kEventTypeColumn, kCmdline) && all(kPid))
      return "osquery.es_process_events";
    if (all(kCmdline) && all(kPid) &&
        (any(kAuid, kEid, kOverflows, kSyscall) ||
         (any(kTimeColumn, kUptime, kBtime) && event_columns) || named(query, "process_events")) &&
        !any(kOnDisk, kResidentSize, kState))
      return named(query, "es_process_events") && !any(kAuid, kOverflows)
                 ? "osquery.es_process_events"
                 : "osquery.process_events";
    return "osquery.result";
  }

 private:
  static bool named(std::string_view query, std::string_view table) {
    return ends_with_ignore_case(query, table);
  }

  std::array<uint32_t, kNumColumns> at_{};
};

class OsqueryReader {
 public:
  OsqueryReader(const Record& record, DialectState& state, Output& out)
      : record_(record), state_(state), out_(out) {
    const uint32_t name = record.document().find(record.object(), "name");
    if (name > 0) query_ = record.item(name).text;
    // Seconds since 1970, a number or (before 3.0) a string; in calendarTime as words.
    const uint32_t unix_time = record.document().find(record.object(), "unixTime");
    if (unix_time > 0) time_ = time_from_epoch(record.item(unix_time).text);
    collect(record.object(), envelope_);
    const uint32_t decorations = record.document().find(record.object(), "decorations");
    if (decorations > 0 && record.item(decorations).is_object()) collect(decorations, decorations_);
  }

  /// One result row. `action`: "added", "removed" or "snapshot" where the envelope does not say it.
  void row(uint32_t object, std::string_view action) {
    const Item& row_item = record_.item(object);
    if (!row_item.is_object()) return;
    const Columns columns(record_, object);
    Row* row = out_.begin(columns.table(query_), row_item.text);
    if (!row) return;
    auto time = time_;
    if (const uint32_t at = columns.at(kTimeColumn))
      if (const auto own = time_from_epoch(record_.item(at).text)) time = own;
    if (time) row->time(*time);
    record_.members(object, [&](uint32_t, const Item& member) {
      put(*row, member.key, member.hash, member, record_.in_input(), state_.scratch);
    });
    put_envelope(*row, object, columns, action);
    out_.end();
  }

 private:
  /// Scalars beside the rows. A snapshot writes them once per row, so their number and size are
  /// bounded, or a hostile record of many rows would cost the product of both.
  void collect(uint32_t object, std::vector<uint32_t>& into) {
    constexpr size_t kMaxMembers = 64;
    constexpr size_t kMaxBytes = 4096;
    bool complete = true;
    record_.members(object, [&](uint32_t i, const Item& member) {
      if (member.is_container()) return;
      const bool fits = into.size() < kMaxMembers && member.text.size() <= kMaxBytes;
      if (fits) into.push_back(i);
      complete = complete && fits;
    });
    if (!complete)
      out_.anomaly("json-large-envelope", "fields beside the rows of an osquery result");
  }

  void put_envelope(Row& row, uint32_t object, const Columns& columns, std::string_view action) {
    const auto put_as = [&](std::string_view name, const Item& member) {
      put(row, name, name_hash(name), member, record_.in_input(), state_.scratch);
    };
    for (const uint32_t i : envelope_) {
      const Item& member = record_.item(i);
      if (member.key == "name") {
        put_as("query_name", member);
        if (!columns.any(kName)) put_as("name", member);
      } else if (member.key == "action") {
        put_as("result_action", member);
        if (!columns.any(kAction)) put_as("action", member);
      } else if (record_.document().find(object, member.key) == 0) {
        put_as(member.key, member);
      }
    }
    for (const uint32_t i : decorations_) {
      state_.scratch.path.assign("decorations.").append(record_.item(i).key);
      put_as(state_.scratch.path, record_.item(i));
    }
    if (action.empty()) return;
    row.text("result_action", action);
    if (!columns.any(kAction)) row.text("action", action);
  }

  const Record& record_;
  DialectState& state_;
  Output& out_;
  std::string_view query_;
  std::optional<int64_t> time_;
  std::vector<uint32_t> envelope_;  // numbers of items
  std::vector<uint32_t> decorations_;
};

}  // namespace

void put_osquery(const Record& record, DialectState& state, Output& out) {
  OsqueryReader reader(record, state, out);
  if (record.is_object(Key::kColumns)) reader.row(record.at(Key::kColumns), "");
  if (record.is_array(Key::kSnapshot))
    record.members(record.at(Key::kSnapshot), [&](uint32_t i, const Item&) { reader.row(i, ""); });
  if (record.is_object(Key::kDiffResults))
    record.members(record.at(Key::kDiffResults), [&](uint32_t i, const Item& list) {
      if (list.is_array())
        record.members(i, [&](uint32_t j, const Item&) { reader.row(j, list.key); });
    });
}

}  // namespace postern::input::json
