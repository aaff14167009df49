// One flow: the packets between two endpoints of one protocol, and what is made of their content.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "net/packet/faults.h"
#include "net/packet/packet.h"
#include "net/stream/history.h"
#include "net/stream/resting_flow.h"
#include "net/stream/tcp.h"

namespace postern::net::stream {

struct Endpoint {
  match::IpAddress address;
  bool active = false;  ///< a good packet came from here
  uint16_t port = 0;
  uint64_t packets = 0;
  uint64_t ip_bytes = 0;
  uint64_t payload_bytes = 0;  ///< UDP and ICMP; TCP counts by sequence numbers
};

/// Reads the content of one flow; made by the FlowHandler. Calls come in the order of the capture.
class StreamConsumer {
 public:
  virtual ~StreamConsumer() = default;
  /// Bytes of one side, in order; a UDP datagram is one call. They outlive the flow table when the
  /// packet was not fragmented; copy what is kept.
  virtual void data(Side side, Bytes bytes, const Moment& at) = 0;
  /// Bytes of one side that are known to be lost.
  virtual void gap(Side side, uint64_t num_bytes, const Moment& at) = 0;

  /// A copy of bytes that differs from the copy that was delivered.
  virtual void conflict(Side, Bytes, Bytes, const Moment&) {}

  /// The ends changed places: what was the originator's is now the responder's.
  virtual void flipped() {}

  /// The flow has ended.
  virtual void finish(const Moment& at) = 0;

  /// True when the flow may be silent for long and should not be split (a mailbox being watched).
  virtual bool patient() const { return false; }

  /// What becomes of the consumer while its flow is put to rest to save memory.
  enum class AtRest : uint8_t {
    kStays,      ///< it holds something: the flow cannot rest
    kForgotten,  ///< it needs nothing more, and its finish() would do nothing
    kMadeAgain   ///< one that is newly made does as well
  };

  virtual AtRest at_rest() const { return AtRest::kStays; }
};

class Flow final : public TcpSink {
 public:
  Flow(const packet::Packet& first, uint64_t id, bool flip, packet::Faults& faults);
  /// One that was at rest, between the same endpoints.
  Flow(const RestingFlow& r, const Endpoint ends[2], packet::Faults& faults);

  // -- what a row needs
  uint64_t id() const { return id_; }  ///< 1, 2, … in order of first packets

  std::string uid() const;

  uint8_t protocol() const { return protocol_; }

  const Endpoint& originator() const { return ends_[0]; }

  const Endpoint& responder() const { return ends_[1]; }

  const Moment& first() const { return first_; }

  int64_t last_time() const { return last_time_; }

  /// Ticks; 0 for a flow of one instant, whose sizes Zeek leaves out.
  int64_t duration() const { return last_time_ - first_.time; }

  uint64_t size(Side side) const;

  uint64_t missed_bytes() const { return missed_bytes_; }

  const std::string& history() const { return history_.letters(); }

  const char* conn_state() const;

  uint16_t vlan() const { return vlan_; }

  /// Protocols found in the content, "smtp" or "smtp,ssl"; set by the consumer.
  const std::string& service() const;

  void add_service(std::string_view name);

  // -- driven by the FlowTable
  void packet(const packet::Packet& p);
  bool is_reuse(const packet::Packet& p) const;
  void finish(const Moment& at);
  /// The time at which the flow is over if nothing more comes.
  int64_t deadline() const;
  /// The flow in little memory, or null when it holds more than that can say. Endpoints are not in
  /// it but for which one is the originator.
  std::unique_ptr<RestingFlow> rest() const;

  void set_consumer(std::unique_ptr<StreamConsumer> c) { consumer_ = std::move(c); }

  StreamConsumer* consumer() const { return consumer_.get(); }

  /// The other end was the originator after all (seen from the content): the ends are turned round
  /// once the packet being read is done; the consumer's flipped() says when.
  void request_flip() { flip_requested_ = true; }

  // -- TcpSink
  void data(Side side, Bytes bytes, const Moment& at) override;
  void gap(Side side, uint64_t num_bytes, bool counted, const Moment& at) override;
  void conflict(Side side, Bytes first, Bytes second, const Moment& at) override;
  void doubt_used(Side side, const Moment& at) override;
  void flipped() override;

  int64_t scheduled = 0;                            ///< earliest check that the table has planned
  uint32_t newer = UINT32_MAX, older = UINT32_MAX;  ///< the table's list of flows awake

 private:
  Side side_of(const packet::Packet& p) const;
  bool accept_checksum(Side side, const packet::Packet& p);
  void flip();
  void turn_if_requested();

  packet::Faults& faults_;
  uint64_t id_;
  uint64_t uid_[2];
  uint8_t protocol_;
  uint16_t vlan_;
  Endpoint ends_[2];
  Moment first_;
  int64_t last_time_;
  History history_;
  std::optional<TcpTracker> tcp_;
  ScaledCount bad_checksums_[2];
  bool good_seen_[2] = {false, false};  // a checksum of the side was good
  bool told_unusable_[2] = {false, false};
  uint64_t missed_bytes_ = 0;
  bool flip_requested_ = false;
  int64_t closed_at_ = 0;                 // when a TCP connection was seen to be complete
  std::unique_ptr<std::string> service_;  // null: none found
  std::unique_ptr<StreamConsumer> consumer_;
};

/// "tcp", "udp", "icmp" or "unknown_transport", as conn.log says it.
const char* protocol_name(uint8_t protocol);

}  // namespace postern::net::stream
