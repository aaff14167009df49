// An IMAP session from both directions of a connection, or from one of them.
//
// Commands and responses are lines with literals in them: "{n}" at the end of a line means that n
// bytes follow and then the rest of the line. Literals that are messages (of APPEND, FETCH) are
// passed on while they come; others become quoted text, up to a limit, so nothing is allocated by
// an announced size. A client waits for the server's word after a synchronizing literal and after
// STARTTLS: until it is seen its bytes are held; where no server is heard it counts as given.
// Messages that a client fetches in pieces (BODY[]<0>, BODY[]<4096>, …) are put together while the
// pieces follow each other. COMPRESS=DEFLATE is undone.
// Sources: RFC 3501, 9051, 7888 (LITERAL+), 3502 (MULTIAPPEND), 4978 (COMPRESS), 2177 (IDLE), 2971
// (ID), 2595 (STARTTLS), 6851 (MOVE), 3516 (BINARY), 4959 (SASL-IR).
// Tests: tests/unit/net_protocol/imap_session_test.cc, fuzz_imap.
//
// Anomalies: imap-line-too-long, imap-bare-line-feed, imap-nul-byte, imap-tag-too-long,
// imap-unknown-command, imap-literal-too-large, imap-literal-cut, imap-literal-refused,
// imap-too-many-commands, imap-bad-response, imap-starttls-injection, imap-bad-compression,
// imap-gap.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapt/inflate.h"
#include "net/protocol/auth.h"
#include "net/protocol/imap/command.h"
#include "net/protocol/line_buffer.h"
#include "net/protocol/mailbox.h"

namespace postern::net::protocol::imap {

struct Limits {
  size_t max_line = 64u << 10;
  size_t max_tag = 64;
  size_t max_pending = 1000;
  size_t max_held = 1u << 20;         ///< bytes that wait for the server's word
  size_t max_literal_text = 1024;     ///< of a literal that is no message
  uint64_t max_literal = 1ull << 30;  ///< an announced size that is believed
  size_t max_kept = 100;              ///< mailboxes, searches
};

class Session final : public MailboxSession {
 public:
  /// `midstream`: the beginning of the connection was not captured.
  Session(MailboxHandler& handler, bool midstream, Limits limits = {});
  ~Session() override;

  void client(std::string_view bytes, const Moment& at) override;
  void server(std::string_view bytes, const Moment& at) override;
  void client_gap(uint64_t num_bytes, const Moment& at) override;
  void server_gap(uint64_t num_bytes, const Moment& at) override;
  void finish(const Moment& at) override;

 private:
  enum class Wait : uint8_t { kNone, kLiteral, kTls };

  struct Pending {
    CommandRecord record;
    uint64_t num_deleted = 0;  // messages that a STORE marks
    std::vector<std::unique_ptr<MailboxMessage>> appended;
  };

  /// A literal whose bytes are coming.
  struct Literal {
    uint64_t left = 0;
    bool open = false;
    MailboxMessage* message = nullptr;  // null: text
    std::string text;                   // up to Limits::max_literal_text
  };

  void client_bytes(std::string_view bytes);
  void client_line(std::string_view line);
  void begin_client_literal(const LiteralMark& mark);
  void open_client_literal();
  void literal_bytes(Literal& literal, std::string_view& bytes);
  void end_client_literal(bool complete);
  void end_command();
  void command(Pending& p, std::string_view argument);
  void command_on_mailbox(Pending& p, const std::vector<std::string>& arguments);
  void expect(Pending p);
  void unanswered(Pending& p);
  void release_held(bool accepted);
  void remember(std::vector<std::string>& list, std::string_view text) const;

  void server_bytes(std::string_view bytes);
  void server_line(std::string_view line);
  bool untrusted_line(std::string_view line);
  void begin_server_literal(const LiteralMark& mark);
  void response(std::string_view line);
  void untagged(std::string_view line);
  void tagged(Pending& p, std::string_view status, std::string_view text);
  void capabilities(std::string_view text);
  void go_blind(std::string_view reason);

  bool fetched_literal(std::string_view item);
  void end_server_literal();
  void close_fetched(bool complete);
  void close_appended(Pending& p);

  Limits limits_;
  bool begun_ = false;
  bool server_heard_ = false;
  bool greeted_;
  bool blind_ = false;  // what follows cannot be read
  uint64_t num_messages_ = 0;
  std::string selected_;  // mailbox

  // -- client
  LineBuffer client_line_;
  bool skip_client_line_ = false;
  std::string command_;  // the command so far, literals as quoted text
  Moment command_at_;
  bool in_command_ = false;
  Literal client_literal_;
  uint64_t literal_size_ = 0;  // that the server's word is awaited for
  std::vector<std::unique_ptr<MailboxMessage>> appending_;
  Wait wait_ = Wait::kNone;
  std::string held_;
  AuthExchange auth_;
  bool in_auth_ = false;
  bool in_idle_ = false;
  std::deque<Pending> pending_;

  // -- server
  LineBuffer server_line_;
  bool skip_server_line_ = false;
  std::string response_;  // the response so far
  Literal server_literal_;
  bool untrusted_ = false;  // after a literal of an unbelievable size
  std::unique_ptr<MailboxMessage> fetched_;
  uint64_t fetched_until_ = 0;  // bytes of it that are known, holes included
  bool fetched_partial_ = false;
  std::unique_ptr<adapt::Inflater> inflate_[2];
};

}  // namespace postern::net::protocol::imap
