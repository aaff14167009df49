// Packet captures for the benchmarks, by a fixed seed.
//
//   mail     SMTP sessions, 64 at a time side by side, one mail each with an attachment of 50 kB in
//            base64, in segments of 1,448 bytes that are acknowledged in pairs
//   packets  no mail: TCP connections on odd ports, 700 bytes a frame, 256 side by side
//   idle     connections that were opened (three packets) and then said nothing; all of them within
//            a minute, so that all are open at the end
//
// Built with the packets of the tests, whose encoder is not the decoder's.
#include "bench/captures.h"

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/output.h"
#include "tests/support/capture_builder.h"

namespace postern::bench {
namespace {

using test::CaptureBuilder;
using test::Conversation;

constexpr size_t kSegment = 1448;
constexpr size_t kAttachmentBytes = 50'000;

std::string address(uint64_t n, int network) {
  return std::to_string(network) + "." + std::to_string(n >> 16 & 0xff) + "." +
         std::to_string(n >> 8 & 0xff) + "." + std::to_string(n & 0xff);
}

std::string base64_lines(std::mt19937_64& random) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < kAttachmentBytes / 3 * 4; ++i) {
    out += kDigits[random() % 64];
    if (i % 76 == 75) out += "\r\n";
  }
  return out + "\r\n";
}

/// What one side says next.
struct Turn {
  bool from_client;
  std::string text;
};

/// A session that gives one packet at a time.
class Session {
 public:
  Session(CaptureBuilder& out, uint64_t number, int port, std::deque<Turn> turns)
      : conversation_(out,
                      port,
                      address(number, 10),
                      "192.0.2.25",
                      20'000 + static_cast<int>(number % 40'000)),
        turns_(std::move(turns)) {}

  /// Sends the next packets; false when the session is over.
  bool step(uint64_t now, size_t segment) {
    conversation_.now = now;
    if (!opened_) {
      conversation_.handshake();
      opened_ = true;
      return true;
    }
    if (turns_.empty()) {
      conversation_.close();
      return false;
    }
    Turn& t = turns_.front();
    const std::string_view piece = std::string_view(t.text).substr(at_, segment);
    conversation_.raw(t.from_client, test::kAck | test::kPsh, piece);
    (t.from_client ? conversation_.client_seq : conversation_.server_seq) +=
        static_cast<uint32_t>(piece.size());
    at_ += piece.size();
    if (++unacknowledged_ == 2 || at_ == t.text.size()) {
      conversation_.ack(!t.from_client);
      unacknowledged_ = 0;
    }
    if (at_ < t.text.size()) return true;
    turns_.pop_front();
    at_ = 0;
    return true;
  }

 private:
  Conversation conversation_;
  std::deque<Turn> turns_;
  size_t at_ = 0;
  int unacknowledged_ = 0;
  bool opened_ = false;
};

std::deque<Turn> mail_turns(uint64_t n, const std::string& attachment) {
  const std::string id = std::to_string(n);
  std::string mail = "From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: Report " + id +
                     "\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <" + id +
                     "@example.org>\r\nX-Mailer: Bench 1.0\r\nMIME-Version: 1.0\r\n"
                     "Content-Type: multipart/mixed; boundary=\"=_b" +
                     id + "\"\r\n\r\n--=_b" + id +
                     "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                     "The figures =E2=80=93 see the attachment.\r\n";
  mail += "--=_b" + id + "\r\nContent-Type: application/octet-stream; name=\"figures" + id +
          ".bin\"\r\nContent-Transfer-Encoding: base64\r\n"
          "Content-Disposition: attachment; filename=\"figures" +
          id + ".bin\"\r\n\r\n" + attachment + "--=_b" + id + "--\r\n.\r\n";
  return {{false, "220 mail.example.net ESMTP\r\n"},
          {true, "EHLO client" + id + ".example.org\r\n"},
          {false, "250-mail.example.net\r\n250-PIPELINING\r\n250 8BITMIME\r\n"},
          {true, "MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n"},
          {false, "250 ok\r\n250 ok\r\n354 go ahead\r\n"},
          {true, std::move(mail)},
          {false, "250 queued as " + id + "\r\n"},
          {true, "QUIT\r\n"},
          {false, "221 bye\r\n"}};
}

/// A capture that goes to its file piece by piece.
class Writer {
 public:
  Writer(const char* path, uint64_t bytes) : output_(path, bytes) {}

  CaptureBuilder& builder() { return builder_; }

  bool full() const { return output_.full(); }

  void spill() { output_.add(builder_.take()); }

  bool finish() {
    spill();
    return output_.flush();
  }

 private:
  Output output_;
  CaptureBuilder builder_;
};

/// Runs `width` sessions side by side until the file is full; returns how many ended.
template <class Make>
uint64_t side_by_side(Writer& w, size_t width, size_t segment, const Make& make) {
  std::vector<std::unique_ptr<Session>> open(width);
  uint64_t begun = 0;
  uint64_t ended = 0;
  uint64_t now = 0;
  bool any = true;
  while (any) {
    any = false;
    for (auto& s : open) {
      if (!s) {
        if (w.full()) continue;
        s = make(begun++);
      }
      any = true;
      now += 5;
      if (s->step(now, segment)) continue;
      s.reset();
      ++ended;
    }
    w.spill();
  }
  return ended;
}

Counts mail(Writer& w, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> attachments;
  for (int i = 0; i < 16; ++i)
    attachments.push_back(base64_lines(random));
  const uint64_t mails = side_by_side(w, 64, kSegment, [&](uint64_t n) {
    return std::make_unique<Session>(w.builder(), n, 25, mail_turns(n, attachments[n % 16]));
  });
  return {mails, 3 * mails};  // flows, mails, attachments
}

Counts packets(Writer& w, uint64_t seed) {
  // 700 bytes of a frame are 646 of payload.
  constexpr size_t kPayload = 646;
  constexpr size_t kPackets = 200;
  std::mt19937_64 random(seed);
  std::string noise;
  while (noise.size() < kPayload * kPackets)
    noise += static_cast<char>(random());
  const uint64_t flows = side_by_side(w, 256, kPayload, [&](uint64_t n) {
    return std::make_unique<Session>(w.builder(), n, 9000 + static_cast<int>(n % 500),
                                     std::deque<Turn>{{n % 2 == 0, noise}});
  });
  return {flows, 0};
}

Counts idle(Writer& w) {
  uint64_t flows = 0;
  // Three packets, half a millisecond: a million of them in less than a minute.
  while (!w.full()) {
    Conversation c(w.builder(), 443, address(flows, 10), "192.0.2.80",
                   20'000 + static_cast<int>(flows % 40'000));
    c.now = flows * 50;
    c.handshake();
    ++flows;
    w.spill();
  }
  return {flows, 0};
}

}  // namespace

Counts write_capture(std::string_view kind, const char* path, uint64_t bytes, uint64_t seed) {
  Counts counts;
  if (kind != "mail" && kind != "packets" && kind != "idle") return counts;
  Writer w(path, bytes);
  if (kind == "mail") counts = mail(w, seed);
  if (kind == "packets") counts = packets(w, seed);
  if (kind == "idle") counts = idle(w);
  return w.finish() ? counts : Counts();
}

}  // namespace postern::bench
