// Remembers, per distinct text of a column, one number (which predicates it touches: a list of
// DistinctLists); bounded, and out of the way where texts hardly repeat. A text is remembered when
// it is met; once half of the room is taken, when it comes for the second time, so that those that
// come once (a command line with an id of its own) push nothing out. Texts are compared in full: a
// hash alone could be forged. Tests: tests/unit/exec/value_memo_test.cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_hash.h"

namespace postern::exec {

class ValueMemo {
 public:
  struct Answer {
    uint32_t list = 0;
    uint32_t value = 0;  ///< number of the text, until the next clear(); 0: not remembered
  };

  /// To be called before the texts of a batch: true when so much is remembered that it is to be
  /// forgotten.
  bool full() const { return bytes_.size() > kMaxBytes || used_ > kMaxTexts; }

  void clear() {
    slots_ = {};
    bytes_ = std::string(1, '\0');
    seen_ = {};
    used_ = 0;
  }

  size_t memory_bytes() const {
    return slots_.capacity() * sizeof(Slot) + bytes_.capacity() + seen_.capacity() * 2;
  }

  /// While texts hardly repeat: skip() instead of get(), without a hash.
  bool bypasses() const { return bypass_ > 0; }

  void skip() {
    if (bypass_ > 0) --bypass_;
  }

  /// Fetches what get() of a text with this hash will look at: first its slot, then its text.
  void prefetch_slot(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }

  void prefetch_text(uint64_t hash) const {
    if (slots_.empty()) return;
    const Slot& s = slots_[hash & (slots_.size() - 1)];
    if (s.text == 0 || s.tag != tag_of(hash)) return;
    constexpr size_t kLine = 64;
    for (size_t at = 0; at < s.text_size; at += kLine)
      __builtin_prefetch(bytes_.data() + s.text + at);
  }

  /// What is remembered of `text`, whose text_hash() is `hash`; `make()` gives its number
  /// otherwise.
  template <class Make>
  Answer get(std::string_view text, uint64_t hash, Make&& make) {
    if (text.size() > kMaxText || bypass_ > 0) {
      skip();
      return {make(), 0};
    }
    if (++lookups_ == kSample) judge();
    if (used_ * 2 >= slots_.size()) grow();
    size_t at = hash & (slots_.size() - 1);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& s = slots_[at];
      if (s.text == 0) break;
      if (s.tag == tag_of(hash) && s.text_size == text.size() &&
          equal_bytes(bytes_.data() + s.text, text.data(), text.size())) {
        ++found_;
        return {s.list, s.value};
      }
    }
    if (used_ >= kMostValues) return {make(), 0};
    if (used_ > kMaxTexts / 2 || bytes_.size() > kMaxBytes / 2) {
      if (seen_.empty()) seen_.resize(kSeen);
      uint16_t& seen = seen_[(hash >> 16) % kSeen];
      if (const auto mark = static_cast<uint16_t>(hash >> 48); seen != mark) {
        seen = mark;
        return {make(), 0};
      }
    }
    Slot& s = slots_[at];
    ++used_;
    s = {tag_of(hash), static_cast<uint32_t>(bytes_.size()), static_cast<uint16_t>(text.size()),
         static_cast<uint16_t>(used_), make()};
    bytes_.append(text);
    return {s.list, s.value};
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t text = 0;  // in bytes_; 0: free
    uint16_t text_size = 0;
    uint16_t value = 0;
    uint32_t list = 0;
  };

  static constexpr size_t kMaxText = 2048;  // bytes of a text worth remembering
  static constexpr size_t kMaxTexts = 32768;
  static constexpr size_t kMostValues = UINT16_MAX;  // even within one batch
  static constexpr size_t kMaxBytes = size_t{4} << 20;
  static constexpr size_t kFirstSlots = 256;
  // After so many texts of which fewer than an eighth were known, the next ones are not remembered.
  static constexpr uint32_t kSample = 8192;
  static constexpr size_t kSeen = 16384;  // marks of texts that came once
  static constexpr uint32_t kBypass = 65536;

  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  void judge() {
    if (found_ * 8 < lookups_) bypass_ = kBypass;
    lookups_ = 0;
    found_ = 0;
  }

  // The place of a slot in a smaller table says nothing of its hash, so the texts are hashed again.
  void grow() {
    std::vector<Slot> old(slots_.empty() ? kFirstSlots : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& s : old) {
      if (s.text == 0) continue;
      size_t at = text_hash({bytes_.data() + s.text, s.text_size}) & (slots_.size() - 1);
      while (slots_[at].text != 0)
        at = (at + 1) & (slots_.size() - 1);
      slots_[at] = s;
    }
  }

  std::vector<Slot> slots_;
  std::vector<uint16_t> seen_;
  std::string bytes_ = std::string(1, '\0');  // remembered texts; none at 0
  size_t used_ = 0;
  uint32_t lookups_ = 0;
  uint32_t found_ = 0;
  uint32_t bypass_ = 0;
};

}  // namespace postern::exec
