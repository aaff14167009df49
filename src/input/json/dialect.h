// Which dialect a JSON record is written in, told by its content, record by record: files mix them
// (a syslog collector writes Windows, Linux and appliance events into one file). Tests:
// tests/unit/input/json_dialect_test.cc.
#pragma once
#include <cstdint>
#include <string_view>

#include "input/json/record.h"

namespace postern::input::json {

enum class Dialect : uint8_t {
  kGeneric,  ///< any other object: table json.object
  kNothing,  ///< no event: the last line of `log show --style ndjson`
  // Wrappers, whose inner objects are the records.
  kElasticHit,    ///< {"_index":…, "_source":{…}}
  kSplunkResult,  ///< {"preview":false, "result":{…}}
  kRecords,  ///< {"records":[…]} of Azure and CloudTrail, {"Schema":…,"Results":[…]} of hunting
  // Windows events.
  kEvtxDump,       ///< {"Event":{"System":…,"EventData":…}}
  kWinlogbeat6,    ///< event_id, event_data{…}
  kWinlogbeat7,    ///< winlog{…} or "winlog.…", raw or after the ECS pipelines
  kNxlog,          ///< flat, SourceModuleType im_msvistalog; with or without Logstash around it
  kWec,            ///< flat, TimeCreated and textual Level
  kAzureWindows,   ///< Azure Monitor WindowsEvent: EventData is JSON in a string
  kAzureSecurity,  ///< Azure Monitor SecurityEvent and Event: EventData is XML in a string
  kSyslogSysmon,   ///< Azure Monitor Syslog with a Sysmon for Linux event as XML
  // Other sources.
  kOsquery,
  kUnifiedLog,
  kDefender,  ///< a row, a Sentinel copy, or an event of the streaming API
  kSuricata,
  kZeek,
};

Dialect dialect_of(const Record& record);

}  // namespace postern::input::json
