#include "lang/spl/positions.h"

#include <memory>
#include <vector>

#include "base/text.h"

namespace postern::lang::spl {
namespace {

/// Walks value and source side by side. Bytes that differ are the source's own: the second quote of
/// `''`, the indentation of a folded line, a backslash of a double-quoted scalar. Empty when they
/// do not go together (an escape that stands for another character).
std::vector<uint32_t> align(std::string_view text, std::string_view source, uint32_t begin) {
  std::vector<uint32_t> at;
  at.reserve(text.size() + 1);
  size_t s = 0;
  for (const char c : text) {
    // A fold stands for one blank: the run of blanks around the line end.
    while (s < source.size() && source[s] != c) {
      const bool fold = ascii_space(source[s]) && ascii_space(c);
      if (fold || (!ascii_space(source[s]) && source[s] != '\'' && source[s] != '\\')) break;
      ++s;
    }
    if (s >= source.size()) return {};
    if (source[s] != c && !(ascii_space(source[s]) && ascii_space(c))) return {};
    at.push_back(begin + static_cast<uint32_t>(s));
    ++s;
  }
  at.push_back(at.empty() ? begin : at.back() + 1);
  return at;
}

}  // namespace

Origin origin_of(const adapt::YamlNode& node, std::string_view file) {
  const bool exact =
      node.text_begin != adapt::YamlNode::kNoPosition || (node.block && !node.line_begins.empty());
  if (!exact && node.span.end <= file.size() && node.span.begin < node.span.end) {
    uint32_t begin = node.span.begin;
    uint32_t end = node.span.end;
    const char quote = file[begin];
    if ((quote == '\'' || quote == '"') && !node.plain && end > begin + 1) {
      ++begin;
      --end;
    }
    auto at = std::make_shared<std::vector<uint32_t>>(
        align(node.text, file.substr(begin, end - begin), begin));
    if (!at->empty()) return [at](size_t i) { return (*at)[i < at->size() ? i : at->size() - 1]; };
  }
  return [&node](size_t i) { return node.source_position(i); };
}

}  // namespace postern::lang::spl
