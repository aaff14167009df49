// macOS unified log, `log show|stream` with --style ndjson or json. Keys are Apple's; `process`,
// the file name of the process, is ours, because every predicate of `log` and most rules speak of
// it. Source: log(1); keys as observed.
#include "base/time.h"
#include "input/json/output.h"

namespace postern::input::json {

void put_unified_log(const Record& record, DialectState& state, Output& out) {
  Row* row = out.begin("macos.unifiedlog", record.text());
  if (!row) return;
  record.members([&](uint32_t i, const Item& member) {
    if (member.key == "timestamp") {
      // "2026-10-07 10:19:55.713745+0800"
      if (const auto ticks = parse_rfc3339(unescaped(member.text, state.scratch.text))) {
        row->time(*ticks);
        return row->datetime(row->target(member.key, member.hash), member.key, *ticks);
      }
    } else if (member.key == "processImagePath") {
      const Row::Target target = row->target("process");
      if (target != Row::kUnread) {
        std::string_view path = unescaped(member.text, state.scratch.text);
        path.remove_prefix(path.rfind('/') + 1);
        row->text(target, "process", path, false);
      }
    } else if (member.is_object() && member.key == "source") {
      put_flat(*row, record, i, "source.", state.scratch);
    }
    put(*row, member.key, member.hash, member, record.in_input(), state.scratch);
  });
  out.end();
}

}  // namespace postern::input::json
