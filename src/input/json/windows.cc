#include "input/json/windows.h"

#include <charconv>

#include "base/text.h"
#include "base/time.h"

namespace postern::input::json {
namespace {

bool is_guid(std::string_view s) {
  if (s.size() != 36) return false;
  for (size_t i = 0; i < s.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char l = ascii_lower(s[i]);
    if (dash ? s[i] != '-' : !(ascii_digit(s[i]) || (l >= 'a' && l <= 'f'))) return false;
  }
  return true;
}

bool is_digits(std::string_view s) {
  for (const char c : s)
    if (!ascii_digit(c)) return false;
  return !s.empty();
}

struct LevelName {
  std::string_view name;
  std::string_view number;
};

/// WINEVENT_LEVEL_* as Windows, NXLog and Beats name them; audit events have level 0.
constexpr LevelName kLevels[] = {
    {"critical", "1"},      {"error", "2"},         {"warning", "3"},    {"warn", "3"},
    {"information", "4"},   {"info", "4"},          {"verbose", "5"},    {"debug", "5"},
    {"audit_success", "0"}, {"audit_failure", "0"}, {"log_always", "0"},
};

}  // namespace

std::string_view WindowsReader::text(const Item& item) {
  if (item.kind == Kind::kNull || item.is_container()) return {};
  if (!item.is_string() || !has_escape(item.text)) return item.text;
  borrowed_ = false;
  return state_.pool.unescape(item.text, record_->text());
}

void WindowsReader::level(std::string_view text) {
  if (is_digits(text)) return set(SystemField::kLevel, text);
  for (const LevelName& l : kLevels)
    if (equal_ignore_case(text, l.name)) return set(SystemField::kLevel, l.number);
}

void WindowsReader::keywords(std::string_view text) {
  if (equal_ignore_case(text, "Audit Success"))
    return set(SystemField::kKeywords, "0x8020000000000000");
  if (equal_ignore_case(text, "Audit Failure"))
    return set(SystemField::kKeywords, "0x8010000000000000");
  if (text.substr(0, 2) == "0x") return set(SystemField::kKeywords, text);
  if (const auto number = parse_int(text)) {
    char hex[20] = "0x";
    const auto end = std::to_chars(hex + 2, hex + sizeof hex, static_cast<uint64_t>(*number), 16);
    set(SystemField::kKeywords, keep({hex, static_cast<size_t>(end.ptr - hex)}));
  }
}

void WindowsReader::opcode(std::string_view text) {
  if (is_digits(text)) return set(SystemField::kOpcode, text);
  if (equal_ignore_case(text, "Info")) set(SystemField::kOpcode, "0");
}

void WindowsReader::task(std::string_view text) {
  if (is_digits(text)) return set(SystemField::kTask, text);
  // Sysmon's task number is its event id; other names of tasks have no number without the manifest.
  if (event()[SystemField::kProviderName] == "Microsoft-Windows-Sysmon")
    set(SystemField::kTask, event()[SystemField::kEventId]);
}

std::string_view WindowsReader::guid(std::string_view text) {
  if (!is_guid(text)) return text;
  // Not kept as made: no gate knows a text by its braces.
  borrowed_ = false;
  return state_.pool.copy("{" + std::string(text) + "}");
}

void WindowsReader::time(std::string_view text) {
  const auto ticks = parse_rfc3339(text);
  if (!ticks) return;
  event().time = ticks;
  set(SystemField::kTimeCreated, text);
}

bool WindowsReader::start(bool all_in_record) {
  if (!out_.begin_windows(event(), record_->text())) return false;
  table_ = event().table();
  names_ = out_.windows_names(table_);
  columns_ = &state_.columns[static_cast<size_t>(table_)];
  values_ = out_.wants_windows_values(table_);
  const data::TextGate* gate = all_in_record ? out_.windows_text_gate(table_) : nullptr;
  if (gate && !gate->may_hold(record_->text()) &&
      (state_.made.empty() || !gate->may_hold(state_.made))) {
    values_ = false;
    event().searched = false;
  }
  event().raw = record_->text();
  return true;
}

int WindowsReader::column(std::string_view name, uint32_t hash) const {
  if (!names_) return WindowsEvent::kAnySlot;
  const int at = names_->find(name, hash);
  if (at != kUnread) return at;
  // A blank is no part of the column's name, and a nameless field is Data: few, so they are simply
  // taken.
  const bool renamed = name.empty() || name.find(' ') != std::string_view::npos;
  return renamed ? WindowsEvent::kAnySlot : kUnread;
}

void WindowsReader::scalar(std::string_view name, int column, const Item& item) {
  if (column == kUnread) {
    if (!values_) return;
    column = WindowsEvent::kOnlyValue;
  }
  std::string_view value = text(item);
  if (brace_guids_ && ends_with_ignore_case(name, "guid")) value = guid(value);
  event().data.push_back({name, value, column});
}

void WindowsReader::data(std::string_view name, uint32_t hash, const Item& item, uint32_t number) {
  if (item.is_object()) {
    record_->members(number, [&](uint32_t i, const Item& member) {
      // An element with attributes keeps its own text under "#text".
      if (member.key == "#text")
        data(name, hash, member, i);
      else if (member.key != "#attributes" && (member.key.empty() || member.key[0] != '@'))
        data(member, i);
    });
    return;
  }
  if (item.is_array()) {
    record_->members(number,
                     [&](uint32_t i, const Item& element) { data(name, hash, element, i); });
    return;
  }
  if (item.kind != Kind::kNull) scalar(name, column(name, hash), item);
}

bool WindowsReader::has_data(std::string_view name) const {
  for (const WindowsEvent::Field& f : state_.event.data)
    if (f.name == name) return true;
  return false;
}

void WindowsReader::event_data(uint32_t object) {
  const Item& top = record_->item(object);
  if (!top.is_container()) {
    if (top.kind != Kind::kNull) data("", name_hash(""), top, object);
    return;
  }
  record_->members(object, [&](uint32_t i, const Item& member) {
    if (member.key == "#attributes" || (!member.key.empty() && member.key[0] == '@')) return;
    if (member.key != "Data" && !member.key.empty()) return data(member, i);
    // "Data" is the element itself: a text, several, or objects with a Name of their own.
    const auto one = [&](uint32_t at, const Item& element) {
      if (!element.is_object()) return data("", name_hash(""), element, at);
      uint32_t name = record_->document().find(at, "@Name");
      if (name == 0) name = record_->document().find(at, "Name");
      if (const uint32_t attributes = record_->document().find(at, "#attributes");
          name == 0 && attributes > 0)
        name = record_->document().find(attributes, "Name");
      uint32_t value = record_->document().find(at, "#text");
      if (value == 0) value = record_->document().find(at, "Content");
      if (value == 0) value = record_->document().find(at, "Value");
      const std::string_view named = name > 0 ? text(record_->item(name)) : std::string_view();
      if (value > 0) return data(named, name_hash(named), record_->item(value), value);
      if (name > 0) return data(named, std::string_view("", 0));
      data("", name_hash(""), element, at);
    };
    if (member.is_array())
      record_->members(i, one);
    else
      one(i, member);
  });
}

uint32_t find_path(const Record& record, std::string_view path) {
  const Document& document = record.document();
  uint32_t object = record.object();
  size_t from = 0;
  for (;;) {
    // The longest key first: "process.parent.executable" may be one key.
    size_t to = path.size();
    uint32_t found = 0;
    for (;;) {
      found = document.find(object, path.substr(from, to - from));
      if (found > 0 && (to == path.size() || document[found].is_object())) break;
      found = 0;
      to = to > from ? path.rfind('.', to - 1) : std::string_view::npos;
      if (to == std::string_view::npos || to <= from) break;
    }
    if (found == 0 || to == path.size()) return found;
    object = found;
    from = to + 1;
  }
}

}  // namespace postern::input::json
