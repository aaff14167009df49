// A POP3 session from both directions of a connection, or from one of them.
//
// Replies are matched with the commands in their order, so pipelining needs no special case; which
// replies have more lines is known from their command. Where only the server is heard, a "+OK" that
// is followed by anything but another status begins such lines, and header fields begin a message.
// Sources: RFC 1939, 2449 (CAPA), 2595 (STLS), 5034 (AUTH), 6856 (UTF8, LANG).
// Tests: tests/unit/net_protocol/pop3_session_test.cc, fuzz_pop3.
//
// Anomalies: pop3-line-too-long, pop3-bare-line-feed, pop3-unknown-command, pop3-bad-reply,
// pop3-too-many-commands, pop3-starttls-injection, pop3-gap, pop3-nul-byte.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/line_pieces.h"
#include "net/protocol/auth.h"
#include "net/protocol/line_buffer.h"
#include "net/protocol/mailbox.h"

namespace postern::net::protocol::pop3 {

struct Limits {
  size_t max_command_line = 4u << 10;
  size_t max_reply_line = 8u << 10;
  size_t max_pending = 1000;
  size_t max_held = 64u << 10;  ///< bytes after STLS that wait for the server's word
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
  enum class ServerState : uint8_t {
    kStatus,   // a status line is next
    kUnasked,  // a "+OK" to no known command: the next line tells whether there is more
    kLines,    // lines of a reply, until the dot
    kMessage   // the same, and they are a message
  };

  struct Pending {
    CommandRecord record;
    bool greeting = false;
    bool multiline = false;
  };

  void command_line(std::string_view line);
  void command(std::string_view verb, std::string_view argument, std::string_view line);
  void expect(Pending p);
  void resolve_tls(bool accepted);
  void status_line(std::string_view line);
  void answered(bool ok, std::string_view text);
  void message_bytes(std::string_view& bytes);
  void message_line(std::string_view text, bool begins);
  void list_line(std::string_view line);
  void begin_message(const CommandRecord& c);
  void end_message(bool complete);
  void end_reply();

  Limits limits_;
  bool begun_ = false;
  bool server_heard_ = false;
  bool client_heard_ = false;
  bool skip_client_line_ = false;  // the rest of a line that lost bytes cut
  bool skip_server_line_ = false;
  LineBuffer client_line_;
  LineBuffer server_line_;
  ServerState server_state_ = ServerState::kStatus;
  std::deque<Pending> pending_;
  std::optional<Pending> answering_;  // whose lines are coming
  AuthExchange auth_;
  bool in_auth_ = false;
  bool held_for_tls_ = false;
  std::string held_;
  LinePieces message_lines_;
  std::unique_ptr<MailboxMessage> message_;
  uint64_t num_messages_ = 0;
};

}  // namespace postern::net::protocol::pop3
