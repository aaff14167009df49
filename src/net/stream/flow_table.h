// All flows of one capture: packets to flows, beginnings and ends.
//
// A flow ends when its connection is complete, when it was silent for long enough, or with the
// capture; times are those of the packets. Number of flows is bounded: at the limit the flow that
// would end first ends now (anomaly flow-table-full). Tests:
// tests/unit/net_stream/flow_table_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <queue>
#include <unordered_map>
#include <vector>

#include "net/packet/decoder.h"
#include "net/packet/faults.h"
#include "net/stream/flow.h"

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
  static constexpr size_t kMaxFlows = 500'000;

  FlowTable(FlowHandler& handler, packet::Faults& faults, size_t max_flows = kMaxFlows)
      : handler_(handler), faults_(faults), max_flows_(max_flows) {}

  void packet(const packet::Packet& p) override;

  /// Ends all flows, in the order in which they began.
  void finish();

  size_t num_open() const { return flows_.size(); }

 private:
  /// Both directions have the same key.
  struct Key {
    std::array<uint8_t, 16> low{}, high{};
    uint16_t low_port = 0, high_port = 0;
    uint8_t protocol = 0;
    bool one_way = false;
    friend bool operator==(const Key&, const Key&) = default;
  };

  struct KeyHash {
    size_t operator()(const Key& k) const;
  };

  struct Check {
    int64_t time;
    uint64_t id;
    Key key;

    bool operator>(const Check& o) const { return time != o.time ? time > o.time : id > o.id; }
  };

  using Flows = std::unordered_map<Key, std::unique_ptr<Flow>, KeyHash>;

  Key key_of(packet::Packet& p) const;
  bool should_flip(const packet::Packet& p) const;
  Flow& begin(const Key& key, const packet::Packet& p);
  void end(Flows::iterator it);
  void expire();
  void plan(const Key& key, Flow& flow);

  FlowHandler& handler_;
  packet::Faults& faults_;
  size_t max_flows_;
  Flows flows_;
  std::priority_queue<Check, std::vector<Check>, std::greater<>> checks_;
  uint64_t next_id_ = 0;
  Moment now_;
};

}  // namespace postern::net::stream
