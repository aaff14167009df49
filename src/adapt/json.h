// JSON documents as a tree, for rule and catalog files (not for events: see input/json).
// Library: simdjson. Tests: tests/unit/adapt/json_test.cc; fuzz_json.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::adapt {

inline constexpr size_t kMaxJsonDepth = 200;

struct JsonNode {
  struct Member;

  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  ///< string: its value; number: as written
  std::vector<JsonNode> items;
  std::vector<Member> entries;  ///< object, in order

  bool is_string() const { return kind == Kind::kString; }

  bool is_array() const { return kind == Kind::kArray; }

  bool is_object() const { return kind == Kind::kObject; }

  /// Member of an object (the first of equal names), or nullptr.
  const JsonNode* find(std::string_view key) const;
  /// Text of a string member, or "".
  std::string_view get(std::string_view key) const;
};

struct JsonNode::Member {
  std::string key;
  JsonNode value;
};

/// Parses a whole document (UTF-8; a BOM is skipped). Error: kInvalid with the byte offset in
/// words, kLimit beyond kMaxJsonDepth levels or 4 GiB.
Result<JsonNode> parse_json(std::string_view text);

}  // namespace postern::adapt
