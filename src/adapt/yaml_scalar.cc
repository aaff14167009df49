#include "adapt/yaml_scalar.h"

#include <algorithm>

#include "base/text.h"

namespace postern::adapt {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}

bool line_end(char c) {
  return c == '\r' || c == '\n';
}

/// Nothing to fold and nothing to unescape: most scalars.
bool is_itself(std::string_view raw, YamlStyle style) {
  const char special = style == YamlStyle::kDoubleQuoted   ? '\\'
                       : style == YamlStyle::kSingleQuoted ? '\''
                                                           : '\n';
  return std::none_of(raw.begin(), raw.end(),
                      [special](char c) { return c == special || line_end(c); });
}

class FlowReader {
 public:
  FlowReader(std::string_view raw, YamlStyle style) : raw_(raw), style_(style) {}

  std::string read() {
    while (at_ < raw_.size()) {
      const char c = raw_[at_];
      if (blank(c)) {
        blanks();
      } else if (line_end(c)) {
        // One line end is a blank; of several, all but the first are kept.
        const size_t ends = skip_line_ends();
        out_ += ends == 1 ? std::string(" ") : std::string(ends - 1, '\n');
      } else if (style_ == YamlStyle::kDoubleQuoted && c == '\\') {
        escape();
      } else {
        out_ += c;
        at_ += style_ == YamlStyle::kSingleQuoted && c == '\'' ? 2 : 1;
      }
    }
    return std::move(out_);
  }

 private:
  /// Blanks before a line end are layout, others are content.
  void blanks() {
    size_t stop = at_;
    while (stop < raw_.size() && blank(raw_[stop]))
      ++stop;
    if (stop == raw_.size() || !line_end(raw_[stop])) out_ += raw_.substr(at_, stop - at_);
    at_ = stop;
  }

  /// From a line end to the first character of the next line that has one.
  size_t skip_line_ends() {
    size_t ends = 0;
    while (at_ < raw_.size() && (line_end(raw_[at_]) || blank(raw_[at_]))) {
      if (line_end(raw_[at_])) ++ends;
      at_ += raw_.substr(at_, 2) == "\r\n" ? 2 : 1;
    }
    return ends;
  }

  void escape() {
    const char c = at_ + 1 < raw_.size() ? raw_[at_ + 1] : '\\';
    ++at_;
    if (line_end(c)) {
      // The line end is not there; empty lines after it are.
      out_.append(skip_line_ends() - 1, '\n');
      return;
    }
    ++at_;
    constexpr std::string_view kLetters = "0abtnvfre";
    constexpr std::string_view kValues("\0\a\b\t\n\v\f\r\x1b", 9);
    const size_t known = kLetters.find(c);
    if (known != std::string_view::npos) {
      out_ += kValues[known];
      return;
    }
    switch (c) {
      case 'N':
        return append_utf8(out_, 0x85);
      case '_':
        return append_utf8(out_, 0xA0);
      case 'L':
        return append_utf8(out_, 0x2028);
      case 'P':
        return append_utf8(out_, 0x2029);
      case 'x':
        return append_utf8(out_, hex_digits(2));
      case 'u':
        return append_utf8(out_, utf16_escape());
      case 'U':
        return append_utf8(out_, hex_digits(8));
      default:
        out_ += c;  // \" \\ \/ blank and tab stand for themselves
    }
  }

  char32_t hex_digits(size_t count) {
    char32_t value = 0;
    for (size_t i = 0; i < count && at_ < raw_.size(); ++i) {
      const char c = ascii_lower(raw_[at_++]);
      value = value * 16 + static_cast<char32_t>(ascii_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return value > 0x10FFFF ? 0xFFFD : value;
  }

  /// JSON in YAML writes characters beyond the basic plane as two surrogates.
  char32_t utf16_escape() {
    const char32_t high = hex_digits(4);
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || raw_.substr(at_, 2) != "\\u") return 0xFFFD;
    const size_t again = at_;
    at_ += 2;
    const char32_t low = hex_digits(4);
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    at_ = again;
    return 0xFFFD;
  }

  std::string_view raw_;
  YamlStyle style_;
  size_t at_ = 0;
  std::string out_;
};

struct Line {
  uint32_t begin = 0;
  uint32_t end = 0;      ///< without the line end
  bool ended = false;    ///< false for a last line that the text breaks off
  bool content = false;  ///< more than indentation
};

std::vector<Line> block_lines(std::string_view raw) {
  std::vector<Line> lines;
  for (size_t at = 0; at < raw.size();) {
    const size_t stop = std::min(raw.find_first_of("\r\n", at), raw.size());
    lines.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(stop), stop < raw.size()});
    at = stop + (raw.substr(stop, 2) == "\r\n" ? 2 : 1);
  }
  return lines;
}

uint32_t leading_spaces(std::string_view raw, const Line& line) {
  const size_t first = raw.find_first_not_of(' ', line.begin);
  return static_cast<uint32_t>(std::min<size_t>(first, line.end)) - line.begin;
}

/// Indentation of the first line that is not blank; of the longest when all are.
uint32_t detect_indent(std::string_view raw, const std::vector<Line>& lines) {
  uint32_t longest = 0;
  for (const Line& line : lines) {
    const uint32_t spaces = leading_spaces(raw, line);
    if (line.begin + spaces < line.end) return spaces;
    longest = std::max(longest, spaces);
  }
  return longest;
}

}  // namespace

std::string flow_scalar_text(std::string_view raw, YamlStyle style) {
  return is_itself(raw, style) ? std::string(raw) : FlowReader(raw, style).read();
}

YamlBlockHeader parse_block_header(std::string_view text, bool folded) {
  YamlBlockHeader header;
  header.folded = folded;
  const size_t indicator = text.find(folded ? '>' : '|');
  if (indicator == std::string_view::npos) return header;
  for (const char c : text.substr(indicator + 1)) {
    if (c == '+' || c == '-')
      header.chomp = c;
    else if (c >= '1' && c <= '9')
      header.increment = static_cast<uint32_t>(c - '0');
    else
      break;
  }
  return header;
}

YamlBlockText block_scalar_text(std::string_view raw,
                                const YamlBlockHeader& header,
                                uint32_t parent_indent) {
  YamlBlockText block;
  std::vector<Line> lines = block_lines(raw);
  block.indent =
      header.increment == 0 ? detect_indent(raw, lines) : parent_indent + header.increment;
  for (Line& line : lines) {
    line.begin += std::min(block.indent, leading_spaces(raw, line));
    line.content = line.begin < line.end;
    block.line_begins.push_back(line.begin);
  }

  // Line ends wait until the next line with content tells whether they fold.
  size_t waiting = 0;
  const Line* before = nullptr;
  for (const Line& line : lines) {
    if (!line.content) {
      waiting += line.ended ? 1 : 0;
      continue;
    }
    // Lines that begin with a blank keep the line ends around them.
    const bool folds =
        header.folded && before != nullptr && !blank(raw[before->begin]) && !blank(raw[line.begin]);
    if (folds && waiting == 1)
      block.text += ' ';
    else
      block.text.append(waiting - (folds ? 1 : 0), '\n');
    block.text += raw.substr(line.begin, line.end - line.begin);
    before = &line;
    waiting = line.ended ? 1 : 0;
  }
  if (header.chomp == '+')
    block.text.append(waiting, '\n');
  else if (header.chomp != '-' && before != nullptr && before->ended)
    block.text += '\n';
  return block;
}

}  // namespace postern::adapt
