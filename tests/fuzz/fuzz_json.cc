// Any bytes give a tree within the depth limit, or an error.
#include <cstdint>
#include <cstdlib>

#include "adapt/json.h"

namespace {

void walk(const postern::adapt::JsonNode& n, size_t depth) {
  if (depth > postern::adapt::kMaxJsonDepth) std::abort();
  for (const auto& item : n.items)
    walk(item, depth + 1);
  for (const auto& [key, value] : n.entries)
    walk(value, depth + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto node =
      postern::adapt::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (node)
    walk(*node, 1);
  else if (node.error().message.empty())
    std::abort();
  return 0;
}
