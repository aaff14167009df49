// The header of a Zeek TSV log: separators, marks, fields and types. Files are often several logs
// one after the other, so a header may come again. Source: Zeek's ASCII writer (docs.zeek.org, log
// formats). Tests: tests/unit/input/zeek_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::input::zeek {

enum class Kind : uint8_t { kText, kTime, kReal, kInteger, kBool };

struct Field {
  std::string name;
  Kind kind = Kind::kText;    ///< of the value, or of the elements
  bool is_container = false;  ///< set[…] or vector[…]
  friend bool operator==(const Field&, const Field&) = default;
};

struct Header {
  char separator = '\t';
  char set_separator = ',';
  std::string empty_field = "(empty)";
  std::string unset_field = "-";
  std::string path;
  std::vector<Field> fields;

  /// Takes one line that starts with '#'. False: the line is no header line that means something.
  bool take(std::string_view line);
  /// Number of the field that is the event's time: "ts", else the first time; -1: none.
  int time_field() const;
  friend bool operator==(const Header&, const Header&) = default;
};

/// "\x09" and "\\" resolved to bytes, as in #separator.
std::string unescape(std::string_view text);

/// A value's escapes resolved to text. What is no text stays "\xHH": bytes that are not UTF-8 and
/// control characters except \b \t \n \f \r, which is what Zeek's JSON logs hold for the same
/// value.
std::string unescape_text(std::string_view value);

}  // namespace postern::input::zeek
