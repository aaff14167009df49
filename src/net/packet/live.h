// Frames from a network interface, as they come (libpcap).
//
// Opening needs the right to capture (CAP_NET_RAW, or root). Every frame is a copy that owns its
// bytes, because streams keep views of packets for longer than the kernel's ring does.
// Tests: tests/cli/test_live.py.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/packet/capture.h"

namespace postern::net::packet {

class LiveCapture {
 public:
  enum class Next : uint8_t {
    kFrame,    ///< `out` is filled
    kNothing,  ///< none came within a fifth of a second
    kEnded     ///< the interface is gone; see error()
  };

  /// `interface` is a name such as "eth0", or "any". Error: what libpcap says, and what may help.
  static Result<std::unique_ptr<LiveCapture>> open(const std::string& interface);
  ~LiveCapture();
  LiveCapture(const LiveCapture&) = delete;
  LiveCapture& operator=(const LiveCapture&) = delete;

  Next next(CapturedFrame& out);

  /// Frames that the kernel had no room for.
  uint64_t num_dropped() const;

  const std::string& error() const { return error_; }

 private:
  struct Handle;

  explicit LiveCapture(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
  std::string error_;
  uint64_t number_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace postern::net::packet
