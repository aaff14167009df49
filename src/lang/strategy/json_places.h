// Where the strings of a JSON document stand in its text.
//
// adapt::JsonNode has no places, so that a tree stays small; a file with a fault needs a few.
// Strings of the tree and strings of the text come in the same order, which pairs them off. Tests:
// tests/unit/lang/strategy/json_places_test.cc.
#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapt/json.h"
#include "base/diagnostic.h"

namespace postern::lang::strategy {

class JsonPlaces {
 public:
  /// `root` is what parse_json made of `text`; both must outlive this.
  JsonPlaces(const adapt::JsonNode& root, std::string_view text);

  /// The string with its quotes; an empty span for a node that is no string of the document.
  Span of(const adapt::JsonNode* node) const;
  /// Bytes [begin, end) of the string's value, wherever escapes put them in the text.
  Span part(const adapt::JsonNode* node, size_t begin, size_t end) const;

 private:
  void number_strings(const adapt::JsonNode& node);

  std::string_view text_;
  std::vector<Span> strings_;  // with quotes, in order of the text
  std::unordered_map<const adapt::JsonNode*, uint32_t> index_;
  uint32_t next_ = 0;
};

}  // namespace postern::lang::strategy
