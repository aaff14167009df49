#include "net/protocol/smtp/data.h"

#include <algorithm>

#include "base/text.h"
#include "net/protocol/smtp/command.h"

namespace postern::net::protocol::smtp {
namespace {

using namespace std::string_view_literals;

/// Lines that are held whole; of longer ones only the beginning matters.
constexpr size_t kMaxHeld = 4096;
/// Lines after a false end of data that are looked at for commands.
constexpr int kWatchedLines = 16;
constexpr size_t kMaxSuspectedRecipients = 100;

}  // namespace

DataReader::DataReader() : lines_(kMaxHeld) {}

size_t DataReader::feed(std::string_view bytes, ContentSink& sink) {
  const size_t size = bytes.size();
  while (!ended_ && lines_.next(bytes))
    line(lines_.piece(), lines_.begins(), sink);
  return size - bytes.size();
}

/// One line with its line end (or, of a long line, a piece).
void DataReader::line(std::string_view text, bool begins, ContentSink& sink) {
  const Before before = begins ? before_ : Before::kOther;
  const bool lf = text.back() == '\n';
  const bool crlf = lf && (text.size() >= 2 ? text[text.size() - 2] == '\r' : last_was_cr_);
  before_ = crlf ? Before::kCrLf : (lf ? Before::kLf : Before::kOther);
  if (lf && !crlf) ++num_bare_lf_;

  if (before == Before::kCrLf && text[0] == '.') {
    if (text == ".\r\n") {
      ended_ = true;
      return;
    }
    if (text == ".\n") suspect("\\r\\n.\\n");
    if (text == ".\r\r\n") suspect("\\r\\n.\\r\\r\\n");
    ++num_stuffed_;
    text.remove_prefix(1);
  } else if (before == Before::kLf && text[0] == '.') {
    if (text == ".\r\n") suspect("\\n.\\r\\n");
    if (text == ".\n") suspect("\\n.\\n");
  } else if (text == "\0.\r\n"sv) {
    suspect("\\r\\n\\0.\\r\\n");
  }

  // A CR that no LF follows: to some servers it ends a line.
  const size_t cr = text.find('\r');
  if (cr != std::string_view::npos && !(crlf && cr + 2 == text.size())) {
    for (size_t at = cr; at != std::string_view::npos; at = text.find('\r', at + 1)) {
      if (at + 1 < text.size() && text[at + 1] == '\n') continue;
      if (at + 1 == text.size() && !lf) continue;  // the LF may be in the next piece
      ++num_bare_cr_;
    }
    if (text.find("\r.\r"sv) != std::string_view::npos) suspect("\\r.\\r");
  }
  last_was_cr_ = text.empty() ? false : text.back() == '\r';
  if (lines_watched_ > 0) watch(text);
  if (!text.empty()) sink.content(text);
}

void DataReader::suspect(const char* sequence) {
  if (!smuggling_.suspected()) smuggling_.sequence = sequence;
  lines_watched_ = kWatchedLines;
}

/// Keeps the envelope of a mail that may be hidden in this one.
void DataReader::watch(std::string_view text) {
  --lines_watched_;
  // Servers that take a bare CR for a line end see several lines in one of ours.
  for (size_t at = 0; at < text.size();) {
    const size_t stop = std::min(text.find_first_of("\r\n"sv, at), text.size());
    const Command c = parse_command(text.substr(at, stop - at));
    at = stop + 1;
    if (c.verb == "MAIL" && smuggling_.mail_from.empty()) {
      smuggling_.mail_from = parse_path(c.argument, "FROM:").address;
    } else if (c.verb == "RCPT" && smuggling_.recipients.size() < kMaxSuspectedRecipients) {
      smuggling_.recipients.push_back(parse_path(c.argument, "TO:").address);
    } else if (c.verb == "DATA" && !smuggling_.mail_from.empty()) {
      lines_watched_ = 0;
      return;
    }
  }
}

void DataReader::gap() {
  lines_.lose();
  before_ = Before::kOther;
  last_was_cr_ = false;
}

void DataReader::finish(ContentSink& sink) {
  if (ended_) return;
  const std::string rest(lines_.held());
  const bool begins = lines_.next_begins();
  lines_.clear();
  // A dot without its line end is the end of data that was cut, not content.
  if (rest.empty() || (begins && before_ == Before::kCrLf && (rest == "." || rest == ".\r")))
    return;
  line(rest, begins, sink);
}

}  // namespace postern::net::protocol::smtp
