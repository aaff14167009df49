// Any bytes as an audit log, with every column wanted and every row read back.
#include "fuzz_decoder.h"
#include "input/auditd/auditd.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const postern::data::Layouts layouts =
      postern::fuzz::layouts({"linux.auditd", "linux.auditd.record"});
  postern::fuzz::run(postern::input::auditd::decode, layouts, data, size,
                     postern::input::auditd::cut);
  return 0;
}
