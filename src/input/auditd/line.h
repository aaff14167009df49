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
#include <cstdint>
#include <string_view>

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

 private:
  std::array<uint64_t, 2> words_{};
  std::array<uint64_t, 2> mask_{};
  size_t size_ = 0;
};

/// Walks the fields of a body, in order.
class FieldWalk {
 public:
  explicit FieldWalk(std::string_view body) : rest_(body) {}

  /// `guess`: what the next name may be; null: anything.
  bool next(Field& field, const NameGuess* guess = nullptr);

  /// Whether the field has the name that was guessed.
  bool is_guessed() const { return is_guessed_; }

 private:
  bool take_guessed(Field& field, const NameGuess& guess);
  void take_value(Field& field);
  bool take_word(Field& field, bool& is_old);

  std::string_view rest_;
  std::string_view before_;  // what is left behind the quotes of msg='…'
  bool nested_ = false;
  bool is_avc_ = false;
  bool is_guessed_ = false;
};

}  // namespace postern::input::auditd
