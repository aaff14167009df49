// The server's side of an IMAP session: responses, matched by tag with the commands that they
// answer, and the messages in them.
#include <algorithm>

#include "base/text.h"
#include "net/protocol/detect.h"
#include "net/protocol/imap/session.h"
#include "net/protocol/words.h"

namespace postern::net::protocol::imap {
namespace {

bool is_status(std::string_view word) {
  return equal_ignore_case(word, "OK") || equal_ignore_case(word, "NO") ||
         equal_ignore_case(word, "BAD") || equal_ignore_case(word, "BYE") ||
         equal_ignore_case(word, "PREAUTH");
}

/// A "* 12 FETCH (…" as far as it has come.
struct FetchResponse {
  bool is_fetch = false;
  std::string number;  // UID where it was named already, else the sequence number
};

FetchResponse fetch_response(std::string_view text) {
  FetchResponse out;
  if (text.substr(0, 2) != "* ") return out;
  text.remove_prefix(2);
  const std::string_view number = next_word(text);
  if (!parse_int(number) || !equal_ignore_case(next_word(text), "FETCH")) return out;
  out.is_fetch = true;
  out.number = std::string(number);
  for (size_t at = find_ignore_case(text, "UID "); at != std::string_view::npos;
       at = find_ignore_case(text, "UID ", at + 1)) {
    if (at > 0 && text[at - 1] != ' ' && text[at - 1] != '(') continue;
    std::string_view rest = text.substr(at + 4);
    rest = rest.substr(0, rest.find_first_not_of("0123456789"));
    if (!rest.empty()) out.number = std::string(rest);
    break;
  }
  return out;
}

}  // namespace

void Session::server(std::string_view bytes, const Moment& at) {
  at_ = at;
  if (!begun_) {
    begun_ = true;
    summary_.begin = at;
  }
  server_heard_ = true;
  summary_.server_bytes += bytes.size();
  if (blind_) return;
  if (!inflate_[1]) return server_bytes(bytes);
  if (!inflate_[1]->feed(bytes, [this](std::string_view plain) { server_bytes(plain); }))
    go_blind("imap-bad-compression");
}

void Session::server_bytes(std::string_view bytes) {
  while (!bytes.empty() && !blind_) {
    if (server_literal_.open) {
      literal_bytes(server_literal_, bytes);
      if (server_literal_.left == 0) end_server_literal();
      continue;
    }
    if (!server_line_.take(bytes)) return;
    const std::string line(server_line_.line());
    if (skip_server_line_) {
      skip_server_line_ = false;
      if (line.substr(0, 2) != "* " && line.substr(0, 1) != "+") continue;
    }
    if (server_line_.too_long()) fault("imap-line-too-long", "response");
    if (untrusted_ && untrusted_line(line)) continue;
    const bool compressed = inflate_[1] != nullptr;
    server_line(line);
    // What comes with the agreement to TLS, in the clear, would be taken for part of it.
    if (summary_.tls && !bytes.empty() && !looks_tls(bytes))
      fault("imap-starttls-injection", "server");
    if (!compressed && inflate_[1] && !bytes.empty()) {
      const std::string_view rest = bytes;
      if (!inflate_[1]->feed(rest, [this](std::string_view plain) { server_bytes(plain); }))
        go_blind("imap-bad-compression");
      return;
    }
  }
}

void Session::server_line(std::string_view line) {
  std::string_view text = line;
  std::optional<LiteralMark> mark;
  // "{5}" at the end of a human's text is no literal.
  std::string_view second = response_.empty() ? line : std::string_view(response_);
  const bool untagged_line = second.substr(0, 2) == "* ";
  second.remove_prefix(std::min<size_t>(2, second.size()));
  if (untagged_line && !is_status(second.substr(0, second.find(' ')))) mark = literal_mark(line);
  if (mark) text = line.substr(0, mark->begin);
  response_.append(text.substr(0, limits_.max_line - std::min(limits_.max_line, response_.size())));
  if (mark) return begin_server_literal(*mark);
  const std::string whole = std::move(response_);
  response_.clear();
  response(whole);
}

void Session::begin_server_literal(const LiteralMark& mark) {
  server_literal_ = Literal();
  const bool message = fetched_literal(upper(last_item(response_)));
  if (mark.size > limits_.max_literal) {
    // Nobody sends so much. What comes is content until the command is answered.
    fault("imap-literal-too-large", std::to_string(mark.size));
    untrusted_ = true;
    if (!message) response_.clear();
    return;
  }
  server_literal_.left = mark.size;
  server_literal_.open = true;
  if (message) server_literal_.message = fetched_.get();
  if (mark.size == 0) end_server_literal();
}

/// A line after a literal of an unbelievable size; true when it was taken.
bool Session::untrusted_line(std::string_view line) {
  std::string_view rest = line;
  const std::string_view tag = next_word(rest);
  const bool answer = is_status(rest.substr(0, rest.find(' '))) &&
                      std::any_of(pending_.begin(), pending_.end(),
                                  [&](const Pending& p) { return p.record.tag == tag; });
  if (answer) {
    untrusted_ = false;
    response_.clear();
    close_fetched(false);
    return false;
  }
  if (fetched_) {
    const std::string text = std::string(line) + "\r\n";
    fetched_->bytes += text.size();
    handler_.message_data(*fetched_, text);
  }
  return true;
}

// ---- fetched messages

/// The literal of a response begins: true when it is a message or a part of one, which is now
/// fetched_.
bool Session::fetched_literal(std::string_view item) {
  const FetchResponse fetch = fetch_response(response_);
  if (!fetch.is_fetch) return false;
  uint64_t origin = 0;
  bool partial = false;
  if (!item.empty() && item.back() == '>') {
    const size_t open = item.rfind('<');
    if (open == std::string_view::npos) return false;
    const auto n = parse_int(item.substr(open + 1, item.size() - open - 2));
    origin = n && *n > 0 ? static_cast<uint64_t>(*n) : 0;
    partial = true;
    item = item.substr(0, open);
  }
  std::string section;
  if (item == "RFC822.HEADER") {
    section = "HEADER";
  } else if (item == "RFC822.TEXT") {
    section = "TEXT";
  } else if (item.substr(0, 5) == "BODY[" || item.substr(0, 7) == "BINARY[") {
    const size_t open = item.find('[');
    section = std::string(item.substr(open + 1, item.rfind(']') - open - 1));
    constexpr size_t kMaxSection = 128;
    section.resize(std::min(section.size(), kMaxSection));
  } else if (item != "RFC822") {
    return false;
  }
  const bool goes_on = fetched_ && fetched_partial_ && partial && origin == fetched_until_ &&
                       fetched_->number == fetch.number && fetched_->section == section &&
                       fetched_->mailbox == selected_;
  if (goes_on) return true;
  close_fetched(true);
  fetched_ = std::make_unique<MailboxMessage>();
  fetched_->begin = at_;
  fetched_->id = ++num_messages_;
  fetched_->command = "FETCH";
  fetched_->mailbox = selected_;
  fetched_->number = fetch.number;
  fetched_->section = section;
  fetched_->user = summary_.auth_user;
  fetched_partial_ = partial;
  fetched_until_ = origin;
  handler_.message_begin(*fetched_);
  if (origin > 0) {
    fetched_->lost_bytes = origin;
    handler_.message_gap(*fetched_, origin);
  }
  return true;
}

void Session::end_server_literal() {
  Literal& l = server_literal_;
  l.open = false;
  if (!l.message) {
    if (response_.size() >= limits_.max_line) return;
    response_ += '"';
    for (const char c : l.text) {
      if (c == '"' || c == '\\') response_ += '\\';
      response_ += c;
    }
    response_ += '"';
    return;
  }
  l.message = nullptr;
  // Further pieces of the message may follow.
  if (!fetched_partial_) close_fetched(true);
}

void Session::close_fetched(bool complete) {
  if (!fetched_) return;
  const std::unique_ptr<MailboxMessage> m = std::move(fetched_);
  m->complete = complete && m->lost_bytes == 0;
  m->status = "OK";
  if (m->section.empty()) {
    ++summary_.num_messages;
    ++summary_.num_fetched;
    summary_.fetched_bytes += m->bytes;
  }
  const auto fetching = std::find_if(pending_.begin(), pending_.end(),
                                     [](const Pending& p) { return p.record.verb == "FETCH"; });
  if (fetching != pending_.end()) fetching->record.content_bytes += m->bytes;
  handler_.message_end(*m);
  handler_.message_done(*m);
}

// ---- responses

void Session::response(std::string_view line) {
  if (line.empty()) return;
  if (line[0] == '+') {
    if (wait_ == Wait::kLiteral) release_held(true);
    return;
  }
  if (line.substr(0, 2) == "* ") return untagged(line.substr(2));
  std::string_view rest = line;
  const std::string_view tag = next_word(rest);
  const std::string_view status = next_word(rest);
  if (!is_status(status)) return fault("imap-bad-response", line.substr(0, 80));
  // The command whose literal is waited for, or is not to be believed, was refused.
  if (in_command_ && (wait_ == Wait::kLiteral || literal_size_ > limits_.max_literal)) {
    std::string_view spoken = command_;
    if (next_word(spoken) == tag) {
      if (client_literal_.open) {
        fault("imap-literal-refused");
        end_client_literal(false);
      }
      end_command();
    }
  }
  const auto found = std::find_if(pending_.begin(), pending_.end(),
                                  [tag](const Pending& p) { return p.record.tag == tag; });
  if (found == pending_.end()) return;  // its command was not seen
  Pending p = std::move(*found);
  pending_.erase(found);
  tagged(p, status, rest);
}

void Session::untagged(std::string_view line) {
  std::string_view rest = line;
  const std::string_view first = next_word(rest);
  if (is_status(first)) {
    if (!greeted_) {
      summary_.banner = repair_utf8(rest.substr(0, CommandRecord::kMaxText));
      summary_.early_talker = summary_.early_talker && summary_.num_commands > 0;
      greeted_ = true;
    }
    summary_.last_reply = repair_utf8(line.substr(0, CommandRecord::kMaxText));
    const size_t code = find_ignore_case(rest, "[CAPABILITY ");
    if (code == 0) capabilities(rest.substr(12, rest.find(']') - 12));
    return;
  }
  if (equal_ignore_case(first, "CAPABILITY")) return capabilities(rest);
  const std::string_view second = next_word(rest);
  if (equal_ignore_case(second, "EXPUNGE") && parse_int(first)) ++summary_.num_expunged;
  if (equal_ignore_case(first, "VANISHED") && second.substr(0, 1) != "(")
    summary_.num_expunged += set_size(second);
}

void Session::capabilities(std::string_view text) {
  constexpr size_t kMaxExtensions = 64;
  summary_.extensions.clear();
  while (!text.empty() && summary_.extensions.size() < kMaxExtensions) {
    const std::string_view word = next_word(text);
    if (word.empty()) break;
    if (equal_ignore_case(word, "STARTTLS")) summary_.starttls_offered = true;
    summary_.extensions.push_back(repair_utf8(word.substr(0, CommandRecord::kMaxText)));
  }
}

void Session::tagged(Pending& p, std::string_view status, std::string_view text) {
  CommandRecord& c = p.record;
  const bool ok = equal_ignore_case(status, "OK");
  c.answer(upper(status), text, at_);
  summary_.last_reply = c.status + (c.reply.empty() ? "" : " " + c.reply);
  if (find_ignore_case(text, "[CAPABILITY ") == 0)
    capabilities(text.substr(12, text.find(']') - 12));
  if (c.verb == "LOGIN" || c.verb == "AUTHENTICATE") {
    summary_.auth_accepted = summary_.auth_accepted || ok;
    in_auth_ = false;
    auth_.end();
  } else if (c.verb == "STORE" && ok) {
    summary_.num_deleted += p.num_deleted;
  } else if ((c.verb == "SELECT" || c.verb == "EXAMINE") && !ok) {
    if (selected_ == c.mailbox) selected_.clear();
  } else if (c.verb == "COMPRESS" && ok && !inflate_[1]) {
    summary_.compressed = true;
    inflate_[0] = std::make_unique<adapt::Inflater>();
    inflate_[1] = std::make_unique<adapt::Inflater>();
  }
  close_appended(p);
  handler_.command(c);
  if (c.verb == "STARTTLS" && wait_ == Wait::kTls) {
    release_held(ok);
  } else if (wait_ == Wait::kLiteral && !in_command_) {
    release_held(false);
  }
}

void Session::server_gap(uint64_t num_bytes, const Moment& at) {
  at_ = at;
  if (blind_) return;
  fault("imap-gap");
  if (inflate_[1]) return go_blind("imap-bad-compression");
  Literal& l = server_literal_;
  if (l.open) {
    const uint64_t lost = std::min(num_bytes, l.left);
    l.left -= lost;
    num_bytes -= lost;
    if (l.message) {
      l.message->lost_bytes += lost;
      fetched_until_ += lost;
      handler_.message_gap(*l.message, lost);
    }
    if (l.left == 0) end_server_literal();
    if (num_bytes == 0) return;
  }
  server_line_.clear();
  response_.clear();
  skip_server_line_ = true;
  // The server's word may be among what is lost.
  if (wait_ != Wait::kNone) release_held(wait_ == Wait::kLiteral || looks_tls(held_));
}

}  // namespace postern::net::protocol::imap
