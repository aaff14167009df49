// Dynamic values: JSON-like data in one run of bytes, read in place, never a tree of objects.
//
// Encoding (little endian, unaligned): one tag byte, then
//   null/false/true: nothing;  long, real, datetime, timespan: 8 bytes;  string: u32 length, bytes;
//   array: u32 count, u32 size of what follows the header, u32 offset of each element, elements;
//   object: the same, each element being a key (u32 length, bytes) and a value.
// Offsets count from the end of the offset table. Tests: tests/unit/data/dynamic_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::data {

/// A view of one encoded value. An empty view is null. Reading a wrong kind gives null, 0 or "".
class Dynamic {
 public:
  enum class Kind : uint8_t {
    kNull,
    kFalse,
    kTrue,
    kLong,
    kReal,
    kString,
    kArray,
    kObject,
    kDatetime,
    kTimespan
  };

  Dynamic() = default;

  explicit Dynamic(std::string_view encoded) : bytes_(encoded) {}

  Kind kind() const { return bytes_.empty() ? Kind::kNull : static_cast<Kind>(bytes_[0]); }

  bool is_null() const { return kind() == Kind::kNull; }

  bool is_bool() const { return kind() == Kind::kFalse || kind() == Kind::kTrue; }

  bool is_number() const { return kind() == Kind::kLong || kind() == Kind::kReal; }

  bool is_string() const { return kind() == Kind::kString; }

  bool is_array() const { return kind() == Kind::kArray; }

  bool is_object() const { return kind() == Kind::kObject; }

  bool as_bool() const { return kind() == Kind::kTrue; }

  int64_t as_long() const;  ///< long, datetime, timespan; a real is truncated
  double as_real() const;
  std::string_view as_string() const;

  /// Elements of an array or entries of an object; 0 for all else.
  uint32_t size() const;
  Dynamic at(uint32_t i) const;  ///< element, or value of entry i
  std::string_view key_at(uint32_t i) const;
  Dynamic find(std::string_view key) const;  ///< value of the last entry named `key`, or null

  std::string_view encoded() const { return bytes_; }

  /// Compact JSON; datetimes and timespans as strings.
  std::string json() const;
  /// A scalar as plain text (string as is, true/false, number); arrays and objects as JSON; null
  /// "".
  std::string text() const;

 private:
  std::string_view bytes_;
};

/// Writes one encoded value front to back: `w.begin_array(); w.string("a"); w.end();`
class DynamicWriter {
 public:
  void null() { tag(Dynamic::Kind::kNull); }

  void boolean(bool v) { tag(v ? Dynamic::Kind::kTrue : Dynamic::Kind::kFalse); }

  void integer(int64_t v) { tag(Dynamic::Kind::kLong), put64(static_cast<uint64_t>(v)); }

  void real(double v);

  void datetime(int64_t ticks) {
    tag(Dynamic::Kind::kDatetime), put64(static_cast<uint64_t>(ticks));
  }

  void timespan(int64_t ticks) {
    tag(Dynamic::Kind::kTimespan), put64(static_cast<uint64_t>(ticks));
  }

  void string(std::string_view v);
  void value(Dynamic v);  ///< a copy of an encoded value

  void begin_array() { begin(Dynamic::Kind::kArray); }

  void begin_object() { begin(Dynamic::Kind::kObject); }

  void key(std::string_view k);  ///< before each value of an object
  void end();                    ///< closes the innermost array or object

  /// The encoded value; the writer is empty afterwards.
  std::string take();
  /// The same without giving up the buffer: read it, then `clear` for the next value.
  std::string_view encoded() const;
  void clear();

  size_t size() const { return out_.size(); }  ///< bytes so far; an encoding has less than 4 GiB

 private:
  struct Open {
    size_t start = 0;  // of the tag byte
    std::vector<uint32_t> offsets;
    bool object = false;
  };

  void tag(Dynamic::Kind k);
  void start_value();
  void put32(uint32_t v);
  void put64(uint64_t v);
  void begin(Dynamic::Kind k);

  std::string out_;
  std::vector<Open> open_;
  size_t depth_ = 0;  // levels of open_ in use
  bool after_key_ = false;
};

/// Parses JSON text (RFC 8259, nested at most 128 deep) into an encoded value; nullopt when
/// malformed.
std::optional<std::string> dynamic_from_json(std::string_view json);

}  // namespace postern::data
