// Shapes of flat records: which keys, in which order, as a tree of the keys that were met.
//
// A log has few shapes, so from the keys before it the next one is known but for a few: it is
// compared with these, and the place in the tree where a record ends says what its keys were
// without looking at them again. Only records that someone asked to remember are in the tree; any
// other is none of its shapes, and read as a Document. Bounded in shapes and in keys that may
// follow one. Tests: tests/unit/input/json_plan_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "input/json/document.h"
#include "input/json/key_ids.h"

namespace postern::input::json {

/// The values of a flat record, by the number of the member: strings without quotes, all as
/// written.
struct FlatRecord {
  static constexpr size_t kMaxMembers = 256;

  std::string_view text;
  std::string_view input;  ///< what the text is a part of, and as much of it as may be read
  std::array<std::string_view, kMaxMembers> values;
};

class FlatShapes {
 public:
  static constexpr uint32_t kNoShape = 0;

  FlatShapes() : nodes_(1) {}

  /// Reads a document of which the structure is found (Parser::begin): an object of strings,
  /// numbers and booleans with the keys of a shape that was added. The shape, or kNoShape: it is
  /// another document, or none.
  uint32_t read(std::string_view text,
                std::string_view input,
                std::span<const uint32_t> structure,
                FlatRecord& out) const;

  /// Adds the shape of a flat document. kNoShape: it was added before, or it is one too many.
  uint32_t add(const Document& document);

 private:
  static constexpr size_t kMaxShapes = 1024;
  static constexpr int kMaxSiblings = 16;

  /// A key behind those on the way to it.
  struct Node {
    KeyHead head;
    uint32_t size = 0;     // of the key with its quotes
    uint32_t child = 0;    // the first key that may follow
    uint32_t sibling = 0;  // the next one that may be instead of this one
    bool is_end = false;   // a shape ends here
    const char* quoted = nullptr;

    bool is_at(const char* at, size_t left) const {
      if (left < KeyHead::kBytes) return size <= left && std::memcmp(quoted, at, size) == 0;
      return head.begins(at) && (size <= KeyHead::kBytes || is_tail_at(at, left));
    }

    bool is_tail_at(const char* at, size_t left) const;
  };

  /// The child of `node` with this key, or 0.
  uint32_t child(uint32_t node, std::string_view quoted) const;

  std::vector<Node> nodes_;  // the first one is where records begin
  size_t num_shapes_ = 0;
  Arena texts_;
};

}  // namespace postern::input::json
