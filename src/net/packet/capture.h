// Capture files as frames: pcap (all byte orders, micro- and nanoseconds, the "modified" variant)
// and pcapng (sections, interfaces, enhanced, simple and obsolete packet blocks).
//
// The reader walks bytes that are already in memory, so every frame is a view into the file and
// knows its offset; a file that was cut while being written gives all its whole packets, and an
// anomaly. Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Tests:
// tests/unit/net_packet/capture_test.cc.
//
// Anomalies: pcap-truncated (the file ends inside a packet), pcap-bad-record (a length that cannot
// be; the reader looks for the next plausible record), pcapng-bad-block, pcapng-unknown-interface.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/packet/faults.h"
#include "net/packet/wire.h"

namespace postern::net::packet {

/// One captured frame; `bytes` may be shorter than the frame was (snap length).
struct CapturedFrame {
  int64_t time = 0;  ///< ticks
  Bytes bytes;
  uint32_t wire_length = 0;  ///< of the frame on the wire
  uint32_t link_type = 0;    ///< LINKTYPE_* as registered at tcpdump.org
  uint64_t offset = 0;       ///< of the record (header) in the file
  uint64_t number = 0;       ///< 1 for the first packet of the file
  /// Owns `bytes` when they come from an interface; null when they lie in a file.
  std::shared_ptr<const std::string> owner;
};

class CaptureReader {
 public:
  /// True when `head` begins like a pcap or a pcapng file.
  static bool detect(Bytes head);

  /// `file` and `faults` must outlive the reader, `file` also its frames.
  CaptureReader(Bytes file, Faults& faults);

  /// The next frame; false at the end of what can be read.
  bool next(CapturedFrame& out);

  /// Bytes read so far, for progress.
  uint64_t position() const { return at_; }

 private:
  enum class Kind : uint8_t { kPcap, kPcapng };

  struct Interface {
    uint32_t link_type = 0;
    uint32_t snap_length = 0;
    uint64_t units_per_second = 1'000'000;
    int64_t offset_seconds = 0;
  };

  bool next_pcap(CapturedFrame& out);
  bool plausible_record(uint64_t at) const;
  bool resync_pcap();

  bool next_pcapng(CapturedFrame& out);
  bool begin_section(Bytes block);
  void add_interface(Bytes body);
  bool packet_block(uint32_t type, Bytes body, CapturedFrame& out);
  bool fill(uint32_t interface, uint64_t stamp, Bytes bytes, uint32_t wire, CapturedFrame& out);

  Bytes file_;
  Faults& faults_;
  Kind kind_ = Kind::kPcap;
  bool big_endian_ = false;
  uint64_t at_ = 0;
  uint64_t number_ = 0;
  // pcap
  uint32_t record_header_ = 16;
  uint32_t link_type_ = 0;
  bool nanoseconds_ = false;
  uint32_t last_seconds_ = 0;
  // pcapng
  std::vector<Interface> interfaces_;
  int64_t last_time_ = 0;  // for simple packets, which carry none
};

}  // namespace postern::net::packet
