// Shows that the readers of mail take time in proportion to what they read, for inputs that have
// cost other programs the square of it.
//
//   check_mail_scale [SHARE]   SHARE of the full size, in percent (default 2)
//
// Full size: 1.4 million sibling parts; 100,000 recipients; 20,000 transactions in a session; 1 GB
// without a line end as a body, as a header field, as a command, and as an IMAP line; 100,000
// header fields; 200,000 fetched messages. Each is read at half the size and at the whole of it;
// prints the times, and fails when the whole takes over four times as long as the half (twice is
// right; the square would be four, and a loaded machine needs room) and long enough to tell.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>

#include "mime/parser.h"
#include "net/protocol/imap/session.h"
#include "net/protocol/pop3/session.h"
#include "net/protocol/smtp/session.h"

namespace {

using namespace postern;
namespace protocol = net::protocol;

struct NoParts final : mime::Handler {
  void part_begin(const mime::Part&) override {}

  void part_data(const mime::Part&, std::string_view) override {}

  void part_end(const mime::Part&) override {}

  void anomaly(std::string_view, std::string_view) override {}
};

struct NoMails final : protocol::smtp::Handler {
  using Transaction = protocol::smtp::Transaction;

  void content_begin(const Transaction&) override {}

  void content(const Transaction&, std::string_view) override {}

  void content_gap(const Transaction&, uint64_t) override {}

  void content_end(const Transaction&) override {}

  void transaction(const Transaction&) override {}

  void command(const protocol::CommandRecord&) override {}

  void tls_started(const protocol::Moment&) override {}

  void anomaly(std::string_view, const protocol::Moment&, std::string_view) override {}
};

struct NoMessages final : protocol::MailboxHandler {
  using Message = protocol::MailboxMessage;

  void message_begin(const Message&) override {}

  void message_data(const Message&, std::string_view) override {}

  void message_gap(const Message&, uint64_t) override {}

  void message_end(const Message&) override {}

  void message_done(const Message&) override {}

  void command(const protocol::CommandRecord&) override {}

  void tls_started(const protocol::Moment&) override {}

  void anomaly(std::string_view, const protocol::Moment&, std::string_view) override {}
};

/// Feeds `n` times the same bytes to a message that begins with `head`.
void message(const std::string& head, const std::string& piece, uint64_t n) {
  NoParts nothing;
  mime::Parser parser(nothing);
  parser.feed(head);
  for (uint64_t i = 0; i < n; ++i)
    parser.feed(piece);
  parser.finish();
}

struct Smtp {
  Smtp() : session(nothing, false) {
    session.server("220 mx\r\n", {});
    session.client("EHLO box\r\n", {});
    session.server("250 mx\r\n", {});
  }

  void say(const std::string& client, const char* server = "250 ok\r\n") {
    session.client(client, {});
    session.server(server, {});
  }

  NoMails nothing;
  protocol::smtp::Session session;
};

template <class Session>
void mailbox_line(const char* greeting, uint64_t n) {
  NoMessages nothing;
  Session session(nothing, false);
  session.server(greeting, {});
  const std::string piece(64 << 10, 'A');
  for (uint64_t i = 0; i < n; ++i)
    session.client(piece, {});
  session.finish({});
}

struct Case {
  const char* name;
  uint64_t full;
  std::function<void(uint64_t)> run;
};

double seconds(const std::function<void(uint64_t)>& run, uint64_t n) {
  const std::clock_t begin = std::clock();
  run(n);
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t share = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2;
  constexpr uint64_t kGigabyte = (uint64_t{1} << 30) / (64 << 10);  // in pieces
  const std::string piece(64 << 10, 'A');
  const Case cases[] = {
      {"sibling parts", 1'400'000,
       [](uint64_t n) {
         message("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nx\r\n", n);
       }},
      {"parts in parts", 1'400'000,
       [](uint64_t n) {
         message("Content-Type: multipart/mixed; boundary=b\r\n\r\n",
                 "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", n);
       }},
      {"header fields", 100'000, [](uint64_t n) { message("", "X-Header: some value\r\n", n); }},
      {"1 GB of a body without a line end", kGigabyte,
       [&](uint64_t n) { message("Content-Transfer-Encoding: base64\r\n\r\n", piece, n); }},
      {"1 GB of a header without a line end", kGigabyte,
       [&](uint64_t n) { message("Subject: ", piece, n); }},
      {"1 GB of DATA without a line end", kGigabyte,
       [&](uint64_t n) {
         Smtp s;
         s.say("MAIL FROM:<a@x>\r\n");
         s.say("RCPT TO:<b@y>\r\n");
         s.say("DATA\r\n", "354 go\r\n");
         for (uint64_t i = 0; i < n; ++i)
           s.session.client(piece, {});
         s.session.finish({});
       }},
      {"1 GB of a command without a line end", kGigabyte,
       [&](uint64_t n) {
         Smtp s;
         for (uint64_t i = 0; i < n; ++i)
           s.session.client(piece, {});
         s.session.finish({});
       }},
      {"1 GB of an IMAP command without a line end", kGigabyte,
       [](uint64_t n) { mailbox_line<protocol::imap::Session>("* OK\r\n", n); }},
      {"1 GB of a POP3 command without a line end", kGigabyte,
       [](uint64_t n) { mailbox_line<protocol::pop3::Session>("+OK\r\n", n); }},
      {"recipients", 100'000,
       [](uint64_t n) {
         Smtp s;
         s.say("MAIL FROM:<a@x>\r\n");
         for (uint64_t i = 0; i < n; ++i)
           s.say("RCPT TO:<u" + std::to_string(i) + "@y>\r\n");
         s.session.finish({});
       }},
      {"transactions", 20'000,
       [](uint64_t n) {
         Smtp s;
         for (uint64_t i = 0; i < n; ++i) {
           s.say("MAIL FROM:<a@x>\r\n");
           s.say("RCPT TO:<b@y>\r\n");
           s.say("RSET\r\n");
         }
         s.session.finish({});
       }},
      {"commands that are never answered", 1'000'000,
       [](uint64_t n) {
         Smtp s;
         for (uint64_t i = 0; i < n; ++i)
           s.session.client("NOOP\r\n", {});
         s.session.finish({});
       }},
      {"fetched messages", 200'000, [](uint64_t n) {
         NoMessages nothing;
         protocol::imap::Session s(nothing, false);
         s.server("* OK\r\n", {});
         for (uint64_t i = 0; i < n; ++i) {
           s.client("a FETCH 1 BODY[]\r\n", {});
           s.server("* 1 FETCH (BODY[] {3}\r\nabc)\r\na OK\r\n", {});
         }
         s.finish({});
       }}};
  int bad = 0;
  for (const Case& c : cases) {
    const uint64_t n = std::max<uint64_t>(2, c.full * share / 100);
    const double half = seconds(c.run, n / 2);
    const double whole = seconds(c.run, n);
    constexpr double kTellsSomething = 0.2;
    const bool quadratic = whole > kTellsSomething && whole > 4 * half;
    bad += quadratic ? 1 : 0;
    std::printf("%-44s %9llu: %7.3f s, half of it %7.3f s%s\n", c.name,
                static_cast<unsigned long long>(n), whole, half, quadratic ? "  TOO MUCH" : "");
  }
  std::printf("%zu of %zu grow in proportion\n", std::size(cases) - static_cast<size_t>(bad),
              std::size(cases));
  return bad == 0 ? 0 : 1;
}
