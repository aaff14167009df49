#include "input/auditd/line.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <functional>
#include <iterator>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "base/time.h"

namespace postern::input::auditd {
namespace {

struct TypeNumber {
  uint16_t number;
  std::string_view name;
};

/// uapi/linux/audit.h and libaudit's list of user space messages.
constexpr TypeNumber kTypes[] = {
    {1006, "LOGIN"},
    {1100, "USER_AUTH"},
    {1101, "USER_ACCT"},
    {1102, "USER_MGMT"},
    {1103, "CRED_ACQ"},
    {1104, "CRED_DISP"},
    {1105, "USER_START"},
    {1106, "USER_END"},
    {1107, "USER_AVC"},
    {1108, "USER_CHAUTHTOK"},
    {1109, "USER_ERR"},
    {1110, "CRED_REFR"},
    {1111, "USYS_CONFIG"},
    {1112, "USER_LOGIN"},
    {1113, "USER_LOGOUT"},
    {1114, "ADD_USER"},
    {1115, "DEL_USER"},
    {1116, "ADD_GROUP"},
    {1117, "DEL_GROUP"},
    {1123, "USER_CMD"},
    {1124, "USER_TTY"},
    {1127, "SYSTEM_BOOT"},
    {1128, "SYSTEM_SHUTDOWN"},
    {1129, "SYSTEM_RUNLEVEL"},
    {1130, "SERVICE_START"},
    {1131, "SERVICE_STOP"},
    {1132, "GRP_MGMT"},
    {1300, "SYSCALL"},
    {1302, "PATH"},
    {1303, "IPC"},
    {1304, "SOCKETCALL"},
    {1305, "CONFIG_CHANGE"},
    {1306, "SOCKADDR"},
    {1307, "CWD"},
    {1309, "EXECVE"},
    {1311, "IPC_SET_PERM"},
    {1312, "MQ_OPEN"},
    {1313, "MQ_SENDRECV"},
    {1314, "MQ_NOTIFY"},
    {1315, "MQ_GETSETATTR"},
    {1316, "KERNEL_OTHER"},
    {1317, "FD_PAIR"},
    {1318, "OBJ_PID"},
    {1319, "TTY"},
    {1320, "EOE"},
    {1321, "BPRM_FCAPS"},
    {1322, "CAPSET"},
    {1323, "MMAP"},
    {1324, "NETFILTER_PKT"},
    {1325, "NETFILTER_CFG"},
    {1326, "SECCOMP"},
    {1327, "PROCTITLE"},
    {1328, "FEATURE_CHANGE"},
    {1329, "REPLACE"},
    {1330, "KERN_MODULE"},
    {1331, "FANOTIFY"},
    {1332, "TIME_INJOFFSET"},
    {1333, "TIME_ADJNTPVAL"},
    {1334, "BPF"},
    {1335, "EVENT_LISTENER"},
    {1336, "URINGOP"},
    {1337, "OPENAT2"},
    {1338, "DM_CTRL"},
    {1339, "DM_EVENT"},
    {1400, "AVC"},
    {1401, "SELINUX_ERR"},
    {1403, "MAC_POLICY_LOAD"},
    {1404, "MAC_STATUS"},
    {1405, "MAC_CONFIG_CHANGE"},
    {1700, "ANOM_PROMISCUOUS"},
    {1701, "ANOM_ABEND"},
    {1702, "ANOM_LINK"},
};

constexpr char kEnrichedMark = '\x1D';

constexpr std::array<bool, 256> kNameChars = [] {
  std::array<bool, 256> is{};
  for (int c = 'a'; c <= 'z'; ++c)
    is[static_cast<size_t>(c)] = is[static_cast<size_t>(c - 'a' + 'A')] = true;
  for (int c = '0'; c <= '9'; ++c)
    is[static_cast<size_t>(c)] = true;
  for (const char c : {'_', '-', '[', ']'})
    is[static_cast<size_t>(c)] = true;
  return is;
}();

bool is_name_char(char c) {
  return kNameChars[static_cast<uint8_t>(c)];
}

bool is_break(char c) {
  return c <= ' ' && (ascii_space(c) || c == kEnrichedMark);
}

/// Where the first break is, or the end. Control characters are seldom, so all of them are looked
/// at, sixteen bytes at a time.
size_t find_break(std::string_view s) {
  size_t at = 0;
#if defined(__SSE2__)
  const __m128i last = _mm_set1_epi8(' ');
  for (; at + 16 <= s.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + at));
    auto low =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(block, last), block)));
    for (; low != 0; low &= low - 1)
      if (const size_t i = at + static_cast<size_t>(std::countr_zero(low)); is_break(s[i]))
        return i;
  }
#endif
  while (at < s.size() && !is_break(s[at]))
    ++at;
  return at;
}

template <class T>
bool take_number(std::string_view& s, T& out) {
  const auto end = std::from_chars(s.data(), s.data() + s.size(), out);
  if (end.ec != std::errc()) return false;
  s.remove_prefix(static_cast<size_t>(end.ptr - s.data()));
  return true;
}

/// "1604996384.965:93777)" into time and serial.
bool take_stamp(std::string_view& s, EventId& id, LastStamp* last) {
  if (last && !last->text.empty() && s.starts_with(last->text)) {
    id.time = last->time;
    id.serial = last->serial;
    s.remove_prefix(last->text.size());
    return true;
  }
  const size_t close = s.find(')');
  if (close == std::string_view::npos) return false;
  std::string_view stamp = s.substr(0, close);
  const size_t colon = stamp.find(':');
  if (colon == std::string_view::npos) return false;
  const auto time = ticks_from_unix_text(stamp.substr(0, colon));
  stamp.remove_prefix(colon + 1);
  if (!time || !take_number(stamp, id.serial) || !stamp.empty()) return false;
  id.time = *time;
  if (last) *last = {s.substr(0, close + 1), id.time, id.serial};
  s.remove_prefix(close + 1);
  return true;
}

/// "1604996384.965:93777)", as auditd writes it; false, and nothing is taken: it may be another.
bool take_usual_stamp(std::string_view& s, EventId& id, LastStamp& last) {
  constexpr size_t kMost = 32;
  const size_t size = std::min(s.size(), kMost);
  size_t at = 0;
  const auto digits = [&](size_t most) {
    uint64_t n = 0;
    const size_t begin = at;
    for (; at < size && at - begin <= most && ascii_digit(s[at]); ++at)
      n = n * 10 + static_cast<uint64_t>(s[at] - '0');
    return at > begin && at - begin <= most ? n : UINT64_MAX;
  };
  const auto is = [&](char c) { return at < size && s[at++] == c; };
  const uint64_t seconds = digits(10);
  if (seconds == UINT64_MAX || !is('.')) return false;
  const size_t dot = at;
  const uint64_t millis = digits(3);
  if (at - dot != 3 || !is(':')) return false;
  const uint64_t serial = digits(15);
  if (serial == UINT64_MAX || !is(')')) return false;
  id.time = kUnixEpochTicks + static_cast<int64_t>(seconds) * kTicksPerSecond +
            static_cast<int64_t>(millis) * (kTicksPerSecond / 1000);
  id.serial = serial;
  last = {s.substr(0, at), id.time, id.serial};
  s.remove_prefix(at);
  return true;
}

/// Whether it begins with a stamp, compared in two blocks where it is of the usual size.
bool begins_with(std::string_view text, std::string_view stamp) {
  if (stamp.empty() || text.size() < stamp.size()) return false;
#if defined(__SSE2__)
  constexpr size_t kBlock = 16;
  if (stamp.size() >= kBlock && stamp.size() <= 2 * kBlock) {
    const auto equal = [&](size_t at) {
      const auto load = [at](std::string_view s) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + at));
      };
      return _mm_movemask_epi8(_mm_cmpeq_epi8(load(text), load(stamp))) == 0xFFFF;
    };
    return equal(0) && equal(stamp.size() - kBlock);
  }
#endif
  return text.starts_with(stamp);
}

/// The head as nearly all are: "type=PATH msg=audit(1604996384.965:93777):", with nothing in front.
/// False: it may be any other.
bool read_usual_head(std::string_view text, Line& line, LastStamp& last) {
#if defined(__SSE2__)
  constexpr std::string_view kBegin = "type=";
  constexpr std::string_view kStamp = " msg=audit(";
  constexpr size_t kBlock = 16;
  // Blanks at the end belong to no body.
  if (text.size() < kBegin.size() + kBlock + kStamp.size() ||
      std::memcmp(text.data(), kBegin.data(), kBegin.size()) != 0 ||
      static_cast<uint8_t>(text.back()) <= ' ')
    return false;
  const char* type = text.data() + kBegin.size();
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(type));
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(' ')), block);
  const auto breaks = static_cast<unsigned>(_mm_movemask_epi8(low));
  const auto size = static_cast<size_t>(std::countr_zero(breaks | 0x10000U));
  std::string_view rest = text.substr(kBegin.size() + size);
  if (size == 0 || size == kBlock || std::memcmp(rest.data(), kStamp.data(), kStamp.size()) != 0)
    return false;
  rest.remove_prefix(kStamp.size());
  line.id = {};
  if (begins_with(rest, last.text)) {
    line.id.time = last.time;
    line.id.serial = last.serial;
    rest.remove_prefix(last.text.size());
  } else if (!take_usual_stamp(rest, line.id, last)) {
    return false;
  }
  if (!rest.empty() && rest[0] == ':') rest.remove_prefix(1);
  line.type = {type, size};
  line.body = rest;
  return true;
#else
  return false;
#endif
}

/// Relays put their own header in front ("Mar 10 … audispd: node=…"), so the type is looked for.
size_t find_type(std::string_view text) {
  constexpr std::string_view kType = "type=";
  if (text.starts_with(kType)) return 0;
  constexpr size_t kMaxHeader = 512;
  const std::string_view header = text.substr(0, kMaxHeader);
  size_t type = header.find(kType, 1);
  while (type != std::string_view::npos && !ascii_space(text[type - 1]))
    type = header.find(kType, type + 1);
  return type;
}

}  // namespace

bool read_head(std::string_view text, Line& line, LastStamp* last) {
  if (last && read_usual_head(text, line, *last)) return true;
  const size_t type = find_type(text);
  if (type == std::string_view::npos) return false;
  size_t end = type + 5;
  while (end < text.size() && !ascii_space(text[end]))
    ++end;
  line.type = text.substr(type + 5, end - type - 5);
  std::string_view rest = trim(text.substr(end));
  // "msg=audit(" from auditd, "audit(" in the kernel's own log.
  if (rest.substr(0, 4) == "msg=") rest.remove_prefix(4);
  if (rest.substr(0, 6) != "audit(" || line.type.empty()) return false;
  rest.remove_prefix(6);
  line.id = {};
  if (!take_stamp(rest, line.id, last)) return false;
  if (!rest.empty() && rest[0] == ':') rest.remove_prefix(1);
  line.body = rest;
  if (type == 0) return true;
  const std::string_view before = text.substr(0, type);
  if (const size_t node = before.rfind("node="); node != std::string_view::npos) {
    const std::string_view name = before.substr(node + 5);
    line.id.node = name.substr(0, name.find_first_of(" \t"));
  }
  return true;
}

std::string_view type_name(std::string_view type) {
  if (type.empty() || (type[0] != 'U' && !ascii_digit(type[0]))) return type;
  std::string_view digits = type;
  if (digits.substr(0, 8) == "UNKNOWN[" && digits.back() == ']')
    digits = digits.substr(8, digits.size() - 9);
  if (digits.empty() || !ascii_digit(digits[0])) return type;
  const auto number = parse_int(digits);
  for (const TypeNumber& t : kTypes)
    if (number && t.number == *number) return t.name;
  return type;
}

NameGuess::NameGuess(std::string_view name) {
  char bytes[sizeof words_] = {};
  char mask[sizeof mask_] = {};
  if (name.empty() || name.size() >= sizeof bytes) return;
  name.copy(bytes, name.size());
  bytes[name.size()] = '=';
  std::memset(mask, -1, name.size() + 1);
  std::memcpy(words_.data(), bytes, sizeof words_);
  std::memcpy(mask_.data(), mask, sizeof mask_);
  size_ = name.size();
}

size_t NameGuess::match(std::string_view text) const {
  uint64_t first = 0;
  uint64_t second = 0;
  if (text.size() >= sizeof words_) {
    std::memcpy(&first, text.data(), sizeof first);
    std::memcpy(&second, text.data() + sizeof first, sizeof second);
  } else {
    char bytes[sizeof words_] = {};
    std::memcpy(bytes, text.data(), text.size());
    std::memcpy(&first, bytes, sizeof first);
    std::memcpy(&second, bytes + sizeof first, sizeof second);
  }
  const uint64_t differs = ((first ^ words_[0]) & mask_[0]) | ((second ^ words_[1]) & mask_[1]);
  return differs == 0 ? size_ : 0;
}

void FieldWalk::take_value(Field& field) {
  field.quote = 0;
  if (rest_.empty()) {
    field.value = rest_;
    return;
  }
  const char open = rest_[0];
  if (open == '"') {
    const size_t close = rest_.find('"', 1);
    field.quote = '"';
    field.value = rest_.substr(1, close == std::string_view::npos ? close : close - 1);
    rest_.remove_prefix(close == std::string_view::npos ? rest_.size() : close + 1);
    return;
  }
  if (open == '{') {
    const size_t close = rest_.find('}');
    field.quote = '{';
    field.value = trim(rest_.substr(1, close == std::string_view::npos ? close : close - 1));
    rest_.remove_prefix(close == std::string_view::npos ? rest_.size() : close + 1);
    return;
  }
  if (open == '\'' && !nested_) {
    // The text inside may hold apostrophes; the last one before the enriched part ends it.
    const size_t mark = rest_.find(kEnrichedMark);
    size_t close = rest_.rfind('\'', mark);
    if (close == 0 || close == std::string_view::npos)
      close = mark == std::string_view::npos ? rest_.size() : mark;
    field.quote = '\'';
    field.value = rest_.substr(1, close - 1);
    rest_.remove_prefix(close < rest_.size() ? close + 1 : close);
    return;
  }
  size_t end = find_break(rest_);
  // Copied logs lose the mark before the enriched part: "key=(null)ARCH=x86_64".
  if (open == '(' && end > kNull.size() && rest_.starts_with(kNull) &&
      rest_.substr(0, end).find('=') != std::string_view::npos)
    end = kNull.size();
  field.value = rest_.substr(0, end);
  rest_.remove_prefix(end);
  if (end == 0) return;
  // Old messages of user space: "(hostname=?, addr=?, terminal=cron res=success)".
  if (field.value.back() == ',') field.value.remove_suffix(1);
  if (nested_ && rest_.empty() && !field.value.empty() && field.value.back() == ')')
    field.value.remove_suffix(1);
}

/// What is no name: a word of text ("auditd start,"). "avc:  denied  { read }" has fields of its
/// own, which ausearch calls seresult and seperms. False: no field.
bool FieldWalk::take_word(Field& field, bool& is_old) {
  if (rest_[0] == '{') {
    field.name = "seperms";
    take_value(field);
    return true;
  }
  const size_t word = find_break(rest_);
  const std::string_view text = rest_.substr(0, word);
  is_old = text == "old";
  rest_.remove_prefix(word > 0 ? word : 1);
  if (is_avc_ && (text == "denied" || text == "granted")) {
    field = {"seresult", text, 0};
    return true;
  }
  is_avc_ = text == "avc:";
  return false;
}

bool FieldWalk::has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}

/// Where the value is longer than a block: finds its end.
bool FieldWalk::ends_late(Plain& found, const char* end) {
  if (found.stop >= end) return false;
  const auto left = static_cast<size_t>(end - found.stop);
  const auto* stop =
      static_cast<const char*>(std::memchr(found.stop, found.quoted ? '"' : ' ', left));
  if (!stop && found.quoted) return false;
  found.stop = stop ? stop : end;
  return found.quoted || !has_control({found.value, static_cast<size_t>(found.stop - found.value)});
}

/// take_guessed() where there are not enough bytes for whole blocks.
bool FieldWalk::take_guessed_near_end(Field& field, const NameGuess& guess) {
  if (std::less<>()(rest_.data(), last_begin())) return false;  // it was no such field
  std::string_view rest = rest_;
  if (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  const size_t name = guess.match(rest);
  if (name == 0) return false;
  const char* value = rest.data() + name + 1;
  const char* end = rest.data() + rest.size();
  const char* stop = value;
  char quote = 0;
  if (value == end || *value == '{' || *value == '\'') return false;
  if (*value == '"') {
    stop =
        static_cast<const char*>(std::memchr(value + 1, '"', static_cast<size_t>(end - value - 1)));
    if (!stop) return false;
    quote = *value++;
  } else {
    stop += find_break({value, static_cast<size_t>(end - value)});
    if (stop == value || stop[-1] == ',') return false;
    if (*value == '(' && stop - value > std::ssize(kNull)) return false;
  }
  field.name = rest.substr(0, name);
  field.value = {value, static_cast<size_t>(stop - value)};
  field.quote = quote;
  if (quote != 0) ++stop;
  rest_ = {stop, static_cast<size_t>(end - stop)};
  return true;
}

bool FieldWalk::next_of_any(Field& field, const NameGuess* guess) {
  bool is_old = false;
  is_guessed_ = false;
  for (;;) {
    while (!rest_.empty() && (is_break(rest_[0]) || rest_[0] == '('))
      rest_.remove_prefix(1);
    if (rest_.empty()) {
      if (!nested_) return false;
      nested_ = false;
      rest_ = before_;
      continue;
    }
    size_t end = guess && !is_old ? guess->match(rest_) : 0;
    is_guessed_ = end > 0;
    if (end == 0)
      while (end < rest_.size() && is_name_char(rest_[end]))
        ++end;
    if (end == 0 || end >= rest_.size() || rest_[end] != '=') {
      if (take_word(field, is_old)) return true;
      continue;
    }
    field.name = rest_.substr(0, end);
    // "old auid=1 new auid=2" of old kernels is "old-auid=1 auid=2" of new ones.
    if (is_old && field.name == "auid") field.name = "old-auid";
    if (is_old && field.name == "ses") field.name = "old-ses";
    rest_.remove_prefix(end + 1);
    take_value(field);
    if (field.quote == '\'' && field.name == "msg") {
      before_ = rest_;
      rest_ = field.value;
      nested_ = true;
      continue;
    }
    return true;
  }
}

}  // namespace postern::input::auditd
