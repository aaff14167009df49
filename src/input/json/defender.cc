// Advanced hunting rows of Microsoft Defender, in their three shapes: the bare row, Sentinel's copy
// (`Type` names the table), and the streaming API's event (`category`, and the row in
// `properties`).
#include "base/time.h"
#include "input/defender_tables.h"
#include "input/json/output.h"

namespace postern::input::json {
namespace {

constexpr std::string_view kCategoryPrefix = "AdvancedHunting-";

/// "defender.X", from the name where there is one, else from the columns.
std::string_view table_of(const Record& record, uint32_t object, std::string_view name) {
  if (!name.empty()) return defender_native_table(name);
  DefenderColumns columns;
  std::string_view action;
  record.members(object, [&](uint32_t, const Item& member) {
    if (member.kind == Kind::kNull) return;  // unions of tables carry the others' columns as null
    columns.add(member.key, member.hash);
    if (member.key == "ActionType") action = member.text;
  });
  return columns.table(action);
}

}  // namespace

void put_defender(const Record& record, DialectState& state, Output& out) {
  uint32_t object = record.object();
  std::string_view name = record.string(Key::kType);
  const std::string_view category = record.string(Key::kCategory);
  const bool streamed = category.substr(0, kCategoryPrefix.size()) == kCategoryPrefix &&
                        record.is_object(Key::kProperties);
  if (streamed) {
    object = record.at(Key::kProperties);
    name = category.substr(kCategoryPrefix.size());
  }
  if (!streamed && !is_defender_table(name)) name = {};
  const std::string_view table = table_of(record, object, name);
  if (table.empty()) return put_generic(record, state, out);
  Row* row = out.begin(table, record.text());
  if (!row) return;

  std::optional<int64_t> time;
  std::optional<int64_t> generated;
  bool has_timestamp = false;
  record.members(object, [&](uint32_t, const Item& member) {
    if (member.key == "Timestamp") {
      time = parse_rfc3339(unescaped(member.text, state.scratch.text));
      has_timestamp = true;
    } else if (member.key == "TimeGenerated") {
      generated = parse_rfc3339(unescaped(member.text, state.scratch.text));
    }
    put(*row, member.key, member.hash, member, record.in_input(), state.scratch);
  });
  if (streamed)
    if (!time && record.has(Key::kTime))
      time = parse_rfc3339(unescaped(record.item(record.at(Key::kTime)).text, state.scratch.text));
  if (!time) time = generated;
  if (time) row->time(*time);
  // Sentinel copies may have TimeGenerated alone; a hunt asks for Timestamp.
  if (time && !has_timestamp) row->datetime("Timestamp", *time);
  out.end();
}

}  // namespace postern::input::json
