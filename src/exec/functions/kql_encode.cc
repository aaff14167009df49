// Encodings and digests of KQL: base64, URL escapes, hash(). hash() is xxHash64 over the bytes of a
// string or the eight bytes of a number; the hash_… digests are over the text. Source: Kusto
// documentation (examples of hash(), hash_sha256()), xxHash specification.
#include <cstring>

#include "adapt/hash.h"
#include "base/hex_digit.h"
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

// ---- base64 -------------------------------------------------------------------------------------

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encode(std::string_view bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = (group << 8) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    const size_t present = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 4; ++j)
      out.push_back(j <= present ? kBase64[(group >> (18 - 6 * j)) & 63] : '=');
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  uint32_t group = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (c == '=') {
      ++padding;
      continue;
    }
    const size_t value = kBase64.find(c);
    if (value == std::string_view::npos || padding > 0) return std::nullopt;
    group = (group << 6) | static_cast<uint32_t>(value);
    if (++digits % 4 != 0) continue;
    for (const unsigned shift : {16U, 8U, 0U})
      out.push_back(static_cast<char>((group >> shift) & 0xFF));
    group = 0;
  }
  const size_t rest = digits % 4;
  if (rest == 1 || (digits + padding) % 4 != 0) return std::nullopt;
  if (rest >= 2) out.push_back(static_cast<char>((group >> (rest == 2 ? 4 : 10)) & 0xFF));
  if (rest == 3) out.push_back(static_cast<char>((group >> 2) & 0xFF));
  return out;
}

Column base64_encode_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    set_made_text(out, row, base64_encode(args[0].text(row)));
  });
}

/// Text that is no base64, or bytes that are no UTF-8, give "".
Column base64_decode_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<std::string> bytes = base64_decode(args[0].text(row));
    out.set_copy(row, bytes && valid_utf8(*bytes) ? *bytes : std::string());
  });
}

Column base64_to_array_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<std::string> bytes = base64_decode(args[0].text(row));
    if (!bytes) return;
    DynamicWriter w;
    w.begin_array();
    for (const char c : *bytes)
      w.integer(static_cast<unsigned char>(c));
    w.end();
    set_made_dynamic(out, row, w);
  });
}

// ---- URLs ---------------------------------------------------------------------------------------

/// `spaces_as_plus` is the form of query strings.
std::string url_encode(std::string_view s, bool spaces_as_plus) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::string_view plain = spaces_as_plus ? "-_.!*()" : "-_.~";
  std::string out;
  for (const char c : s) {
    if (ascii_alpha(c) || ascii_digit(c) || plain.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else if (c == ' ' && spaces_as_plus) {
      out.push_back('+');
    } else {
      const auto b = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[b >> 4]);
      out.push_back(kDigits[b & 15]);
    }
  }
  return out;
}

template <bool spaces_as_plus>
Column url_encode_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    set_made_text(out, row, url_encode(args[0].text(row), spaces_as_plus));
  });
}

}  // namespace

std::string url_decode(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    const int high = s[i] == '%' && i + 2 < s.size() ? hex_digit(s[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(s[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(s[i] == '+' ? ' ' : s[i]);
    }
  }
  return out;
}

namespace {

Column url_decode_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    out.set_copy(row, repair_utf8(url_decode(args[0].text(row))));
  });
}

// ---- hashes -------------------------------------------------------------------------------------

constexpr uint64_t kPrime1 = 11400714785074694791ULL;
constexpr uint64_t kPrime2 = 14029467366897019727ULL;
constexpr uint64_t kPrime3 = 1609587929392839161ULL;
constexpr uint64_t kPrime4 = 9650029242287828579ULL;
constexpr uint64_t kPrime5 = 2870177450012600261ULL;

uint64_t rotate(uint64_t x, int r) {
  return (x << r) | (x >> (64 - r));
}

uint64_t round_of(uint64_t acc, uint64_t lane) {
  return rotate(acc + lane * kPrime2, 31) * kPrime1;
}

template <class T>
T load(std::string_view s, size_t at) {
  T v;
  std::memcpy(&v, s.data() + at, sizeof v);
  return v;
}

uint64_t xxhash64(std::string_view s) {
  size_t at = 0;
  uint64_t h = kPrime5;
  if (s.size() >= 32) {
    uint64_t lanes[] = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
    for (; at + 32 <= s.size(); at += 32)
      for (size_t i = 0; i < 4; ++i)
        lanes[i] = round_of(lanes[i], load<uint64_t>(s, at + 8 * i));
    h = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (const uint64_t lane : lanes)
      h = (h ^ round_of(0, lane)) * kPrime1 + kPrime4;
  }
  h += s.size();
  for (; at + 8 <= s.size(); at += 8)
    h = rotate(h ^ round_of(0, load<uint64_t>(s, at)), 27) * kPrime1 + kPrime4;
  if (at + 4 <= s.size()) {
    h = rotate(h ^ (load<uint32_t>(s, at) * kPrime1), 23) * kPrime2 + kPrime3;
    at += 4;
  }
  for (; at < s.size(); ++at)
    h = rotate(h ^ (static_cast<unsigned char>(s[at]) * kPrime5), 11) * kPrime1;
  h = (h ^ (h >> 33)) * kPrime2;
  h = (h ^ (h >> 29)) * kPrime3;
  return h ^ (h >> 32);
}

Typing hash_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  // How the engine lays out the other types is not documented.
  if (t == Type::kString || t == Type::kLong || t == Type::kDatetime || t == Type::kTimespan ||
      t == Type::kNull)
    return Typing::ok(Type::kLong);
  return Typing::wrong("hash() takes a string, long, datetime or timespan, not " +
                       std::string(data::type_name(t)));
}

/// hash(value[, modulus])
Column hash_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (!args[0].valid(row)) return;
    int64_t h = 0;
    if (args[0].type() == Type::kString) {
      h = static_cast<int64_t>(xxhash64(args[0].text(row)));
    } else {
      const int64_t v = args[0].ints(row);
      char bytes[8];
      std::memcpy(bytes, &v, sizeof bytes);
      h = static_cast<int64_t>(xxhash64({bytes, sizeof bytes}));
    }
    if (args.size() > 1) {
      const std::optional<int64_t> modulus = args[1].integer(row);
      if (!modulus || *modulus <= 0) return;
      h %= *modulus;
      if (h < 0) h += *modulus;
    }
    out.set(row, h);
  });
}

template <std::string (*digest)(std::string_view)>
Column digest_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    out.set_copy(row, digest(args[0].text(row)));
  });
}

constexpr auto kText = fixed<Type::kString, kTextArg>;
constexpr auto kDigest = fixed<Type::kString, kAnyArg>;

constexpr Spec kSpecs[] = {
    {"base64_encode_tostring", 1, 1, kText, base64_encode_kernel, "Text as base64."},
    {"base64_decode_tostring", 1, 1, kText, base64_decode_kernel, "Text out of base64, or empty."},
    {"base64_decode_toarray", 1, 1, fixed<Type::kDynamic, kTextArg>, base64_to_array_kernel,
     "Bytes out of base64."},
    {"url_encode", 1, 1, kText, url_encode_kernel<true>, "Text escaped for a query string."},
    {"url_encode_component", 1, 1, kText, url_encode_kernel<false>, "Text escaped for a URL."},
    {"url_decode", 1, 1, kText, url_decode_kernel, "Text without URL escapes."},
    {"hash", 1, 2, hash_typing, hash_kernel, "xxHash64 of a value."},
    {"hash_md5", 1, 1, kDigest, digest_kernel<adapt::md5>, "MD5 of the text, in hex."},
    {"hash_sha1", 1, 1, kDigest, digest_kernel<adapt::sha1>, "SHA-1 of the text, in hex."},
    {"hash_sha256", 1, 1, kDigest, digest_kernel<adapt::sha256>, "SHA-256 of the text, in hex."},
};

}  // namespace

void register_encodings(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
