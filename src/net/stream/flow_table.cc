#include "net/stream/flow_table.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "net/stream/ports.h"

namespace postern::net::stream {
namespace {

using packet::Packet;

/// The type that answers an ICMP type, by which both directions of an exchange are one flow
/// (RFC 792, 950, 1256, 2710, 4443, 4861).
std::optional<uint16_t> icmp_counterpart(uint8_t protocol, uint16_t type) {
  struct Pair {
    uint16_t one, two;
  };

  static constexpr Pair kV4[] = {{0, 8}, {9, 10}, {13, 14}, {15, 16}, {17, 18}};
  static constexpr Pair kV6[] = {{128, 129}, {130, 131}, {133, 134},
                                 {135, 136}, {139, 140}, {144, 145}};
  const auto find = [type](const auto& pairs) -> std::optional<uint16_t> {
    for (const Pair& p : pairs) {
      if (p.one == type) return p.two;
      if (p.two == type) return p.one;
    }
    return std::nullopt;
  };
  return protocol == packet::kIcmp ? find(kV4) : find(kV6);
}

bool is_multicast_or_broadcast(const match::IpAddress& a) {
  if (!a.v4) return a.bytes[0] == 0xff;
  return a.bytes[12] >= 224;
}

}  // namespace

/// Also gives ICMP packets the ports that conn.log shows for them: type and answering type or code.
FlowKey FlowTable::key_of(Packet& p) const {
  FlowKey k;
  k.protocol = p.protocol;
  if (p.protocol == packet::kIcmp || p.protocol == packet::kIcmpV6) {
    const auto counterpart = icmp_counterpart(p.protocol, p.source_port);
    if (counterpart) p.destination_port = *counterpart;
    k.one_way = !counterpart;
  } else if (p.protocol != packet::kTcp && p.protocol != packet::kUdp) {
    p.source_port = p.destination_port = 0;
  }
  const bool swap = !k.one_way && std::tie(p.destination.bytes, p.destination_port) <
                                      std::tie(p.source.bytes, p.source_port);
  k.low = swap ? p.destination.bytes : p.source.bytes;
  k.high = swap ? p.source.bytes : p.destination.bytes;
  k.low_port = swap ? p.destination_port : p.source_port;
  k.high_port = swap ? p.source_port : p.destination_port;
  k.low_v4 = swap ? p.destination.v4 : p.source.v4;
  k.high_v4 = swap ? p.source.v4 : p.destination.v4;
  return k;
}

/// Whether the first packet that was seen came from the one who answers.
bool FlowTable::should_flip(const Packet& p) const {
  if (is_multicast_or_broadcast(p.destination)) return false;
  const bool from_server = likely_server_port(p.protocol, p.source_port);
  const bool to_server = likely_server_port(p.protocol, p.destination_port);
  if (p.protocol == packet::kUdp) return from_server && !to_server;
  if (p.protocol != packet::kTcp || !p.whole_header || (p.tcp.syn && !p.tcp.ack)) return false;
  // An answer to a SYN that was not captured. A scan may send such packets to any port, so the
  // ports must not speak against it.
  if (p.tcp.syn) return from_server || !to_server;
  if (!from_server) return false;
  return !to_server || p.source_port < p.destination_port;
}

void FlowTable::packet(const Packet& original) {
  Packet p = original;
  // A packet older than the last one does not turn the clock back.
  now_ = {std::max(now_.time, p.time), p.offset, p.number};
  expire();
  const FlowKey key = key_of(p);
  Slot* slot = flows_.find(key);
  if (slot && awake(*slot).is_reuse(p)) {
    end(*slot);
    slot = nullptr;
  }
  if (!slot) slot = &begin(key, p);
  Flow& flow = *slot->flow;
  if (newest_ != slot->number) {
    unlink(*slot);
    link(*slot);
  }
  flow.packet(p);
  if (flow.scheduled == 0 || flow.deadline() < flow.scheduled) plan(*slot);
  if (num_awake_ > max_awake_) put_to_rest();
}

FlowTable::Slot& FlowTable::begin(const FlowKey& key, const Packet& p) {
  if (flows_.size() >= max_flows_) {
    faults_.add("flow-table-full", p.offset);
    // The flow that would end first; checks of flows that are gone are skipped.
    while (!checks_.empty() && flows_.size() >= max_flows_) {
      const Check c = checks_.top();
      checks_.pop();
      Slot& s = flows_.at(c.slot);
      if (s.id != 0 && static_cast<uint32_t>(s.id) == c.id) end(s);
    }
  }
  Slot& slot = flows_.insert(key);
  slot.id = ++next_id_;
  slot.flow = std::make_unique<Flow>(p, slot.id, should_flip(p), faults_);
  slot.flow->set_consumer(handler_.open(*slot.flow));
  ++num_awake_;
  link(slot);
  return slot;
}

void FlowTable::check_at(const Slot& slot, int64_t time) {
  checks_.push({time, slot.number, static_cast<uint32_t>(slot.id)});
}

void FlowTable::plan(Slot& slot) {
  slot.flow->scheduled = slot.flow->deadline();
  check_at(slot, slot.flow->scheduled);
}

void FlowTable::expire() {
  while (!checks_.empty() && checks_.top().time < now_.time) {
    const Check c = checks_.top();
    checks_.pop();
    Slot& slot = flows_.at(c.slot);
    if (slot.id == 0 || static_cast<uint32_t>(slot.id) != c.id) continue;
    int64_t& scheduled = slot.resting ? slot.resting->scheduled : slot.flow->scheduled;
    if (scheduled != c.time) continue;  // an earlier check was planned since
    const int64_t deadline = slot.resting ? slot.resting->deadline : slot.flow->deadline();
    if (deadline < now_.time) {
      end(slot);
    } else {
      scheduled = deadline;
      check_at(slot, deadline);
    }
  }
}

void FlowTable::end(Slot& slot) {
  Flow& flow = awake(slot, true);
  flow.finish(now_);
  handler_.close(flow);
  unlink(slot);
  --num_awake_;
  flows_.erase(slot);
}

void FlowTable::finish() {
  std::vector<uint32_t> all;
  all.reserve(flows_.size());
  for (uint32_t i = 0; i < flows_.num_slots(); ++i)
    if (flows_.at(i).id != 0) all.push_back(i);
  std::sort(all.begin(), all.end(),
            [this](uint32_t a, uint32_t b) { return flows_.at(a).id < flows_.at(b).id; });
  for (const uint32_t i : all)
    end(flows_.at(i));
}

// ---- flows awake and at rest

Flow& FlowTable::awake(Slot& slot, bool for_end) {
  if (slot.flow) return *slot.flow;
  const RestingFlow& r = *slot.resting;
  const FlowKey& k = slot.key;
  Endpoint low, high;
  low.address = {k.low, k.low_v4};
  low.port = k.low_port;
  high.address = {k.high, k.high_v4};
  high.port = k.high_port;
  const Endpoint ends[2] = {r.low_is_originator ? low : high, r.low_is_originator ? high : low};
  slot.flow = std::make_unique<Flow>(r, ends, faults_);
  if (!r.forgotten && !for_end) slot.flow->set_consumer(handler_.open(*slot.flow));
  slot.resting.reset();
  ++num_awake_;
  link(slot);
  return *slot.flow;
}

/// Puts the flow that was silent longest to rest, if it can.
void FlowTable::put_to_rest() {
  Slot& slot = flows_.at(oldest_);
  const Flow& flow = *slot.flow;
  std::unique_ptr<RestingFlow> r = flow.rest();
  unlink(slot);
  if (!r) return link(slot);  // not soon asked again
  const Endpoint& originator = flow.originator();
  r->low_is_originator = originator.port == slot.key.low_port &&
                         originator.address.bytes == slot.key.low &&
                         originator.address.v4 == slot.key.low_v4;
  slot.resting = std::move(r);
  slot.flow.reset();
  --num_awake_;
}

void FlowTable::link(Slot& slot) {
  slot.flow->newer = FlowIndex::kNone;
  slot.flow->older = newest_;
  if (newest_ != FlowIndex::kNone) flows_.at(newest_).flow->newer = slot.number;
  newest_ = slot.number;
  if (oldest_ == FlowIndex::kNone) oldest_ = slot.number;
}

void FlowTable::unlink(const Slot& slot) {
  const uint32_t newer = slot.flow->newer;
  const uint32_t older = slot.flow->older;
  (newer == FlowIndex::kNone ? newest_ : flows_.at(newer).flow->older) = older;
  (older == FlowIndex::kNone ? oldest_ : flows_.at(older).flow->newer) = newer;
}

}  // namespace postern::net::stream
