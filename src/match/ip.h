// IP addresses and CIDR blocks, v4 and v6. Tests: tests/unit/match/ip_test.cc.
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
  bool v4 = false;

  /// Dotted quad, or v6 in any spelling (compressed, Sysmon's uncompressed, embedded v4, zone ignored).
  static std::optional<IpAddress> parse(std::string_view text);
  std::string text() const;  ///< RFC 5952
  bool is_private() const;   ///< RFC 1918, loopback, link-local, unique local, CGNAT (RFC 6598)
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// Address and prefix length; v4-mapped v6 addresses match v4 blocks.
struct Cidr {
  IpAddress address;
  int prefix = 0;  ///< 0-32 for v4, 0-128 for v6

  /// "10.0.0.0/8", "::1/128", or a bare address (full length). `strict`: host bits set is nullopt.
  static std::optional<Cidr> parse(std::string_view text, bool strict = false);
  bool contains(const IpAddress& ip) const;
};

}  // namespace postern::match
