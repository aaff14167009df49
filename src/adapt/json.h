// JSON documents as a tree, for rule and catalog files (not for events: see input/json).
// Library: simdjson. Tests: tests/unit/adapt/json_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace postern::adapt {

struct JsonNode {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  ///< string: its value; number: as written
  std::vector<JsonNode> items;
  std::vector<std::pair<std::string, JsonNode>> entries;

  bool is_string() const { return kind == Kind::kString; }
  bool is_array() const { return kind == Kind::kArray; }
  bool is_object() const { return kind == Kind::kObject; }
  const JsonNode* find(std::string_view key) const;
  /// Text of a string member, or "".
  std::string_view get(std::string_view key) const;
};

/// Parses a whole document (UTF-8; a BOM is skipped). Error: kInvalid with the byte offset in words.
Result<JsonNode> parse_json(std::string_view text);

}  // namespace postern::adapt
