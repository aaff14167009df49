// Input: an EVTX file or chunk; anything else is taken as the records of a chunk.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "fuzz_windows_sink.h"
#include "input/evtx/chunk.h"
#include "input/evtx/evtx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern;
  static const data::Layouts layouts = fuzz::layouts();
  std::string file(reinterpret_cast<const char*>(data), size);
  if (!input::evtx::is_evtx(file)) {
    std::string header(input::evtx::kChunkHeaderBytes, '\0');
    std::memcpy(header.data(), "ElfChnk\0", 8);
    const auto used = static_cast<uint32_t>(header.size() + size);
    std::memcpy(header.data() + 48, &used, 4);
    file.insert(0, header);
  }
  const auto owner = std::make_shared<const std::string>(std::move(file));
  fuzz::CheckingSink sink;
  data::Anomalies anomalies;
  input::DecodeContext context{layouts, sink, anomalies};
  const input::Input in{"fuzz", *owner, owner};
  input::evtx::decode(in, context);
  // The same bytes with what is left over in them, and as part of a disk.
  if (size % 2 == 0)
    input::evtx::decode_and_carve(in, context);
  else
    input::evtx::carve(in, context);
  return 0;
}
