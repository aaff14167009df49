#include "input/syslog/syslog.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "input/auditd/record_stream.h"
#include "input/json/json.h"
#include "input/rows.h"
#include "input/syslog/header.h"
#include "input/text_input.h"
#include "input/windows_event.h"
#include "input/winxml/event_parser.h"

namespace postern::input::syslog {
namespace {

constexpr std::string_view kTable = "syslog.message";
// A message of many lines is a stack trace; more than this is another format.
constexpr size_t kMaxMessageBytes = size_t{256} << 10;
// JSON objects are handed over in stretches of the file of this size.
constexpr size_t kJsonBytes = size_t{4} << 20;

/// Writes the fields of one message; `text` is the whole of it, lines joined as they were.
/// `borrowed`: it lies in the input.
void write_message(std::string_view text, int64_t now, bool borrowed, Row& row) {
  Header h;
  if (!parse_header(text.substr(0, text.find('\n')), now, h)) {
    row.text("message", text, borrowed);
    return;
  }
  if (h.time) {
    row.time(*h.time);
    row.datetime("timestamp", *h.time);
  }
  if (h.priority >= 0) {
    row.integer("priority", h.priority);
    row.text("facility", facility_name(h.priority), true);
    row.text("severity", severity_name(h.priority), true);
  }
  const auto put = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) row.text(name, value, borrowed);
  };
  put("host", h.host);
  put("program", h.program);
  put("pid", h.pid);
  put("message_id", h.message_id);
  if (!h.structured_data.empty()) {
    const std::string data = structured_data(h.structured_data);
    if (!data.empty()) row.dynamic("structured_data", data);
  }
  row.text("message", text.substr(h.message_at), borrowed);
}

/// What a message may carry for another decoder.
enum class Carried { kNothing, kEvent, kJson, kAudit };

Carried carried_by(std::string_view message) {
  if (message.starts_with("<Event"))
    return winxml::find_event(message, 0) == 0 ? Carried::kEvent : Carried::kNothing;
  if (!message.empty() && message[0] == '{' && message.back() == '}') return Carried::kJson;
  return message.find(" audit(") != std::string_view::npos ||
                 message.find("msg=audit(") != std::string_view::npos
             ? Carried::kAudit
             : Carried::kNothing;
}

/// The message of a line, without blanks around it and the mark of JSON in syslog.
std::string_view message_of(std::string_view line, const Header& h) {
  std::string_view message = line.substr(h.message_at);
  constexpr std::string_view kCee = "@cee:";
  if (message.starts_with(kCee)) message = message.substr(kCee.size());
  return trim(message);
}

/// A line that does not begin with a blank begins a message; audit events go on over messages.
class MessageCutter final : public LineCutter {
 public:
  MessageCutter(std::string_view text, uint64_t slice_bytes)
      : LineCutter(text, slice_bytes, [](std::string_view rest) { return !ascii_space(rest[0]); }),
        text_(text),
        open_(text) {}

  bool next(Slice& slice) override {
    if (!LineCutter::next(slice)) return false;
    slice.carried = open_.lines();
    uint64_t line = slice.lines_before;
    size_t counted = slice.begin;  // lines in front of it are
    for (size_t at = slice.begin; (at = find_audit(at, slice.end)) < slice.end;) {
      const size_t begin = std::max<size_t>(text_.rfind('\n', at) + 1, slice.begin);
      line += static_cast<uint64_t>(std::count(text_.data() + counted, text_.data() + begin, '\n'));
      counted = begin;
      LineReader reader(text_.substr(begin, slice.end - begin));
      if (!reader.next()) break;
      Header h;
      if (reader.line().size() <= kMaxLineBytes && parse_header(reader.line(), 0, h) &&
          carried_by(message_of(reader.line(), h)) == Carried::kAudit)
        open_.add(reader.line(), line + 1);
      at = begin + static_cast<size_t>(reader.done());
    }
    return true;
  }

 private:
  /// The next place in front of `end` that may be a record's stamp, or `end`.
  size_t find_audit(size_t at, size_t end) const {
    constexpr std::string_view kMark = "audit(";
    while (at < end) {
      const void* found = std::memchr(text_.data() + at, '(', end - at);
      if (!found) break;
      at = static_cast<size_t>(static_cast<const char*>(found) - text_.data()) + 1;
      if (text_.substr(0, at).ends_with(kMark)) return at - 1;
    }
    return end;
  }

  std::string_view text_;
  auditd::OpenEvents open_;
};

/// Parses events of Sysmon for Linux again.
class EventReader : public data::RecordReader {
 public:
  EventReader(std::vector<std::string_view> events, std::shared_ptr<const void> owner)
      : events_(std::move(events)), owner_(std::move(owner)) {}

  void read(uint32_t row, data::FieldVisitor& out) const override {
    if (row >= events_.size()) return;
    winxml::EventParser parser;
    WindowsEvent event;
    parser.parse(events_[row], 0, event);
    visit(event, out);
  }

 private:
  std::vector<std::string_view> events_;
  std::shared_ptr<const void> owner_;
};

/// Collects the JSON objects of messages and gives them to the decoder of JSON: a stretch of the
/// file with everything else blanked out, so that every object keeps its place.
class JsonMessages {
 public:
  JsonMessages(const Input& input, DecodeContext& context) : input_(input), context_(context) {}

  void add(std::string_view object, uint64_t offset, uint64_t line) {
    if (!block_.empty() && offset + object.size() - offset_ > kJsonBytes) flush();
    if (block_.empty()) {
      offset_ = offset;
      line_ = line;
    }
    // One line of the block for each line of the file: numbers stay true.
    const auto size = static_cast<size_t>(offset - offset_);
    if (size > block_.size()) {
      const uint64_t lines = line - line_ - lines_;
      const size_t blanks = size - block_.size();
      block_.append(static_cast<size_t>(std::min<uint64_t>(lines, blanks)), '\n');
      block_.append(size - block_.size(), ' ');
      lines_ += lines;
    }
    block_.append(object);
  }

  void flush() {
    if (block_.empty()) return;
    const auto bytes = FileBytes::from_string(std::exchange(block_, {}));
    Input inner;
    inner.path = input_.path;
    inner.bytes = bytes->view();
    inner.owner = bytes;
    inner.base_offset = offset_;
    inner.base_line = line_ - 1;
    DecodeContext context = context_;
    context.bytes_done = nullptr;
    context.slice = nullptr;
    json::decode(inner, context);
    lines_ = 0;
  }

 private:
  const Input& input_;
  DecodeContext& context_;
  std::string block_;
  uint64_t offset_ = 0;  // of block_[0] in the file
  uint64_t line_ = 0;
  uint64_t lines_ = 0;  // ended in block_
};

class Decoder {
 public:
  Decoder(const Input& input, DecodeContext& context)
      : input_(input),
        context_(context),
        now_(wall_clock_ticks()),
        tables_(input,
                context,
                [now = now_](const RecordRef& ref, data::FieldVisitor& out) {
                  Row row(out);
                  write_message(ref.text, now, false, row);
                }),
        audit_(input, context),
        windows_(context, input.path),
        json_(input, context) {
    windows_.keep(input.owner);
    windows_.set_reader_factory([this](WindowsTable t) {
      return std::make_shared<EventReader>(std::exchange(events_[static_cast<size_t>(t)], {}),
                                           input_.owner);
    });
  }

  void run() {
    const Slice* slice = context_.slice;
    LineReader reader(input_.bytes, slice);
    Progress progress(context_, &input_);
    if (slice) audit_.carry(slice->carried);
    while (ok() && reader.next()) {
      if (!progress.at(reader.done())) break;
      if (!is_long_line(reader, input_, context_)) line(reader);
    }
    progress.at(reader.done());
    finish_message();
    json_.flush();
    if (slice && slice->end < input_.bytes.size())
      audit_.finish_slice();
    else
      audit_.finish();
    windows_.flush();
    tables_.flush();
  }

 private:
  bool ok() const { return tables_.ok() && audit_.ok() && windows_.ok(); }

  void line(const LineReader& reader) {
    const std::string_view text = reader.line();
    if (text.empty()) return;
    Header h;
    if (!parse_header(text, now_, h)) {
      const size_t size = static_cast<size_t>(reader.offset() - offset_) + text.size();
      if (ascii_space(text[0]) && !message_.empty() && size <= kMaxMessageBytes) {
        message_ = input_.bytes.substr(static_cast<size_t>(offset_), size);
        return;
      }
      anomaly("syslog-no-header", reader, repair_utf8(text.substr(0, 60)));
    } else {
      if (!h.has_year)
        anomaly("syslog-time-without-year", reader, "taken as the last such day, in UTC");
      if (carried(text, h, reader)) return;
    }
    finish_message();
    message_ = text;
    offset_ = reader.offset();
    number_ = reader.number();
  }

  /// True when the message is an event of another format.
  bool carried(std::string_view text, const Header& h, const LineReader& reader) {
    const std::string_view inner = message_of(text, h);
    const uint64_t offset = reader.offset() + static_cast<uint64_t>(inner.data() - text.data());
    switch (carried_by(inner)) {
      case Carried::kEvent:
        finish_message();
        event(inner, offset, reader);
        return true;
      case Carried::kJson:
        finish_message();
        json_.add(inner, offset, reader.number());
        return true;
      case Carried::kNothing:
        return false;
      case Carried::kAudit:
        break;
    }
    // The audit reader finds the record behind the relay's head by itself.
    if (!audit_.add(text, reader.offset(), reader.number())) return false;
    finish_message();
    return true;
  }

  void event(std::string_view xml, uint64_t offset, const LineReader& reader) {
    const auto outcome = parser_.parse(xml, 0, event_);
    if (!outcome.problem.empty())
      context_.anomalies.add("xml-malformed-event", input_.path, offset + outcome.problem_at,
                             outcome.problem);
    if (windows_.wanted(event_)) events_[static_cast<size_t>(event_.table())].push_back(xml);
    windows_.write(event_, {offset, reader.number()}, false);
  }

  void finish_message() {
    if (message_.empty()) return;
    std::string_view text = std::exchange(message_, {});
    TableRows* rows = tables_.event(kTable);
    if (!rows) return;
    std::shared_ptr<const std::string> repaired;
    if (!valid_utf8(text)) {
      context_.anomalies.add("syslog-bad-utf8", input_.path, offset_,
                             "bytes that are not UTF-8 are shown as U+FFFD");
      repaired = std::make_shared<const std::string>(repair_utf8(text));
      text = *repaired;
    }
    rows->begin({offset_, number_}, {text, 0}, repaired);
    Row row(*rows);
    row.raw(text, !repaired);
    write_message(text, now_, !repaired, row);
    rows->end();
    tables_.check(*rows);
  }

  void anomaly(std::string_view name, const LineReader& reader, std::string_view detail) {
    std::string text;
    if (context_.anomalies.all().find(name) == context_.anomalies.all().end())
      text = "line " + std::to_string(reader.number()) + ": " + std::string(detail);
    context_.anomalies.add(name, input_.path, reader.offset(), text);
  }

  const Input& input_;
  DecodeContext& context_;
  int64_t now_;
  TableSet tables_;
  auditd::RecordStream audit_;
  WindowsEventWriter windows_;
  std::array<std::vector<std::string_view>, kNumWindowsTables> events_;  // not yet handed over
  winxml::EventParser parser_;
  WindowsEvent event_;
  JsonMessages json_;
  std::string_view message_;  // the last one, to which lines may still be added
  uint64_t offset_ = 0;
  uint64_t number_ = 0;
};

}  // namespace

bool detect(std::string_view head) {
  constexpr size_t kLines = 16;
  std::string converted;
  const std::string_view text = text_head(head, converted);
  if (text.find('\0') != std::string_view::npos) return false;
  LineReader reader(text);
  size_t lines = 0;
  size_t headers = 0;
  bool is_tagged = false;
  Header h;
  while (lines < kLines && reader.next()) {
    if (reader.line().empty() || (headers > 0 && ascii_space(reader.line()[0]))) continue;
    ++lines;
    if (!parse_header(reader.line(), kUnixEpochTicks, h)) continue;
    ++headers;
    is_tagged = is_tagged || h.priority >= 0 || !h.program.empty();
  }
  // Any log of an application begins its lines with a time; a tag or a priority makes it syslog.
  return headers > 0 && is_tagged && headers * 4 >= lines * 3;
}

std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (!can_cut_text(input, slice_bytes)) return nullptr;
  return std::make_unique<MessageCutter>(input.bytes, slice_bytes);
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  Decoder(input, context).run();
}

}  // namespace postern::input::syslog
