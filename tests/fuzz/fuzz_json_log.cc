// Any bytes as a JSON log, with every column wanted and every row read back.
#include "fuzz_decoder.h"
#include "input/json/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const postern::data::Layouts layouts = postern::fuzz::layouts(
      {"windows.sysmon", "windows.security", "windows.powershell", "windows.event", "linux.sysmon",
       "osquery.socket_events", "osquery.process_events", "osquery.es_process_events",
       "osquery.bpf_socket_events", "osquery.bpf_process_events", "osquery.result",
       "macos.unifiedlog", "defender.DeviceNetworkEvents", "defender.EmailEvents", "suricata.eve",
       "zeek.conn", "zeek.smtp", "json.object"});
  postern::fuzz::run(postern::input::json::decode, layouts, data, size);
  return 0;
}
