// One command of a mail protocol with the answer to it; a row of mail.command.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "net/stream/reassembly.h"

namespace postern::net::protocol {

using stream::Moment;

struct CommandRecord {
  static constexpr size_t kMaxText = 512;  ///< of an argument or a reply that is kept

  Moment at;
  uint64_t number = 0;         ///< 1, 2, … in the session
  std::string tag;             ///< IMAP
  std::string verb;            ///< upper case; "UID FETCH" is "FETCH"
  std::string argument;        ///< without secrets
  std::string mailbox;         ///< IMAP: that the command names, or works on
  std::string status;          ///< "OK", "NO", "BAD"; "+OK", "-ERR"; "250"; "" not seen
  std::string reply;           ///< text of the answer
  int64_t latency = -1;        ///< ticks to the answer; negative: not seen
  uint64_t content_bytes = 0;  ///< of messages that the command moved, either way

  void answer(std::string_view code, std::string_view text, const Moment& when) {
    status = std::string(code);
    reply = repair_utf8(text.substr(0, kMaxText));
    latency = when.time - at.time;
  }
};

}  // namespace postern::net::protocol
