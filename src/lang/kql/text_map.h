// Where a byte of a query's text lies in the file that holds it.
#pragma once
#include <cstdint>
#include <string_view>

#include "adapt/yaml.h"
#include "base/diagnostic.h"

namespace postern::lang::kql {

/// The text of one query and its place: part of a bare file, or a YAML scalar.
class TextMap {
 public:
  /// `text` begins at byte `offset` of the file.
  TextMap(std::string_view text, uint32_t offset) : text_(text), offset_(offset) {}

  /// `text` is (part of) the value of `node`, beginning at byte `from` of it; the node must outlive
  /// this.
  TextMap(std::string_view text, const adapt::YamlNode& node, size_t from = 0)
      : text_(text), node_(&node), offset_(static_cast<uint32_t>(from)) {}

  std::string_view text() const { return text_; }

  uint32_t position(size_t at) const {
    if (node_) return node_->source_position(offset_ + at);
    return offset_ + static_cast<uint32_t>(at);
  }

  /// The end is mapped from the last byte inside, so that a span never runs into the next line's
  /// indent.
  Span span(size_t begin, size_t end) const {
    const uint32_t first = position(begin);
    return {first, end > begin ? position(end - 1) + 1 : first};
  }

 private:
  std::string_view text_;
  const adapt::YamlNode* node_ = nullptr;
  uint32_t offset_ = 0;
};

}  // namespace postern::lang::kql
