// What the readers of SMTP, IMAP and POP3 connections have in common: they take both sides of a
// flow, keep the mails that pass until their rows can be written, and tell of the session at its
// end. Tests: tests/unit/input/pcap_test.cc, mail_captures_test.cc.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input/mailfile/mail_output.h"
#include "input/mailfile/message_collector.h"
#include "net/protocol/session.h"

namespace postern::input {
class EncodedRow;
}

namespace postern::input::pcap {

using net::stream::Moment;

class MailContent {
 public:
  /// What the content needs of its flow.
  struct Link {
    std::function<MailOrigin()> origin;
    std::function<void()> encrypted;  ///< what follows cannot be read
  };

  virtual ~MailContent() = default;
  virtual void data(bool from_client, std::string_view bytes, const Moment& at) = 0;
  virtual void gap(bool from_client, uint64_t num_bytes, const Moment& at) = 0;
  virtual void finish(const Moment& at) = 0;
  /// The columns of mail.session that the session gives.
  virtual void add_session(EncodedRow& row) const = 0;
};

/// A mail whose row is not written yet.
struct OpenMail {
  uint64_t id = 0;  ///< in its session
  std::unique_ptr<MailOrigin> origin;
  std::unique_ptr<MessageCollector> collector;  ///< of a message with its header
  std::unique_ptr<ContentBuffer> part;          ///< of a part without one
};

class OpenMails {
 public:
  /// The mail of that id, or null.
  OpenMail* find(uint64_t id);
  OpenMail& add(uint64_t id, MailOrigin origin);
  void remove(uint64_t id);

 private:
  std::vector<OpenMail> mails_;  // few: those whose reply has not come
};

/// The origin with the place in the capture where something began.
MailOrigin origin_at(MailOrigin origin, const Moment& at);

/// The columns of mail.session that all sessions have.
void add_summary(EncodedRow& row, const net::protocol::SessionSummary& summary);

/// Writes a row of mail.command.
void write_command(MailOutput& output,
                   const MailOrigin& origin,
                   std::string_view user,
                   const net::protocol::CommandRecord& c);

/// A MailContent that takes what a session gives: `Handler` is smtp::Handler or MailboxHandler.
template <class Handler>
class DialogueContent : public MailContent, public Handler {
 public:
  DialogueContent(MailOutput& output, Link link) : output_(output), link_(std::move(link)) {}

  void data(bool from_client, std::string_view bytes, const Moment& at) final {
    from_client ? session().client(bytes, at) : session().server(bytes, at);
  }

  void gap(bool from_client, uint64_t num_bytes, const Moment& at) final {
    from_client ? session().client_gap(num_bytes, at) : session().server_gap(num_bytes, at);
  }

  void finish(const Moment& at) final { session().finish(at); }

  void command(const net::protocol::CommandRecord& c) final {
    if (output_.wants_commands())
      write_command(output_, link_.origin(), session().summary().auth_user, c);
  }

  void tls_started(const Moment&) final { link_.encrypted(); }

  void anomaly(std::string_view name, const Moment& at, std::string_view detail) final {
    anomalies_.add(name);
    output_.anomaly(name, at.offset, detail);
  }

 protected:
  virtual net::protocol::MailSession& session() = 0;

  MailOutput& output_;
  Link link_;
  OpenMails mails_;
  AnomalyNames anomalies_;  // of the dialogue
};

}  // namespace postern::input::pcap
