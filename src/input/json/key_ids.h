// The keys of the records of one file, each with a small number once it was met.
//
// Records of a kind have the same keys in the same order, so what followed a key last time is tried
// before anything is hashed; and what a consumer looks up by name it looks up once per key of the
// file (KeyNumbers). Bounded: a file of ever new keys gets no more ids, and its keys are looked up
// each time. Tests: tests/unit/input/json_document_test.cc.
#pragma once
#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "input/name_hash.h"

namespace postern::input::json {

/// Id of a key that has none.
inline constexpr uint16_t kNoKeyId = 0;
inline constexpr size_t kMaxKeyIds = 2048;

/// Whether n bytes are equal, more than a word; inline, because keys are too short for a call to
/// pay.
inline bool equal_bytes(const char* a, const char* b, size_t n) {
  const auto differ = [&](size_t at) {
    uint64_t x;
    uint64_t y;
    std::memcpy(&x, a + at, sizeof x);
    std::memcpy(&y, b + at, sizeof y);
    return x != y;
  };
  for (size_t at = 0; at + sizeof(uint64_t) < n; at += sizeof(uint64_t))
    if (differ(at)) return false;
  return !differ(n - sizeof(uint64_t));  // overlaps the one before
}

class KeyIds {
 public:
  struct Key {
    const char* quoted = nullptr;         ///< as written, with its quotes
    uint32_t size = 0;                    ///< of `quoted`
    uint32_t hash = 0;                    ///< name_hash() of the key
    uint64_t head = 0;                    ///< the first word of `quoted`, zero behind its end
    uint64_t mask = 0;                    ///< of the bytes of `head` that count
    std::array<uint16_t, 2> followers{};  ///< last met first
  };

  KeyIds() : keys_(1), slots_(2 * kMaxKeyIds) {}

  const Key& operator[](uint16_t id) const { return keys_[id]; }

  /// The id of the key that begins with the quote at `at`, if it is one of those that followed
  /// `before` (kNoKeyId: of those that begin a document).
  uint16_t follower(uint16_t before, const char* at, size_t left) const {
    uint64_t head;
    if (left < sizeof head) return kNoKeyId;  // the document ends here anyway
    std::memcpy(&head, at, sizeof head);
    for (const uint16_t id : keys_[before].followers) {
      const Key& key = keys_[id];
      if ((head & key.mask) != key.head) continue;
      if (key.size <= sizeof head) return id;  // of kNoKeyId too
      if (key.size <= left && equal_bytes(key.quoted, at, key.size)) return id;
    }
    return kNoKeyId;
  }

  /// The id of a key without escapes, which followed `before`. `quoted` includes its quotes.
  uint16_t find(uint16_t before, std::string_view quoted, uint32_t hash) {
    size_t slot = hash % slots_.size();
    for (; slots_[slot] != kNoKeyId; slot = (slot + 1) % slots_.size()) {
      const Key& key = keys_[slots_[slot]];
      if (std::string_view(key.quoted, key.size) == quoted) return follows(before, slots_[slot]);
    }
    if (keys_.size() >= kMaxKeyIds || quoted.size() > kMaxKeyBytes) return kNoKeyId;
    const auto id = static_cast<uint16_t>(keys_.size());
    Key& key = keys_.emplace_back();
    key.quoted = texts_.copy(quoted).data();
    key.size = static_cast<uint32_t>(quoted.size());
    key.hash = hash;
    const size_t known = std::min(quoted.size(), sizeof key.head);
    std::memcpy(&key.head, quoted.data(), known);
    std::memset(&key.mask, 0xFF, known);
    slots_[slot] = id;
    return follows(before, id);
  }

 private:
  static constexpr size_t kMaxKeyBytes = 256;

  uint16_t follows(uint16_t before, uint16_t id) {
    auto& followers = keys_[before].followers;
    if (followers[0] != id) followers = {id, followers[0]};
    return id;
  }

  std::vector<Key> keys_;  // by id; that of kNoKeyId stands for the beginning of a document
  std::vector<uint16_t> slots_;
  Arena texts_;
};

/// What a table of names says of the keys of a file, looked up once for each.
class KeyNumbers {
 public:
  /// The number of the key with this id: what look_up() says, which is asked once.
  template <class LookUp>
  int get(uint16_t id, const LookUp& look_up) {
    if (id < size_ && numbers_[id] != kUnknown) return numbers_[id];
    const int number = look_up();
    if (id == kNoKeyId) return number;
    if (size_ == 0) {
      numbers_.assign(kMaxKeyIds, kUnknown);
      size_ = kMaxKeyIds;
    }
    return numbers_[id] = number;
  }

 private:
  static constexpr int kUnknown = INT_MIN;

  std::vector<int> numbers_;  // that of kNoKeyId is never known
  uint32_t size_ = 0;
};

}  // namespace postern::input::json
