#include "net/protocol/imap/session.h"

#include <algorithm>

#include "base/text.h"
#include "net/protocol/detect.h"
#include "net/protocol/words.h"

namespace postern::net::protocol::imap {
namespace {

constexpr std::string_view kVerbs[] = {
    "CAPABILITY",  "NOOP",        "LOGOUT",   "STARTTLS",     "AUTHENTICATE", "LOGIN",
    "SELECT",      "EXAMINE",     "CREATE",   "DELETE",       "RENAME",       "SUBSCRIBE",
    "LIST",        "UNSUBSCRIBE", "LSUB",     "STATUS",       "APPEND",       "CHECK",
    "CLOSE",       "EXPUNGE",     "SEARCH",   "FETCH",        "STORE",        "COPY",
    "MOVE",        "UID",         "IDLE",     "NAMESPACE",    "ID",           "ENABLE",
    "COMPRESS",    "UNSELECT",    "SORT",     "THREAD",       "GETQUOTA",     "GETQUOTAROOT",
    "SETQUOTA",    "GETACL",      "SETACL",   "DELETEACL",    "LISTRIGHTS",   "MYRIGHTS",
    "GETMETADATA", "SETMETADATA", "ESEARCH",  "NOTIFY",       "REPLACE",      "UNAUTHENTICATE",
    "GENURLAUTH",  "RESETKEY",    "URLFETCH", "GETJMAPACCESS"};

bool known(std::string_view verb) {
  // "X…" are experiments, by the book.
  return (!verb.empty() && verb[0] == 'X') ||
         std::find(std::begin(kVerbs), std::end(kVerbs), verb) != std::end(kVerbs);
}

/// "tag VERB …"
bool is_command(std::string_view line) {
  const std::string_view tag = next_word(line);
  return !tag.empty() && known(verb_of(next_word(line)));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

Session::Session(MailboxHandler& handler, bool midstream, Limits limits)
    : MailboxSession(handler),
      limits_(limits),
      greeted_(midstream),
      client_line_(limits.max_line),
      server_line_(limits.max_line) {}

Session::~Session() = default;

/// Nothing more can be read.
void Session::go_blind(std::string_view reason) {
  if (blind_) return;
  blind_ = true;
  if (!reason.empty()) return fault(reason);
  summary_.tls = true;
  handler_.tls_started(at_);
}

void Session::remember(std::vector<std::string>& list, std::string_view text) const {
  if (text.empty() || list.size() >= limits_.max_kept) return;
  std::string kept = repair_utf8(text.substr(0, CommandRecord::kMaxText));
  if (std::find(list.begin(), list.end(), kept) == list.end()) list.push_back(std::move(kept));
}

// ---- the client's bytes: lines and literals

void Session::client(std::string_view bytes, const Moment& at) {
  at_ = at;
  if (!begun_) {
    begun_ = true;
    summary_.begin = at;
    summary_.early_talker = !greeted_;  // unless nobody answers, see server()
  }
  summary_.client_bytes += bytes.size();
  if (blind_) return;
  if (!inflate_[0]) return client_bytes(bytes);
  if (!inflate_[0]->feed(bytes, [this](std::string_view plain) { client_bytes(plain); }))
    go_blind("imap-bad-compression");
}

void Session::client_bytes(std::string_view bytes) {
  while (!bytes.empty() && !blind_) {
    if (wait_ != Wait::kNone) {
      if (!server_heard_) {
        release_held(wait_ == Wait::kLiteral || looks_tls(bytes));
        continue;
      }
      const size_t n = std::min(limits_.max_held - held_.size(), bytes.size());
      held_.append(bytes.substr(0, n));
      bytes.remove_prefix(n);
      if (held_.size() >= limits_.max_held) release_held(wait_ == Wait::kLiteral);
      continue;
    }
    if (client_literal_.open) {
      literal_bytes(client_literal_, bytes);
      if (client_literal_.left == 0) end_client_literal(true);
      continue;
    }
    if (client_line_.empty() && !inflate_[0] && looks_tls(bytes)) return go_blind("");
    if (!client_line_.take(bytes)) return;
    if (skip_client_line_) {
      // What is left of a cut line, unless the hole ended just before a command.
      skip_client_line_ = false;
      if (!is_command(client_line_.line())) continue;
    }
    if (client_line_.too_long()) fault("imap-line-too-long");
    if (client_line_.bare_lf()) fault("imap-bare-line-feed");
    client_line(std::string(client_line_.line()));
  }
}

void Session::client_line(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) fault("imap-nul-byte");
  if (in_auth_ && !in_command_) {
    if (!is_command(line)) {
      auth_.line(line);
      if (!auth_.user().empty()) summary_.auth_user = auth_.user();
      if (!auth_.active()) in_auth_ = false;
      return;
    }
    in_auth_ = false;  // its end was not seen
  }
  if (in_idle_ && !in_command_) {
    in_idle_ = false;
    if (equal_ignore_case(trim(line), "DONE")) return;
  }
  if (!in_command_) {
    if (trim(line).empty()) return;
    in_command_ = true;
    command_.clear();
    command_at_ = at_;
  }
  const auto mark = literal_mark(line);
  const std::string_view text = line.substr(0, mark ? mark->begin : line.size());
  command_.append(text.substr(0, limits_.max_line - std::min(limits_.max_line, command_.size())));
  if (mark) return begin_client_literal(*mark);
  end_command();
}

void Session::begin_client_literal(const LiteralMark& mark) {
  literal_size_ = mark.size;
  if (mark.size > limits_.max_literal) fault("imap-literal-too-large", std::to_string(mark.size));
  if (mark.synchronizing && server_heard_) {
    wait_ = Wait::kLiteral;
    return;
  }
  open_client_literal();
}

void Session::open_client_literal() {
  Literal& l = client_literal_;
  l = Literal();
  l.left = literal_size_;
  l.open = true;
  // APPEND mailbox [(flags)] [date] {message}; before the mailbox is known a literal is its name.
  const std::vector<std::string> w = words(command_, 3);
  if (w.size() >= 3 && equal_ignore_case(w[1], "APPEND")) {
    auto m = std::make_unique<MailboxMessage>();
    m->begin = command_at_;
    m->id = ++num_messages_;
    m->to_server = true;
    m->command = "APPEND";
    m->mailbox = mailbox_name(w[2]);
    m->user = summary_.auth_user;
    l.message = m.get();
    appending_.push_back(std::move(m));
    handler_.message_begin(*l.message);
  }
  if (l.left == 0) end_client_literal(true);
}

void Session::literal_bytes(Literal& l, std::string_view& bytes) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(l.left, bytes.size()));
  const std::string_view piece = bytes.substr(0, n);
  bytes.remove_prefix(n);
  l.left -= n;
  if (l.message) {
    l.message->bytes += n;
    if (l.message == fetched_.get()) fetched_until_ += n;
    handler_.message_data(*l.message, piece);
  } else {
    const size_t room =
        limits_.max_literal_text - std::min(limits_.max_literal_text, l.text.size());
    l.text.append(piece.substr(0, room));
  }
}

void Session::end_client_literal(bool complete) {
  Literal& l = client_literal_;
  l.open = false;
  if (!l.message) {
    if (command_.size() < limits_.max_line) command_ += quoted(l.text);
    return;
  }
  MailboxMessage& m = *l.message;
  m.complete = complete && m.lost_bytes == 0;
  ++summary_.num_messages;
  ++summary_.num_appended;
  summary_.appended_bytes += m.bytes;
  handler_.message_end(m);
  l.message = nullptr;
}

/// The server has spoken about a literal or STARTTLS, or never will.
void Session::release_held(bool accepted) {
  const Wait what = wait_;
  wait_ = Wait::kNone;
  const std::string bytes = std::move(held_);
  held_.clear();
  if (what == Wait::kTls && accepted) {
    // Commands sent in the clear before TLS begins would be taken for part of the session in it.
    if (!bytes.empty() && !looks_tls(bytes)) fault("imap-starttls-injection");
    return go_blind("");
  }
  if (what == Wait::kLiteral && accepted) open_client_literal();
  if (!bytes.empty()) client_bytes(bytes);
}

// ---- commands

void Session::end_command() {
  in_command_ = false;
  Pending p;
  p.appended = std::move(appending_);
  appending_.clear();
  std::string_view rest = command_;
  std::string_view tag = next_word(rest);
  if (tag.size() > limits_.max_tag) {
    fault("imap-tag-too-long");
    tag = tag.substr(0, limits_.max_tag);
  }
  std::string verb = verb_of(next_word(rest));
  if (verb == "UID") verb = verb_of(next_word(rest));
  if (!known(verb)) fault("imap-unknown-command", std::string_view(command_).substr(0, 80));
  p.record.at = command_at_;
  p.record.number = ++summary_.num_commands;
  p.record.tag = repair_utf8(tag);
  p.record.verb = repair_utf8(verb);
  p.record.argument = repair_utf8(rest.substr(0, CommandRecord::kMaxText));
  for (const auto& m : p.appended)
    p.record.content_bytes += m->bytes;
  command(p, rest);
  expect(std::move(p));
}

void Session::command(Pending& p, std::string_view argument) {
  constexpr size_t kMaxArguments = 4;
  const std::string& verb = p.record.verb;
  const std::vector<std::string> w = words(argument, kMaxArguments);
  if (verb == "LOGIN") {
    summary_.auth_user = w.empty() ? "" : repair_utf8(std::string_view(w[0]).substr(0, 256));
    summary_.auth_mechanism = "LOGIN";
    ++summary_.auth_attempts;
    p.record.argument = summary_.auth_user;
  } else if (verb == "AUTHENTICATE") {
    auth_.begin(argument);
    ++summary_.auth_attempts;
    summary_.auth_mechanism = auth_.mechanism();
    if (!auth_.user().empty()) summary_.auth_user = auth_.user();
    in_auth_ = auth_.active();
    p.record.argument = auth_.mechanism();
  } else if (verb == "SEARCH" || verb == "SORT" || verb == "THREAD") {
    p.record.mailbox = selected_;
    remember(summary_.searches, argument);
  } else if (verb == "IDLE") {
    in_idle_ = true;
    ++summary_.num_polls;
    p.record.mailbox = selected_;
  } else if (verb == "NOOP" || verb == "CHECK") {
    ++summary_.num_polls;
    p.record.mailbox = selected_;
  } else if (verb == "ID") {
    if (!equal_ignore_case(argument, "NIL"))
      summary_.client_id = repair_utf8(argument.substr(0, CommandRecord::kMaxText));
  } else if (verb == "STARTTLS") {
    summary_.starttls = true;
    wait_ = Wait::kTls;
  } else if (verb == "LOGOUT") {
    summary_.quit = true;
  } else {
    command_on_mailbox(p, w);
  }
}

void Session::command_on_mailbox(Pending& p, const std::vector<std::string>& w) {
  const std::string& verb = p.record.verb;
  const auto named = [&w](size_t i) { return i < w.size() ? mailbox_name(w[i]) : std::string(); };
  if (verb == "SELECT" || verb == "EXAMINE") {
    selected_ = p.record.mailbox = named(0);
    remember(summary_.mailboxes, selected_);
  } else if (verb == "APPEND") {
    p.record.mailbox = named(0);
    remember(summary_.mailboxes, p.record.mailbox);
  } else if (verb == "CREATE" || verb == "DELETE" || verb == "RENAME" || verb == "STATUS" ||
             verb == "SUBSCRIBE" || verb == "UNSUBSCRIBE") {
    p.record.mailbox = named(0);
  } else if (verb == "COPY" || verb == "MOVE") {
    p.record.mailbox = named(1);
  } else if (verb == "FETCH" || verb == "STORE" || verb == "EXPUNGE" || verb == "CLOSE" ||
             verb == "UNSELECT") {
    p.record.mailbox = selected_;
  }
  if (verb == "STORE" && w.size() >= 3 && !w[1].empty() && w[1][0] != '-' &&
      find_ignore_case(w[2], "\\Deleted") != std::string_view::npos)
    p.num_deleted = set_size(w[0]);
  if (verb == "CLOSE" || verb == "UNSELECT") selected_.clear();
}

void Session::expect(Pending p) {
  if (pending_.size() >= limits_.max_pending) {
    // With a server that is never heard this is no anomaly: the commands are told as they are.
    if (server_heard_) fault("imap-too-many-commands");
    unanswered(pending_.front());
    pending_.pop_front();
  }
  pending_.push_back(std::move(p));
}

/// Nothing more will be known of a command: what it asked for counts as done.
void Session::unanswered(Pending& p) {
  summary_.num_deleted += p.num_deleted;
  close_appended(p);
  handler_.command(p.record);
}

void Session::close_appended(Pending& p) {
  for (const auto& m : p.appended) {
    m->status = p.record.status;
    m->reply = p.record.reply;
    handler_.message_done(*m);
  }
  p.appended.clear();
}

// ---- holes and the end

void Session::client_gap(uint64_t num_bytes, const Moment& at) {
  at_ = at;
  if (blind_) return;
  fault("imap-gap");
  if (inflate_[0]) return go_blind("imap-bad-compression");
  if (wait_ != Wait::kNone) release_held(wait_ == Wait::kLiteral);
  if (blind_) return;
  Literal& l = client_literal_;
  if (l.open) {
    const uint64_t lost = std::min(num_bytes, l.left);
    l.left -= lost;
    if (l.message) {
      l.message->lost_bytes += lost;
      handler_.message_gap(*l.message, lost);
    }
    num_bytes -= lost;
    if (l.left == 0) end_client_literal(true);
    if (num_bytes == 0) return;
  }
  client_line_.clear();
  skip_client_line_ = true;
  if (in_command_) end_command();
}

void Session::finish(const Moment& at) {
  at_ = at;
  if (wait_ != Wait::kNone && !blind_)
    release_held(wait_ == Wait::kLiteral ? !held_.empty() : looks_tls(held_));
  if (client_literal_.open) {
    fault("imap-literal-cut", std::to_string(client_literal_.left));
    end_client_literal(false);
  }
  if (in_command_) end_command();
  if (server_literal_.open) fault("imap-literal-cut", std::to_string(server_literal_.left));
  close_fetched(!server_literal_.open && !untrusted_);
  server_literal_.open = false;
  for (Pending& p : pending_)
    unanswered(p);
  pending_.clear();
}

}  // namespace postern::net::protocol::imap
