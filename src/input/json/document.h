// One JSON document of a log as a flat list of items, in order of the text, with text left in
// place.
//
// No tree and no copies: an item holds views of its key and of its value as written, and the number
// of the item after all that it contains, so that a dialect walks or skips it in one step. Strings
// are unescaped only when somebody wants them. simdjson finds the structure (its stage 1: quotes,
// brackets, UTF-8 check, with SIMD); the grammar (RFC 8259) is checked here while the list is made,
// because log records need neither its number parsing nor its string copies. Tests:
// tests/unit/input/json_document_test.cc.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "input/json/key_ids.h"
#include "input/json/unescape.h"

namespace postern::input::json {

/// Limits of one document, far beyond any record seen; more is refused by name.
inline constexpr size_t kMaxDocumentBytes = size_t{32} << 20;
inline constexpr size_t kMaxItems = size_t{4} << 20;
inline constexpr size_t kMaxDepth = 128;

enum class Kind : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

struct Item {
  std::string_view key;    ///< unescaped; "" for the root and for elements of an array
  std::string_view text;   ///< as written: a string without its quotes, an object with its braces
  uint32_t hash = 0;       ///< name_hash(key)
  uint32_t next = 0;       ///< number of the item after this one and all that it contains
  uint16_t id = kNoKeyId;  ///< of the key, where the parser gives ids and it has one
  Kind kind = Kind::kNull;

  bool is_string() const { return kind == Kind::kString; }

  bool is_object() const { return kind == Kind::kObject; }

  bool is_array() const { return kind == Kind::kArray; }

  bool is_container() const { return kind >= Kind::kArray; }
};

/// The items of one document; item 0 is the document itself. Reused for the next one.
class Document {
 public:
  const Item& operator[](uint32_t i) const { return items_[i]; }

  uint32_t size() const { return size_; }

  std::string_view text() const { return text_; }

  /// An object of strings, numbers and booleans under keys that have ids, so without escapes.
  bool is_flat() const { return flat_; }

  /// Number of the member `key` of object `object`, or 0 (the last one, where a key repeats).
  uint32_t find(uint32_t object, std::string_view key) const;

 private:
  friend class Parser;

  void clear(std::string_view text) {
    size_ = 0;
    flat_ = false;
    text_ = text;
    keys_.reset();
  }

  std::vector<Item> items_;  // never shrinks; the first size_ count
  uint32_t size_ = 0;
  bool flat_ = false;
  std::string_view text_;
  std::unique_ptr<Arena> keys_;  // unescaped keys, where there are any
};

enum class ParseStatus : uint8_t {
  kOk,
  kMalformed,
  kTrailing,  ///< one document, and then more text
  kBadUtf8,
  kTooDeep,
  kTooLarge
};

/// "malformed", …: for anomalies.
std::string_view parse_status_text(ParseStatus s);

/// Whether a value as written is a number (RFC 8259), true or false.
bool is_number_or_boolean(std::string_view s);

class Parser {
 public:
  /// `ids`: gives keys their ids, and must live as long; null: none has one.
  explicit Parser(KeyIds* ids = nullptr);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  /// Parses one document; views point into `text`, which must outlive `out`'s use.
  ParseStatus parse(std::string_view text, Document& out) {
    const ParseStatus status = begin(text);
    if (status == ParseStatus::kOk) return finish(out);
    out.clear(text);
    return status;
  }

  /// The first half of parse(): finds the structure of `text`, which is all that some need of it.
  ParseStatus begin(std::string_view text);
  /// What begin() found, where it said kOk: the places of the characters that make the structure,
  /// each with that of the next behind it, and at last the size of the text.
  std::span<const uint32_t> structure() const;
  /// The second half: the same text as a document.
  ParseStatus finish(Document& out);

 private:
  struct Structure;  // what simdjson needs and finds
  std::unique_ptr<Structure> structure_;
  std::string_view text_;
  KeyIds* ids_;
};

/// Text that views of one record point into: unescaped and rebuilt values. Cleared, not freed,
/// between records.
class TextPool {
 public:
  void clear() {
    if (blocks_.size() > 1) blocks_.erase(blocks_.begin() + 1, blocks_.end());
    used_ = 0;
  }

  std::string_view copy(std::string_view s) {
    char* p = allocate(s.size());
    if (!s.empty()) std::memcpy(p, s.data(), s.size());
    used_ += s.size();
    return {p, s.size()};
  }

  /// A string with escapes. `text`: what `raw` is a part of.
  std::string_view unescape(std::string_view raw, std::string_view text) {
    char* p = allocate(raw.size() + kUnescapeSlack);
    const size_t n = unescape_within(raw, text, p);
    used_ += n;
    return {p, n};
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };

  /// Room for n bytes at the end of what is used; the caller says how many it took.
  char* allocate(size_t n) {
    if (blocks_.empty() || used_ + n > blocks_.back().size) {
      const size_t size = std::max<size_t>(n, size_t{64} * 1024);
      // The first block stays for the next record.
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
      used_ = 0;
    }
    return blocks_.back().bytes.get() + used_;
  }

  std::vector<Block> blocks_;
  size_t used_ = 0;  // of the last block
};

}  // namespace postern::input::json
