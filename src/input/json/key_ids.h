// The keys of the records of one file, each with a small number once it was met.
//
// Records of a kind have the same keys in the same order, so what followed a key last time is tried
// before anything is hashed; and what a consumer looks up by name it looks up once per key of the
// file (KeyNumbers). Bounded: a file of ever new keys gets no more ids, and its keys are looked up
// each time. Tests: tests/unit/input/json_document_test.cc.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "input/name_hash.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace postern::input::json {

/// Id of a key that has none.
inline constexpr uint16_t kNoKeyId = 0;
inline constexpr size_t kMaxKeyIds = 2048;

/// The first bytes of a key as written: nearly always all of it, and then compared at once.
class KeyHead {
 public:
  static constexpr size_t kBytes = 32;

  KeyHead() = default;

  explicit KeyHead(std::string_view quoted) {
    const size_t known = std::min(quoted.size(), kBytes);
    std::memcpy(bytes_.data(), quoted.data(), known);
    counts_ = known == kBytes ? ~uint32_t{0} : (uint32_t{1} << known) - 1;
  }

  /// Whether the text at `at`, of which kBytes can be read, begins with it.
  bool begins(const char* at) const {
#if defined(__SSE2__)
    const auto differ = [&](size_t i) {
      const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes_.data() + i));
      const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
      return ~static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b))) & 0xFFFF;
    };
    return ((differ(0) | differ(16) << 16) & counts_) == 0;
#else
    return std::memcmp(bytes_.data(), at, static_cast<size_t>(std::popcount(counts_))) == 0;
#endif
  }

 private:
  std::array<char, kBytes> bytes_{};
  uint32_t counts_ = 0;  // a bit for each byte of the key
};

class KeyIds {
 public:
  struct Key {
    KeyHead head;
    uint32_t size = 0;                    ///< of `quoted`
    uint32_t hash = 0;                    ///< name_hash() of the key
    std::array<uint16_t, 4> followers{};  ///< last met first
    const char* quoted = nullptr;         ///< as written, with its quotes
  };

  KeyIds() : keys_(1), slots_(2 * kMaxKeyIds) {}

  const Key& operator[](uint16_t id) const { return keys_[id]; }

  /// The id of the key that begins with the quote at `at`, if it is one of those that followed
  /// `before` (kNoKeyId: of those that begin a document).
  uint16_t follower(uint16_t before, const char* at, size_t left) const {
    const bool whole = left >= KeyHead::kBytes;
    for (const uint16_t id : keys_[before].followers) {
      if (id == kNoKeyId) break;
      const Key& key = keys_[id];
      if (whole ? key.head.begins(at) && same_tail(key, at, left)
                : key.size <= left && std::memcmp(key.quoted, at, key.size) == 0)
        return id;
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
    key.head = KeyHead(quoted);
    slots_[slot] = id;
    return follows(before, id);
  }

 private:
  static constexpr size_t kMaxKeyBytes = 256;

  uint16_t follows(uint16_t before, uint16_t id) {
    auto& followers = keys_[before].followers;
    const auto at = std::find(followers.begin(), followers.end() - 1, id);
    std::move_backward(followers.begin(), at, at + 1);
    followers[0] = id;
    return id;
  }

  /// What of a long key is behind its head.
  static bool same_tail(const Key& key, const char* at, size_t left) {
    return key.size <= KeyHead::kBytes ||
           (key.size <= left && std::memcmp(key.quoted + KeyHead::kBytes, at + KeyHead::kBytes,
                                            key.size - KeyHead::kBytes) == 0);
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
