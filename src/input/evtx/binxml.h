// Tokens of binary XML: one pull scanner for template definitions, records without a template and
// nested fragments.
//
// Rules that decide whether a file can be read at all:
// - an OpenStartElement carries a 16-bit dependency id inside a template definition and nowhere
// else;
// - a name is a chunk offset; when it is the offset of the very next byte, the name lies there
// inline;
// - sizes of elements and attribute lists are not needed to walk the tokens and are not trusted.
// Source: [MS-EVEN6] 2.2.12. Tests: tests/unit/input/evtx_test.cc, fuzz_evtx.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "input/evtx/bytes.h"

namespace postern::input::evtx {

enum class ValueType : uint8_t {
  kNull = 0x00,
  kString = 0x01,
  kAnsiString = 0x02,
  kInt8 = 0x03,
  kUInt8 = 0x04,
  kInt16 = 0x05,
  kUInt16 = 0x06,
  kInt32 = 0x07,
  kUInt32 = 0x08,
  kInt64 = 0x09,
  kUInt64 = 0x0a,
  kReal32 = 0x0b,
  kReal64 = 0x0c,
  kBool = 0x0d,
  kBinary = 0x0e,
  kGuid = 0x0f,
  kSize = 0x10,
  kFiletime = 0x11,
  kSystemtime = 0x12,
  kSid = 0x13,
  kHexInt32 = 0x14,
  kHexInt64 = 0x15,
  kHandle = 0x20,
  kBinXml = 0x21,
  kXml = 0x23,
};
/// Set in the type byte of an array of a type.
inline constexpr uint8_t kArrayFlag = 0x80;

/// A value as it lies in the chunk.
struct RawValue {
  std::string_view bytes;
  uint8_t type = 0;

  bool is_array() const { return type & kArrayFlag; }

  ValueType element_type() const { return static_cast<ValueType>(type & ~kArrayFlag); }

  bool is(ValueType t) const { return type == static_cast<uint8_t>(t); }
};

struct Token {
  enum class Kind : uint8_t {
    kEnd,  ///< end of fragment, or of the bytes
    kError,
    kOpen,          ///< text: the element's name
    kAttribute,     ///< text: the attribute's name
    kCloseStart,    ///< ">"
    kCloseEmpty,    ///< "/>"
    kEndElement,    ///< "</…>"
    kValue,         ///< value
    kCdata,         ///< text
    kCharacter,     ///< code
    kEntity,        ///< text: its name
    kSubstitution,  ///< code: index; optional
    kTemplate,      ///< an instance; `next_at` of the scanner is after the token byte
    kOther,         ///< fragment header, processing instruction: nothing to read
  };
  Kind kind = Kind::kEnd;
  std::string_view text;  ///< UTF-16LE
  RawValue value;
  uint16_t code = 0;
  bool optional = false;
  uint32_t name_at = 0;  ///< chunk offset of the name
};

class BinXmlScanner {
 public:
  /// Scans chunk[begin, end). `in_template`: elements carry a dependency id.
  BinXmlScanner(std::string_view chunk, size_t begin, size_t end, bool in_template)
      : chunk_(chunk), cursor_(chunk.substr(0, end), begin), in_template_(in_template) {}

  Token next();

  /// Where the next token starts.
  size_t at() const { return cursor_.at(); }

 private:
  bool read_name(Token& t);
  bool read_value(Token& t);

  std::string_view chunk_;
  Cursor cursor_;
  bool in_template_;
};

/// Size of one value of a type where it is fixed, else 0.
size_t fixed_size(ValueType t);

/// The use of a template by a record: where its definition lies, and the values.
struct Instance {
  size_t definition = 0;
  uint32_t first_value = 0;  ///< in the vector given to read_instance
  uint32_t num_values = 0;
  bool has_nested = false;  ///< a value is a fragment of its own
  bool is_cut = false;      ///< values run past `end`; those are null
};

/// Reads the instance whose token byte is in front of chunk[at], appending its values; nullopt when
/// not even the list of values lies within chunk[0, end).
std::optional<Instance> read_instance(std::string_view chunk,
                                      size_t at,
                                      size_t end,
                                      std::vector<RawValue>& values);

/// Offsets of first and past-last token of a template definition; nullopt outside of the chunk.
std::optional<std::pair<size_t, size_t>> definition_tokens(std::string_view chunk,
                                                           size_t definition);

}  // namespace postern::input::evtx
