#include "net/protocol/imap/command.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "mime/charset.h"
#include "mime/transfer.h"

namespace postern::net::protocol::imap {

std::optional<LiteralMark> literal_mark(std::string_view line) {
  if (line.size() < 3 || line.back() != '}') return std::nullopt;
  const size_t open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  std::string_view number = line.substr(open + 1, line.size() - open - 2);
  LiteralMark m;
  m.begin = open > 0 && line[open - 1] == '~' ? open - 1 : open;
  if (!number.empty() && (number.back() == '+' || number.back() == '-')) {
    m.synchronizing = false;
    number.remove_suffix(1);
  }
  if (number.empty() || !ascii_digit(number[0])) return std::nullopt;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), m.size);
  if (end != number.data() + number.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) m.size = UINT64_MAX;
  return m;
}

std::vector<std::string> words(std::string_view text, size_t max) {
  std::vector<std::string> out;
  size_t at = 0;
  while (at < text.size() && out.size() < max) {
    if (text[at] == ' ' || text[at] == '\t') {
      ++at;
      continue;
    }
    std::string word;
    if (text[at] == '"') {
      ++at;
      while (at < text.size() && text[at] != '"') {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        word += text[at++];
      }
      ++at;
    } else {
      // An atom; brackets and parentheses keep blanks together.
      int depth = 0;
      bool quoted = false;
      while (at < text.size() && (depth > 0 || quoted || text[at] != ' ')) {
        const char c = text[at];
        if (c == '"') quoted = !quoted;
        if (!quoted && (c == '(' || c == '[')) ++depth;
        if (!quoted && (c == ')' || c == ']')) --depth;
        word += c;
        ++at;
      }
    }
    out.push_back(std::move(word));
  }
  return out;
}

std::string_view last_item(std::string_view text) {
  text = trim(text);
  size_t at = text.size();
  int depth = 0;
  while (at > 0) {
    const char c = text[at - 1];
    if (c == ']') ++depth;
    if (c == '[') --depth;
    if (depth <= 0 && (c == ' ' || (c == '(' && depth == 0))) break;
    --at;
  }
  return text.substr(at);
}

uint64_t set_size(std::string_view set) {
  uint64_t total = 0;
  constexpr uint64_t kMaxRange = 1u << 20;
  for (const std::string_view part : split(set, ',')) {
    const size_t colon = part.find(':');
    const auto first = parse_int(part.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : parse_int(part.substr(colon + 1));
    if (!first || !last) {
      if (!part.empty()) ++total;
      continue;
    }
    const auto [low, high] = std::minmax(*first, *last);
    total += std::min(static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1, kMaxRange);
  }
  return total;
}

std::string mailbox_name(std::string_view encoded) {
  std::string out;
  size_t at = 0;
  while (at < encoded.size()) {
    const size_t shift = encoded.find('&', at);
    out.append(encoded.substr(at, shift - at));
    if (shift == std::string_view::npos) break;
    const size_t end = encoded.find('-', shift);
    if (end == std::string_view::npos) {
      out.append(encoded.substr(shift));
      break;
    }
    std::string base64(encoded.substr(shift + 1, end - shift - 1));
    std::replace(base64.begin(), base64.end(), ',', '/');
    if (base64.empty()) {
      out += '&';
    } else {
      mime::to_utf8("UTF-16BE", mime::decode_base64(base64), out);
    }
    at = end + 1;
  }
  return valid_utf8(out) ? out : repair_utf8(out);
}

}  // namespace postern::net::protocol::imap
