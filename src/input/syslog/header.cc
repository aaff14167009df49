#include "input/syslog/header.h"

#include <array>

#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"

namespace postern::input::syslog {
namespace {

constexpr int kMaxPriority = 191;
// A host or program longer than this is prose that happens to follow a date.
constexpr size_t kMaxToken = 255;
constexpr size_t kMaxProgram = 64;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr std::array<std::string_view, 8> kSeverities = {"emerg",   "alert",  "crit", "err",
                                                         "warning", "notice", "info", "debug"};

/// Takes characters from the front of a line.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }

  void move_to(size_t at) { at_ = at; }

  std::string_view rest() const { return text_.substr(at_); }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ')
      ++at_;
  }

  std::optional<int> number(size_t min_digits, size_t max_digits) {
    size_t n = 0;
    int v = 0;
    while (n < max_digits && at_ + n < text_.size() && ascii_digit(text_[at_ + n]))
      v = v * 10 + (text_[at_ + n++] - '0');
    if (n < min_digits) return std::nullopt;
    at_ += n;
    return v;
  }

  /// Up to the next blank.
  std::string_view word() {
    const size_t end = std::min(text_.find(' ', at_), text_.size());
    const std::string_view w = text_.substr(at_, end - at_);
    at_ = end;
    return w;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

/// "22:14:15" with fraction.
bool take_clock(Cursor& c, CivilTime& t) {
  const auto hour = c.number(1, 2);
  if (!hour || !c.take(':')) return false;
  const auto minute = c.number(2, 2);
  if (!minute || !c.take(':')) return false;
  const auto second = c.number(2, 2);
  if (!second) return false;
  t.hour = *hour;
  t.minute = *minute;
  t.second = *second;
  if (c.take('.') || c.take(',')) {
    int64_t scale = kTicksPerSecond / 10;
    for (auto digit = c.number(1, 1); digit; digit = c.number(1, 1), scale /= 10)
      t.sub_ticks += *digit * scale;
  }
  return true;
}

/// "Oct 11 22:14:15", also with a year before or behind the clock, as appliances write it.
bool take_bsd_time(Cursor& c, int64_t now, Header& out) {
  CivilTime t;
  t.month = 0;
  for (size_t m = 0; m < kMonths.size(); ++m)
    if (c.rest().starts_with(kMonths[m])) t.month = static_cast<int>(m) + 1;
  if (t.month == 0) return false;
  c.move_to(c.at() + 3);
  if (!c.take(' ')) return false;
  c.skip_blanks();
  const auto day = c.number(1, 2);
  if (!day || !c.take(' ')) return false;
  t.day = *day;
  std::optional<int> year;
  const size_t before = c.at();
  if (const auto y = c.number(4, 4); y && c.take(' '))
    year = y;
  else
    c.move_to(before);
  if (!take_clock(c, t)) return false;
  if (const size_t behind = c.at(); !year && c.take(' ')) {
    const auto y = c.number(4, 4);
    if (y && *y >= 1970 && (c.rest().empty() || c.rest()[0] == ' ' || c.rest()[0] == ':'))
      year = y;
    else
      c.move_to(behind);
  }
  out.has_year = year.has_value();
  t.year = year ? *year : civil_from_ticks(now).year;
  auto ticks = ticks_from_civil(t);
  // The 29th of February is not in every year.
  for (int back = 0; !year && back < 8 && (!ticks || *ticks > now + kTicksPerDay); ++back) {
    --t.year;
    ticks = ticks_from_civil(t);
  }
  if (!ticks) return false;
  out.time = *ticks;
  c.take(':');  // "Mar  1 18:46:11: %SYS-5-CONFIG_I"
  return c.rest().empty() || c.take(' ');
}

bool take_iso_time(Cursor& c, Header& out) {
  if (c.rest().size() < 16 || !ascii_digit(c.rest()[0]) || c.rest()[4] != '-') return false;
  const size_t before = c.at();
  const auto ticks = parse_rfc3339(c.word());
  if (!ticks || (!c.rest().empty() && !c.take(' '))) {
    c.move_to(before);
    return false;
  }
  out.time = ticks;
  return true;
}

bool is_program_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) ||
         std::string_view("_-./()@+%\\#*").find(c) != std::string_view::npos;
}

/// "su[12]: ", "kernel: ", "systemd[1]: "; nothing is taken where there is no tag.
void take_tag(Cursor& c, Header& out) {
  const std::string_view rest = c.rest();
  size_t n = 0;
  while (n < rest.size() && n < kMaxProgram && is_program_char(rest[n]))
    ++n;
  if (n == 0 || n == rest.size()) return;
  size_t end = n;
  std::string_view pid;
  if (rest[n] == '[') {
    const size_t close = rest.find(']', n);
    if (close == std::string_view::npos || close - n > kMaxProgram) return;
    pid = rest.substr(n + 1, close - n - 1);
    end = close + 1;
    // launchd puts the name of the service between: "com.apple.xpc.launchd[1] (com.x): "
    if (end + 1 < rest.size() && rest[end] == ' ' && rest[end + 1] == '(')
      if (const size_t colon = rest.find("):", end); colon != std::string_view::npos)
        end = colon + 1;
  }
  if (end >= rest.size() || rest[end] != ':') {
    if (pid.empty()) return;
  } else {
    ++end;
  }
  out.program = rest.substr(0, n);
  out.pid = pid;
  c.move_to(c.at() + end);
  c.skip_blanks();
}

std::string_view none_if_nil(std::string_view word) {
  return word == "-" ? std::string_view() : word;
}

/// Behind "<165>1 ".
bool take_rfc5424(Cursor& c, Header& out) {
  const size_t before = c.at();
  const std::string_view time = c.word();
  if (time != "-") {
    out.time = parse_rfc3339(time);
    if (!out.time) return c.move_to(before), false;
  }
  std::string_view* const parts[] = {&out.host, &out.program, &out.pid, &out.message_id};
  for (std::string_view* part : parts) {
    if (!c.take(' ')) return c.move_to(before), false;
    *part = none_if_nil(c.word());
    if (part->size() > kMaxToken) return c.move_to(before), false;
  }
  if (!c.take(' ')) return c.rest().empty();
  if (c.take('-')) {
    c.take(' ');
  } else if (c.rest().starts_with('[')) {
    // Elements follow one another without a blank; values may hold brackets, in quotes.
    const std::string_view rest = c.rest();
    size_t end = 0;
    bool quoted = false;
    for (size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '\\' && quoted)
        ++i;
      else if (rest[i] == '"')
        quoted = !quoted;
      else if (rest[i] == ']' && !quoted) {
        end = i + 1;
        if (end >= rest.size() || rest[end] != '[') break;
      }
    }
    out.structured_data = rest.substr(0, end);
    c.move_to(c.at() + end);
    c.take(' ');
  }
  // The mark that says "what follows is UTF-8".
  if (c.rest().starts_with("\xEF\xBB\xBF")) c.move_to(c.at() + 3);
  return true;
}

}  // namespace

bool parse_header(std::string_view line, int64_t now, Header& out) {
  out = {};
  Cursor c(line);
  if (!line.empty() && ascii_digit(line[0])) {
    // Its length, where the messages came over TCP.
    if (!c.number(1, 7) || !c.take(' ') || !c.rest().starts_with('<')) c.move_to(0);
  }
  if (c.take('<')) {
    const auto priority = c.number(1, 3);
    if (!priority || *priority > kMaxPriority || !c.take('>')) return false;
    out.priority = *priority;
    if (c.rest().starts_with("1 ")) {
      c.move_to(c.at() + 2);
      if (take_rfc5424(c, out)) {
        out.message_at = c.at();
        return true;
      }
      return false;
    }
    c.skip_blanks();
  }
  if (!take_iso_time(c, out) && !take_bsd_time(c, now, out)) return false;
  c.skip_blanks();
  const size_t at_host = c.at();
  out.host = c.word();
  if (out.host.size() > kMaxToken) return false;
  // A relay that leaves the host out puts the tag in its place.
  if (out.host.ends_with(':')) {
    out.host = {};
    c.move_to(at_host);
  }
  c.skip_blanks();
  take_tag(c, out);
  out.message_at = c.at();
  return true;
}

std::string_view facility_name(int priority) {
  const auto n = static_cast<size_t>(priority) / 8;
  return priority >= 0 && n < kFacilities.size() ? kFacilities[n] : std::string_view();
}

std::string_view severity_name(int priority) {
  return priority >= 0 ? kSeverities[static_cast<size_t>(priority) % 8] : std::string_view();
}

std::string structured_data(std::string_view text) {
  data::DynamicWriter out;
  out.begin_object();
  bool any = false;
  std::string value;
  size_t at = 0;
  while (at < text.size() && text[at] == '[') {
    size_t end = std::min(text.find_first_of(" ]", at), text.size());
    out.key(repair_utf8(text.substr(at + 1, end - at - 1)));
    out.begin_object();
    at = end;
    while (at < text.size() && text[at] == ' ') {
      const size_t equals = text.find("=\"", at);
      if (equals == std::string_view::npos) {
        at = text.size();
        break;
      }
      out.key(repair_utf8(text.substr(at + 1, equals - at - 1)));
      value.clear();
      for (at = equals + 2; at < text.size() && text[at] != '"'; ++at) {
        // Only these three are escaped; a backslash before anything else is itself.
        if (text[at] == '\\' && at + 1 < text.size() &&
            std::string_view("\"\\]").find(text[at + 1]) != std::string_view::npos)
          ++at;
        value.push_back(text[at]);
      }
      out.string(repair_utf8(value));
      at = std::min(at + 1, text.size());
    }
    out.end();
    any = true;
    if (at >= text.size() || text[at] != ']') break;
    ++at;
  }
  out.end();
  return any ? std::string(out.encoded()) : std::string();
}

}  // namespace postern::input::syslog
