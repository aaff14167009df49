// A flow that has been silent for a while, in a fifth of the memory: most flows of a network wait
// at any time, and there may be a million of them.
//
// Flow::rest() gives it, Flow's constructor takes it up again with the next packet. A flow rests
// only when all that it knows fits in here: no bytes wait, nothing was lost, its content needs
// nothing. What was delivered last is forgotten, so a late copy with other bytes of content that
// nobody reads is not noticed any more. Tests: tests/unit/net_stream/resting_flow_test.cc.
#pragma once
#include <cstdint>

#include "net/stream/history.h"
#include "net/stream/reassembly.h"

namespace postern::net::stream {

/// TcpTracker at rest; positions are those of the first four gigabytes.
struct RestingTcp {
  struct End {
    uint8_t state = 0;
    uint8_t previous = 0;
    bool acknowledged_once = false;
    uint32_t start = 0;
    uint32_t last = 0;
    uint32_t acknowledged = 0;
    uint32_t next = 1;
  };

  End ends[2];
  bool partial = false;
  uint8_t seen = 0;
  uint32_t num_flips = 0;
};

struct RestingFlow {
  struct End {
    uint32_t packets = 0;
    uint32_t ip_bytes = 0;
    uint32_t payload_bytes = 0;
    bool active = false;
    bool good_seen = false;
    bool told_unusable = false;
  };

  Moment first;
  int64_t last_time = 0;
  int64_t deadline = 0;
  int64_t scheduled = 0;
  uint64_t id = 0;
  uint64_t uid[2] = {0, 0};
  RestingTcp tcp;
  End ends[2];
  SavedHistory history;
  ShortText service;
  uint16_t vlan = 0;
  uint8_t protocol = 0;
  bool forgotten = false;          ///< no consumer is made when it wakes up
  bool low_is_originator = false;  ///< which end of the table's key; the table's to fill in
};

}  // namespace postern::net::stream
