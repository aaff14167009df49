#include "net/stream/tcp.h"

#include <algorithm>
#include <string_view>

namespace postern::net::stream {
namespace {

using packet::Packet;
using packet::TcpFields;

/// Sequence numbers of a SYN or RST further away than this are not trusted.
constexpr int64_t kFar = 1 << 20;

constexpr uint16_t kSyn = 1, kFin = 2, kRst = 4, kFinRst = 8, kMulti = 16, kData = 32, kAck = 64;

}  // namespace

class TcpTracker::Forward final : public ReassemblySink {
 public:
  Forward(TcpTracker& t, Side side) : t_(t), side_(side) {}

  void delivered(Bytes bytes, const Moment& at) override { t_.sink_.data(side_, bytes, at); }

  void missing(uint64_t num_bytes, const Moment& at) override {
    End& me = t_.end(side_);
    // Loss shows only in connections that are otherwise whole; in others the numbers lie.
    const bool counted = t_.clean(me) && t_.clean(t_.end(other(side_)));
    if (counted && me.gaps.step()) t_.history_.add(side_, 'G');
    t_.sink_.gap(side_, num_bytes, counted, at);
  }

  void conflicting(Bytes first, Bytes second, const Moment& at) override {
    // A keep-alive repeats one byte with any content (RFC 9293, 3.8.4).
    if (first.size() == 1) return;
    ++t_.num_conflicts_;
    t_.sink_.conflict(side_, first, second, at);
  }

 private:
  TcpTracker& t_;
  Side side_;
};

bool TcpTracker::clean(const End& e) const {
  return e.state == TcpState::kEstablished ||
         (e.state == TcpState::kClosed && e.previous == TcpState::kEstablished);
}

void TcpTracker::packet(Side side, const Packet& p) {
  const Moment at{p.time, p.offset, p.number};
  const TcpFields& tcp = p.tcp;
  End& me = end(side);
  const uint32_t length = p.payload_length;
  // SYN and FIN take one number each; the data of a RST is not part of the stream.
  const int64_t segment = int64_t{tcp.rst ? 0u : length} + (tcp.syn ? 1 : 0) + (tcp.fin ? 1 : 0);

  settle_holes(side, p, at);
  set_partial(side, tcp);
  begin_end(me, tcp, segment);
  const int64_t position = me.relative(tcp.sequence);
  write_history(side, tcp, position, length);

  const End& peer = end(other(side));
  if (p.tcp.window == 0 && !tcp.rst && peer.state != TcpState::kClosed &&
      me.state != TcpState::kReset && me.zero_windows.step())
    history_.add(side, 'W');
  if (tcp.fin) {
    ++me.num_fins;
    me.fin_at = position + segment;
  }
  if (tcp.ack) acknowledge(side, tcp);
  advance(side, tcp, segment, length);
  const uint32_t flips = num_flips_;
  const bool closes = step(side, tcp, position, length);
  // The ends may have changed places in step(); the sender is then on the other side.
  const Side now = flips == num_flips_ ? side : other(side);
  End& sender = end(now);

  const int64_t data_at = tcp.syn ? position + 1 : position;
  if (!p.payload.empty() && !tcp.rst && data_at >= 0) {
    Forward forward(*this, now);
    // Position 0 is the SYN's: data there is a keep-alive of a connection seen from its middle.
    const size_t before = data_at == 0 ? 1 : 0;
    sender.stream.add(static_cast<uint64_t>(data_at) + before, p.payload.substr(before), p.owner,
                      at, forward);
    if (p.payload.size() < length) {
      // The snap length cut the packet: what is missing is known to be lost.
      const auto lost_to = static_cast<uint64_t>(data_at) + length;
      if (sender.stream.next() == static_cast<uint64_t>(data_at) + p.payload.size())
        sender.stream.skip_to(lost_to, at, forward);
    }
    sender.stream.relieve(sender.acknowledged_once ? Reassembler::kMaxWaiting
                                                   : Reassembler::kMaxWaitingUnacknowledged,
                          at, forward);
  }
  if (closes) sender.wants_close = true;
  settle_close(now);
  settle_close(other(now));
}

/// A hole that was acknowledged is loss, unless this very packet fills it: captures of two network
/// queues may hold an acknowledgement before the data.
void TcpTracker::settle_holes(Side side, const Packet& p, const Moment& at) {
  for (const Side s : {Side::kOriginator, Side::kResponder}) {
    End& e = end(s);
    if (e.hole_due == 0) continue;
    const auto next = static_cast<int64_t>(e.stream.next());
    if (s == side && !p.payload.empty()) {
      const int64_t begin = e.relative(p.tcp.sequence);
      if (begin <= next && begin + p.payload_length > next) continue;
    }
    give_up(s, at);
  }
}

/// Fills what is acknowledged and missing from packets in doubt.
void TcpTracker::fill_from_doubtful(Side side) {
  End& e = end(side);
  Forward forward(*this, side);
  for (const Doubtful& d : e.doubtful) {
    const auto next = static_cast<int64_t>(e.stream.next());
    const auto stop = d.position + static_cast<int64_t>(d.bytes.size());
    if (d.position > next || stop <= next || stop > e.hole_due) continue;
    sink_.doubt_used(side, d.at);
    e.stream.add(static_cast<uint64_t>(next),
                 d.bytes.substr(static_cast<size_t>(next - d.position)), d.owner, d.at, forward);
  }
  const auto next = static_cast<int64_t>(e.stream.next());
  e.doubtful.erase(std::remove_if(e.doubtful.begin(), e.doubtful.end(),
                                  [next](const Doubtful& d) { return d.position < next; }),
                   e.doubtful.end());
}

/// What is acknowledged and did not come is lost.
void TcpTracker::give_up(Side side, const Moment& at) {
  End& e = end(side);
  fill_from_doubtful(side);
  Forward forward(*this, side);
  if (e.hole_due > static_cast<int64_t>(e.stream.next()))
    e.stream.skip_to(static_cast<uint64_t>(e.hole_due), at, forward);
  e.hole_due = 0;
}

void TcpTracker::doubtful(Side side, const Packet& p) {
  End& me = end(side);
  constexpr size_t kMaxDoubtful = 256;
  if (me.state == TcpState::kInactive || p.payload.empty() || p.tcp.syn || p.tcp.rst ||
      me.doubtful.size() >= kMaxDoubtful)
    return;
  const int64_t position = me.relative(p.tcp.sequence);
  if (position >= static_cast<int64_t>(me.stream.next()))
    me.doubtful.push_back({position, p.payload, p.owner, {p.time, p.offset, p.number}});
}

void TcpTracker::set_partial(Side side, const TcpFields& tcp) {
  const auto bit = static_cast<uint8_t>(1 << static_cast<int>(side));
  if ((seen_ & bit) == 0) {
    if (side == Side::kOriginator) {
      partial_ = !tcp.syn || tcp.ack;
    } else if (!partial_) {
      partial_ = !tcp.syn;
    }
  }
  seen_ = static_cast<uint8_t>(seen_ | bit);
}

/// Takes the first number of a side from its SYN, or from whatever comes first.
void TcpTracker::begin_end(End& me, const TcpFields& tcp, int64_t segment) {
  const auto restart = [&] {
    me.start = tcp.sequence;
    me.acknowledged = 0;
    me.last = segment;
  };
  switch (me.state) {
    case TcpState::kInactive:
      if (tcp.syn) {
        restart();
      } else {
        // As if there had been a SYN, so that positions mean the same.
        me.start = tcp.sequence - 1;
        me.acknowledged = 0;
        me.last = 1;
      }
      break;
    case TcpState::kSynSent:
    case TcpState::kSynAckSent:
      if (tcp.syn && tcp.sequence != me.start) restart();
      break;
    case TcpState::kEstablished:
    case TcpState::kPartial:
      // A SYN inside a connection with data is an attack or an accident; before data it is a
      // restart.
      if (tcp.syn && me.stream.untouched()) restart();
      break;
    case TcpState::kReset:
      // Its numbers came from a RST, which may have been forged.
      if (tcp.syn && me.previous == TcpState::kInactive) restart();
      break;
    case TcpState::kClosed:
      break;
  }
}

void TcpTracker::write_history(Side side, const TcpFields& tcp, int64_t position, uint32_t length) {
  End& me = end(side);
  const int flags = (tcp.syn ? 1 : 0) + (tcp.fin ? 1 : 0) + (tcp.rst ? 1 : 0);
  if (flags > 1) {
    if (tcp.fin && tcp.rst) {
      history_.once(side, kFinRst, 'I');
    } else {
      history_.once(side, kMulti, 'Q');
    }
    return;
  }
  // A repeated flag with another number is another event, with the same number a retransmission.
  const auto flag = [&](uint16_t kind, char letter, int64_t& last, int64_t number) {
    if (history_.once(side, kind, letter) && number != last) history_.add(side, letter);
    last = number;
  };
  if (tcp.syn) {
    flag(kSyn, tcp.ack ? 'H' : 'S', me.last_syn, position);
  } else if (tcp.fin) {
    flag(kFin, 'F', me.last_fin, position + length);
  } else if (tcp.rst) {
    flag(kRst, 'R', me.last_rst, position);
  } else if (length > 0) {
    history_.once(side, kData, 'D');
  } else if (tcp.ack) {
    history_.once(side, kAck, 'A');
  }
}

void TcpTracker::acknowledge(Side side, const TcpFields& tcp) {
  End& peer = end(other(side));
  if (peer.state == TcpState::kInactive) {
    // The peer has not been heard: its next byte is what is being waited for.
    peer.start = tcp.acknowledged - 1;
    peer.acknowledged = 0;
    peer.last = 0;
    return;
  }
  const auto acked_wire =
      static_cast<uint32_t>(peer.start + static_cast<uint64_t>(peer.acknowledged));
  const int64_t delta = static_cast<int32_t>(tcp.acknowledged - acked_wire);
  const int64_t position = peer.acknowledged + delta;
  // Acknowledgements of RSTs are unreliable, and so is a sudden 0.
  const bool broken = tcp.acknowledged == 0 && delta > kFar;
  if (position < 0 || tcp.rst || broken) return;
  if (delta > 0) peer.acknowledged = position;
  if (position > 1) peer.acknowledged_once = true;
  int64_t due = position;
  if (peer.num_fins > 0 && due >= peer.fin_at) due = peer.fin_at - 1;
  // Positions 1 and 2 of a connection seen from its middle are of our own making.
  if (partial_ && due <= 2) return;
  if (due <= static_cast<int64_t>(peer.stream.next())) return;
  peer.hole_due = std::max(peer.hole_due, due);
  // At once, so that an answer that comes with the acknowledgement stays behind its question.
  if (!peer.doubtful.empty()) fill_from_doubtful(other(side));
}

/// Moves the end of what the side has sent, and notices a retransmission.
void TcpTracker::advance(Side side, const TcpFields& tcp, int64_t segment, uint32_t length) {
  End& me = end(side);
  const int64_t stop = me.relative(tcp.sequence) + segment;
  const int64_t delta = stop - me.last;
  if ((tcp.syn || tcp.rst) && (delta > kFar || delta < -kFar)) return;
  if (tcp.fin && me.last == 1) {
    me.last = std::max<int64_t>(stop, 1);
    return;
  }
  if (me.state == TcpState::kReset) return;
  if (delta > 0) {
    me.last = stop;
  } else if (length > 0 && !tcp.syn && me.retransmissions.step()) {
    history_.add(side, 'T');
  }
}

bool TcpTracker::plausible_reset(const End& me, int64_t position) const {
  if (me.state == TcpState::kInactive) return true;
  const int64_t distance = position - std::max(me.last, me.acknowledged);
  return distance <= kFar && distance >= -kFar;
}

void TcpTracker::set_state(End& me, TcpState s) {
  if (me.state == s) return;
  me.previous = me.state;
  me.state = s;
}

/// One step of the state machine; true when this packet closes the side.
bool TcpTracker::step(Side side, const TcpFields& tcp, int64_t position, uint32_t length) {
  End& me = end(side);
  End& peer = end(other(side));
  const bool reset = tcp.rst && plausible_reset(me, position);
  switch (me.state) {
    case TcpState::kInactive:
      return step_inactive(side, tcp, length);
    case TcpState::kSynSent:
    case TcpState::kSynAckSent:
      if (tcp.fin) set_state(me, TcpState::kClosed);
      if (reset) set_state(me, TcpState::kReset);
      return tcp.fin || reset;
    case TcpState::kEstablished:
    case TcpState::kPartial:
      if (tcp.syn && !tcp.ack && me.state == TcpState::kPartial &&
          peer.state == TcpState::kInactive)
        set_state(me, TcpState::kSynSent);
      if (tcp.fin && !tcp.rst) {
        set_state(me, TcpState::kClosed);
        // A peer that sent FIN, then RST, has ended in the ordinary way after all.
        if (peer.state == TcpState::kReset && peer.previous == TcpState::kClosed)
          set_state(peer, TcpState::kClosed);
      }
      if (reset) set_state(me, TcpState::kReset);
      return tcp.fin || reset;
    case TcpState::kClosed:
      if (reset && peer.state != TcpState::kClosed) {
        set_state(me, TcpState::kReset);
        return true;
      }
      return false;
    case TcpState::kReset:
      return false;
  }
  return false;
}

bool TcpTracker::step_inactive(Side side, const TcpFields& tcp, uint32_t length) {
  End& me = end(side);
  End& peer = end(other(side));
  const bool originator = side == Side::kOriginator;
  if (tcp.syn) {
    if (originator) {
      set_state(me, tcp.ack ? TcpState::kSynAckSent : TcpState::kSynSent);
    } else {
      if (!tcp.ack && peer.state == TcpState::kSynAckSent) {
        // The SYN was captured after its answer: the ends are the other way round.
        partial_ = false;
        set_state(me, TcpState::kEstablished);
        set_state(peer, TcpState::kEstablished);
        flip();
        sink_.flipped();
        return false;
      }
      if (peer.state == TcpState::kSynSent) set_state(peer, TcpState::kEstablished);
      set_state(me, TcpState::kEstablished);
    }
  }
  if (tcp.fin) set_state(me, TcpState::kClosed);
  if (tcp.rst) set_state(me, TcpState::kReset);
  if (tcp.fin || tcp.rst) return true;
  if (me.state != TcpState::kInactive) return false;
  // No flag that changes the state. Some stacks acknowledge a SYN before they answer it.
  if (!originator && length == 0 && peer.state == TcpState::kSynSent) return false;
  if (tcp.ack && peer.state == TcpState::kEstablished) {
    // The answer to the SYN was seen, the SYN was not: as good as a handshake.
    set_state(me, TcpState::kEstablished);
    partial_ = false;
  } else {
    set_state(me, TcpState::kPartial);
  }
  return false;
}

/// Bytes are still expected before the side's end.
bool TcpTracker::data_pending(Side side) const {
  const End& me = end(side);
  const End& peer = end(other(side));
  const auto next = static_cast<int64_t>(me.stream.next());
  if (me.last < next) return false;
  if (next != me.last - 1 && next != me.last) return true;
  return me.state != TcpState::kReset && peer.stream.has_waiting();
}

void TcpTracker::settle_close(Side side) {
  End& me = end(side);
  if (!me.wants_close || me.did_close || data_pending(side)) return;
  me.did_close = true;
  const End& peer = end(other(side));
  if (me.state == TcpState::kReset || peer.did_close || peer.state == TcpState::kInactive)
    complete_ = true;
}

bool TcpTracker::half_closed() const {
  if (!ends_[0].did_close && !ends_[1].did_close) return false;
  for (const End& e : ends_)
    if (e.state == TcpState::kReset || e.state == TcpState::kInactive) return true;
  return both_closed();
}

bool TcpTracker::only_attempted() const {
  return (ends_[0].state == TcpState::kSynSent || ends_[0].state == TcpState::kSynAckSent) &&
         ends_[1].state == TcpState::kInactive;
}

bool TcpTracker::is_reuse(const TcpFields& tcp) const {
  if (!tcp.syn) return false;
  const End& originator = ends_[0];
  const End& responder = ends_[1];
  const End* first = &originator;
  if (tcp.ack) {
    // An answer begins a new connection only where no question was seen.
    if (originator.state != TcpState::kInactive) return false;
    first = &responder;
  }
  if (complete_) return true;
  if (first->state == TcpState::kInactive) return false;
  if (tcp.sequence == first->start) return false;
  // A SYN captured after its answer belongs to it (see step_inactive).
  return !(!tcp.ack && first->state == TcpState::kSynAckSent &&
           responder.state == TcpState::kInactive && tcp.sequence == responder.start);
}

void TcpTracker::flip() {
  ++num_flips_;
  std::swap(ends_[0], ends_[1]);
  seen_ = static_cast<uint8_t>((seen_ & 1) << 1 | (seen_ >> 1 & 1));
}

void TcpTracker::finish(const Moment& at) {
  for (const Side s : {Side::kOriginator, Side::kResponder}) {
    End& e = end(s);
    give_up(s, at);
    Forward forward(*this, s);
    e.stream.relieve(0, at, forward);
  }
}

uint64_t TcpTracker::size(Side side) const {
  const End& me = end(side);
  const End& peer = end(other(side));
  // An aborted attempt: its numbers say nothing about bytes.
  if (me.previous == TcpState::kSynSent && me.state == TcpState::kReset &&
      peer.state == TcpState::kInactive && me.acknowledged > 1)
    return 0;
  int64_t size = std::max(me.last, me.acknowledged);
  if (size > 0) --size;                     // the SYN
  if (me.num_fins > 0 && size > 0) --size;  // the FIN
  return static_cast<uint64_t>(std::max<int64_t>(size, 0));
}

bool TcpTracker::rest(RestingTcp& out) const {
  constexpr int64_t kMost = UINT32_MAX;
  if (complete_ || num_conflicts_ != 0) return false;
  for (size_t i = 0; i < 2; ++i) {
    const End& e = ends_[i];
    const bool odd = e.num_fins != 0 || e.did_close || e.wants_close || e.hole_due != 0 ||
                     !e.doubtful.empty() || e.stream.has_waiting();
    const bool counted =
        e.retransmissions.count != 0 || e.zero_windows.count != 0 || e.gaps.count != 0;
    const bool flags = e.last_syn != 0 || e.last_fin != 0 || e.last_rst != 0;
    if (odd || counted || flags || e.last < 0 || e.last > kMost || e.acknowledged < 0 ||
        e.acknowledged > kMost || e.stream.next() > static_cast<uint64_t>(kMost))
      return false;
    RestingTcp::End& to = out.ends[i];
    to.state = static_cast<uint8_t>(e.state);
    to.previous = static_cast<uint8_t>(e.previous);
    to.acknowledged_once = e.acknowledged_once;
    to.start = e.start;
    to.last = static_cast<uint32_t>(e.last);
    to.acknowledged = static_cast<uint32_t>(e.acknowledged);
    to.next = static_cast<uint32_t>(e.stream.next());
  }
  out.partial = partial_;
  out.seen = seen_;
  out.num_flips = num_flips_;
  return true;
}

void TcpTracker::wake(const RestingTcp& from) {
  for (size_t i = 0; i < 2; ++i) {
    const RestingTcp::End& e = from.ends[i];
    End& to = ends_[i];
    to.state = static_cast<TcpState>(e.state);
    to.previous = static_cast<TcpState>(e.previous);
    to.acknowledged_once = e.acknowledged_once;
    to.start = e.start;
    to.last = e.last;
    to.acknowledged = e.acknowledged;
    to.stream.resume(e.next);
  }
  partial_ = from.partial;
  seen_ = from.seen;
  num_flips_ = from.num_flips;
}

const char* tcp_conn_state(const TcpTracker& t, const std::string& history) {
  using S = TcpState;
  const S o = t.state(Side::kOriginator);
  const S r = t.state(Side::kResponder);
  const bool o_idle = o == S::kInactive || o == S::kPartial;
  const bool r_idle = r == S::kInactive || r == S::kPartial;
  if (r == S::kReset) {
    const bool empty = t.size(Side::kOriginator) == 0 && t.size(Side::kResponder) == 0;
    if (o == S::kSynSent || o == S::kSynAckSent || (o == S::kReset && empty)) return "REJ";
    return o_idle ? "RSTRH" : "RSTR";
  }
  if (o == S::kReset) {
    if (!r_idle) return "RSTO";
    // A SYN, then a RST, and nothing of the originator's in between.
    std::string_view h = history;
    if (!h.empty() && h[0] == '^') h.remove_prefix(1);
    if (h.empty() || h[0] != 'S') return "OTH";
    const size_t stop = h.find_first_of("HAFGIQR", 1);
    return stop != std::string_view::npos && h[stop] == 'R' ? "RSTOS0" : "OTH";
  }
  if (o == S::kClosed && r == S::kClosed) return "SF";
  if (o == S::kClosed) return r_idle ? "SH" : "S2";
  if (r == S::kClosed) return o_idle ? "SHR" : "S3";
  if (o == S::kSynSent && r == S::kInactive) return "S0";
  if (o == S::kEstablished && r == S::kEstablished) return "S1";
  return "OTH";
}

}  // namespace postern::net::stream
