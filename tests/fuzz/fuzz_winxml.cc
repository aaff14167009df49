// Input: text that may hold event XML.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz_windows_sink.h"
#include "input/winxml/winxml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern;
  static const data::Layouts layouts = fuzz::layouts();
  const auto owner = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  input::winxml::detect(*owner);
  fuzz::CheckingSink sink;
  data::Anomalies anomalies;
  input::DecodeContext context{layouts, sink, anomalies};
  input::winxml::decode({"fuzz", *owner, owner}, context);
  return 0;
}
