// Reading and writing of addresses by RFC 4291 section 2.2 (text forms), RFC 5952 (canonical v6
// text), RFC 4007 section 11 (zones) and RFC 4632 (CIDR). Not inet_pton: evidence has zones and
// needs views without a final NUL. Tests: tests/unit/match/ip_test.cc; fuzz_ip.
#include "match/ip.h"

#include <algorithm>

#include "base/hex_digit.h"
#include "base/text.h"

namespace postern::match {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool in_mapped_range(const IpAddress& ip) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), ip.bytes.begin());
}

/// A decimal number up to `most` without sign and leading zeros, at the start of `s`, which moves
/// on.
std::optional<int> take_decimal(std::string_view& s, int most) {
  size_t digits = 0;
  int value = 0;
  while (digits < s.size() && digits < 4 && ascii_digit(s[digits]))
    value = value * 10 + (s[digits++] - '0');
  if (digits == 0 || value > most || (digits > 1 && s[0] == '0')) return std::nullopt;
  s.remove_prefix(digits);
  return value;
}

bool parse_quad(std::string_view s, uint8_t* out) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (s.empty() || s[0] != '.') return false;
      s.remove_prefix(1);
    }
    const std::optional<int> part = take_decimal(s, 255);
    if (!part) return false;
    out[i] = static_cast<uint8_t>(*part);
  }
  return s.empty();
}

/// Groups of up to four hex digits; "::" stands for the missing ones, a quad may end the text.
bool parse_v6(std::string_view s, std::array<uint8_t, 16>& out) {
  std::array<uint8_t, 16> bytes{};
  size_t size = 0;
  size_t gap = bytes.size() + 1;  // where "::" stands
  if (s.starts_with("::")) {
    gap = 0;
    s.remove_prefix(2);
  }
  while (!s.empty()) {
    const size_t stop = std::min(s.find(':'), s.size());
    const std::string_view group = s.substr(0, stop);
    if (group.find('.') != std::string_view::npos) {
      if (stop != s.size() || size > 12 || !parse_quad(group, bytes.data() + size)) return false;
      size += 4;
      break;
    }
    if (group.empty() || group.size() > 4 || size > 14) return false;
    int value = 0;
    for (const char c : group) {
      const int digit = hex_digit(c);
      if (digit < 0) return false;
      value = value * 16 + digit;
    }
    bytes[size++] = static_cast<uint8_t>(value >> 8);
    bytes[size++] = static_cast<uint8_t>(value & 0xFF);
    s.remove_prefix(stop);
    if (s.empty()) break;
    if (s.starts_with("::")) {
      if (gap <= bytes.size()) return false;
      gap = size;
      s.remove_prefix(2);
    } else {
      s.remove_prefix(1);
      if (s.empty()) return false;  // a single colon at the end
    }
  }
  if (gap > bytes.size()) {
    if (size != bytes.size()) return false;
  } else {
    if (size > 14) return false;  // "::" stands for one group at least
    std::rotate(bytes.begin() + static_cast<std::ptrdiff_t>(gap),
                bytes.begin() + static_cast<std::ptrdiff_t>(size), bytes.end());
  }
  out = bytes;
  return true;
}

void append_quad(std::string& out, const uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    out += std::to_string(bytes[i]);
  }
}

/// Clears all bits after the first `bits`; true if one was set.
bool clear_host_bits(std::array<uint8_t, 16>& bytes, int bits) {
  bool cleared = false;
  for (int i = bits / 8; i < 16; ++i) {
    const int kept = std::max(0, bits - i * 8);
    const auto mask = static_cast<uint8_t>(0xFF << (8 - kept));
    uint8_t& byte = bytes[static_cast<size_t>(i)];
    cleared = cleared || (byte & ~mask) != 0;
    byte &= mask;
  }
  return cleared;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress ip;
  if (text.find(':') == std::string_view::npos) {
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), ip.bytes.begin());
    ip.v4 = true;
    if (!parse_quad(text, ip.bytes.data() + kMappedPrefix.size())) return std::nullopt;
    return ip;
  }
  const size_t zone = text.find('%');
  if (zone != std::string_view::npos) {
    if (zone + 1 == text.size()) return std::nullopt;
    text = text.substr(0, zone);
  }
  if (!parse_v6(text, ip.bytes)) return std::nullopt;
  return ip;
}

std::string IpAddress::text() const {
  std::string out;
  if (v4 || in_mapped_range(*this)) {
    if (!v4) out = "::ffff:";
    append_quad(out, bytes.data() + kMappedPrefix.size());
    return out;
  }
  const auto group = [&](size_t i) { return (bytes[2 * i] << 8) | bytes[2 * i + 1]; };
  // RFC 5952 section 4.2: the longest run of at least two zero groups, the first of equals.
  size_t run_begin = 8;
  size_t run_size = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && group(end) == 0)
      ++end;
    if (end - i > run_size) {
      run_begin = i;
      run_size = end - i;
    }
    i = std::max(i, end);
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (size_t i = 0; i < 8; ++i) {
    if (i == run_begin) {
      out += "::";
      i += run_size - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    const int value = group(i);
    for (int shift = 12; shift >= 0; shift -= 4)
      if (shift == 0 || value >> shift != 0)
        out += kDigits[static_cast<size_t>(value >> shift & 15)];
  }
  return out;
}

bool IpAddress::is_private() const {
  if (v4 || in_mapped_range(*this)) {
    const uint8_t a = bytes[12];
    const uint8_t b = bytes[13];
    return a == 10 || (a == 172 && (b & 0xF0) == 16) || (a == 192 && b == 168) ||  // RFC 1918
           a == 127 || (a == 169 && b == 254) ||                                   // RFC 3927
           (a == 100 && (b & 0xC0) == 64);                                         // RFC 6598
  }
  const bool loopback = bytes[15] == 1 && std::all_of(bytes.begin(), bytes.end() - 1,
                                                      [](uint8_t b) { return b == 0; });
  const bool link_local = bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
  const bool unique_local = (bytes[0] & 0xFE) == 0xFC;
  return loopback || link_local || unique_local;
}

std::optional<Cidr> Cidr::parse(std::string_view text, bool strict) {
  const size_t slash = text.rfind('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = address->v4 ? 32 : 128;
  Cidr cidr{*address, most};
  if (slash != std::string_view::npos) {
    std::string_view length = text.substr(slash + 1);
    const std::optional<int> prefix = take_decimal(length, most);
    if (!prefix || !length.empty()) return std::nullopt;
    cidr.prefix = *prefix;
  }
  const bool had_host_bits =
      clear_host_bits(cidr.address.bytes, cidr.prefix + (cidr.address.v4 ? 96 : 0));
  if (had_host_bits && strict) return std::nullopt;
  return cidr;
}

bool Cidr::contains(const IpAddress& ip) const {
  const int bits = prefix + (address.v4 ? 96 : 0);
  // ::/0 means every v6 address, not every address.
  if (ip.v4 && bits < 96) return false;
  const auto whole = static_cast<size_t>(bits / 8);
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  ip.bytes.begin()))
    return false;
  const int rest = bits % 8;
  return rest == 0 || (address.bytes[whole] ^ ip.bytes[whole]) >> (8 - rest) == 0;
}

}  // namespace postern::match
