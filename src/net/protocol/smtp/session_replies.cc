// The server's side of a session: reply lines, matched with the commands that they answer.
#include <algorithm>

#include "base/text.h"
#include "net/protocol/smtp/session.h"

namespace postern::net::protocol::smtp {

void Session::server(std::string_view bytes, const Moment& at) {
  at_ = at;
  if (!begun_) {
    begun_ = true;
    summary_.begin = at;
  }
  summary_.server_bytes += bytes.size();
  if (!server_heard_) {
    server_heard_ = true;
    if (summary_.early_talker) fault("smtp-early-talker");
  }
  while (state_ != State::kTls && server_line_.take(bytes)) {
    if (server_line_.too_long()) fault("smtp-line-too-long", "reply");
    reply_line(std::string(server_line_.line()));
  }
}

void Session::reply_line(std::string_view line) {
  const Reply r = parse_reply(line);
  if (r.code == 0) {
    if (!line.empty()) fault("smtp-bad-reply", line.substr(0, 80));
    return;
  }
  std::string text = std::to_string(r.code);
  if (!r.text.empty()) text.append(" ").append(r.text.substr(0, limits_.max_text));
  const Pending what = pending_.empty() ? Pending::kOther : pending_.front().what;
  if (what == Pending::kHelo && r.code / 100 == 2) {
    // The first line names the host, each further one an extension.
    if (multiline_.empty()) {
      summary_.extensions.clear();
    } else {
      constexpr size_t kMaxExtensions = 64;
      if (summary_.extensions.size() < kMaxExtensions) summary_.extensions.emplace_back(r.text);
      if (starts_with_ignore_case(r.text, "STARTTLS")) summary_.starttls_offered = true;
    }
  }
  if (!r.last) {
    if (multiline_.empty()) multiline_ = text;
    reply_since_row_ = text;
    summary_.last_reply = text;
    return;
  }
  reply(r, text);
  multiline_.clear();
}

void Session::reply(const Reply& r, const std::string& text) {
  summary_.last_reply = text;
  reply_since_row_ = text;
  // A greeting comes once; a session seen later has none.
  const bool greeting = r.code == 220 || r.code == 554 || r.code == 421;
  if (!pending_.empty() && pending_.front().what == Pending::kGreeting && !greeting &&
      pending_.size() > 1)
    pending_.pop_front();
  if (pending_.empty()) {
    // Content whose end was lost is over when the server answers it.
    if (state_ == State::kData && content_had_gap_ && r.code != 354) {
      ContentForward forward(*this);
      reader_.finish(forward);
      end_data();
    } else {
      return;
    }
  }
  // These codes answer one command only: where the count of replies is off, they set it right.
  if (r.code == 354) skip_to(Pending::kData);
  if (r.code == 235) skip_to(Pending::kAuth);
  const PendingReply p = std::move(pending_.front());
  const bool good = r.code / 100 == 2;
  pending_.pop_front();
  if (p.what == Pending::kAuth && r.code / 100 == 3) {  // a challenge, not the answer
    pending_.push_front(p);
    return;
  }
  if (p.what != Pending::kGreeting) {
    CommandRecord record = p.record;
    record.answer(std::to_string(r.code),
                  std::string_view(text).substr(std::min<size_t>(4, text.size())), at_);
    handler_.command(record);
  }
  switch (p.what) {
    case Pending::kGreeting:
      summary_.banner = multiline_.empty() ? text : multiline_;
      summary_.banner.erase(0, std::min<size_t>(4, summary_.banner.size()));
      break;
    case Pending::kNestedMail:
      if (good) begin_mail(parse_path(p.record.argument, "FROM:").address, p.record.at);
      break;
    case Pending::kRecipient:
      if (Transaction* t = find(p.transaction); t && !good) ++t->num_rejected_recipients;
      break;
    case Pending::kData:
      if (state_ == State::kHeld && waits_for_data_) resolve_held(r.code / 100 == 3);
      break;
    case Pending::kStartTls:
      if (state_ == State::kHeld && !waits_for_data_) resolve_held(good);
      break;
    case Pending::kEndOfData:
      content_reply(p, r, text);
      break;
    case Pending::kAuth:
      if (good) summary_.auth_accepted = true;
      auth_.end();
      if (state_ == State::kAuth) state_ = State::kCommand;
      break;
    case Pending::kHelo:
    case Pending::kMail:
    case Pending::kBdat:
    case Pending::kReset:
    case Pending::kQuit:
    case Pending::kOther:
      break;
  }
}

/// The server's word about a whole mail: its transaction is over.
void Session::content_reply(const PendingReply& p, const Reply& r, const std::string& text) {
  ++acknowledged_;
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if ((*it)->id != p.transaction) continue;
    (*it)->final_code = r.code;
    (*it)->last_reply = text;
    const std::unique_ptr<Transaction> t = std::move(*it);
    waiting_.erase(it);
    close(*t);
    break;
  }
  // A mail that was begun before this one was answered counts it, too.
  if (current_) current_->depth = static_cast<uint32_t>(acknowledged_ + 1);
}

void Session::expect(Pending what) {
  if (pending_.size() >= limits_.max_pending) {
    // With a server that is never heard this is no anomaly, only useless.
    if (server_heard_) fault("smtp-too-many-commands");
    unanswered(pending_.front());
    pending_.pop_front();
  }
  pending_.push_back({what, current_ ? current_->id : 0, std::move(spoken_)});
  spoken_ = CommandRecord();
}

/// The reply to a command will not be known.
void Session::unanswered(const PendingReply& p) {
  if (p.what != Pending::kGreeting) handler_.command(p.record);
}

/// Takes the replies to all commands before the first `what` as given.
void Session::skip_to(Pending what) {
  const auto is = [what](const PendingReply& p) { return p.what == what; };
  const auto found = std::find_if(pending_.begin(), pending_.end(), is);
  if (found == pending_.end()) return;
  std::for_each(pending_.begin(), found, [this](const PendingReply& p) { unanswered(p); });
  pending_.erase(pending_.begin(), found);
}

/// After lost replies the answered commands are unknown: those sent before are taken as answered.
void Session::resync_replies() {
  replies_lost_ = false;
  for (const PendingReply& p : pending_)
    unanswered(p);
  pending_.clear();
}

}  // namespace postern::net::protocol::smtp
