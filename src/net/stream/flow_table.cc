#include "net/stream/flow_table.h"

#include <algorithm>
#include <array>
#include <cstring>
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

size_t FlowTable::KeyHash::operator()(const Key& k) const {
  uint64_t h = uint64_t{k.low_port} << 32 | uint64_t{k.high_port} << 8 | k.protocol;
  const auto feed = [&h](const std::array<uint8_t, 16>& a) {
    uint64_t parts[2];
    std::memcpy(parts, a.data(), 16);
    for (const uint64_t part : parts) {
      h = (h ^ part) * 0x9e3779b97f4a7c15u;
      h ^= h >> 32;
    }
  };
  feed(k.low);
  feed(k.high);
  return h;
}

/// Also gives ICMP packets the ports that conn.log shows for them: type and answering type or code.
FlowTable::Key FlowTable::key_of(Packet& p) const {
  Key k;
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
  const Key key = key_of(p);
  auto found = flows_.find(key);
  if (found != flows_.end() && found->second->is_reuse(p)) {
    end(found);
    found = flows_.end();
  }
  Flow& flow = found != flows_.end() ? *found->second : begin(key, p);
  flow.packet(p);
  if (flow.scheduled == 0 || flow.deadline() < flow.scheduled) plan(key, flow);
}

Flow& FlowTable::begin(const Key& key, const Packet& p) {
  if (flows_.size() >= max_flows_) {
    faults_.add("flow-table-full", p.offset);
    // The flow that would end first; checks of flows that are gone are skipped.
    while (!checks_.empty() && flows_.size() >= max_flows_) {
      const Check c = checks_.top();
      checks_.pop();
      const auto it = flows_.find(c.key);
      if (it != flows_.end() && it->second->id() == c.id) end(it);
    }
  }
  auto made = std::make_unique<Flow>(p, ++next_id_, should_flip(p), faults_);
  Flow& flow = *made;
  flows_[key] = std::move(made);
  flow.set_consumer(handler_.open(flow));
  return flow;
}

void FlowTable::plan(const Key& key, Flow& flow) {
  flow.scheduled = flow.deadline();
  checks_.push({flow.scheduled, flow.id(), key});
}

void FlowTable::expire() {
  while (!checks_.empty() && checks_.top().time < now_.time) {
    const Check c = checks_.top();
    checks_.pop();
    const auto it = flows_.find(c.key);
    if (it == flows_.end() || it->second->id() != c.id) continue;
    if (it->second->scheduled != c.time) continue;  // an earlier check was planned since
    if (it->second->deadline() < now_.time) {
      end(it);
    } else {
      plan(c.key, *it->second);
    }
  }
}

void FlowTable::end(Flows::iterator it) {
  Flow& flow = *it->second;
  flow.finish(now_);
  handler_.close(flow);
  flows_.erase(it);
}

void FlowTable::finish() {
  std::vector<Flows::iterator> all;
  all.reserve(flows_.size());
  for (auto it = flows_.begin(); it != flows_.end(); ++it)
    all.push_back(it);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a->second->id() < b->second->id(); });
  for (const auto& it : all)
    end(it);
}

}  // namespace postern::net::stream
