// What the sessions of SMTP, IMAP and POP3 have in common, whatever is said in them.
#pragma once
#include <cstdint>
#include <string_view>

#include "net/protocol/command_record.h"
#include "net/protocol/session_summary.h"

namespace postern::net::protocol {

/// Takes what every session gives.
class DialogueHandler {
 public:
  virtual ~DialogueHandler() = default;
  /// A command with the reply to it; in SMTP also "." for the end of a mail.
  virtual void command(const CommandRecord& c) = 0;
  /// Both sides go on in TLS.
  virtual void tls_started(const Moment& at) = 0;
  virtual void anomaly(std::string_view name, const Moment& at, std::string_view detail) = 0;
};

/// Both sides of a connection, or one of them, pushed in the order of the capture.
class MailSession {
 public:
  explicit MailSession(DialogueHandler& dialogue) : dialogue_(dialogue) {}

  virtual ~MailSession() = default;
  MailSession(const MailSession&) = delete;
  MailSession& operator=(const MailSession&) = delete;

  virtual void client(std::string_view bytes, const Moment& at) = 0;
  virtual void server(std::string_view bytes, const Moment& at) = 0;
  virtual void client_gap(uint64_t num_bytes, const Moment& at) = 0;
  virtual void server_gap(uint64_t num_bytes, const Moment& at) = 0;
  virtual void finish(const Moment& at) = 0;

  virtual const SessionSummary& summary() const = 0;

 protected:
  void fault(std::string_view name, std::string_view detail = "") const {
    dialogue_.anomaly(name, at_, detail);
  }

  Moment at_;  // of the bytes being read

 private:
  DialogueHandler& dialogue_;
};

}  // namespace postern::net::protocol
