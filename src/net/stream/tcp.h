// The state of one TCP connection: both ends, sequence numbers, history letters, and the two
// streams.
//
// The states, the sizes taken from sequence numbers and the letters follow what Zeek documents for
// conn.log, so that rules written for it mean the same here. A RST far outside what the receiver
// could accept does not end the connection: it was not meant for the receiver. Source: RFC 9293;
// Zeek's documentation of conn.log. Tests: tests/unit/net_stream/tcp_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/packet/packet.h"
#include "net/stream/history.h"
#include "net/stream/reassembly.h"
#include "net/stream/resting_flow.h"

namespace postern::net::stream {

enum class TcpState : uint8_t {
  kInactive,
  kSynSent,
  kSynAckSent,
  kPartial,  ///< data without a handshake
  kEstablished,
  kClosed,
  kReset
};

/// Takes what a connection gives.
class TcpSink {
 public:
  virtual ~TcpSink() = default;
  virtual void data(Side side, Bytes bytes, const Moment& at) = 0;
  /// `counted`: the connection was whole enough for this to be loss of the capture.
  virtual void gap(Side side, uint64_t num_bytes, bool counted, const Moment& at) = 0;
  virtual void conflict(Side side, Bytes first, Bytes second, const Moment& at) = 0;
  /// Bytes of a packet with a bad checksum had to be used.
  virtual void doubt_used(Side side, const Moment& at) = 0;
  /// The ends changed places: what was the originator's is the responder's.
  virtual void flipped() = 0;
};

class TcpTracker {
 public:
  TcpTracker(History& history, TcpSink& sink) : history_(history), sink_(sink) {}

  /// One packet with a whole header and a checksum that is not bad.
  void packet(Side side, const packet::Packet& p);

  /// One packet whose checksum is bad. Its payload is used only where the receiver acknowledged
  /// bytes that no other packet brought: then it is the checksum that is wrong (an edited capture).
  void doubtful(Side side, const packet::Packet& p);

  /// True when a SYN belongs to a new connection between the same ports.
  bool is_reuse(const packet::TcpFields& tcp) const;

  /// Delivers all that waits, with its gaps.
  void finish(const Moment& at);

  void flip();

  TcpState state(Side side) const { return end(side).state; }

  /// Payload bytes of a side, from sequence numbers.
  uint64_t size(Side side) const;

  /// Both ends closed, or one reset: nothing more is expected.
  bool complete() const { return complete_; }

  bool half_closed() const;
  bool only_attempted() const;

  bool both_closed() const { return ends_[0].did_close && ends_[1].did_close; }

  uint64_t num_conflicts() const { return num_conflicts_; }

  /// What the connection is, in short; false when it holds more than that can say.
  bool rest(RestingTcp& out) const;
  void wake(const RestingTcp& from);

 private:
  struct Doubtful {
    int64_t position;
    Bytes bytes;
    std::shared_ptr<const std::string> owner;
    Moment at;
  };

  struct End {
    TcpState state = TcpState::kInactive;
    TcpState previous = TcpState::kInactive;
    uint32_t start = 0;  // sequence number of the SYN, seen or inferred
    int64_t last = 0;    // end of the furthest segment, relative to start
    int64_t acknowledged = 0;
    uint32_t num_fins = 0;
    int64_t fin_at = 0;
    uint8_t window_scale = 0;
    bool did_close = false;
    bool wants_close = false;
    bool acknowledged_once = false;                    // the peer was heard to acknowledge data
    int64_t last_syn = 0, last_fin = 0, last_rst = 0;  // for the letters
    ScaledCount retransmissions, zero_windows, gaps;
    Reassembler stream;
    int64_t hole_due = 0;  // acknowledged up to here, not captured (yet)
    std::vector<Doubtful> doubtful;

    int64_t relative(uint32_t sequence) const {
      const auto last_wire = static_cast<uint32_t>(start + static_cast<uint64_t>(last));
      return last + static_cast<int32_t>(sequence - last_wire);
    }
  };

  /// Sends what comes out of one side's stream on, with its side.
  class Forward;

  End& end(Side s) { return ends_[static_cast<size_t>(s)]; }

  const End& end(Side s) const { return ends_[static_cast<size_t>(s)]; }

  void set_partial(Side side, const packet::TcpFields& tcp);
  void settle_holes(Side side, const packet::Packet& p, const Moment& at);
  void fill_from_doubtful(Side side);
  void give_up(Side side, const Moment& at);
  void begin_end(End& me, const packet::TcpFields& tcp, int64_t segment);
  void write_history(Side side, const packet::TcpFields& tcp, int64_t position, uint32_t length);
  void acknowledge(Side side, const packet::TcpFields& tcp);
  void advance(Side side, const packet::TcpFields& tcp, int64_t segment, uint32_t length);
  bool plausible_reset(const End& me, int64_t position) const;
  bool step(Side side, const packet::TcpFields& tcp, int64_t position, uint32_t length);
  bool step_inactive(Side side, const packet::TcpFields& tcp, uint32_t length);
  void settle_close(Side side);
  bool data_pending(Side side) const;
  void set_state(End& me, TcpState s);
  bool clean(const End& e) const;

  History& history_;
  TcpSink& sink_;
  End ends_[2];
  bool partial_ = false;
  uint8_t seen_ = 0;  // bit per side
  bool complete_ = false;
  uint32_t num_flips_ = 0;
  uint64_t num_conflicts_ = 0;
};

/// Zeek's conn_state of a TCP connection: S0, S1, SF, REJ, …
const char* tcp_conn_state(const TcpTracker& t, const std::string& history);

}  // namespace postern::net::stream
