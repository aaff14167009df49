#include "net/protocol/smtp/session.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "net/protocol/detect.h"

namespace postern::net::protocol::smtp {

void Session::ContentForward::content(std::string_view bytes) {
  Transaction& t = *session.current_;
  t.content_bytes += bytes.size();
  session.handler_.content(t, bytes);
}

Session::Session(Handler& handler, bool midstream, Limits limits)
    : MailSession(handler),
      handler_(handler),
      limits_(limits),
      state_(midstream ? State::kUnknown : State::kCommand),
      client_line_(limits.max_command_line),
      server_line_(limits.max_reply_line) {
  if (!midstream) pending_.push_back({Pending::kGreeting, 0, {}});
}

Session::~Session() = default;

// ---- the client's side

void Session::client(std::string_view bytes, const Moment& at) {
  at_ = at;
  if (!begun_) {
    begun_ = true;
    summary_.begin = at;
  }
  if (summary_.client_bytes == 0 && !server_heard_ && state_ == State::kCommand) {
    // Perhaps nobody answers at all; said only once the server is heard (see server()).
    summary_.early_talker = true;
  }
  summary_.client_bytes += bytes.size();
  while (!bytes.empty()) {
    switch (state_) {
      case State::kCommand:
      case State::kAuth:
      case State::kLost:
        command_bytes(bytes);
        break;
      case State::kUnknown:
        unknown_bytes(bytes);
        break;
      case State::kData:
        data_bytes(bytes);
        break;
      case State::kBdat:
        bdat_bytes(bytes);
        break;
      case State::kHeld:
        hold(bytes);
        break;
      case State::kTls:
        return;
    }
  }
}

/// Takes one command line, or what there is of it.
void Session::command_bytes(std::string_view& bytes) {
  // A refused STARTTLS may be followed by TLS all the same; a client that speaks it is not read.
  if (client_line_.empty() && state_ != State::kLost && looks_tls(bytes)) {
    state_ = State::kTls;
    summary_.tls = true;
    handler_.tls_started(at_);
    return;
  }
  if (!client_line_.take(bytes)) return;
  const std::string_view line = client_line_.line();
  if (state_ == State::kLost) {
    // The rest of a line that was cut, unless the hole ended just before a command.
    state_ = State::kCommand;
    if (!parse_command(line).known) return;
  }
  if (client_line_.too_long()) {
    fault("smtp-line-too-long");
  } else if (line.size() > limits_.long_command_line) {
    fault("smtp-long-line", std::to_string(line.size()));
  }
  if (client_line_.bare_lf()) fault("smtp-bare-line-feed");
  command_line(line);
}

void Session::command_line(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) fault("smtp-nul-byte");
  if (state_ == State::kAuth) return auth_line(line);
  const Command c = parse_command(line);
  command(c, line);
}

void Session::command(const Command& c, std::string_view line) {
  if (line.empty()) return;
  if (replies_lost_) resync_replies();
  ++summary_.num_commands;
  spoken_ = CommandRecord();
  spoken_.at = at_;
  spoken_.number = ++num_records_;
  spoken_.verb = repair_utf8(c.verb);
  spoken_.argument = repair_utf8(c.argument.substr(0, CommandRecord::kMaxText));
  if (c.verb == "EHLO" || c.verb == "HELO" || c.verb == "LHLO") {
    summary_.helo = std::string(c.argument.substr(0, limits_.max_helo));
    if (current_ && !current_->has_mail) current_->helo = summary_.helo;
    return expect(Pending::kHelo);
  }
  if (c.verb == "MAIL") return mail(c);
  if (c.verb == "RCPT") return recipient(c);
  if (c.verb == "DATA") return data(c);
  if (c.verb == "BDAT") return bdat(c);
  if (c.verb == "STARTTLS" || c.verb == "X-ANONYMOUSTLS") return starttls();
  if (c.verb == "AUTH" || c.verb == "X-EXPS") {
    auth_.begin(c.argument);
    ++summary_.auth_attempts;
    summary_.auth_mechanism = auth_.mechanism();
    if (!auth_.user().empty()) summary_.auth_user = auth_.user();
    if (auth_.active()) state_ = State::kAuth;
    spoken_.argument = auth_.mechanism();
    return expect(Pending::kAuth);
  }
  if (c.verb == "RSET") {
    if (current_) close_current();
    return expect(Pending::kReset);
  }
  if (c.verb == "QUIT") {
    summary_.quit = true;
    return expect(Pending::kQuit);
  }
  if (!c.known) fault("smtp-unknown-command", line.substr(0, 80));
  expect(Pending::kOther);
}

void Session::mail(const Command& c) {
  const Path p = parse_path(c.argument, "FROM:");
  if (!p.valid) {
    fault("smtp-bad-sequence", c.argument.substr(0, 80));
    return expect(Pending::kMail);
  }
  if (current_ && current_->has_mail) {
    fault("smtp-bad-sequence", "MAIL within a mail");
    // Servers refuse it and go on with the first; whether this one does, its reply tells.
    if (server_heard_ && !replies_lost_) return expect(Pending::kNestedMail);
  }
  begin_mail(p.address, at_);
  expect(Pending::kMail);
}

/// A mail that was begun and not ended is given up.
void Session::begin_mail(std::string address, const Moment& at) {
  if (current_ && (current_->has_mail || current_->num_recipients > 0)) close_current();
  Transaction& t = current();
  t.begin = at;
  t.has_mail = true;
  t.mail_from = std::move(address);
}

void Session::recipient(const Command& c) {
  const Path p = parse_path(c.argument, "TO:");
  if (!p.valid) {
    fault("smtp-bad-sequence", c.argument.substr(0, 80));
    return expect(Pending::kOther);
  }
  Transaction& t = current();
  if (!t.has_mail) fault("smtp-bad-sequence", "RCPT without MAIL");
  ++t.num_recipients;
  if (t.recipients.size() >= limits_.max_recipients) {
    if (t.num_recipients == limits_.max_recipients + 1) fault("smtp-too-many-recipients");
  } else if (std::find(t.recipients.begin(), t.recipients.end(), p.address) == t.recipients.end()) {
    t.recipients.push_back(p.address);
  }
  expect(Pending::kRecipient);
}

void Session::data(const Command&) {
  Transaction& t = current();
  if (t.num_recipients == 0) fault("smtp-bad-sequence", "DATA without RCPT");
  expect(Pending::kData);
  if (server_heard_) {
    state_ = State::kHeld;
    waits_for_data_ = true;
    return;
  }
  begin_content();
  state_ = State::kData;
}

void Session::bdat(const Command& c) {
  const size_t blank = std::min(c.argument.find(' '), c.argument.size());
  const std::string_view number = c.argument.substr(0, blank);
  const std::string_view rest = trim(c.argument.substr(blank));
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), size);
  constexpr uint64_t kMaxChunk = uint64_t{1} << 62;
  const bool good = error == std::errc() && end == number.data() + number.size() &&
                    size <= kMaxChunk && (rest.empty() || equal_ignore_case(rest, "LAST"));
  if (!good) {
    fault("smtp-bad-bdat", c.argument.substr(0, 80));
    return expect(Pending::kOther);
  }
  Transaction& t = current();
  if (t.num_recipients == 0 && !t.has_content) fault("smtp-bad-sequence", "BDAT without RCPT");
  if (!content_open_) begin_content();
  spoken_.content_bytes = size;
  bdat_left_ = size;
  bdat_last_ = !rest.empty();
  expect(bdat_last_ ? Pending::kEndOfData : Pending::kBdat);
  state_ = State::kBdat;
  if (bdat_left_ == 0) end_data();
}

void Session::starttls() {
  summary_.starttls = true;
  current();
  expect(Pending::kStartTls);
  state_ = State::kHeld;
  waits_for_data_ = false;
}

void Session::auth_line(std::string_view line) {
  // A command instead of an answer: the exchange is over and its end was not seen.
  const Command c = parse_command(line);
  if (c.known && line.size() > 4 && line.find(' ') != std::string_view::npos) {
    auth_.end();
    state_ = State::kCommand;
    return command(c, line);
  }
  auth_.line(line);
  if (!auth_.user().empty()) summary_.auth_user = auth_.user();
  if (!auth_.active()) state_ = State::kCommand;
}

/// A connection seen from its middle: its first line is a command or part of a mail.
void Session::unknown_bytes(std::string_view& bytes) {
  const size_t lf = bytes.find('\n');
  const std::string_view line = bytes.substr(0, lf);
  const Command c = parse_command(line);
  if (c.known && line.size() <= 1024) {
    state_ = State::kCommand;
    return;
  }
  // Content whose envelope is not known. Its first line may be cut: it is content all the same.
  begin_content();
  current().lost_bytes = 0;
  content_had_gap_ = true;
  reader_.gap();
  state_ = State::kData;
}

void Session::data_bytes(std::string_view& bytes) {
  ContentForward forward(*this);
  bytes.remove_prefix(reader_.feed(bytes, forward));
  if (reader_.ended()) end_data();
}

void Session::bdat_bytes(std::string_view& bytes) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(bdat_left_, bytes.size()));
  Transaction& t = *current_;
  t.content_bytes += n;
  handler_.content(t, bytes.substr(0, n));
  bytes.remove_prefix(n);
  bdat_left_ -= n;
  if (bdat_left_ == 0) end_data();
}

/// A DATA content or a BDAT chunk is over.
void Session::end_data() {
  const bool chunk = state_ == State::kBdat;
  state_ = State::kCommand;
  if (chunk && !bdat_last_) return;
  if (!chunk) {
    spoken_ = CommandRecord();
    spoken_.at = at_;
    spoken_.number = ++num_records_;
    spoken_.verb = ".";
    spoken_.content_bytes = current_->content_bytes;
    expect(Pending::kEndOfData);
  }
  end_content();
}

void Session::begin_content() {
  Transaction& t = current();
  t.has_content = true;
  content_had_gap_ = false;
  reader_ = DataReader();
  if (content_open_) return fault("smtp-bdat-in-data");  // DATA within chunks: one content
  content_open_ = true;
  handler_.content_begin(t);
}

/// The content of the current transaction has come to its end; its reply is awaited.
void Session::end_content() {
  Transaction& t = *current_;
  t.complete = true;
  t.smuggling = reader_.smuggling();
  if (t.smuggling.suspected()) fault("smtp-smuggling", t.smuggling.sequence);
  content_open_ = false;
  ++summary_.num_messages;
  handler_.content_end(t);
  waiting_.push_back(std::move(current_));
  constexpr size_t kMaxWaiting = 64;
  if (waiting_.size() > kMaxWaiting) {
    close(*waiting_.front());
    waiting_.erase(waiting_.begin());
  }
}

void Session::hold(std::string_view& bytes) {
  if (!waits_for_data_ && looks_tls(bytes) && held_.empty() && !server_heard_) {
    // Only the client is captured, and it goes on in TLS: the server must have agreed.
    resolve_held(true);
    return;
  }
  if (!server_heard_ && !waits_for_data_) {
    resolve_held(false);
    return;
  }
  const size_t room = limits_.max_held - std::min(limits_.max_held, held_.size());
  const size_t n = std::min(room, bytes.size());
  held_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  if (held_.size() >= limits_.max_held) resolve_held(waits_for_data_);
}

/// The server has spoken about DATA or STARTTLS, or never will.
void Session::resolve_held(bool accepted) {
  if (state_ != State::kHeld) return;
  std::string bytes = std::move(held_);
  held_.clear();
  if (!accepted) {
    state_ = State::kCommand;
  } else if (waits_for_data_) {
    begin_content();
    state_ = State::kData;
  } else {
    // Commands sent in the clear before TLS began are an attack on the session that follows.
    if (!bytes.empty() && !looks_tls(bytes)) fault("smtp-starttls-injection");
    state_ = State::kTls;
    summary_.tls = true;
    current().tls = true;
    handler_.tls_started(at_);
    return;
  }
  if (bytes.empty()) return;
  // Counted already when they came.
  summary_.client_bytes -= std::min<uint64_t>(bytes.size(), summary_.client_bytes);
  const bool early = summary_.early_talker;
  client(bytes, at_);
  summary_.early_talker = early;
}

// ---- holes and the end

void Session::client_gap(uint64_t num_bytes, const Moment& at) {
  at_ = at;
  if (state_ == State::kTls) return;
  fault("smtp-gap");
  if (state_ == State::kHeld) resolve_held(waits_for_data_);
  if (state_ == State::kTls) return;
  if (state_ == State::kData || state_ == State::kBdat) {
    Transaction& t = *current_;
    uint64_t lost = num_bytes;
    if (state_ == State::kBdat) lost = std::min(lost, bdat_left_);
    t.lost_bytes += lost;
    content_had_gap_ = true;
    handler_.content_gap(t, lost);
    if (state_ == State::kData) return reader_.gap();
    bdat_left_ -= lost;
    if (bdat_left_ == 0) {
      end_data();
      // The hole reaches into what follows the chunk.
      if (lost < num_bytes) state_ = State::kLost;
    }
    return;
  }
  client_line_.clear();
  state_ = State::kLost;
}

void Session::server_gap(uint64_t, const Moment& at) {
  at_ = at;
  if (state_ == State::kTls) return;
  server_line_.clear();
  multiline_.clear();
  replies_lost_ = true;
  // The reply to DATA may be among what is lost; for STARTTLS the client's next bytes tell.
  if (state_ == State::kHeld) resolve_held(waits_for_data_ || looks_tls(held_));
}

void Session::finish(const Moment& at) {
  at_ = at;
  if (client_line_.too_long()) fault("smtp-line-too-long");
  if (state_ == State::kHeld) resolve_held(waits_for_data_ && !held_.empty());
  if (content_open_) {
    ContentForward forward(*this);
    if (state_ == State::kData) reader_.finish(forward);
    current_->smuggling = reader_.smuggling();
    if (current_->smuggling.suspected()) fault("smtp-smuggling", current_->smuggling.sequence);
    content_open_ = false;
    handler_.content_end(*current_);
  }
  for (const auto& t : waiting_)
    close(*t);
  waiting_.clear();
  if (current_) close_current();
  resync_replies();
}

Transaction& Session::current() {
  if (!current_) {
    current_ = std::make_unique<Transaction>();
    current_->id = ++next_id_;
    if (next_id_ == limits_.max_transactions + 1) fault("smtp-too-many-transactions");
    current_->begin = at_;
    current_->depth = static_cast<uint32_t>(acknowledged_ + 1);
    current_->helo = summary_.helo;
  }
  return *current_;
}

Transaction* Session::find(uint64_t id) {
  if (current_ && current_->id == id) return current_.get();
  for (const auto& t : waiting_)
    if (t->id == id) return t.get();
  return nullptr;
}

/// Gives up the transaction being spoken.
void Session::close_current() {
  if (content_open_) {
    current_->smuggling = reader_.smuggling();
    content_open_ = false;
    handler_.content_end(*current_);
  }
  const std::unique_ptr<Transaction> t = std::move(current_);
  // Without MAIL, RCPT or TLS there was no mail, only words.
  if (!t->has_mail && t->num_recipients == 0 && !t->tls && !t->has_content) return;
  t->last_reply = reply_since_row_;
  close(*t);
}

void Session::close(Transaction& t) {
  reply_since_row_.clear();
  handler_.transaction(t);
}

}  // namespace postern::net::protocol::smtp
