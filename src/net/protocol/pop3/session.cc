#include "net/protocol/pop3/session.h"

#include <algorithm>

#include "base/text.h"
#include "net/protocol/detect.h"
#include "net/protocol/words.h"

namespace postern::net::protocol::pop3 {
namespace {

constexpr std::string_view kVerbs[] = {"USER", "PASS", "APOP", "AUTH", "CAPA", "STLS",   "STAT",
                                       "LIST", "UIDL", "RETR", "TOP",  "DELE", "NOOP",   "RSET",
                                       "QUIT", "LAST", "UTF8", "LANG", "XTND", "XCLIENT"};
/// Of a message: a longer line passes in pieces.
constexpr size_t kMaxHeldLine = 4096;
constexpr size_t kMaxBanner = 1024;

bool known(std::string_view verb) {
  return std::find(std::begin(kVerbs), std::end(kVerbs), verb) != std::end(kVerbs);
}

/// "Name: …"
bool is_header_field(std::string_view line) {
  const size_t colon = line.find(':');
  return colon != std::string_view::npos && colon > 0 && colon <= 76 &&
         std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return c > 32 && c < 127; });
}

bool is_status(std::string_view line) {
  return line.substr(0, 3) == "+OK" || line.substr(0, 4) == "-ERR";
}

}  // namespace

Session::Session(MailboxHandler& handler, bool midstream, Limits limits)
    : MailboxSession(handler),
      limits_(limits),
      client_line_(limits.max_command_line),
      server_line_(limits.max_reply_line),
      message_lines_(kMaxHeldLine) {
  if (midstream) return;
  Pending greeting;
  greeting.greeting = true;
  pending_.push_back(std::move(greeting));
}

Session::~Session() = default;

// ---- the client's side

void Session::client(std::string_view bytes, const Moment& at) {
  at_ = at;
  if (!begun_) {
    begun_ = true;
    summary_.begin = at;
    summary_.early_talker = true;  // unless nobody answers, see server()
  }
  client_heard_ = true;
  summary_.client_bytes += bytes.size();
  while (!bytes.empty() && !summary_.tls) {
    if (held_for_tls_) {
      // Until the server has spoken about STLS these may be commands or the beginning of TLS.
      if (!server_heard_) {
        resolve_tls(looks_tls(bytes));
        continue;
      }
      const size_t room = limits_.max_held - std::min(limits_.max_held, held_.size());
      held_.append(bytes.substr(0, std::min(room, bytes.size())));
      return;
    }
    if (client_line_.empty() && looks_tls(bytes)) {
      summary_.tls = true;
      handler_.tls_started(at_);
      return;
    }
    if (!client_line_.take(bytes)) return;
    if (skip_client_line_) {
      // What is left of a cut line, unless the hole ended just before a command.
      skip_client_line_ = false;
      const std::string_view line = client_line_.line();
      if (!known(verb_of(line.substr(0, line.find(' '))))) continue;
    }
    if (client_line_.too_long()) fault("pop3-line-too-long");
    if (client_line_.bare_lf()) fault("pop3-bare-line-feed");
    command_line(std::string(client_line_.line()));
  }
}

void Session::command_line(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) fault("pop3-nul-byte");
  line = trim(line);
  const size_t blank = std::min(line.find_first_of(" \t"), line.size());
  const std::string verb = verb_of(line.substr(0, blank));
  if (in_auth_) {
    // A command in place of an answer: the exchange is over and its end was not seen.
    if (!known(verb) || (blank == line.size() && verb != "QUIT")) {
      auth_.line(line);
      if (!auth_.user().empty()) summary_.auth_user = auth_.user();
      if (!auth_.active()) in_auth_ = false;
      return;
    }
    in_auth_ = false;
  }
  if (line.empty()) return;
  command(verb, trim(line.substr(blank)), line);
}

void Session::command(std::string_view verb, std::string_view argument, std::string_view line) {
  ++summary_.num_commands;
  Pending p;
  p.record.at = at_;
  p.record.number = summary_.num_commands;
  p.record.verb = std::string(verb);
  p.record.argument = repair_utf8(argument.substr(0, CommandRecord::kMaxText));
  if (!known(verb)) fault("pop3-unknown-command", line.substr(0, 80));
  if (verb == "USER") {
    summary_.auth_user = repair_utf8(argument.substr(0, 256));
    summary_.auth_mechanism = "USER";
  } else if (verb == "PASS") {
    p.record.argument.clear();
    ++summary_.auth_attempts;
  } else if (verb == "APOP") {
    // name digest
    const size_t blank = argument.find(' ');
    summary_.auth_user = repair_utf8(argument.substr(0, std::min<size_t>(blank, 256)));
    summary_.auth_mechanism = "APOP";
    p.record.argument = summary_.auth_user;
    ++summary_.auth_attempts;
  } else if (verb == "AUTH" && argument.empty()) {
    p.multiline = true;
  } else if (verb == "AUTH") {
    auth_.begin(argument);
    ++summary_.auth_attempts;
    summary_.auth_mechanism = auth_.mechanism();
    if (!auth_.user().empty()) summary_.auth_user = auth_.user();
    in_auth_ = auth_.active();
    p.record.argument = auth_.mechanism();
  } else if (verb == "CAPA" || verb == "RETR" || verb == "TOP") {
    p.multiline = true;
  } else if (verb == "LIST" || verb == "UIDL") {
    p.multiline = argument.empty();
    ++summary_.num_polls;
  } else if (verb == "STAT") {
    ++summary_.num_polls;
  } else if (verb == "LANG") {
    p.multiline = argument.empty();
  } else if (verb == "QUIT") {
    summary_.quit = true;
  } else if (verb == "STLS") {
    summary_.starttls = true;
    held_for_tls_ = true;
  }
  expect(std::move(p));
}

void Session::expect(Pending p) {
  if (pending_.size() >= limits_.max_pending) {
    // With a server that is never heard this is no anomaly: the commands are told as they are.
    if (server_heard_) fault("pop3-too-many-commands");
    if (!pending_.front().greeting) handler_.command(pending_.front().record);
    pending_.pop_front();
  }
  pending_.push_back(std::move(p));
}

/// The server has spoken about STLS, or never will.
void Session::resolve_tls(bool accepted) {
  if (!held_for_tls_) return;
  held_for_tls_ = false;
  const std::string bytes = std::move(held_);
  held_.clear();
  if (accepted) {
    if (!bytes.empty() && !looks_tls(bytes)) fault("pop3-starttls-injection");
    summary_.tls = true;
    handler_.tls_started(at_);
    return;
  }
  if (bytes.empty()) return;
  summary_.client_bytes -= std::min<uint64_t>(bytes.size(), summary_.client_bytes);
  client(bytes, at_);
}

// ---- the server's side

void Session::server(std::string_view bytes, const Moment& at) {
  at_ = at;
  if (!begun_) {
    begun_ = true;
    summary_.begin = at;
  }
  if (!server_heard_ && summary_.early_talker && pending_.size() < 2) summary_.early_talker = false;
  server_heard_ = true;
  summary_.server_bytes += bytes.size();
  while (!bytes.empty()) {
    if (summary_.tls) return;
    if (server_state_ == ServerState::kMessage) {
      message_bytes(bytes);
      continue;
    }
    if (!server_line_.take(bytes)) return;
    if (skip_server_line_) {
      skip_server_line_ = false;
      if (!is_status(server_line_.line())) continue;
    }
    if (server_line_.too_long()) fault("pop3-line-too-long", "reply");
    const std::string line(server_line_.line());
    if (server_state_ == ServerState::kUnasked) {
      // More of a reply, or the next one?
      if (is_status(line)) {
        server_state_ = ServerState::kStatus;
        answering_.reset();
      } else if (is_header_field(line)) {
        begin_message(answering_ ? answering_->record : CommandRecord());
        message_line(line + "\r\n", true);
        continue;
      } else {
        server_state_ = ServerState::kLines;
      }
    }
    if (server_state_ == ServerState::kLines) {
      list_line(line);
    } else {
      const bool was_tls = summary_.tls;
      status_line(line);
      // What comes with the agreement to TLS, in the clear, would be taken for part of it.
      if (!was_tls && summary_.tls && !bytes.empty() && !looks_tls(bytes))
        fault("pop3-starttls-injection", "server");
    }
  }
}

void Session::status_line(std::string_view line) {
  if (line.empty()) return;
  if (line[0] == '+' && (line.size() == 1 || line[1] == ' ')) return;  // a challenge of AUTH
  const bool ok = starts_with_ignore_case(line, "+OK");
  if (!ok && !starts_with_ignore_case(line, "-ERR")) {
    fault("pop3-bad-reply", line.substr(0, 80));
    return;
  }
  summary_.last_reply = repair_utf8(line.substr(0, CommandRecord::kMaxText));
  answered(ok, trim(line.substr(ok ? 3 : 4)));
}

void Session::answered(bool ok, std::string_view text) {
  if (pending_.empty()) {
    // To a command that was not seen.
    answering_.reset();
    if (ok && !client_heard_) server_state_ = ServerState::kUnasked;
    return;
  }
  Pending p = std::move(pending_.front());
  pending_.pop_front();
  if (p.greeting) {
    summary_.banner = repair_utf8(text.substr(0, kMaxBanner));
    return;
  }
  CommandRecord& c = p.record;
  c.answer(ok ? "+OK" : "-ERR", text, at_);
  if (ok) {
    if (c.verb == "PASS" || c.verb == "APOP" || c.verb == "AUTH")
      summary_.auth_accepted = !p.multiline || summary_.auth_accepted;
    if (c.verb == "DELE") ++summary_.num_deleted;
    if (c.verb == "RSET") summary_.num_deleted = 0;
    if (c.verb == "QUIT") summary_.num_expunged = summary_.num_deleted;
    if (c.verb == "CAPA") summary_.extensions.clear();
  }
  if (c.verb == "AUTH") {
    in_auth_ = false;
    auth_.end();
  }
  if (!ok || !p.multiline) {
    handler_.command(c);
    if (c.verb == "STLS") resolve_tls(ok);
    return;
  }
  answering_ = std::move(p);
  if (answering_->record.verb == "RETR" || answering_->record.verb == "TOP") {
    begin_message(answering_->record);
  } else {
    server_state_ = ServerState::kLines;
  }
}

/// A line of CAPA, LIST, UIDL, …
void Session::list_line(std::string_view line) {
  if (line == ".") return end_reply();
  constexpr size_t kMaxExtensions = 64;
  if (!answering_ || answering_->record.verb != "CAPA") return;
  if (summary_.extensions.size() < kMaxExtensions)
    summary_.extensions.push_back(repair_utf8(line.substr(0, CommandRecord::kMaxText)));
  if (equal_ignore_case(trim(line), "STLS")) summary_.starttls_offered = true;
}

void Session::end_reply() {
  server_state_ = ServerState::kStatus;
  if (answering_) handler_.command(answering_->record);
  answering_.reset();
}

// ---- messages

void Session::begin_message(const CommandRecord& c) {
  server_state_ = ServerState::kMessage;
  message_ = std::make_unique<MailboxMessage>();
  message_->begin = at_;
  message_->id = ++num_messages_;
  message_->command = c.verb.empty() ? "RETR" : c.verb;
  const std::string_view argument = c.argument;
  message_->number = std::string(argument.substr(0, argument.find(' ')));
  if (c.verb == "TOP") message_->section = "TOP";
  message_->user = summary_.auth_user;
  message_->status = "+OK";
  message_->reply = c.reply;
  message_lines_.clear();
  handler_.message_begin(*message_);
}

void Session::message_bytes(std::string_view& bytes) {
  if (message_lines_.next(bytes)) message_line(message_lines_.piece(), message_lines_.begins());
}

/// A line of a message with its line end, or a piece of a long one.
void Session::message_line(std::string_view text, bool begins) {
  if (begins && text[0] == '.') {
    if (text == ".\r\n") return end_message(true);
    if (text == ".\n") {
      // Not the end by the book, and taken for it by clients.
      fault("pop3-bare-line-feed");
      return end_message(true);
    }
    text.remove_prefix(1);
  }
  message_->bytes += text.size();
  handler_.message_data(*message_, text);
}

void Session::end_message(bool complete) {
  message_->complete = complete && message_->lost_bytes == 0;
  if (message_->section.empty()) {
    ++summary_.num_messages;
    ++summary_.num_fetched;
    summary_.fetched_bytes += message_->bytes;
  }
  handler_.message_end(*message_);
  handler_.message_done(*message_);
  if (answering_) answering_->record.content_bytes = message_->bytes;
  message_.reset();
  end_reply();
}

// ---- holes and the end

void Session::client_gap(uint64_t, const Moment& at) {
  at_ = at;
  if (summary_.tls) return;
  fault("pop3-gap");
  client_line_.clear();
  skip_client_line_ = true;
}

void Session::server_gap(uint64_t num_bytes, const Moment& at) {
  at_ = at;
  if (summary_.tls) return;
  fault("pop3-gap");
  if (server_state_ == ServerState::kMessage) {
    message_->lost_bytes += num_bytes;
    message_lines_.lose();
    handler_.message_gap(*message_, num_bytes);
    return;
  }
  server_line_.clear();
  skip_server_line_ = true;
}

void Session::finish(const Moment& at) {
  at_ = at;
  if (held_for_tls_) resolve_tls(looks_tls(held_));
  if (message_) {
    const std::string rest(message_lines_.held());
    if (!rest.empty() && rest != "." && rest != ".\r")
      message_line(rest, message_lines_.next_begins());
    if (message_) end_message(false);
  }
  if (answering_) end_reply();
  for (const Pending& p : pending_)
    if (!p.greeting) handler_.command(p.record);
  pending_.clear();
}

}  // namespace postern::net::protocol::pop3
