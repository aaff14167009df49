#include "input/json/flat_shapes.h"

#include <cstring>

#include "base/text.h"

namespace postern::input::json {

bool FlatShapes::Node::is_tail_at(const char* at, size_t left) const {
  constexpr size_t kHead = KeyHead::kBytes;
  return size <= left && std::memcmp(quoted + kHead, at + kHead, size - kHead) == 0;
}

// Where blanks follow a key or a string, the size does not fit, and the record is left to others.
uint32_t FlatShapes::read(std::string_view text,
                          std::string_view input,
                          std::span<const uint32_t> structure,
                          FlatRecord& out) const {
  const Node* const nodes = nodes_.data();
  const char* const begin = text.data();
  const uint32_t* at = structure.data();
  const uint32_t* const end = at + structure.size();
  if (nodes[0].child == 0 || at == end || *at != 0 || *begin != '{') return kNoShape;
  out.text = text;
  out.input = input;
  const char* const input_end = input.data() + input.size();
  std::string_view* value = out.values.data();
  uint32_t node = 0;
  char separator = ',';
  // Key, colon and value, and what separates them from the next; no shape has more members than
  // there is room for.
  for (++at; separator == ','; at += 4, ++value) {
    if (end - at < 4) return kNoShape;
    const char* const quote = begin + at[0];
    const auto left = static_cast<size_t>(input_end - quote);
    for (node = nodes[node].child; node != 0 && !nodes[node].is_at(quote, left);)
      node = nodes[node].sibling;
    if (node == 0 || at[1] - at[0] != nodes[node].size || begin[at[1]] != ':') return kNoShape;
    const char* const from = begin + at[2];
    const size_t size = at[3] - at[2];
    if (*from == '"') {
      if (size < 2 || from[size - 1] != '"') return kNoShape;
      *value = {from + 1, size - 2};
    } else {
      *value = {from, size};
      if (!is_number_or_boolean(*value)) return kNoShape;
    }
    separator = begin[at[3]];
  }
  const bool ends = separator == '}' && at == end && end[-1] + 1 == text.size();
  return ends && nodes[node].is_end ? node : kNoShape;
}

uint32_t FlatShapes::child(uint32_t node, std::string_view quoted) const {
  for (uint32_t c = nodes_[node].child; c != 0; c = nodes_[c].sibling)
    if (std::string_view(nodes_[c].quoted, nodes_[c].size) == quoted) return c;
  return 0;
}

uint32_t FlatShapes::add(const Document& document) {
  if (num_shapes_ >= kMaxShapes || document.size() < 2 ||
      document.size() - 1 > FlatRecord::kMaxMembers)
    return kNoShape;
  uint32_t node = 0;
  for (uint32_t i = 1; i < document.size(); ++i) {
    const std::string_view key = document[i].key;
    // Keys of flat documents stand in the text, between their quotes.
    const std::string_view quoted(key.data() - 1, key.size() + 2);
    uint32_t next = child(node, quoted);
    if (next == 0) {
      uint32_t* last = &nodes_[node].child;
      int num_siblings = 0;
      for (; *last != 0; last = &nodes_[*last].sibling)
        if (++num_siblings >= kMaxSiblings) return kNoShape;
      next = *last = static_cast<uint32_t>(nodes_.size());
      Node& made = nodes_.emplace_back();
      made.quoted = texts_.copy(quoted).data();
      made.size = static_cast<uint32_t>(quoted.size());
      made.head = KeyHead(quoted);
    }
    node = next;
  }
  if (nodes_[node].is_end) return kNoShape;
  nodes_[node].is_end = true;
  ++num_shapes_;
  return node;
}

}  // namespace postern::input::json
