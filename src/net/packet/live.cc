#include "net/packet/live.h"

#include <pcap/pcap.h>
#include <poll.h>

#include "base/time.h"

namespace postern::net::packet {
namespace {

constexpr int kSnapLength = 262'144;
constexpr int kWaitMilliseconds = 200;
/// What comes while a rule is slow waits here.
constexpr int kKernelBuffer = 32 << 20;

}  // namespace

struct LiveCapture::Handle {
  explicit Handle(pcap_t* p) : pcap(p) {}

  ~Handle() { pcap_close(pcap); }

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  pcap_t* pcap;
  uint32_t link_type = 0;
  bool nanoseconds = false;
};

LiveCapture::LiveCapture(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

LiveCapture::~LiveCapture() = default;

Result<std::unique_ptr<LiveCapture>> LiveCapture::open(const std::string& interface) {
  char why[PCAP_ERRBUF_SIZE] = "";
  pcap_t* const made = pcap_create(interface.c_str(), why);
  if (!made) return Error{Code::kIo, "cannot capture on " + interface + ": " + why};
  auto handle = std::make_unique<Handle>(made);
  pcap_set_snaplen(made, kSnapLength);
  pcap_set_promisc(made, 1);
  pcap_set_timeout(made, kWaitMilliseconds);
  pcap_set_buffer_size(made, kKernelBuffer);
  handle->nanoseconds = pcap_set_tstamp_precision(made, PCAP_TSTAMP_PRECISION_NANO) == 0;
  const int status = pcap_activate(made);
  if (status < 0) {
    std::string text = "cannot capture on " + interface + ": " + pcap_statustostr(status);
    const std::string detail = pcap_geterr(made);
    if (!detail.empty()) text += " (" + detail + ")";
    if (status == PCAP_ERROR_PERM_DENIED)
      text += "; capturing needs root or the capability CAP_NET_RAW";
    return Error{Code::kIo, text};
  }
  // libpcap may wait for a packet for ever, whatever its timeout says: next() waits instead.
  if (pcap_setnonblock(made, 1, why) != 0)
    return Error{Code::kIo, "cannot capture on " + interface + ": " + why};
  handle->link_type = static_cast<uint32_t>(pcap_datalink(made));
  return std::unique_ptr<LiveCapture>(new LiveCapture(std::move(handle)));
}

LiveCapture::Next LiveCapture::next(CapturedFrame& out) {
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  const int status = pcap_next_ex(handle_->pcap, &header, &data);
  if (status == 0) {
    pollfd wait{pcap_get_selectable_fd(handle_->pcap), POLLIN, 0};
    poll(&wait, 1, kWaitMilliseconds);
    return Next::kNothing;
  }
  if (status < 0) {
    error_ = pcap_geterr(handle_->pcap);
    return Next::kEnded;
  }
  auto bytes =
      std::make_shared<const std::string>(reinterpret_cast<const char*>(data), header->caplen);
  const auto fraction = static_cast<int64_t>(header->ts.tv_usec);
  out.time = ticks_from_unix(header->ts.tv_sec, handle_->nanoseconds ? fraction : fraction * 1000);
  out.bytes = *bytes;
  out.owner = std::move(bytes);
  out.wire_length = header->len;
  out.link_type = handle_->link_type;
  out.offset = bytes_;
  out.number = ++number_;
  bytes_ += header->caplen;
  return Next::kFrame;
}

uint64_t LiveCapture::num_dropped() const {
  pcap_stat stats{};
  return pcap_stats(handle_->pcap, &stats) == 0 ? uint64_t{stats.ps_drop} + stats.ps_ifdrop : 0;
}

}  // namespace postern::net::packet
