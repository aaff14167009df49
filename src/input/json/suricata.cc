// Suricata EVE: one table for all event types; fields by dotted path (smtp.mail_from,
// email.subject). Source: Suricata user guide, EVE JSON format.
#include "base/time.h"
#include "input/json/output.h"

namespace postern::input::json {

void put_suricata(const Record& record, DialectState& state, Output& out) {
  Row* row = out.begin("suricata.eve", record.text());
  if (!row) return;
  // "2009-11-24T21:27:09.534255+0000"
  if (const auto ticks =
          parse_rfc3339(unescaped(record.string(Key::kTimestamp), state.scratch.text)))
    row->time(*ticks);
  if (!put_flat(*row, record, record.object(), "", state.scratch))
    out.anomaly("json-long-path", "suricata.eve");
  out.end();
}

}  // namespace postern::input::json
