// A cursor that moves from tag to tag. Values are views into the input wherever they can be; a text
// with references, of several pieces, or with malformed bytes is made in a string that is used
// again for the next event. Every search either ends near by or is remembered (no_mark_from_), so
// the time is linear whatever the input.
#include "input/winxml/event_parser.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "base/time.h"

namespace postern::input::winxml {
namespace {

constexpr std::string_view kEventTag = "<Event";
// An event beyond this is no event (a JSON document may have as much).
constexpr size_t kMaxEventBytes = size_t{32} << 20;
// Longest reference that is looked at: "&#x10FFFF;" and some leading zeros.
constexpr size_t kMaxReferenceBytes = 16;

enum Mark : size_t { kCommentEnd, kCdataEnd, kInstructionEnd, kDeclarationEnd };

constexpr std::string_view kMarks[] = {"-->", "]]>", "?>", ">"};

bool is_name_start(char c) {
  return ascii_alpha(c) || c == '_' || c == ':' || (c & 0x80);
}

bool ends_name(char c) {
  return ascii_space(c) || c == '>' || c == '/' || c == '=' || c == '<';
}

std::string_view local_name(std::string_view name) {
  const size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

/// The character of "&…;" (given without both), or 0 when it is none.
char32_t reference(std::string_view name) {
  if (name == "amp") return '&';
  if (name == "lt") return '<';
  if (name == "gt") return '>';
  if (name == "quot") return '"';
  if (name == "apos") return '\'';
  if (!name.starts_with('#')) return 0;
  name.remove_prefix(1);
  int base = 10;
  if (!name.empty() && (name[0] | 32) == 'x') base = 16, name.remove_prefix(1);
  uint32_t code = 0;
  const auto r = std::from_chars(name.data(), name.data() + name.size(), code, base);
  if (name.empty() || r.ec != std::errc() || r.ptr != name.data() + name.size()) return 0;
  return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : code;
}

std::string_view without_line_end(std::string_view s) {
  while (!s.empty() && (s.back() == '\n' || s.back() == '\r'))
    s.remove_suffix(1);
  return s;
}

void append_unescaped(std::string& out, std::string_view raw) {
  size_t at = 0;
  while (at < raw.size()) {
    const size_t mark = std::min(raw.find('&', at), raw.size());
    out.append(raw.substr(at, mark - at));
    if (mark == raw.size()) return;
    const size_t end = raw.substr(mark, kMaxReferenceBytes).find(';');
    const char32_t c = end == std::string_view::npos ? 0 : reference(raw.substr(mark + 1, end - 1));
    // What is no reference is the text it looks like: some exporters do not escape.
    if (c == 0)
      out.push_back('&'), at = mark + 1;
    else
      append_utf8(out, c), at = mark + end + 1;
  }
}

}  // namespace

size_t find_event(std::string_view text, size_t from) {
  for (size_t at = text.find(kEventTag, from); at != std::string_view::npos;
       at = text.find(kEventTag, at + 1)) {
    const size_t behind = at + kEventTag.size();
    if (behind < text.size() && (ascii_space(text[behind]) || text[behind] == '>')) return at;
  }
  return std::string_view::npos;
}

bool is_whole_event(std::string_view text, size_t at) {
  const size_t end = text.find('>', at);
  if (end == std::string_view::npos) return false;
  size_t behind = end + 1;
  while (behind < text.size() && ascii_space(text[behind]))
    ++behind;
  return text.substr(behind).starts_with("<System");
}

EventParser::Outcome EventParser::parse(std::string_view text, size_t at, WindowsEvent& event) {
  event.clear();
  // Another text, or (a buffer used again) the same place started over.
  if (text_.data() != text.data() || text_.size() != text.size() || at <= last_start_)
    no_mark_from_.fill(std::string_view::npos);
  last_start_ = at;
  text_ = text;
  at_ = at;
  shape_.reset(EventShape::Place::kOutside);
  open_.clear();
  forget_text();
  num_made_ = 0;
  problem_ = {};

  while (tag(event) && !open_.empty()) {
    take_text();
    if (at_ - last_start_ <= kMaxEventBytes) continue;
    forget_text();
    fail("event too long to be one");
    break;
  }
  // Cut within a value: its first part is still evidence.
  if (!problem_.empty() && !open_.empty() && value_.data())
    emit(shape_.text(), without_line_end(value_), event);
  if (const std::string_view t = event[SystemField::kTimeCreated]; t.data())
    event.time = parse_rfc3339(trim(t));
  const size_t end = std::max(at_, at + 1);
  event.raw = repaired(without_line_end(text.substr(at, std::min(end - at, kMaxEventBytes))));
  return {end, problem_, problem_at_};
}

bool EventParser::fail(std::string_view problem) {
  problem_ = problem;
  problem_at_ = at_;
  return false;
}

bool EventParser::skip_to(size_t mark) {
  const size_t found =
      at_ < no_mark_from_[mark] ? text_.find(kMarks[mark], at_) : std::string_view::npos;
  if (found == std::string_view::npos) {
    no_mark_from_[mark] = std::min(no_mark_from_[mark], at_);
    return fail("comment, CDATA or instruction without end");
  }
  at_ = found + kMarks[mark].size();
  return true;
}

// At "<" of a tag (of whatever kind), or at the end of the text.
bool EventParser::tag(WindowsEvent& event) {
  if (at_ >= text_.size()) return fail("event without end");
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with("</")) return end_tag(event);
  if (rest.starts_with("<!--")) return at_ += 4, skip_to(kCommentEnd);
  if (rest.starts_with("<![CDATA[")) {
    const size_t begin = at_ += 9;
    if (!skip_to(kCdataEnd)) return false;
    if (at_ - last_start_ <= kMaxEventBytes)
      append_text(repaired(text_.substr(begin, at_ - 3 - begin)));
    return true;
  }
  if (rest.starts_with("<?")) return at_ += 2, skip_to(kInstructionEnd);
  if (rest.starts_with("<!")) return at_ += 2, skip_to(kDeclarationEnd);
  return start_tag(event);
}

// "<name attributes>" or "<name attributes/>".
bool EventParser::start_tag(WindowsEvent& event) {
  const size_t begin = at_ + 1;
  size_t end = begin;
  while (end < text_.size() && !ends_name(text_[end]))
    ++end;
  const std::string_view name = text_.substr(begin, end - begin);
  if (!open_.empty() && name == "Event" && is_whole_event(text_, at_))
    return fail("event without end, the next one follows");
  if (!shape_.open(repaired(name))) return fail("elements nested too deep");
  open_.push_back(name);
  forget_text();
  at_ = end;
  bool is_empty = false;
  if (!attributes(event, is_empty)) return false;
  if (!is_empty) return true;
  emit(shape_.text(), {"", 0}, event);
  open_.pop_back();
  shape_.close();
  forget_text();
  return true;
}

bool EventParser::attributes(WindowsEvent& event, bool& is_empty) {
  for (;;) {
    while (at_ < text_.size() && ascii_space(text_[at_]))
      ++at_;
    if (at_ >= text_.size()) return fail("tag without end");
    if (text_[at_] == '>') return ++at_, true;
    if (text_.substr(at_).starts_with("/>")) return at_ += 2, is_empty = true, true;
    const size_t begin = at_;
    while (at_ < text_.size() && !ends_name(text_[at_]))
      ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    while (at_ < text_.size() && ascii_space(text_[at_]))
      ++at_;
    if (name.empty() || at_ >= text_.size() || text_[at_] != '=')
      return fail("attribute without a value");
    ++at_;
    while (at_ < text_.size() && ascii_space(text_[at_]))
      ++at_;
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '"' && quote != '\'') return fail("attribute value without quotes");
    const size_t end = text_.find(quote, at_ + 1);
    // A value never holds "<"; one that seems to is missing its closing quote.
    const std::string_view raw = text_.substr(at_ + 1, end - at_ - 1);
    if (end == std::string_view::npos || raw.find('<') != std::string_view::npos)
      return fail("attribute value without closing quote");
    at_ = end + 1;
    if (at_ - last_start_ > kMaxEventBytes) return fail("event too long to be one");
    const EventShape::Meaning m = shape_.attribute(local_name(name));
    if (m.kind == EventShape::Kind::kNothing) continue;  // a namespace, mostly
    const std::string_view value = unescape(raw);
    if (m.kind == EventShape::Kind::kDataName)
      shape_.set_data_name(value);
    else
      emit(m, value, event);
  }
}

// The text of an element counts when it ends: only then is it known to have no child.
bool EventParser::end_tag(WindowsEvent& event) {
  const size_t end = text_.find('>', at_);
  if (end == std::string_view::npos) return fail("tag without end");
  // A wrong name means that something is missing; to guess what would invent evidence.
  const std::string_view name = trim(text_.substr(at_ + 2, end - at_ - 2));
  if (open_.empty() || name != open_.back()) return fail("end tag of another element");
  emit(shape_.text(), value_, event);
  at_ = end + 1;
  open_.pop_back();
  shape_.close();
  forget_text();
  return true;
}

// Text up to the next tag. "<" before something that cannot be a tag is text.
void EventParser::take_text() {
  size_t end = at_;
  for (;; ++end) {
    end = std::min(text_.find('<', end), text_.size());
    if (end + 1 >= text_.size()) {
      end = text_.size();
      break;
    }
    const char next = text_[end + 1];
    if (is_name_start(next) || next == '/' || next == '!' || next == '?') break;
  }
  if (end > at_ && end - last_start_ <= kMaxEventBytes &&
      shape_.text().kind != EventShape::Kind::kNothing)
    append_text(unescape(text_.substr(at_, end - at_)));
  at_ = end;
}

void EventParser::append_text(std::string_view piece) {
  if (!value_.data()) {
    value_ = piece;
    return;
  }
  if (!joined_) {
    joined_ = &make();
    joined_->assign(value_);
  }
  joined_->append(piece);
  value_ = *joined_;
}

void EventParser::forget_text() {
  value_ = {};
  joined_ = nullptr;
}

/// A string whose place does not change until the next event.
std::string& EventParser::make() {
  if (num_made_ == made_.size()) made_.emplace_back();
  return made_[num_made_++];
}

/// `text`, or a copy of it with malformed UTF-8 replaced.
std::string_view EventParser::repaired(std::string_view text) {
  if (is_ascii(text) || valid_utf8(text)) return text;
  return make() = repair_utf8(text);
}

/// `raw` with references resolved.
std::string_view EventParser::unescape(std::string_view raw) {
  if (raw.find('&') == std::string_view::npos) return repaired(raw);
  std::string& made = make();
  made.clear();
  append_unescaped(made, raw);
  if (!is_ascii(made) && !valid_utf8(made)) made = repair_utf8(made);
  return made;
}

void EventParser::emit(const EventShape::Meaning& m, std::string_view value, WindowsEvent& event) {
  if (!value.data()) value = {"", 0};
  if (m.kind == EventShape::Kind::kSystem)
    // Exporters that indent put line ends around System texts; a message keeps its own.
    event[m.field] = m.field == SystemField::kMessage ? value : trim(value);
  else if (m.kind == EventShape::Kind::kData)
    event.data.push_back({m.name, value});
}

}  // namespace postern::input::winxml
