// The flows that are open, by their endpoints: a hash table of slots that stay where they are.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "net/stream/flow.h"

namespace postern::net::stream {

/// Both directions of a flow have the same key.
struct FlowKey {
  std::array<uint8_t, 16> low{}, high{};
  uint16_t low_port = 0, high_port = 0;
  uint8_t protocol = 0;
  bool one_way = false;
  bool low_v4 = false, high_v4 = false;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

class FlowIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// A flow, awake or at rest, or room for one.
  struct Slot {
    FlowKey key;
    uint32_t number = 0;  ///< of the slot
    uint32_t next = kNone;
    uint64_t id = 0;  ///< of the flow; 0 free
    std::unique_ptr<Flow> flow;
    std::unique_ptr<RestingFlow> resting;
  };

  /// The slot of that key, or null.
  Slot* find(const FlowKey& key);
  /// A slot for a key that is not there; its id is the caller's to set.
  Slot& insert(const FlowKey& key);
  void erase(Slot& slot);

  Slot& at(uint32_t number) { return slots_[number]; }

  /// Slots that were ever used; free ones have the id 0.
  size_t num_slots() const { return slots_.size(); }

  size_t size() const { return size_; }

 private:
  static uint64_t hash(const FlowKey& key);

  size_t bucket(const FlowKey& key) const { return hash(key) & (heads_.size() - 1); }

  void grow();

  std::deque<Slot> slots_;
  std::vector<uint32_t> heads_;  // of chains; a power of two
  std::vector<uint32_t> free_;
  size_t size_ = 0;
};

}  // namespace postern::net::stream
