// Any bytes as a CSV log, with every column wanted and every row read back.
#include "fuzz_decoder.h"
#include "input/csv/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const postern::data::Layouts layouts =
      postern::fuzz::layouts({"csv.row", "defender.DeviceNetworkEvents",
                              "defender.DeviceProcessEvents", "defender.EmailEvents"});
  postern::fuzz::run(postern::input::csv::decode, layouts, data, size, postern::input::csv::cut);
  return 0;
}
