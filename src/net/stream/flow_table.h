// All flows of one capture: packets to flows, beginnings and ends.
//
// A flow ends when its connection is complete, when it was silent for long enough, or with the
// capture; times are those of the packets. Number of flows is bounded: at the limit the flow that
// would end first ends now (anomaly flow-table-full). Of more than kMaxAwake flows those that were
// silent longest are put to rest where they can (RestingFlow), so that a million idle connections
// fit into a few hundred megabytes. Tests: tests/unit/net_stream/flow_table_test.cc,
// resting_flow_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

#include "net/packet/decoder.h"
#include "net/packet/faults.h"
#include "net/stream/flow.h"
#include "net/stream/flow_index.h"

namespace postern::net::stream {

/// Is told of beginnings and ends.
class FlowHandler {
 public:
  virtual ~FlowHandler() = default;
  /// A flow begins: the consumer of its content, or null when nobody reads it.
  virtual std::unique_ptr<StreamConsumer> open(Flow& flow) = 0;
  /// A flow has ended; its consumer has been finished and still is there.
  virtual void close(Flow& flow) = 0;
};

class FlowTable final : public packet::PacketSink {
 public:
  static constexpr size_t kMaxFlows = 2'000'000;
  static constexpr size_t kMaxAwake = 65'536;

  FlowTable(FlowHandler& handler,
            packet::Faults& faults,
            size_t max_flows = kMaxFlows,
            size_t max_awake = kMaxAwake)
      : handler_(handler), faults_(faults), max_flows_(max_flows), max_awake_(max_awake) {}

  void packet(const packet::Packet& p) override;

  /// Ends all flows, in the order in which they began.
  void finish();

  size_t num_open() const { return flows_.size(); }

 private:
  using Slot = FlowIndex::Slot;

  struct Check {
    int64_t time;
    uint32_t slot;
    uint32_t id;  // its lower half: slots are used again

    bool operator>(const Check& o) const { return time != o.time ? time > o.time : id > o.id; }
  };

  FlowKey key_of(packet::Packet& p) const;
  bool should_flip(const packet::Packet& p) const;
  Slot& begin(const FlowKey& key, const packet::Packet& p);
  void end(Slot& slot);
  void expire();
  void plan(Slot& slot);
  void check_at(const Slot& slot, int64_t time);
  /// The flow of a slot, woken up if need be; `for_end`: it is only to end.
  Flow& awake(Slot& slot, bool for_end = false);
  void put_to_rest();
  void link(Slot& slot);
  void unlink(const Slot& slot);

  FlowHandler& handler_;
  packet::Faults& faults_;
  size_t max_flows_;
  size_t max_awake_;
  FlowIndex flows_;
  size_t num_awake_ = 0;
  uint32_t newest_ = FlowIndex::kNone;  // of the flows awake, by their last packet
  uint32_t oldest_ = FlowIndex::kNone;
  std::priority_queue<Check, std::vector<Check>, std::greater<>> checks_;
  uint64_t next_id_ = 0;
  Moment now_;
};

}  // namespace postern::net::stream
