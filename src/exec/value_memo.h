// Remembers, per distinct text of a column, a list of numbers; bounded, and out of the way where
// texts hardly repeat: a text is remembered when it comes for the second time, so that those that
// come once (a command line with an id of its own) push nothing out. Tests:
// tests/unit/exec/shared_filter_test.cc.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_hash.h"

namespace postern::exec {

class ValueMemo {
 public:
  /// A list that lives until the next begin_batch: in `direct`, or in a pool that may still grow.
  struct Answer {
    const uint32_t* direct = nullptr;
    const std::vector<uint32_t>* pool = nullptr;
    uint32_t size = 0;
    uint32_t offset = 0;

    std::span<const uint32_t> list() const { return {pool ? pool->data() + offset : direct, size}; }
  };

  /// To be called before the texts of a batch: forgets everything when too much is remembered.
  void begin_batch() {
    loose_.clear();
    if (pool_.size() > kMaxNumbers || bytes_.size() > kMaxBytes || used_ > kMaxTexts) clear();
  }

  /// Texts do not repeat for now: unremembered() does, without a hash.
  bool bypasses() const { return bypass_ > 0; }

  template <class Make>
  Answer unremembered(Make&& make) {
    if (bypass_ > 0) --bypass_;
    return computed(make, loose_);
  }

  /// Fetches what get() of a text with this hash will look at.
  void prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }

  /// The list of `text`; `make(list)` fills it the first time.
  template <class Make>
  Answer get(std::string_view text, Make&& make) {
    return get(text, text_hash(text), make);
  }

  /// The same, for whom knows text_hash(text) already.
  template <class Make>
  Answer get(std::string_view text, uint64_t hash, Make&& make) {
    if (text.size() > kMaxText || bypass_ > 0) return unremembered(make);
    if (++lookups_ == kSample) judge();
    if (used_ * 2 >= slots_.size()) grow();
    size_t at = hash & (slots_.size() - 1);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      Slot& s = slots_[at];
      if (s.hash == 0) break;
      if (s.hash == hash && s.text_size == text.size() &&
          std::memcmp(bytes_.data() + s.text, text.data(), text.size()) == 0) {
        ++found_;
        return {nullptr, &pool_, s.list_size, s.list};
      }
    }
    uint16_t& seen = seen_[(hash >> 16) % kSeen];
    if (const auto mark = static_cast<uint16_t>(hash >> 48); seen != mark) {
      seen = mark;
      return computed(make, loose_);
    }
    const Answer answer = computed(make, pool_);
    slots_[at] = {hash, static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size()),
                  answer.offset, answer.size};
    bytes_.append(text);
    ++used_;
    return answer;
  }

  /// A list that is not remembered.
  Answer keep(std::span<const uint32_t> list) {
    const Answer answer{nullptr, &loose_, static_cast<uint32_t>(list.size()),
                        static_cast<uint32_t>(loose_.size())};
    loose_.insert(loose_.end(), list.begin(), list.end());
    return answer;
  }

 private:
  struct Slot {
    uint64_t hash = 0;  // 0: free
    uint32_t text = 0;  // in bytes_
    uint32_t text_size = 0;
    uint32_t list = 0;  // in pool_
    uint32_t list_size = 0;
  };

  static constexpr size_t kMaxText = 2048;  // bytes of a text worth remembering
  static constexpr size_t kMaxTexts = 32768;
  static constexpr size_t kMaxBytes = size_t{4} << 20;
  static constexpr size_t kMaxNumbers = size_t{1} << 20;
  // After so many texts of which fewer than an eighth were known, the next ones are not remembered.
  static constexpr uint32_t kSample = 8192;
  static constexpr size_t kSeen = 16384;  // marks of texts that came once
  static constexpr uint32_t kBypass = 65536;

  template <class Make>
  Answer computed(Make&& make, std::vector<uint32_t>& pool) {
    scratch_.clear();
    make(scratch_);
    const Answer answer{nullptr, &pool, static_cast<uint32_t>(scratch_.size()),
                        static_cast<uint32_t>(pool.size())};
    pool.insert(pool.end(), scratch_.begin(), scratch_.end());
    return answer;
  }

  void judge() {
    if (found_ * 8 < lookups_) bypass_ = kBypass;
    lookups_ = 0;
    found_ = 0;
  }

  void clear() {
    slots_.assign(slots_.size(), {});
    bytes_.clear();
    pool_.clear();
    used_ = 0;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 1024 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& s : old) {
      if (s.hash == 0) continue;
      size_t at = s.hash & (slots_.size() - 1);
      while (slots_[at].hash != 0)
        at = (at + 1) & (slots_.size() - 1);
      slots_[at] = s;
    }
  }

  std::vector<Slot> slots_;
  std::vector<uint16_t> seen_ = std::vector<uint16_t>(kSeen);
  std::string bytes_;
  std::vector<uint32_t> pool_;   // lists of remembered texts
  std::vector<uint32_t> loose_;  // lists of this batch's other texts
  std::vector<uint32_t> scratch_;
  size_t used_ = 0;
  uint32_t lookups_ = 0;
  uint32_t found_ = 0;
  uint32_t bypass_ = 0;
};

}  // namespace postern::exec
