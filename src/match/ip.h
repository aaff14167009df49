// IP addresses and CIDR blocks, v4 and v6. Tests: tests/unit/match/ip_test.cc; fuzz_ip.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::match {

/// 16 bytes; a v4 address lies in the v4-mapped range ::ffff:0:0/96.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool v4 = false;  ///< written as v4; "::ffff:1.2.3.4" is v6 with the same bytes

  /// Dotted quad, or v6 in any spelling (compressed, Sysmon's uncompressed, embedded v4, zone
  /// ignored). A quad's parts have no leading zeros: "010.0.0.1" is 8.0.0.1 to some readers, so it
  /// is refused.
  static std::optional<IpAddress> parse(std::string_view text);
  std::string text() const;  ///< RFC 5952
  bool is_private() const;   ///< RFC 1918, loopback, link-local, unique local, CGNAT (RFC 6598)
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// Network address and prefix length; v4-mapped v6 addresses match v4 blocks, v4 addresses match v6
/// blocks only inside ::ffff:0:0/96.
struct Cidr {
  IpAddress address;  ///< host bits are zero
  int prefix = 0;     ///< 0-32 for v4, 0-128 for v6

  /// "10.0.0.0/8", "::1/128", or a bare address (full length). `strict`: host bits set is nullopt.
  static std::optional<Cidr> parse(std::string_view text, bool strict = false);
  bool contains(const IpAddress& ip) const;
};

}  // namespace postern::match
