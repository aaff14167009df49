// From a record to its dialect, through wrappers around it.
#include "input/json/dialect.h"
#include "input/json/output.h"

namespace postern::input::json {
namespace {

/// Wrappers in wrappers (a record array in a search hit) are rare; more levels are data.
constexpr int kMaxWrappers = 3;

void put(const Record& record, DialectState& state, Output& out, int wrappers);

void put_inner(
    const Record& record, uint32_t object, DialectState& state, Output& out, int wrappers) {
  if (!record.item(object).is_object()) return;
  Record inner;
  inner.set(record.document(), object, record.in_input(), state.known_keys);
  put(inner, state, out, wrappers + 1);
}

void put(const Record& record, DialectState& state, Output& out, int wrappers) {
  const Dialect dialect = dialect_of(record);
  switch (dialect) {
    case Dialect::kNothing:
      return;
    case Dialect::kElasticHit:
    case Dialect::kSplunkResult: {
      if (wrappers >= kMaxWrappers) return put_generic(record, state, out);
      const Key key = dialect == Dialect::kElasticHit ? Key::kSource : Key::kResult;
      return put_inner(record, record.at(key), state, out, wrappers);
    }
    case Dialect::kRecords: {
      if (wrappers >= kMaxWrappers) return put_generic(record, state, out);
      for (const Key key : {Key::kRecords, Key::kRecordsUpper, Key::kResults})
        if (record.is_array(key))
          record.members(record.at(key), [&](uint32_t i, const Item&) {
            put_inner(record, i, state, out, wrappers);
          });
      return;
    }
    case Dialect::kEvtxDump:
      return put_evtx_dump(record, state, out);
    case Dialect::kWinlogbeat6:
      return put_winlogbeat6(record, state, out);
    case Dialect::kWinlogbeat7:
      return put_winlogbeat7(record, state, out);
    case Dialect::kNxlog:
    case Dialect::kWec:
      return put_windows_flat(record, state, out, dialect == Dialect::kNxlog);
    case Dialect::kAzureWindows:
      return put_azure_windows(record, state, out);
    case Dialect::kAzureSecurity:
      return put_azure_security(record, state, out);
    case Dialect::kSyslogSysmon:
      return put_syslog_sysmon(record, state, out);
    case Dialect::kOsquery:
      return put_osquery(record, state, out);
    case Dialect::kUnifiedLog:
      return put_unified_log(record, state, out);
    case Dialect::kDefender:
      return put_defender(record, state, out);
    case Dialect::kSuricata:
      return put_suricata(record, state, out);
    case Dialect::kZeek:
      return put_zeek(record, state, out);
    case Dialect::kGeneric:
      return put_generic(record, state, out);
  }
}

}  // namespace

void put_record(const Record& record, DialectState& state, Output& out) {
  put(record, state, out, 0);
}

}  // namespace postern::input::json
