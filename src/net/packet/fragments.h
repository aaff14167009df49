// IP packets put together from fragments, within bounds.
//
// The first copy of a byte wins, as in most hosts; a later copy that differs is the anomaly
// ip-fragment-conflict (overlapping fragments are how one hides a payload from a sensor: RFC 1858,
// RFC 5722). Pending packets are dropped after 30 s of capture time or when there are too many.
// Tests: tests/unit/net_packet/fragments_test.cc.
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "net/packet/faults.h"
#include "net/packet/ip.h"

namespace postern::net::packet {

class FragmentTable {
 public:
  /// Pending packets at most, each at most 64 KiB.
  static constexpr size_t kMaxPending = 1024;

  explicit FragmentTable(Faults& faults) : faults_(faults) {}

  /// Adds the fragment `header` captured at `time`, file offset `offset`. When it completes its
  /// packet: the whole payload, and `header` is changed to the header of the whole; else null.
  std::shared_ptr<const std::string> add(IpHeader& header, int64_t time, uint64_t offset);

  size_t pending() const { return pending_.size(); }

 private:
  using Key = std::tuple<std::array<uint8_t, 16>, std::array<uint8_t, 16>, uint32_t, uint8_t>;

  struct Pending {
    std::string bytes;
    std::map<uint32_t, uint32_t> have;  // begin to end, disjoint
    uint32_t length = 0;                // of the whole payload; 0 until the last fragment came
    uint32_t header_length = 0;         // of the first fragment
    int64_t first_time = 0;
    uint64_t offset = 0;
    std::list<Key>::iterator age;
  };

  bool store(Pending& p, uint32_t begin, Bytes bytes);
  void drop_oldest();

  Faults& faults_;
  std::map<Key, Pending> pending_;
  std::list<Key> by_age_;  // oldest first
};

}  // namespace postern::net::packet
