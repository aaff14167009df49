// Any bytes as a Zeek TSV log, with every column wanted and every row read back.
#include "fuzz_decoder.h"
#include "input/zeek/zeek.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const postern::data::Layouts layouts =
      postern::fuzz::layouts({"zeek.conn", "zeek.smtp", "zeek.x"});
  postern::fuzz::run(postern::input::zeek::decode, layouts, data, size, postern::input::zeek::cut);
  return 0;
}
