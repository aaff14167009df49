// Any bytes as syslog, with the events that messages carry; every row is read back.
#include "fuzz_decoder.h"
#include "input/syslog/syslog.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const postern::data::Layouts layouts =
      postern::fuzz::layouts({"syslog.message", "linux.sysmon", "linux.auditd",
                              "linux.auditd.record", "json.object", "suricata.eve"});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  postern::input::syslog::detect(text.substr(0, size_t{64} * 1024));
  postern::fuzz::run(postern::input::syslog::decode, layouts, data, size);
  return 0;
}
