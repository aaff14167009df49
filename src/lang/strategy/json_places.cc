#include "lang/strategy/json_places.h"

#include "base/text.h"

namespace postern::lang::strategy {

using adapt::JsonNode;

JsonPlaces::JsonPlaces(const JsonNode& root, std::string_view text) : text_(text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    const size_t begin = i;
    for (++i; i < text.size() && text[i] != '"'; ++i)
      if (text[i] == '\\') ++i;
    strings_.push_back({static_cast<uint32_t>(begin),
                        static_cast<uint32_t>(i < text.size() ? i + 1 : text.size())});
  }
  number_strings(root);
  if (next_ != strings_.size())
    index_.clear();  // a tree of another text: no place is better than a wrong one
}

void JsonPlaces::number_strings(const JsonNode& node) {
  if (node.is_string()) index_.emplace(&node, next_++);
  for (const JsonNode& item : node.items)
    number_strings(item);
  for (const auto& [key, value] : node.entries) {
    ++next_;  // the key
    number_strings(value);
  }
}

Span JsonPlaces::of(const JsonNode* node) const {
  const auto it = index_.find(node);
  return it == index_.end() ? Span{} : strings_[it->second];
}

Span JsonPlaces::part(const JsonNode* node, size_t begin, size_t end) const {
  const Span whole = of(node);
  if (whole.begin == whole.end) return whole;
  Span out = {whole.end - 1, whole.end - 1};
  // Walks the text with the number of bytes that its value has so far.
  size_t value = 0;
  uint32_t at = whole.begin + 1;
  while (at < whole.end - 1) {
    if (value <= begin) out.begin = at;
    if (value >= end) {
      out.end = at;
      return out;
    }
    if (text_[at] != '\\') {
      ++value;
      ++at;
      continue;
    }
    const bool unicode = at + 5 < whole.end && text_[at + 1] == 'u';
    if (!unicode) {
      ++value;
      at += 2;
      continue;
    }
    char32_t c = 0;
    for (uint32_t i = at + 2; i < at + 6; ++i) {
      const char d = ascii_lower(text_[i]);
      c = c * 16 + static_cast<char32_t>(ascii_digit(d) ? d - '0' : d - 'a' + 10);
    }
    // Each half of a surrogate pair makes two of the four bytes.
    value += c < 0x80 ? 1 : c < 0x800 || (c >= 0xD800 && c < 0xE000) ? 2 : 3;
    at += 6;
  }
  if (value <= begin) out.begin = at;
  return out;
}

}  // namespace postern::lang::strategy
