// Values of audit fields as text: untrusted strings out of hex, socket addresses, ids.
// Source: linux-audit documentation; ausearch --interpret. Tests: tests/unit/input/auditd_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "input/auditd/line.h"

namespace postern::input::auditd {

/// True when the kernel or libaudit writes this field of this record type as an untrusted string:
/// quoted, or in hex when it holds blanks, quotes or bytes beyond ASCII.
bool is_untrusted(std::string_view type, std::string_view field);

/// The bytes of upper-case hex; nullopt when `hex` is none (odd length, other characters).
std::optional<std::string> bytes_of_hex(std::string_view hex);
/// The same into `out`, whose room is used again; false: none.
bool bytes_of_hex(std::string_view hex, std::string& out);

/// The value as text, made valid UTF-8; `scratch` holds it where it was hex. The NULs between the
/// arguments of proctitle become blanks.
std::string_view text_of(std::string_view type, const Field& field, std::string& scratch);
/// The same, where is_untrusted() is known.
std::string_view text_of(bool is_untrusted, const Field& field, std::string& scratch);

/// A decoded saddr.
struct SocketAddress {
  std::string family;  ///< "inet", "inet6", "local", "netlink", …, or its number
  std::string ip;
  std::string path;  ///< of a local socket; abstract ones begin with '@'
  int port = -1;
};

/// `scratch` is room that is used again.
std::optional<SocketAddress> socket_address(std::string_view saddr, std::string& scratch);

inline std::optional<SocketAddress> socket_address(std::string_view saddr) {
  std::string scratch;
  return socket_address(saddr, scratch);
}

/// A number of a uid, session or process; 4294967295 ("unset") is -1. Nullopt when it is none.
std::optional<int64_t> id_of(std::string_view text);

}  // namespace postern::input::auditd
