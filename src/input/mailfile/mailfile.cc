#include "input/mailfile/mailfile.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "input/encoded_row.h"
#include "input/mailfile/message_collector.h"
#include "input/text_input.h"
#include "mime/date.h"

namespace postern::input::mailfile {
namespace {

/// Header fields by which a text is known to be a mail.
constexpr std::string_view kMailFields[] = {"received",
                                            "return-path",
                                            "delivered-to",
                                            "message-id",
                                            "mime-version",
                                            "from",
                                            "to",
                                            "subject",
                                            "date",
                                            "content-type",
                                            "x-mailer",
                                            "user-agent",
                                            "dkim-signature",
                                            "authentication-results",
                                            "reply-to",
                                            "x-originating-ip",
                                            "arc-seal",
                                            "content-transfer-encoding"};

/// The name of a header line, or "".
std::string_view field_name(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon > 76) return {};
  const std::string_view name = line.substr(0, colon);
  const bool good = std::all_of(name.begin(), name.end(), [](char c) { return c > 32 && c < 127; });
  return good ? name : std::string_view{};
}

bool looks_like_headers(std::string_view text) {
  LineReader lines(text);
  std::vector<std::string_view> found;
  constexpr uint64_t kMaxLines = 200;
  while (lines.next() && lines.number() <= kMaxLines) {
    const std::string_view line = lines.line();
    if (line.empty()) break;
    if (line[0] == ' ' || line[0] == '\t') {
      if (lines.number() == 1) return false;
      continue;
    }
    const std::string_view name = field_name(line);
    // The last line of the head may be cut.
    if (name.empty()) {
      if (lines.done() >= text.size() && lines.number() > 1) break;
      return false;
    }
    for (const std::string_view known : kMailFields)
      if (equal_ignore_case(name, known) &&
          std::find(found.begin(), found.end(), known) == found.end())
        found.push_back(known);
  }
  // "From: x, To: y" begins many a text; a mail has what its transport adds, too.
  return found.size() >= 2;
}

std::string_view unfolded_field(std::string_view text, std::string_view name, std::string& out) {
  LineReader lines(text);
  bool in_field = false;
  out.clear();
  while (lines.next()) {
    const std::string_view line = lines.line();
    if (line.empty()) break;
    if (line[0] == ' ' || line[0] == '\t') {
      if (in_field) out.append(line);
      continue;
    }
    if (in_field) break;
    in_field = equal_ignore_case(field_name(line), name);
    if (in_field) out = std::string(line.substr(name.size() + 1));
  }
  return out;
}

/// The time of a message: its Date header, else that of the newest hop.
std::optional<int64_t> message_time(std::string_view text) {
  std::string field;
  if (const auto t = mime::parse_date(unfolded_field(text, "date", field))) return t;
  const std::string_view hop = unfolded_field(text, "received", field);
  const size_t semicolon = hop.rfind(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  return mime::parse_date(hop.substr(semicolon + 1));
}

/// Reads the messages of one file, one after the other.
class MailFile {
 public:
  MailFile(const Input& input, DecodeContext& context, std::string protocol)
      : tables_(input, context, read_encoded_row),
        output_(input, context, tables_),
        protocol_(std::move(protocol)) {}

  /// One message. `quoted`: lines with ">From " lose one ">".
  void message(std::string_view text, uint64_t offset, std::optional<int64_t> time, bool quoted) {
    MailOrigin origin;
    origin.protocol = protocol_;
    origin.has_envelope = false;
    origin.offset = offset;
    origin.record = ++number_;
    if (const auto t = message_time(text)) time = t;
    origin.time = time.value_or(0);
    MessageCollector collector(output_, origin, {}, {});
    if (quoted) {
      feed_unquoted(collector, text);
    } else {
      collector.feed(text);
    }
    collector.finish();
    const MessageFacts& facts = collector.facts();
    EncodedRow row;
    add_origin(row, origin);
    row.text("protocol", protocol_);
    row.text("mailfrom", facts.return_path);
    row.texts("rcptto", facts.delivered_to);
    add_message(row, origin, facts);
    row.boolean("complete", true);
    row.write(tables_, "mail.message", {origin.offset, origin.record}, time);
    write_attachments(output_, origin, facts.return_path, facts.delivered_to, facts);
  }

  bool ok() const { return tables_.ok(); }

  void flush() { tables_.flush(); }

 private:
  static void feed_unquoted(MessageCollector& collector, std::string_view text) {
    size_t at = 0;
    while (at < text.size()) {
      // A quoted line is ">From ", ">>From ", …
      size_t quote = at == 0 && text[0] == '>' ? 0 : text.find("\n>", at);
      if (quote == std::string_view::npos) break;
      if (text[quote] == '\n') ++quote;
      const size_t word = text.find_first_not_of('>', quote);
      if (word != std::string_view::npos && text.compare(word, 5, "From ") == 0) {
        collector.feed(text.substr(at, quote - at));
        at = quote + 1;
      } else {
        collector.feed(text.substr(at, quote + 1 - at));
        at = quote + 1;
      }
    }
    collector.feed(text.substr(at));
  }

  TableSet tables_;
  MailOutput output_;
  std::string protocol_;
  uint64_t number_ = 0;
};

/// The date of a "From " line, or nullopt: such words begin ordinary lines, too.
std::optional<int64_t> separator_time(std::string_view line) {
  if (line.substr(0, 5) != "From ") return std::nullopt;
  // "From address date": the address may hold blanks only when quoted, so the date comes last.
  std::string_view rest = line.substr(5);
  const size_t blank = rest.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return mime::parse_ctime(trim(rest.substr(blank)));
}

}  // namespace

bool detect_message(std::string_view head) {
  std::string converted;
  return looks_like_headers(text_head(head, converted));
}

void decode_message(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  MailFile file(input, context, "eml");
  Progress progress(context, &input);
  file.message(input.bytes, 0, std::nullopt, false);
  progress.at(input.bytes.size());
  file.flush();
}

bool detect_mbox(std::string_view head) {
  std::string converted;
  head = text_head(head, converted);
  LineReader lines(head);
  return lines.next() && separator_time(lines.line()) &&
         looks_like_headers(head.substr(std::min<size_t>(head.size(), lines.done())));
}

void decode_mbox(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  MailFile file(input, context, "mbox");
  Progress progress(context, &input);
  LineReader lines(input.bytes);
  uint64_t begin = 0;
  std::optional<int64_t> time;
  bool open = false;
  bool after_blank = true;
  while (file.ok() && lines.next()) {
    const std::string_view line = lines.line();
    const auto separator =
        after_blank && !line.empty() && line[0] == 'F' ? separator_time(line) : std::nullopt;
    after_blank = line.empty();
    if (!separator) continue;
    if (open) file.message(input.bytes.substr(begin, lines.offset() - begin), begin, time, true);
    open = true;
    begin = lines.done();
    time = separator;
    if (!progress.at(lines.done())) break;
  }
  if (open && file.ok() && !context.stopped())
    file.message(input.bytes.substr(std::min<uint64_t>(begin, input.bytes.size())), begin, time,
                 true);
  progress.at(input.bytes.size());
  file.flush();
}

}  // namespace postern::input::mailfile
