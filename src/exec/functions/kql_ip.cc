// IP address functions of KQL. A text may carry a prefix length ("10.0.0.1/8"); two texts compare
// under the shorter of their lengths. What is no address gives null. Private means RFC 1918 and
// nothing else. Source: Kusto documentation, IPv4 and IPv6 functions.
#include <algorithm>
#include <cstring>

#include "exec/functions/kql_kernel.h"
#include "match/ip.h"

namespace postern::exec::kql {
namespace {

using match::IpAddress;

struct Prefixed {
  std::array<uint8_t, 16> bytes{};  ///< IPv4 in ::ffff:0:0/96
  int prefix = 128;                 ///< of the 128 bits
};

constexpr int kV4Bits = 96;

/// An address of the wanted family with its prefix; IPv6 functions take IPv4 too.
std::optional<Prefixed> parse(std::string_view s, bool v4_only) {
  s = trim(s);
  const size_t slash = s.find('/');
  const std::optional<IpAddress> ip = IpAddress::parse(s.substr(0, slash));
  if (!ip || (v4_only && !ip->v4)) return std::nullopt;
  Prefixed out;
  out.bytes = ip->bytes;
  if (slash == std::string_view::npos) return out;
  const std::optional<int64_t> prefix = parse_int(s.substr(slash + 1));
  const int most = ip->v4 ? 32 : 128;
  if (!prefix || *prefix < 0 || *prefix > most) return std::nullopt;
  out.prefix = static_cast<int>(*prefix) + (ip->v4 ? kV4Bits : 0);
  return out;
}

void mask(std::array<uint8_t, 16>& bytes, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    const auto byte = static_cast<size_t>(bit / 8);
    bytes[byte] = static_cast<uint8_t>(bytes[byte] & ~(0x80U >> (bit % 8)));
  }
}

/// Order of two addresses under the shorter prefix; nullopt when one is none.
std::optional<int> compare(std::string_view a, std::string_view b, int64_t prefix, bool v4_only) {
  std::optional<Prefixed> x = parse(a, v4_only);
  std::optional<Prefixed> y = parse(b, v4_only);
  if (!x || !y || prefix < 0) return std::nullopt;
  const int length = static_cast<int>(std::min<int64_t>({x->prefix, y->prefix, prefix}));
  mask(x->bytes, length);
  mask(y->bytes, length);
  const int order = std::memcmp(x->bytes.data(), y->bytes.data(), 16);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

/// ipv4_compare(a, b[, prefix]) and ipv4_is_match(); the prefix of IPv4 counts 32 bits.
template <bool v4_only, bool as_match>
Column compare_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> given =
        args.size() > 2 ? args[2].integer(row) : std::optional<int64_t>(v4_only ? 32 : 128);
    if (!given) return;
    const std::string a(args[0].text(row));
    const std::optional<int> order =
        compare(a, args[1].text(row), *given + (v4_only ? kV4Bits : 0), v4_only);
    if (!order) return;
    if (as_match)
      out.set(row, *order == 0);
    else
      out.set(row, int64_t{*order});
  });
}

/// The range's own prefix decides; the address counts whole.
std::optional<bool> in_range(std::string_view ip, std::string_view range, bool v4_only) {
  std::optional<Prefixed> x = parse(ip, v4_only);
  std::optional<Prefixed> y = parse(range, v4_only);
  if (!x || !y) return std::nullopt;
  mask(x->bytes, y->prefix);
  mask(y->bytes, y->prefix);
  return x->bytes == y->bytes;
}

template <bool v4_only>
Column in_range_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string ip(args[0].text(row));
    const std::optional<bool> hit = in_range(ip, args[1].text(row), v4_only);
    if (hit) out.set(row, *hit);
  });
}

/// ipv4_is_in_any_range(ip, range, … or array)
template <bool v4_only>
Column in_any_range_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string ip(args[0].text(row));
    if (!parse(ip, v4_only)) return;
    bool hit = false;
    bool any = false;
    const auto test = [&](std::string_view range) {
      const std::optional<bool> r = in_range(ip, range, v4_only);
      any = any || r.has_value();
      hit = hit || r.value_or(false);
    };
    for (size_t i = 1; i < args.size() && !hit; ++i) {
      const Dynamic d = args[i].dynamic(row);
      if (!d.is_array()) test(to_text(d));
      for (uint32_t m = 0; d.is_array() && m < d.size() && !hit; ++m)
        test(to_text(d.at(m)));
    }
    if (any) out.set(row, hit);
  });
}

uint32_t v4_number(const Prefixed& p) {
  uint32_t v = 0;
  for (size_t i = 12; i < 16; ++i)
    v = (v << 8) | p.bytes[i];
  return v;
}

Column is_private_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<Prefixed> ip = parse(args[0].text(row), true);
    if (!ip) return;
    const uint32_t v = v4_number(*ip);
    out.set(row, (v >> 24) == 10 || (v >> 20) == 0xAC1 || (v >> 16) == 0xC0A8);
  });
}

Column netmask_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (const std::optional<Prefixed> ip = parse(args[0].text(row), true))
      out.set(row, int64_t{ip->prefix - kV4Bits});
  });
}

/// parse_ipv4(text) and parse_ipv4_mask(text, prefix): the masked address as a number.
Column parse_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::optional<Prefixed> ip = parse(args[0].text(row), true);
    const std::optional<int64_t> prefix =
        args.size() > 1 ? args[1].integer(row) : std::optional<int64_t>(32);
    if (!ip || !prefix || *prefix < 0 || *prefix > 32) return;
    mask(ip->bytes, std::min(ip->prefix, static_cast<int>(*prefix) + kV4Bits));
    out.set(row, int64_t{v4_number(*ip)});
  });
}

/// format_ipv4(text or number[, prefix]); `with_mask` adds "/24".
template <bool with_mask>
Column format_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::optional<Prefixed> ip;
    if (data::is_integer(args[0].type())) {
      const std::optional<int64_t> v = args[0].integer(row);
      if (v && *v >= 0 && *v <= UINT32_MAX) {
        ip.emplace();
        ip->bytes[10] = ip->bytes[11] = 0xFF;
        for (size_t i = 0; i < 4; ++i)
          ip->bytes[12 + i] = static_cast<uint8_t>(*v >> (24 - 8 * i));
      }
    } else {
      ip = parse(args[0].text(row), true);
    }
    const std::optional<int64_t> prefix =
        args.size() > 1 ? args[1].integer(row) : std::optional<int64_t>(32);
    if (!ip || !prefix || *prefix < 0 || *prefix > 32) {
      out.set_copy(row, "");
      return;
    }
    const int length = std::min(ip->prefix - kV4Bits, static_cast<int>(*prefix));
    mask(ip->bytes, length + kV4Bits);
    std::string s;
    for (size_t i = 12; i < 16; ++i)
      s += (i > 12 ? "." : "") + std::to_string(ip->bytes[i]);
    if (with_mask) s += "/" + std::to_string(length);
    out.set_copy(row, s);
  });
}

// ---- addresses in texts
// -----------------------------------------------------------------------------

bool word(char c) {
  return ascii_alpha(c) || ascii_digit(c);
}

/// Calls `f(address)` for each IPv4 address in a text that stands between non-alphanumeric
/// characters.
template <class F>
bool any_address(std::string_view s, F&& f) {
  for (size_t at = 0; at < s.size(); ++at) {
    if (!ascii_digit(s[at]) || (at > 0 && word(s[at - 1]))) continue;
    size_t end = at;
    int dots = 0;
    while (end < s.size() &&
           (ascii_digit(s[end]) ||
            (s[end] == '.' && dots < 3 && end + 1 < s.size() && ascii_digit(s[end + 1])))) {
      dots += s[end] == '.' ? 1 : 0;
      ++end;
    }
    if (dots != 3 || (end < s.size() && word(s[end]))) continue;
    const std::optional<IpAddress> ip = IpAddress::parse(s.substr(at, end - at));
    if (ip && ip->v4 && f(s.substr(at, end - at))) return true;
  }
  return false;
}

/// Addresses (or prefixes that end with a point) named by the arguments behind the first.
template <bool prefix>
Column has_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::vector<std::string> wanted;
    const auto want = [&](std::string s) {
      const std::optional<IpAddress> ip = IpAddress::parse(s);
      if ((ip && ip->v4) || (prefix && s.ends_with('.'))) wanted.push_back(std::move(s));
    };
    for (size_t i = 1; i < args.size(); ++i) {
      const Dynamic d = args[i].dynamic(row);
      if (!d.is_array()) want(to_text(d));
      for (uint32_t m = 0; d.is_array() && m < d.size(); ++m)
        want(to_text(d.at(m)));
    }
    const bool hit = !wanted.empty() && any_address(args[0].text(row), [&](std::string_view ip) {
      return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& w) {
        return prefix && w.ends_with('.') ? ip.starts_with(w) : ip == w;
      });
    });
    out.set(row, hit);
  });
}

constexpr auto kCompare = fixed<Type::kLong, kTextArg, kTextArg, kIntegerArg>;
constexpr auto kMatch = fixed<Type::kBool, kTextArg, kTextArg, kIntegerArg>;
constexpr auto kTest = fixed<Type::kBool, kTextArg>;
constexpr auto kFormat =
    fixed<Type::kString,
          bit(Type::kString) | bit(Type::kDynamic) | bit(Type::kInt) | bit(Type::kLong),
          kIntegerArg>;

constexpr Spec kSpecs[] = {
    {"ipv4_compare", 2, 3, kCompare, compare_kernel<true, false>, "Order of two addresses."},
    {"ipv4_is_match", 2, 3, kMatch, compare_kernel<true, true>,
     "Two addresses are equal under the shorter prefix."},
    {"ipv4_is_private", 1, 1, kTest, is_private_kernel, "The address is private by RFC 1918."},
    {"ipv4_is_in_range", 2, 2, kTest, in_range_kernel<true>, "The address lies in the block."},
    {"ipv4_is_in_any_range", 2, -1, kTest, in_any_range_kernel<true>,
     "The address lies in one of the blocks."},
    {"ipv4_netmask_suffix", 1, 1, fixed<Type::kLong, kTextArg>, netmask_kernel,
     "Prefix length of an address."},
    {"ipv6_compare", 2, 3, kCompare, compare_kernel<false, false>, "Order of two addresses."},
    {"ipv6_is_match", 2, 3, kMatch, compare_kernel<false, true>,
     "Two addresses are equal under the shorter prefix."},
    {"ipv6_is_in_range", 2, 2, kTest, in_range_kernel<false>, "The address lies in the block."},
    {"ipv6_is_in_any_range", 2, -1, kTest, in_any_range_kernel<false>,
     "The address lies in one of the blocks."},
    {"parse_ipv4", 1, 1, fixed<Type::kLong, kTextArg>, parse_kernel, "The address as a number."},
    {"parse_ipv4_mask", 2, 2, fixed<Type::kLong, kTextArg, kIntegerArg>, parse_kernel,
     "The masked address as a number."},
    {"format_ipv4", 1, 2, kFormat, format_kernel<false>, "Text of an address, masked."},
    {"format_ipv4_mask", 1, 2, kFormat, format_kernel<true>,
     "Text of an address with its prefix, masked."},
    {"has_ipv4", 2, 2, kTest, has_kernel<false>, "The address stands in the text."},
    {"has_any_ipv4", 2, -1, kTest, has_kernel<false>, "One of the addresses stands in the text."},
    {"has_ipv4_prefix", 2, 2, kTest, has_kernel<true>,
     "An address with the prefix stands in the text."},
    {"has_any_ipv4_prefix", 2, -1, kTest, has_kernel<true>,
     "An address with one of the prefixes stands in the text."},
};

}  // namespace

void register_addresses(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
