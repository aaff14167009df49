// One direction of a TCP connection as a stream of bytes.
//
// Segments are views into the capture (or into a packet put together from fragments), so nothing is
// copied: what is in order is delivered at once, what is ahead waits in a map, what was delivered
// last is remembered for a while. Where two copies of a byte differ, the first one seen stands and
// the conflict is reported: that is how a sensor is made to read something else than the receiver
// (Ptacek and Newsham 1998). A hole is given up when the receiver has acknowledged it (the capture
// lost it), when too much waits behind it, or at the end.
// Positions count the stream from 1: 0 is the SYN. Tests: tests/unit/net_stream/reassembly_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "net/packet/packet.h"

namespace postern::net::stream {

using packet::Bytes;

/// A place in the capture: the packet that brought something.
struct Moment {
  int64_t time = 0;     ///< ticks
  uint64_t offset = 0;  ///< of the packet in the file
  uint64_t number = 0;  ///< of the packet
};

/// Takes what comes out of a Reassembler.
class ReassemblySink {
 public:
  virtual ~ReassemblySink() = default;
  virtual void delivered(Bytes bytes, const Moment& at) = 0;
  virtual void missing(uint64_t num_bytes, const Moment& at) = 0;
  /// Two copies of `num_bytes` bytes differ; `second` is the copy that was not used.
  virtual void conflicting(Bytes first, Bytes second, const Moment& at) = 0;
};

class Reassembler {
 public:
  /// Bytes that may wait behind a hole.
  static constexpr uint64_t kMaxWaiting = 1u << 20;
  /// The same while the receiver has never acknowledged: half of the conversation is not captured.
  static constexpr uint64_t kMaxWaitingUnacknowledged = 64u << 10;
  static constexpr size_t kMaxWaitingSegments = 2048;

  /// Adds the bytes at stream position `begin`. `owner` keeps them alive when they are not the
  /// capture's.
  void add(uint64_t begin,
           Bytes bytes,
           std::shared_ptr<const std::string> owner,
           const Moment& at,
           ReassemblySink& sink);

  /// Gives up what is missing before `position`.
  void skip_to(uint64_t position, const Moment& at, ReassemblySink& sink);

  /// Gives up holes until at most `max_waiting` bytes wait.
  void relieve(uint64_t max_waiting, const Moment& at, ReassemblySink& sink);

  /// Starts over at position 1 when nothing was delivered yet (a second SYN).
  bool untouched() const { return next_ == 1 && waiting_.empty(); }

  uint64_t next() const { return next_; }

  /// Goes on at a position, of a stream that was put aside; nothing may have come yet.
  void resume(uint64_t next) { next_ = next; }

  bool has_waiting() const { return !waiting_.empty(); }

  uint64_t waiting_bytes() const { return waiting_bytes_; }

 private:
  struct Segment {
    Bytes bytes;
    Moment at;
    std::shared_ptr<const std::string> owner;
  };

  struct Past {
    uint64_t begin = 0;
    Bytes bytes;
    std::shared_ptr<const std::string> owner;
  };

  void deliver(Bytes bytes,
               std::shared_ptr<const std::string> owner,
               const Moment& at,
               ReassemblySink& sink);
  void drain(ReassemblySink& sink);
  void wait(uint64_t begin,
            Bytes bytes,
            const std::shared_ptr<const std::string>& owner,
            const Moment& at,
            ReassemblySink& sink);
  void compare_with_past(uint64_t begin, Bytes bytes, const Moment& at, ReassemblySink& sink) const;

  uint64_t next_ = 1;
  std::map<uint64_t, Segment> waiting_;  // by position, disjoint, all after next_
  uint64_t waiting_bytes_ = 0;
  /// A ring of what was delivered last; made with the first bytes, as most flows of a scan have
  /// none.
  std::unique_ptr<std::array<Past, 16>> past_;
  size_t past_at_ = 0;
};

}  // namespace postern::net::stream
