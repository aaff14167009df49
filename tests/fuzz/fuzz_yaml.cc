// Any bytes give a tree with places inside the text, or a diagnostic with one.
#include <cstdint>
#include <cstdlib>

#include "adapt/yaml.h"

namespace {

using postern::adapt::YamlNode;

void require(bool holds) {
  if (!holds) std::abort();
}

void walk(const YamlNode& n, std::string_view source) {
  require(n.span.begin <= n.span.end && n.span.end <= source.size());
  for (size_t i = 0; i <= n.text.size(); ++i) {
    const uint32_t at = n.source_position(i);
    require(at <= source.size());
    const bool exact = n.text_begin != YamlNode::kNoPosition || n.block;
    if (exact && i < n.text.size() && n.text[i] != '\n') require(source[at] == n.text[i]);
  }
  for (const YamlNode& item : n.items)
    walk(item, source);
  for (const YamlNode::Entry& e : n.entries) {
    walk(e.key, source);
    walk(e.value, source);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  postern::Diagnostics diag;
  for (const YamlNode& document : postern::adapt::parse_yaml({"fuzz", text}, diag))
    walk(document, text);
  for (const postern::Diagnostic& d : diag.all())
    require(d.primary.begin <= d.primary.end && d.primary.begin <= size);
  return 0;
}
