// What sessions of IMAP and POP3 have in common: messages that move between a client and its
// mailbox, and what is known of a session at its end.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/protocol/session.h"

namespace postern::net::protocol {

/// A message, or a part of one, that was fetched from a mailbox or appended to it.
struct MailboxMessage {
  Moment begin;
  uint64_t id = 0;         ///< 1, 2, … in the session
  bool to_server = false;  ///< APPEND; otherwise fetched
  std::string command;     ///< "FETCH", "APPEND", "RETR", "TOP"
  std::string mailbox;     ///< IMAP
  std::string number;      ///< UID or sequence number
  std::string section;     ///< "" the whole message; "HEADER", "TEXT", "2", …
  std::string user;        ///< who is logged in
  uint64_t bytes = 0;      ///< that were seen
  uint64_t lost_bytes = 0;
  bool complete = false;
  std::string status;  ///< "OK", "+OK", …; "" not seen
  std::string reply;   ///< of the command
};

/// Takes what a session gives. A message: begin, data and gap, end, and then done when nothing more
/// will be known of it.
class MailboxHandler : public DialogueHandler {
 public:
  virtual void message_begin(const MailboxMessage& m) = 0;
  virtual void message_data(const MailboxMessage& m, std::string_view bytes) = 0;
  virtual void message_gap(const MailboxMessage& m, uint64_t num_bytes) = 0;
  virtual void message_end(const MailboxMessage& m) = 0;
  virtual void message_done(const MailboxMessage& m) = 0;
};

/// What a session was, at its end; num_messages counts those that went either way.
struct MailboxSummary : SessionSummary {
  std::string client_id;  ///< what the client said of itself (ID)
  bool compressed = false;
  std::vector<std::string> mailboxes;  ///< opened or written to, distinct
  std::vector<std::string> searches;   ///< what was searched for, distinct
  uint64_t num_polls = 0;              ///< NOOP, CHECK, IDLE; STAT, LIST, UIDL
  uint64_t num_fetched = 0;            ///< whole messages
  uint64_t fetched_bytes = 0;
  uint64_t num_appended = 0;
  uint64_t appended_bytes = 0;
  uint64_t num_deleted = 0;  ///< messages marked as deleted
  uint64_t num_expunged = 0;
};

class MailboxSession : public MailSession {
 public:
  explicit MailboxSession(MailboxHandler& handler) : MailSession(handler), handler_(handler) {}

  const MailboxSummary& summary() const final { return summary_; }

 protected:
  MailboxHandler& handler_;
  MailboxSummary summary_;
};

}  // namespace postern::net::protocol
