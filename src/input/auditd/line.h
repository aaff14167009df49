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
#include <optional>
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

  friend bool operator!=(const EventId& a, const EventId& b) { return !(a == b); }
};

/// What an event takes from a record. The fields of most describe the event; others (OBJ_PID, MMAP)
/// describe its objects.
enum class RecordKind : uint8_t {
  kDescribes,
  kSyscall,
  kExecve,
  kPath,
  kSockaddr,
  kProctitle,
  kObject
};

struct Line {
  EventId id;
  std::string_view type;  ///< "SYSCALL"; a number where the kernel's log gives one: see type_name()
  std::string_view body;  ///< what follows the head
  /// How far bytes may be read, though not looked at, behind the body; null: not at all.
  const char* readable = nullptr;
  std::optional<RecordKind> kind;  ///< where somebody has asked for it
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
  /// `readable`: see Line.
  explicit FieldWalk(std::string_view body, const char* readable = nullptr)
      : rest_(body), readable_(readable ? readable : body.data() + body.size()) {}

  /// `guess`: what the next name may be; null: anything.
  bool next(Field& field, const NameGuess* guess = nullptr) {
    if (guess && !nested_ && take_guessed(field, *guess)) return is_guessed_ = true;
    return next_of_any(field, guess);
  }

  /// Whether the field has the name that was guessed.
  bool is_guessed() const { return is_guessed_; }

  /// Takes fields as long as `guess()` gives a name (null: none) and they have it, and are as
  /// nearly all are: one blank, the name, and a value in double quotes or without any marks. True:
  /// `wants(is_quoted)` of one, which is `field` now.
  template <class Guess, class Wants>
  bool next_guessed(Field& field, Guess&& guess, Wants&& wants);

 private:
  /// Such a field.
  struct Plain {
    const char* name;
    size_t name_size;
    const char* value;
    const char* stop;  // behind the value, in front of its quote
    bool quoted;

    const char* end() const { return stop + (quoted ? 1 : 0); }

    void to(Field& field) const {
      field.name = {name, name_size};
      field.value = {value, static_cast<size_t>(stop - value)};
      field.quote = quoted ? '"' : '\0';
    }
  };

  static bool find_plain(
      const char* text, const char* end, const char* last, const NameGuess& guess, Plain& out);

  /// A field has a blank, a name and "=" of one block at most, and a mark of the value with a block
  /// behind it.
  const char* last_begin() const {
    constexpr ptrdiff_t kNeeded = 2 * NameGuess::kBytes + 2;
    const char* end = rest_.data() + rest_.size();
    return readable_ - end >= kNeeded ? end : readable_ - kNeeded + 1;
  }

  static bool ends_late(Plain& found, const char* end);
  bool take_guessed(Field& field, const NameGuess& guess);
  bool take_guessed_near_end(Field& field, const NameGuess& guess);
  bool next_of_any(Field& field, const NameGuess* guess);
  static bool has_control(std::string_view text);
  void take_value(Field& field);
  bool take_word(Field& field, bool& is_old);

  void go_to(const char* at) { rest_.remove_prefix(static_cast<size_t>(at - rest_.data())); }

  std::string_view rest_;
  const char* readable_;
  std::string_view before_;  // what is left behind the quotes of msg='…'
  bool nested_ = false;
  bool is_avc_ = false;
  bool is_guessed_ = false;
};

/// What a value that may be more than a word begins with, or an empty one ends with.
inline constexpr std::array<bool, 256> kMarks = [] {
  std::array<bool, 256> is{};
  for (size_t c = 0; c <= ' '; ++c)
    is[c] = true;
  for (const char c : {'{', '\'', '('})
    is[static_cast<size_t>(c)] = true;
  return is;
}();

/// False: what begins at `text` may be any other field. `last`: where none may begin any more.
inline bool FieldWalk::find_plain(
    const char* text, const char* end, const char* last, const NameGuess& guess, Plain& out) {
#if !defined(__SSE2__)
  return false;
#else
  if (text >= last) return false;
  text += *text == ' ';
  const auto block = [](const char* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  out.name = text;
  out.name_size = guess.match(block(text));
  if (out.name_size == 0) return false;
  const char* value = text + out.name_size + 1;
  out.quoted = *value == '"';
  if (out.quoted) {
    out.value = ++value;
    const auto ends =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block(value), _mm_set1_epi8('"'))));
    out.stop = value + std::countr_zero(ends | 0x10000U);
    return (ends != 0 || ends_late(out, end)) && out.stop < end;
  }
  out.value = value;
  const __m128i bytes = block(value);
  // Control characters are seldom: what else than a blank is low is left to next_of_any().
  const auto ends = static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(' ')), bytes)));
  out.stop = value + std::countr_zero(ends | 0x10000U);
  if (ends == 0 && !ends_late(out, end)) return false;
  if (out.stop >= end ? out.stop > end : *out.stop != ' ') return false;
  if (out.stop[-1] == ',') return false;
  if (!kMarks[static_cast<uint8_t>(*value)]) return true;
  return *value == '(' && out.stop - value <= static_cast<ptrdiff_t>(kNull.size());
#endif
}

inline bool FieldWalk::take_guessed(Field& field, const NameGuess& guess) {
  Plain found;
  const char* end = rest_.data() + rest_.size();
  if (!find_plain(rest_.data(), end, last_begin(), guess, found))
    return take_guessed_near_end(field, guess);
  found.to(field);
  go_to(found.end());
  return true;
}

template <class Guess, class Wants>
bool FieldWalk::next_guessed(Field& field, Guess&& guess, Wants&& wants) {
  if (nested_) return false;
  const char* at = rest_.data();
  const char* const end = at + rest_.size();
  const char* const last = last_begin();
  bool found_wanted = false;
  Plain found;
  while (!found_wanted) {
    const NameGuess* name = guess();
    if (!name || !find_plain(at, end, last, *name, found)) break;
    at = found.end();
    found_wanted = wants(found.quoted);
  }
  if (found_wanted) found.to(field);
  go_to(at);
  return found_wanted;
}

}  // namespace postern::input::auditd
