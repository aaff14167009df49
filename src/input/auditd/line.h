// One line of an audit log: its head (type, time, serial, node) and its fields.
//
//   node=web1 type=SYSCALL msg=audit(1604996384.965:93777): arch=c000003e syscall=59 …
//   key="x"<1D>UID="root"
//
// The head is cheap and read first, because it says to which event the line belongs; fields are
// read when somebody wants them. User space puts its fields in msg='…'; they are read as fields of
// the line. After the byte 0x1D stand the enriched fields, with upper-case names. Source:
// linux-audit documentation (specs/fields, specs/messages), libauparse's behaviour. Tests:
// tests/unit/input/auditd_test.cc.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace postern::input::auditd {

/// What the lines of one event have in common.
struct EventId {
  int64_t time = 0;  ///< ticks
  uint64_t serial = 0;
  std::string_view node;  ///< "" where lines name none

  friend bool operator==(const EventId& a, const EventId& b) {
    return a.serial == b.serial && a.time == b.time && a.node == b.node;
  }
};

struct Line {
  EventId id;
  std::string_view type;  ///< "SYSCALL"; a number where the kernel's log gives one: see type_name()
  std::string_view body;  ///< what follows the head
};

/// The stamp of the line before: the lines of an event have the same.
struct LastStamp {
  std::string_view text;  ///< with the bracket behind it; lives as long as the lines do
  int64_t time = 0;
  uint64_t serial = 0;
};

/// Reads the head. False: no audit record. `last` is used and kept up.
bool read_head(std::string_view text, Line& line, LastStamp* last = nullptr);

/// "1300" → "SYSCALL", "UNKNOWN[1334]" → "BPF"; other types as they are.
std::string_view type_name(std::string_view type);

struct Field {
  std::string_view name;
  std::string_view value;  ///< without quotes or braces
  char quote = 0;          ///< '"' or '\'', or 0: such a value may be hex
};

/// A name that the next field may have, and "=", to be compared in two words.
class NameGuess {
 public:
  NameGuess() = default;
  /// A name of more than 15 bytes is never guessed.
  explicit NameGuess(std::string_view name);

  /// Bytes of the name where `text` begins with it and "="; 0: it does not.
  size_t match(std::string_view text) const;

#if defined(__SSE2__)
  /// The same of kBytes bytes.
  size_t match(__m128i text) const {
    const __m128i words = _mm_load_si128(reinterpret_cast<const __m128i*>(words_.data()));
    const __m128i mask = _mm_load_si128(reinterpret_cast<const __m128i*>(mask_.data()));
    const __m128i same = _mm_cmpeq_epi8(_mm_and_si128(text, mask), words);
    return _mm_movemask_epi8(same) == 0xFFFF ? size_ : 0;
  }
#endif

  static constexpr size_t kBytes = 16;

 private:
  alignas(kBytes) std::array<uint64_t, 2> words_{};
  alignas(kBytes) std::array<uint64_t, 2> mask_{};
  size_t size_ = 0;
};

inline constexpr std::string_view kNull = "(null)";

/// Walks the fields of a body, in order.
class FieldWalk {
 public:
  explicit FieldWalk(std::string_view body) : rest_(body) {}

  /// `guess`: what the next name may be; null: anything.
  bool next(Field& field, const NameGuess* guess = nullptr) {
    if (guess && !nested_ && take_guessed(field, *guess)) return is_guessed_ = true;
    return next_of_any(field, guess);
  }

  /// Whether the field has the name that was guessed.
  bool is_guessed() const { return is_guessed_; }

 private:
  bool take_guessed(Field& field, const NameGuess& guess);
  bool take_guessed_near_end(Field& field, const NameGuess& guess);
  bool next_of_any(Field& field, const NameGuess* guess);
  static bool has_control(std::string_view text);
  void take_value(Field& field);
  bool take_word(Field& field, bool& is_old);

  std::string_view rest_;
  std::string_view before_;  // what is left behind the quotes of msg='…'
  bool nested_ = false;
  bool is_avc_ = false;
  bool is_guessed_ = false;
};

/// The field as nearly all are: one blank, the name that was guessed, and a value in double quotes
/// or without any marks. False, and nothing is taken: it may be any other.
inline bool FieldWalk::take_guessed(Field& field, const NameGuess& guess) {
#if !defined(__SSE2__)
  return take_guessed_near_end(field, guess);
#else
  constexpr size_t kBlock = NameGuess::kBytes;
  // A blank, a name and "=" of one block at most, and a mark of the value with a block behind it.
  if (rest_.size() < 2 * kBlock + 2) return take_guessed_near_end(field, guess);
  const char* text = rest_.data();
  if (*text == ' ') ++text;
  const auto block = [](const char* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  const size_t name = guess.match(block(text));
  if (name == 0) return false;
  const char* value = text + name + 1;
  const bool quoted = *value == '"';
  value += quoted;
  const __m128i bytes = block(value);
  const __m128i last = _mm_set1_epi8(' ');
  // Control characters are seldom: what else than a blank is low is left to next_of_any().
  const auto ends = static_cast<unsigned>(
      _mm_movemask_epi8(quoted ? _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))
                               : _mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes)));
  const char* end = rest_.data() + rest_.size();
  const char* stop = value + std::countr_zero(ends | 0x10000U);
  if (ends == 0) {  // a longer one
    stop = static_cast<const char*>(
        std::memchr(stop, quoted ? '"' : ' ', static_cast<size_t>(end - stop)));
    if (!stop) return false;
    if (!quoted && has_control({value, static_cast<size_t>(stop - value)})) return false;
  }
  if (!quoted) {
    if (*stop != ' ' || stop == value || stop[-1] == ',') return false;
    if (*value == '{' || *value == '\'') return false;
    if (*value == '(' && stop - value > static_cast<ptrdiff_t>(kNull.size())) return false;
  }
  field.name = {text, name};
  field.value = {value, static_cast<size_t>(stop - value)};
  field.quote = quoted ? '"' : '\0';
  stop += quoted;
  rest_ = {stop, static_cast<size_t>(end - stop)};
  return true;
#endif
}

}  // namespace postern::input::auditd
