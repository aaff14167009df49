// An address that is read must write a text that reads to the same bytes; what inet_pton takes, we
// take.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include <arpa/inet.h>

#include "match/ip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using postern::match::Cidr;
  using postern::match::IpAddress;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto ip = IpAddress::parse(text);
  if (ip) {
    const auto again = IpAddress::parse(ip->text());
    if (!again || !(*again == *ip)) std::abort();
  }
  uint8_t theirs[16];
  const bool plain = text.find('\0') == std::string::npos;
  if (plain && inet_pton(AF_INET6, text.c_str(), theirs) == 1) {
    if (!ip || ip->v4 || std::memcmp(theirs, ip->bytes.data(), sizeof theirs) != 0) std::abort();
    char canonical[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, theirs, canonical, sizeof canonical);
    // glibc still writes ::1.2.3.4 for the deprecated v4-compatible range.
    if (std::strchr(canonical, '.') == nullptr && ip->text() != canonical) std::abort();
  } else if (plain && ip && !ip->v4 && text.find('%') == std::string::npos) {
    std::abort();
  }
  if (plain && ip && ip->v4 && inet_pton(AF_INET, text.c_str(), theirs) != 1) std::abort();
  if (const auto block = Cidr::parse(text); block && !block->contains(block->address)) std::abort();
  return 0;
}
