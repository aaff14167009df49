// The values of YAML scalars, read from the places that libfyaml found for them.
//
// libfyaml 0.7.12 finds scalars rightly but reads some of them wrongly: an escaped line end after
// an escaped backslash becomes a blank (two published Splunk files have it), `''` beside a line end
// swallows it, some twenty `''` on a line leak memory, a folded block gets a byte from beyond its
// end. So the values are ours. Source: YAML 1.2.2, sections 7.3 and 8.1. Checked against PyYAML
// over all rules at hand and random texts; tests: tests/unit/adapt/yaml_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::adapt {

enum class YamlStyle : uint8_t { kPlain, kSingleQuoted, kDoubleQuoted };

/// Value of a flow scalar from its text without quotes: escapes read, line ends folded. The escapes
/// are known to be valid, libfyaml has scanned them.
std::string flow_scalar_text(std::string_view raw, YamlStyle style);

/// What stands between `|` or `>` and the end of its line.
struct YamlBlockHeader {
  bool folded = false;
  char chomp = '\0';       ///< '+' keeps the last line ends, '-' drops them, else one stays
  uint32_t increment = 0;  ///< written indentation beyond the parent's, 0 if none is written
};

/// `text` begins before the indicator (tags and anchors may precede it) and ends with the line.
YamlBlockHeader parse_block_header(std::string_view text, bool folded);

struct YamlBlockText {
  std::string text;
  uint32_t indent = 0;
  std::vector<uint32_t> line_begins;  ///< in `raw`, of the content of each line
};

/// Value of a block scalar. `raw` are its lines, from the one below the header; `parent_indent` is
/// the column of the collection that holds it.
YamlBlockText block_scalar_text(std::string_view raw,
                                const YamlBlockHeader& header,
                                uint32_t parent_indent);

}  // namespace postern::adapt
