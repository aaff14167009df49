// An SMTP session from both directions of a connection, or from one of them.
//
// Client and server bytes are pushed in the order of the capture. Client lines are commands,
// message content or answers to AUTH; replies are matched with the commands in their order, so
// pipelining needs no special case. Whether the bytes after DATA or STARTTLS are content or further
// commands is for the server to say: until its reply is seen they are held; when no server is heard
// they count as accepted. After lost bytes the reader finds its feet at the next line. One
// transaction is one mail, from MAIL to the reply to its end of data; a transaction that is given
// up (RSET, another MAIL, the end) is one, too.
// Sources: RFC 5321, 1870 (SIZE), 2920 (PIPELINING), 3030 (CHUNKING, BDAT), 3207 (STARTTLS), 4954
// (AUTH). Tests: tests/unit/net_protocol/smtp_session_test.cc, fuzz_smtp.
//
// Anomalies: smtp-line-too-long, smtp-long-line, smtp-too-many-transactions, smtp-bare-line-feed,
// smtp-nul-byte, smtp-bad-bdat, smtp-bdat-in-data, smtp-bad-sequence, smtp-unknown-command,
// smtp-too-many-commands, smtp-too-many-recipients, smtp-early-talker, smtp-starttls-injection,
// smtp-smuggling, smtp-bad-reply, smtp-gap.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/protocol/auth.h"
#include "net/protocol/line_buffer.h"
#include "net/protocol/session.h"
#include "net/protocol/smtp/command.h"
#include "net/protocol/smtp/data.h"

namespace postern::net::protocol::smtp {

using stream::Moment;

/// One mail transaction.
struct Transaction {
  Moment begin;        ///< packet of its first command
  uint64_t id = 0;     ///< 1, 2, … in the session
  uint32_t depth = 1;  ///< Zeek's trans_depth: mails acknowledged before, plus one
  std::string helo;
  std::string mail_from;                ///< without brackets; "" for the null sender or none
  bool has_mail = false;                ///< a MAIL command came
  std::vector<std::string> recipients;  ///< distinct, in order, at most Limits::max_recipients
  uint64_t num_recipients = 0;          ///< RCPT commands
  uint64_t num_rejected_recipients = 0;
  std::string last_reply;      ///< "250 OK id=…"
  bool tls = false;            ///< the session went on encrypted
  bool has_content = false;    ///< DATA or BDAT was accepted, content follows
  bool complete = false;       ///< the end of the content was seen
  int final_code = 0;          ///< of the reply to the content; 0 not seen
  uint64_t content_bytes = 0;  ///< unstuffed
  uint64_t lost_bytes = 0;     ///< of the content
  Smuggling smuggling;
};

/// What a session was, at its end.
struct Summary : SessionSummary {
  std::string helo;  ///< what the client called itself last
};

/// Takes what a session gives.
class Handler : public DialogueHandler {
 public:
  /// Content of transaction `t` begins, goes on, has a hole, ends.
  virtual void content_begin(const Transaction& t) = 0;
  virtual void content(const Transaction& t, std::string_view bytes) = 0;
  virtual void content_gap(const Transaction& t, uint64_t num_bytes) = 0;
  virtual void content_end(const Transaction& t) = 0;
  /// The transaction is over; nothing more comes for its id.
  virtual void transaction(const Transaction& t) = 0;
};

struct Limits {
  size_t max_command_line = 64u << 10;
  size_t long_command_line = 4u << 10;  ///< longer ones are told, and read
  size_t max_reply_line = 4u << 10;
  size_t max_recipients = 1000;
  size_t max_pending = 1000;   ///< commands without reply
  size_t max_held = 1u << 20;  ///< bytes after DATA or STARTTLS that wait for the server's word
  size_t max_text = 1024;      ///< of a kept reply or banner
  size_t max_helo = 4096;
  uint64_t max_transactions = 10'000;  ///< of a session; more are told, and read
};

class Session final : public MailSession {
 public:
  /// `midstream`: the beginning of the connection was not captured.
  Session(Handler& handler, bool midstream, Limits limits = {});
  ~Session() override;

  void client(std::string_view bytes, const Moment& at) override;
  void server(std::string_view bytes, const Moment& at) override;
  void client_gap(uint64_t num_bytes, const Moment& at) override;
  void server_gap(uint64_t num_bytes, const Moment& at) override;
  void finish(const Moment& at) override;

  const Summary& summary() const override { return summary_; }

 private:
  enum class State : uint8_t {
    kCommand,
    kAuth,  // lines are answers of an AUTH exchange
    kData,
    kBdat,
    kHeld,  // after DATA or STARTTLS, until the reply
    kTls,
    kLost,    // after a hole: drop the rest of the line
    kUnknown  // the first bytes of a connection seen from its middle
  };

  enum class Pending : uint8_t {
    kGreeting,
    kHelo,
    kMail,
    kNestedMail,
    kRecipient,
    kData,
    kEndOfData,
    kBdat,
    kReset,
    kStartTls,
    kAuth,
    kQuit,
    kOther
  };

  struct PendingReply {
    Pending what;
    uint64_t transaction = 0;
    CommandRecord record;
  };

  /// Sends the content of a DATA command on.
  struct ContentForward final : ContentSink {
    explicit ContentForward(Session& s) : session(s) {}

    void content(std::string_view bytes) override;
    Session& session;
  };

  void command_bytes(std::string_view& bytes);
  void command_line(std::string_view line);
  void command(const Command& c, std::string_view line);
  void mail(const Command& c);
  void begin_mail(std::string address, const Moment& at);
  void recipient(const Command& c);
  void data(const Command& c);
  void bdat(const Command& c);
  void starttls();
  void auth_line(std::string_view line);
  void unknown_bytes(std::string_view& bytes);
  void data_bytes(std::string_view& bytes);
  void bdat_bytes(std::string_view& bytes);
  void hold(std::string_view& bytes);
  void resolve_held(bool accepted);
  void begin_content();
  void end_content();
  void end_data();

  void reply_line(std::string_view line);
  void reply(const Reply& r, const std::string& text);
  void content_reply(const PendingReply& p, const Reply& r, const std::string& text);
  void expect(Pending what);
  void skip_to(Pending what);
  void resync_replies();
  void unanswered(const PendingReply& p);

  Transaction& current();
  void close_current();
  void close(Transaction& t);
  Transaction* find(uint64_t id);

  Handler& handler_;
  Limits limits_;
  Summary summary_;
  State state_;
  LineBuffer client_line_;
  LineBuffer server_line_;
  bool server_heard_ = false;
  bool replies_lost_ = false;
  bool begun_ = false;
  std::deque<PendingReply> pending_;
  CommandRecord spoken_;  // the command being read, until its reply is expected
  uint64_t num_records_ = 0;
  AuthExchange auth_;
  bool waits_for_data_ = false;  // what is held follows DATA, not STARTTLS
  std::string held_;
  DataReader reader_;
  bool content_open_ = false;
  bool content_had_gap_ = false;
  uint64_t bdat_left_ = 0;
  bool bdat_last_ = false;
  uint64_t acknowledged_ = 0;  // mails whose end of data was answered
  uint64_t next_id_ = 0;
  std::unique_ptr<Transaction> current_;               // being spoken
  std::vector<std::unique_ptr<Transaction>> waiting_;  // for the reply to their content
  std::string reply_since_row_;
  std::string multiline_;  // first lines of a reply
};

}  // namespace postern::net::protocol::smtp
