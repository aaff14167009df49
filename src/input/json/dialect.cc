#include "input/json/dialect.h"

#include "input/defender_tables.h"

namespace postern::input::json {
namespace {

bool is_windows_flat(const Record& r) {
  return r.has_all(keys(Key::kEventID, Key::kSourceName, Key::kChannel)) ||
         r.has_all(keys(Key::kEventID, Key::kSourceName, Key::kSourceModuleType));
}

bool is_osquery(const Record& r) {
  if (!r.has(Key::kHostIdentifier)) return false;
  return r.is_object(Key::kColumns) || r.is_array(Key::kSnapshot) || r.is_object(Key::kDiffResults);
}

bool is_zeek(const Record& r) {
  if (r.has(Key::kPath) || r.has(Key::kStream)) return r.has_any(keys(Key::kTs, Key::kWriteTs));
  return r.has(Key::kTs) && r.has_any(keys(Key::kUid, Key::kIdOrigH, Key::kIdOrigHFlat));
}

bool is_defender(const Record& r) {
  if (r.string(Key::kCategory).substr(0, 16) == "AdvancedHunting-" && r.is_object(Key::kProperties))
    return true;
  if (!r.has_any(keys(Key::kTimestampUpper, Key::kTimeGenerated))) return false;
  if (is_defender_table(r.string(Key::kType))) return true;
  // Columns of which every table has one; whether the rest fits is seen when the row is read.
  return r.has_any(keys(Key::kActionType, Key::kNetworkMessageId, Key::kAlertId, Key::kDeviceId));
}

}  // namespace

Dialect dialect_of(const Record& r) {
  if (r.has_any(keys(Key::kWinlog, Key::kWinlogChannel, Key::kWinlogEventId)))
    return Dialect::kWinlogbeat7;
  if (is_windows_flat(r))
    return r.has_any(keys(Key::kSourceModuleType, Key::kSourceModuleName, Key::kEventReceivedTime))
               ? Dialect::kNxlog
               : Dialect::kWec;
  if (r.is_object(Key::kEvent) && r.document().find(r.at(Key::kEvent), "System") > 0)
    return Dialect::kEvtxDump;
  if (r.has_all(keys(Key::kEventIdLower, Key::kLogName, Key::kSourceNameLower)))
    return Dialect::kWinlogbeat6;
  if (is_osquery(r)) return Dialect::kOsquery;
  if (r.has(Key::kProcessImagePath) &&
      r.has_any(keys(Key::kEventMessage, Key::kMachTimestamp, Key::kEventType, Key::kSubsystem,
                     Key::kTraceID)))
    return Dialect::kUnifiedLog;
  if (is_zeek(r)) return Dialect::kZeek;
  if (r.has_all(keys(Key::kEveEventType, Key::kTimestamp)) &&
      r.has_any(keys(Key::kFlowId, Key::kSrcIp, Key::kDestIp)))
    return Dialect::kSuricata;
  if (r.has_all(keys(Key::kProvider, Key::kChannel, Key::kEventID, Key::kEventData)))
    return Dialect::kAzureWindows;
  if (r.has_all(keys(Key::kEventID, Key::kComputer, Key::kTimeGenerated)) &&
      r.has_any(keys(Key::kEventSourceName, Key::kParameterXml)))
    return Dialect::kAzureSecurity;
  if (r.string(Key::kSyslogMessage).find("Linux-Sysmon") != std::string_view::npos)
    return Dialect::kSyslogSysmon;
  if (is_defender(r)) return Dialect::kDefender;
  if (r.is_object(Key::kSource) && r.has_any(keys(Key::kIndex, Key::kId)))
    return Dialect::kElasticHit;
  if (r.is_object(Key::kResult) && r.has(Key::kPreview)) return Dialect::kSplunkResult;
  if (r.is_array(Key::kRecords) || r.is_array(Key::kRecordsUpper) ||
      (r.is_array(Key::kResults) && r.has(Key::kSchema)))
    return Dialect::kRecords;
  if (r.has_all(keys(Key::kFinished, Key::kCount)) && r.keys().count() == 2)
    return Dialect::kNothing;
  return Dialect::kGeneric;
}

}  // namespace postern::input::json
