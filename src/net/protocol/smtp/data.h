// The content of an SMTP DATA command: dots unstuffed, the end found, smuggling noticed.
//
// The end is CRLF "." CRLF and nothing else (RFC 5321, 4.1.1.4). Servers that also take LF, CR or a
// NUL for a line end see a second mail where this one goes on (SMTP smuggling, CVE-2023-51764 and
// others): each such sequence is reported, and the commands that follow it are kept as the
// suspected inner envelope. Tests: tests/unit/net_protocol/smtp_data_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/line_pieces.h"

namespace postern::net::protocol::smtp {

/// What was hidden behind a false end of data.
struct Smuggling {
  std::string sequence;  ///< as text: "\n.\r\n"; "" none
  std::string mail_from;
  std::vector<std::string> recipients;

  bool suspected() const { return !sequence.empty(); }
};

/// Takes the unstuffed bytes of a message.
class ContentSink {
 public:
  virtual ~ContentSink() = default;
  virtual void content(std::string_view bytes) = 0;
};

class DataReader {
 public:
  DataReader();

  /// Reads until the end of data or of `bytes`; returns the number of bytes used. The line end
  /// before the final dot belongs to the message.
  size_t feed(std::string_view bytes, ContentSink& sink);

  bool ended() const { return ended_; }

  /// Bytes are lost here: the end may have been among them.
  void gap();
  /// The end is known from elsewhere: writes what was held back.
  void finish(ContentSink& sink);

  const Smuggling& smuggling() const { return smuggling_; }

  uint64_t num_stuffed() const { return num_stuffed_; }

  uint64_t num_bare_lf() const { return num_bare_lf_; }

  uint64_t num_bare_cr() const { return num_bare_cr_; }

 private:
  enum class Before : uint8_t { kCrLf, kLf, kOther };  // what the current line follows

  void line(std::string_view text, bool begins, ContentSink& sink);
  void suspect(const char* sequence);
  void watch(std::string_view text);

  LinePieces lines_;
  Before before_ = Before::kCrLf;
  bool ended_ = false;
  uint64_t num_stuffed_ = 0;
  uint64_t num_bare_lf_ = 0;
  uint64_t num_bare_cr_ = 0;
  bool last_was_cr_ = false;
  int lines_watched_ = 0;  // lines after a false end that may be commands
  Smuggling smuggling_;
};

}  // namespace postern::net::protocol::smtp
