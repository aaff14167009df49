// Any other JSON object: table json.object, every leaf readable by its dotted path.
#include "input/json/output.h"
#include "input/time_field.h"

namespace postern::input::json {
namespace {

/// Names of the event time, best first. Nested ones are rare and left to the rule.
constexpr std::string_view kTimeNames[] = {
    "@timestamp",
    "TimeGenerated",
    "Timestamp",
    "timestamp",
    "_time",
    "time",
    "eventTime",
    "event_time",
    "EventTime",
    "ts",
    "createdDateTime",
    "activityDateTime",
    "CreationTime",
    "published",
    "datetime",
    "date",
    "Time",
    "created_at",
};

}  // namespace

void put_generic(const Record& record, DialectState& state, Output& out) {
  Row* row = out.begin("json.object", record.text());
  if (!row) return;
  for (const std::string_view name : kTimeNames) {
    const uint32_t at = record.document().find(record.object(), name);
    if (at == 0) continue;
    const auto ticks = time_from_text(unescaped(record.item(at).text, state.scratch.text));
    if (!ticks) continue;
    row->time(*ticks);
    break;
  }
  if (!put_flat(*row, record, record.object(), "", state.scratch))
    out.anomaly("json-long-path", "json.object");
  out.end();
}

}  // namespace postern::input::json
