// A Windows event read from a JSON record, whatever its layout: collects System and data fields as
// text into a WindowsEvent, unescaping only what somebody reads.
//
// Every layout goes on to windows_event.h, so that a rule sees the same row as from the EVTX file.
// What forwarders changed is changed back where that can be done exactly: level names to numbers,
// signed keywords to hex, GUIDs to braces. Tests: tests/unit/input/json_windows_test.cc.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "input/json/output.h"
#include "input/json/record.h"
#include "input/windows_event.h"

namespace postern::input::json {

class WindowsReader {
 public:
  WindowsReader(const Record& record, DialectState& state, Output& out)
      : record_(&record), state_(state), out_(out), borrowed_(record.in_input()) {
    state_.event.clear();
    state_.pool.clear();
    state_.made.clear();
  }

  WindowsEvent& event() { return state_.event; }

  /// The text of a scalar; default-made for null, arrays and objects.
  std::string_view text(const Item& item);

  /// Of a string that is a part of the record.
  std::string_view unescape(std::string_view raw) {
    if (!has_escape(raw)) return raw;
    borrowed_ = false;
    return state_.pool.unescape(raw, record_->text());
  }

  /// A text that is not in the record: kept until the event is written.
  std::string_view keep(std::string_view text) {
    borrowed_ = false;
    state_.made.append(text).push_back('\0');
    return state_.pool.copy(text);
  }

  void system(SystemField f, const Item& item) { set(f, text(item)); }

  /// Sets a field unless it is set; a default-made text is ignored.
  void set(SystemField f, std::string_view text) {
    if (text.data() && !event()[f].data()) event()[f] = text;
  }

  /// "Information", "info", "Audit Success", …: as the number that the event itself holds.
  void level(std::string_view text);
  /// A signed or textual keyword as "0x8020000000000000".
  void keywords(std::string_view text);
  /// "Info" is 0; a number stays; other names have no number.
  void opcode(std::string_view text);
  void task(std::string_view text);
  /// A GUID gets the braces that it has in an event.
  std::string_view guid(std::string_view text);
  /// Event time: an RFC 3339 text, and the TimeCreated field from it.
  void time(std::string_view text);

  /// To be called when provider, channel and event id are known, before the data fields. False:
  /// nobody reads the table, and the event is done. `all_in_record`: no text that is given from now
  /// on is made (keep); then a table's text gate is asked whether anybody looks for any of them.
  bool start(bool all_in_record = false);

  /// From start() on.
  WindowsTable table() const { return table_; }

  /// Whether the values of fields without a column are read too (`_values`); from start() on.
  bool reads_values() const { return values_; }

  /// Whether all texts so far live in the record.
  bool borrowed() const { return borrowed_; }

  bool wants(std::string_view name, uint32_t hash) const {
    return values_ || column(name, hash) != kUnread;
  }

  /// A data field: a scalar; an array gives one field per element; an object its leaves by own
  /// name.
  void data(std::string_view name, uint32_t hash, const Item& item, uint32_t number);

  /// The same, named by the item's key.
  void data(const Item& item, uint32_t number) {
    if (item.is_container() || item.kind == Kind::kNull)
      return data(item.key, item.hash, item, number);
    scalar(item.key, columns_->get(item.id, [&] { return column(item.key, item.hash); }), item);
  }

  void data(std::string_view name, std::string_view text) { event().data.push_back({name, text}); }

  bool has_data(std::string_view name) const;
  /// Members of EventData: by name, or nameless, or a list of {"Name":…, "#text":…}.
  void event_data(uint32_t object);

  /// The same for an object of another document, which was a string in the record.
  void event_data_of(const Record& inner) {
    borrowed_ = false;
    const Record* outer = record_;
    record_ = &inner;
    event_data(inner.object());
    record_ = outer;
  }

  /// Bare GUIDs in fields named …Guid get braces (layouts that print typed values lose them).
  void brace_guids() { brace_guids_ = true; }

  /// Adds the data fields of another event, whose text lives at least as long.
  void take_data(const WindowsEvent& other) {
    borrowed_ = false;
    for (const WindowsEvent::Field& f : other.data)
      event().data.push_back(f);
  }

  void finish() { out_.end_windows(event(), borrowed_, record_->in_input()); }

  const Record& record() const { return *record_; }

  DialectState& state() { return state_; }

 private:
  static constexpr int kUnread = -1;

  /// The slot of a data field, WindowsEvent::kAnySlot, or kUnread.
  int column(std::string_view name, uint32_t hash) const;
  void scalar(std::string_view name, int column, const Item& item);

  const Record* record_;
  DialectState& state_;
  Output& out_;
  bool borrowed_;
  bool brace_guids_ = false;
  bool values_ = false;
  WindowsTable table_ = WindowsTable::kEvent;
  const NameTable* names_ = nullptr;
  KeyNumbers* columns_ = nullptr;  // of the event's table
};

/// The item at a dotted path, written nested, dotted, or partly both; 0: none.
uint32_t find_path(const Record& record, std::string_view path);

/// Fills data fields of the event that Elastic's pipelines moved to ECS names (winlogbeat_ecs.cc).
void fill_from_ecs(WindowsReader& reader);

}  // namespace postern::input::json
