// The words of IMAP: arguments of commands and responses, literals, sets of message numbers.
// Source: RFC 3501 and 9051, 9 (formal syntax); RFC 7888 (LITERAL+), 3516 (BINARY).
// Tests: tests/unit/net_protocol/imap_session_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::net::protocol::imap {

/// The "{10}", "{10+}" or "~{10}" that a line ends with: so many bytes follow.
struct LiteralMark {
  uint64_t size = 0;
  bool synchronizing = true;  ///< the client waits for the server's "+"
  size_t begin = 0;           ///< of the mark in the line
};

std::optional<LiteralMark> literal_mark(std::string_view line);

/// Atoms, quoted strings without their quotes, and groups "(…)" as they stand; at most `max`.
std::vector<std::string> words(std::string_view text, size_t max);

/// The word of a response that a literal follows: "BODY[HEADER.FIELDS (TO)]<0>".
std::string_view last_item(std::string_view text);

/// Messages named by a set such as "1,3:7"; "*" and open ranges count one.
uint64_t set_size(std::string_view set);

/// Modified UTF-7 of mailbox names as UTF-8 (RFC 3501, 5.1.3); malformed text stays as it is.
std::string mailbox_name(std::string_view encoded);

}  // namespace postern::net::protocol::imap
