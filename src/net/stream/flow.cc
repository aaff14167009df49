#include "net/stream/flow.h"

#include <algorithm>

#include "base/time.h"

namespace postern::net::stream {
namespace {

using packet::Packet;

// Zeek's times: how long a flow without a packet stays the same flow.
constexpr int64_t kTcpIdle = 5 * kTicksPerMinute;
constexpr int64_t kUnansweredIdle = kTicksPerMinute;
constexpr int64_t kDatagramIdle = kTicksPerMinute;
constexpr int64_t kDnsIdle = 10 * kTicksPerSecond;
constexpr int64_t kPatientIdle = kTicksPerHour;
constexpr int64_t kAttempt = 5 * kTicksPerSecond;
constexpr int64_t kLinger = 5 * kTicksPerSecond;

constexpr uint16_t kData = 1;

uint64_t mix(uint64_t x) {
  // The finisher of splitmix64: every input bit moves every output bit.
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/// The numbers of a flow's id, from the endpoints and the time of the first packet: the same
/// capture gives the same ids on every run.
void make_uid(const Packet& p, uint64_t uid[2]) {
  uint64_t a = 0x9e3779b97f4a7c15u;
  uint64_t b = 0xc2b2ae3d27d4eb4fu;
  const auto feed = [&](uint64_t v) {
    a = mix(a ^ v);
    b = mix(b + v) ^ (a >> 7);
  };
  for (const match::IpAddress* ip : {&p.source, &p.destination}) {
    for (size_t half = 0; half < 2; ++half) {
      uint64_t v = 0;
      for (size_t i = 0; i < 8; ++i)
        v = v << 8 | ip->bytes[half * 8 + i];
      feed(v);
    }
  }
  feed(uint64_t{p.source_port} << 32 | uint64_t{p.destination_port} << 8 | p.protocol);
  feed(static_cast<uint64_t>(p.time));
  feed(p.number);
  uid[0] = a;
  uid[1] = b;
}

/// The value fits into 32 bits: it is taken, and true is given.
template <class T>
bool narrow(T value, uint32_t& out) {
  out = static_cast<uint32_t>(value);
  return static_cast<T>(out) == value;
}

}  // namespace

const char* protocol_name(uint8_t protocol) {
  switch (protocol) {
    case packet::kTcp:
      return "tcp";
    case packet::kUdp:
      return "udp";
    case packet::kIcmp:
    case packet::kIcmpV6:
      return "icmp";
    default:
      return "unknown_transport";
  }
}

Flow::Flow(const Packet& first, uint64_t id, bool flip, packet::Faults& faults)
    : faults_(faults),
      id_(id),
      protocol_(first.protocol),
      vlan_(first.vlan),
      first_{first.time, first.offset, first.number},
      last_time_(first.time) {
  make_uid(first, uid_);
  Endpoint& from = ends_[flip ? 1 : 0];
  Endpoint& to = ends_[flip ? 0 : 1];
  from.address = first.source;
  from.port = first.source_port;
  to.address = first.destination;
  to.port = first.destination_port;
  if (flip) history_.add(Side::kOriginator, '^');
  if (protocol_ == packet::kTcp) tcp_.emplace(history_, *this);
}

Flow::Flow(const RestingFlow& r, const Endpoint ends[2], packet::Faults& faults)
    : scheduled(r.scheduled),
      faults_(faults),
      id_(r.id),
      uid_{r.uid[0], r.uid[1]},
      protocol_(r.protocol),
      vlan_(r.vlan),
      ends_{ends[0], ends[1]},
      first_(r.first),
      last_time_(r.last_time) {
  for (size_t i = 0; i < 2; ++i) {
    ends_[i].packets = r.ends[i].packets;
    ends_[i].ip_bytes = r.ends[i].ip_bytes;
    ends_[i].payload_bytes = r.ends[i].payload_bytes;
    ends_[i].active = r.ends[i].active;
    good_seen_[i] = r.ends[i].good_seen;
    told_unusable_[i] = r.ends[i].told_unusable;
  }
  history_.restore(r.history);
  if (!r.service.empty()) service_ = std::make_unique<std::string>(r.service);
  if (protocol_ == packet::kTcp) tcp_.emplace(history_, *this).wake(r.tcp);
}

std::unique_ptr<RestingFlow> Flow::rest() const {
  if (consumer_ && consumer_->at_rest() == StreamConsumer::AtRest::kStays) return nullptr;
  if (flip_requested_ || missed_bytes_ != 0 || closed_at_ != 0) return nullptr;
  auto r = std::make_unique<RestingFlow>();
  for (size_t i = 0; i < 2; ++i) {
    const Endpoint& e = ends_[i];
    if (bad_checksums_[i].count != 0 || !narrow(e.packets, r->ends[i].packets) ||
        !narrow(e.ip_bytes, r->ends[i].ip_bytes) ||
        !narrow(e.payload_bytes, r->ends[i].payload_bytes))
      return nullptr;
    r->ends[i].active = e.active;
    r->ends[i].good_seen = good_seen_[i];
    r->ends[i].told_unusable = told_unusable_[i];
  }
  if (!history_.save(r->history) || (tcp_ && !tcp_->rest(r->tcp))) return nullptr;
  if (service().size() >= sizeof r->service) return nullptr;
  r->service = service();
  r->first = first_;
  r->last_time = last_time_;
  r->deadline = deadline();
  r->scheduled = scheduled;
  r->id = id_;
  r->uid[0] = uid_[0];
  r->uid[1] = uid_[1];
  r->vlan = vlan_;
  r->protocol = protocol_;
  r->forgotten = !consumer_ || consumer_->at_rest() == StreamConsumer::AtRest::kForgotten;
  return r;
}

/// "C" and 17 letters or digits.
std::string Flow::uid() const {
  constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string uid = "C";
  for (uint64_t part : uid_) {
    for (int i = 0; i < 9 && uid.size() < 18; ++i) {
      uid += kDigits[part % 62];
      part /= 62;
    }
  }
  return uid;
}

const std::string& Flow::service() const {
  static const std::string kNone;
  return service_ ? *service_ : kNone;
}

Side Flow::side_of(const Packet& p) const {
  const bool originator = p.source == ends_[0].address && p.source_port == ends_[0].port;
  return originator ? Side::kOriginator : Side::kResponder;
}

/// A bad checksum is a packet that the receiver dropped, unless the sums of this capture mean
/// nothing: the sender leaves them to its network card, the receiver's card merged packets before
/// they were captured, or the capture was rewritten. Of those, only a direction without any good
/// sum is believed, so that a host with good sums cannot hide packets among them.
bool Flow::accept_checksum(Side side, const Packet& p) {
  using packet::Checksum;
  const auto s = static_cast<size_t>(side);
  constexpr uint32_t kMaxOnWire = 1500;  // merged packets are larger
  if (p.checksum == Checksum::kGood) good_seen_[s] = true;
  if (p.checksum == Checksum::kGood || p.checksum == Checksum::kUnverifiable) return true;
  if (p.ip_length > kMaxOnWire) return true;
  if (!good_seen_[s]) {
    if (!told_unusable_[s]) faults_.add("checksum-unusable", p.offset, uid());
    told_unusable_[s] = true;
    return true;
  }
  faults_.add("bad-checksum", p.offset, uid());
  if (protocol_ != packet::kIcmp && protocol_ != packet::kIcmpV6 && bad_checksums_[s].step())
    history_.add(side, 'C');
  return false;
}

void Flow::packet(const Packet& p) {
  const Side side = side_of(p);
  if (!accept_checksum(side, p)) {
    if (tcp_ && p.whole_header) tcp_->doubtful(side, p);
    return;
  }
  // As in conn.log: a packet whose TCP header is cut makes a flow and is not counted in it.
  if (tcp_ && !p.whole_header) return;
  Endpoint& from = ends_[static_cast<size_t>(side)];
  ++from.packets;
  from.ip_bytes += p.ip_length;
  if (tcp_) {
    if (!tcp_->both_closed()) last_time_ = std::max(last_time_, p.time);
    tcp_->packet(side, p);
    if (tcp_->complete() && closed_at_ == 0) closed_at_ = p.time;
    turn_if_requested();
    return;
  }
  last_time_ = std::max(last_time_, p.time);
  from.active = true;
  // conn.log has sizes for the transports that it knows.
  if (protocol_ == packet::kUdp || protocol_ == packet::kIcmp || protocol_ == packet::kIcmpV6)
    from.payload_bytes += p.payload_length;
  if (protocol_ != packet::kUdp) return;
  history_.once(side, kData, 'D');
  const Moment at{p.time, p.offset, p.number};
  if (consumer_ && !p.payload.empty()) consumer_->data(side, p.payload, at);
}

bool Flow::is_reuse(const Packet& p) const {
  return tcp_ && p.whole_header && p.checksum != packet::Checksum::kBad && tcp_->is_reuse(p.tcp);
}

void Flow::finish(const Moment& at) {
  if (tcp_) tcp_->finish(at);
  if (consumer_) consumer_->finish(at);
  turn_if_requested();
}

void Flow::turn_if_requested() {
  if (!flip_requested_ || !tcp_) return;
  flip_requested_ = false;
  tcp_->flip();
  flipped();
}

int64_t Flow::deadline() const {
  // A resolver's port is soon used for another question.
  if (!tcp_) return last_time_ + (service() == "dns" ? kDnsIdle : kDatagramIdle);
  if (tcp_->complete()) return closed_at_ + kLinger;
  if (tcp_->only_attempted()) return first_.time + kAttempt;
  if (tcp_->half_closed()) return last_time_ + kLinger;
  if (consumer_ && consumer_->patient()) return last_time_ + kPatientIdle;
  const bool handshake = tcp_->state(Side::kOriginator) <= TcpState::kSynAckSent &&
                         tcp_->state(Side::kResponder) <= TcpState::kSynAckSent;
  return last_time_ + (handshake ? kUnansweredIdle : kTcpIdle);
}

void Flow::flip() {
  std::swap(ends_[0], ends_[1]);
  std::swap(bad_checksums_[0], bad_checksums_[1]);
  std::swap(good_seen_[0], good_seen_[1]);
  std::swap(told_unusable_[0], told_unusable_[1]);
  history_.add(Side::kOriginator, '^');
}

void Flow::flipped() {
  flip();
  if (consumer_) consumer_->flipped();
}

void Flow::data(Side side, Bytes bytes, const Moment& at) {
  if (consumer_) consumer_->data(side, bytes, at);
}

void Flow::gap(Side side, uint64_t num_bytes, bool counted, const Moment& at) {
  if (counted) missed_bytes_ += num_bytes;
  faults_.add("tcp-gap", at.offset, uid());
  if (consumer_) consumer_->gap(side, num_bytes, at);
}

void Flow::conflict(Side side, Bytes first, Bytes second, const Moment& at) {
  faults_.add("tcp-overlap-conflict", at.offset, uid());
  if (consumer_) consumer_->conflict(side, first, second, at);
}

void Flow::doubt_used(Side, const Moment& at) {
  faults_.add("checksum-unusable", at.offset, uid());
}

uint64_t Flow::size(Side side) const {
  return tcp_ ? tcp_->size(side) : ends_[static_cast<size_t>(side)].payload_bytes;
}

const char* Flow::conn_state() const {
  if (tcp_) return tcp_conn_state(*tcp_, history());
  if (protocol_ != packet::kUdp) return "OTH";
  if (ends_[0].active) return ends_[1].active ? "SF" : "S0";
  return ends_[1].active ? "SHR" : "OTH";
}

void Flow::add_service(std::string_view name) {
  if (!service_) {
    service_ = std::make_unique<std::string>(name);
  } else {
    service_->append(",").append(name);
  }
}

}  // namespace postern::net::stream
