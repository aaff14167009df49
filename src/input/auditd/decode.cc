#include "input/auditd/decode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/text.h"
#include "match/ip.h"

namespace postern::input::auditd {
namespace {

/// libauparse's type table: fields that are written with audit_log_untrustedstring or its like.
constexpr std::string_view kUntrusted[] = {
    "acct",     "cgroup",    "cmd",         "comm",     "cwd",         "data",
    "device",   "dir",       "exe",         "file",     "filesystem",  "grp",
    "key",      "name",      "new-chardev", "new-disk", "new-fs",      "new-net",
    "new-rng",  "new_group", "new_name",    "ocomm",    "old-chardev", "old-disk",
    "old-fs",   "old-net",   "old-rng",     "path",     "proctitle",   "profile",
    "root_dir", "sw",        "target",      "url",      "vm",          "watch",
};

/// Values of hex digits; what is none has bits above the low four.
constexpr std::array<uint8_t, 256> kHexValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(0xFF);
  for (uint8_t i = 0; i < 10; ++i)
    values[static_cast<size_t>('0') + i] = i;
  for (uint8_t i = 10; i < 16; ++i)
    values[static_cast<size_t>('A') + i - 10] = i;
  return values;
}();

uint8_t hex_value(char c) {
  return kHexValues[static_cast<uint8_t>(c)];
}

/// "a0", "a12", "a2[3]": arguments of EXECVE.
bool is_argument(std::string_view field) {
  return field.size() >= 2 && field[0] == 'a' && ascii_digit(field[1]) &&
         field.find('_') == std::string_view::npos;
}

/// A byte of an address.
void append_decimal(std::string& to, uint8_t byte, const char* behind) {
  char digits[3];
  const auto end = std::to_chars(digits, digits + sizeof digits, byte);
  to.append(digits, end.ptr).append(behind);
}

struct FamilyName {
  int number;
  std::string_view name;
};

constexpr FamilyName kFamilies[] = {
    {0, "unspec"},   {1, "local"},   {2, "inet"},     {3, "ax25"},  {10, "inet6"},
    {16, "netlink"}, {17, "packet"}, {29, "can"},     {30, "tipc"}, {31, "bluetooth"},
    {38, "alg"},     {40, "vsock"},  {42, "qipcrtr"}, {44, "xdp"},
};

/// valid_utf8() where it is told at a glance: of short texts, as nearly all values are.
bool is_text(std::string_view s) {
  uint64_t word = 0;
  if (s.size() > 2 * sizeof word) return valid_utf8(s);
  uint64_t all = 0;
  if (s.size() >= sizeof word) {
    std::memcpy(&all, s.data(), sizeof word);
    std::memcpy(&word, s.data() + s.size() - sizeof word, sizeof word);
    all |= word;
  } else {
    for (const char c : s)
      all |= static_cast<uint8_t>(c);
  }
  constexpr uint64_t kBeyondAscii = 0x8080'8080'8080'8080;
  return (all & kBeyondAscii) == 0 || valid_utf8(s);
}

}  // namespace

bool is_untrusted(std::string_view type, std::string_view field) {
  if (type == "EXECVE" && is_argument(field)) return true;
  return std::find(std::begin(kUntrusted), std::end(kUntrusted), field) != std::end(kUntrusted);
}

bool bytes_of_hex(std::string_view hex, std::string& out) {
  if (hex.empty() || hex.size() % 2 != 0) return false;
  // Mostly told by the first digits: names of programs are no hex.
  if ((hex_value(hex[0]) | hex_value(hex[1])) > 15) return false;
  out.resize(hex.size() / 2);
  uint8_t all = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t high = hex_value(hex[2 * i]);
    const uint8_t low = hex_value(hex[2 * i + 1]);
    all |= high | low;
    out[i] = static_cast<char>(high << 4 | low);
  }
  return all <= 15;
}

std::optional<std::string> bytes_of_hex(std::string_view hex) {
  std::string out;
  if (!bytes_of_hex(hex, out)) return std::nullopt;
  return out;
}

std::string_view text_of(bool is_untrusted, const Field& field, std::string& scratch) {
  std::string_view value = field.value;
  if (field.quote == 0) {
    // A stray quote behind hex has been seen from relays.
    if (value.size() > 1 && value.back() == '"') value.remove_suffix(1);
    if (is_untrusted && bytes_of_hex(value, scratch)) {
      if (field.name == "proctitle") {
        while (!scratch.empty() && scratch.back() == '\0')
          scratch.pop_back();
        std::replace(scratch.begin(), scratch.end(), '\0', ' ');
      }
      if (!valid_utf8(scratch)) scratch = repair_utf8(scratch);
      return scratch;
    }
  }
  if (is_text(value)) return value;
  scratch = repair_utf8(value);
  return scratch;
}

std::string_view text_of(std::string_view type, const Field& field, std::string& scratch) {
  return text_of(field.quote == 0 && is_untrusted(type, field.name), field, scratch);
}

std::optional<SocketAddress> socket_address(std::string_view saddr, std::string& bytes) {
  if (!bytes_of_hex(saddr, bytes) || bytes.size() < 2) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  SocketAddress out;
  // The family is in the byte order of the host, the port in that of the network.
  const int family = byte(0) | byte(1) << 8;
  for (const FamilyName& f : kFamilies)
    if (f.number == family) out.family = f.name;
  if (out.family.empty()) out.family = std::to_string(family);
  match::IpAddress ip;
  if (family == 2 && bytes.size() >= 8) {
    out.port = byte(2) << 8 | byte(3);
    for (size_t i = 4; i < 8; ++i)
      append_decimal(out.ip, byte(i), i < 7 ? "." : "");
  } else if (family == 10 && bytes.size() >= 24) {
    out.port = byte(2) << 8 | byte(3);
    for (size_t i = 0; i < 16; ++i)
      ip.bytes[i] = byte(8 + i);
    out.ip = ip.text();
  } else if (family == 1) {
    std::string_view path = std::string_view(bytes).substr(2);
    const bool abstract = !path.empty() && path[0] == '\0';
    if (abstract) path.remove_prefix(1);
    path = path.substr(0, path.find('\0'));
    out.path = (abstract && !path.empty() ? "@" : "") + repair_utf8(path);
  }
  return out;
}

std::optional<int64_t> id_of(std::string_view text) {
  if (text == "unset") return -1;
  const auto number = parse_int(text);
  if (number == 4294967295) return -1;
  return number;
}

}  // namespace postern::input::auditd
