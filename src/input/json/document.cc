#include "input/json/document.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "base/text.h"
#include "input/name_hash.h"

namespace postern::input::json {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/// RFC 8259 number.
bool is_number(std::string_view s) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < s.size() && ascii_digit(s[i]))
      ++i;
    return i > start;
  };
  if (i < s.size() && s[i] == '-') ++i;
  if (i < s.size() && s[i] == '0')
    ++i;
  else if (!digits())
    return false;
  if (i < s.size() && s[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < s.size() && (s[i] | 32) == 'e') {
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == s.size();
}

int hex_value(char c) {
  if (ascii_digit(c)) return c - '0';
  const char l = ascii_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// Four hex digits at `at`, or -1.
int32_t hex4(std::string_view s, size_t at) {
  if (at + 4 > s.size()) return -1;
  int32_t v = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int d = hex_value(s[i]);
    if (d < 0) return -1;
    v = v * 16 + d;
  }
  return v;
}

bool is_high_surrogate(int32_t v) {
  return v >= 0xD800 && v <= 0xDBFF;
}

bool is_low_surrogate(int32_t v) {
  return v >= 0xDC00 && v <= 0xDFFF;
}

/// The character of the escape "\uXXXX" at `at`, whose digits are `first`; moves `in` over the
/// second half of a surrogate pair.
char32_t code_point(std::string_view raw, size_t at, int32_t first, const char*& in) {
  if (!is_high_surrogate(first) && !is_low_surrogate(first)) return static_cast<char32_t>(first);
  if (is_low_surrogate(first) || raw.substr(at + 6, 2) != "\\u") return 0xFFFD;
  const int32_t second = hex4(raw, at + 8);
  if (!is_low_surrogate(second)) return 0xFFFD;
  in += 6;
  return 0x10000U + (static_cast<char32_t>(first - 0xD800) << 10) +
         static_cast<char32_t>(second - 0xDC00);
}

char* put_utf8(char* to, char32_t c) {
  const auto byte = [](char32_t v) { return static_cast<char>(static_cast<uint8_t>(v)); };
  if (c < 0x80) {
    *to++ = byte(c);
  } else if (c < 0x800) {
    *to++ = byte(0xC0 | c >> 6);
    *to++ = byte(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    *to++ = byte(0xE0 | c >> 12);
    *to++ = byte(0x80 | (c >> 6 & 0x3F));
    *to++ = byte(0x80 | (c & 0x3F));
  } else {
    *to++ = byte(0xF0 | c >> 18);
    *to++ = byte(0x80 | (c >> 12 & 0x3F));
    *to++ = byte(0x80 | (c >> 6 & 0x3F));
    *to++ = byte(0x80 | (c & 0x3F));
  }
  return to;
}

}  // namespace

std::string_view parse_status_text(ParseStatus s) {
  switch (s) {
    case ParseStatus::kOk:
      return "ok";
    case ParseStatus::kMalformed:
      return "not JSON";
    case ParseStatus::kTrailing:
      return "text after the document";
    case ParseStatus::kBadUtf8:
      return "not UTF-8";
    case ParseStatus::kTooDeep:
      return "nested too deep";
    case ParseStatus::kTooLarge:
      return "too large";
  }
  return "";
}

size_t unescape(std::string_view raw, char* out) {
  constexpr uint64_t kOnes = 0x0101'0101'0101'0101ULL;
  constexpr uint64_t kHigh = kOnes * 0x80;
  const char* in = raw.data();
  const char* const end = in + raw.size();
  char* to = out;
  while (in < end) {
    // Eight bytes at a time up to the next backslash. What is written beyond it is overwritten: the
    // output is never ahead of the input.
    while (end - in >= 8) {
      uint64_t word;
      std::memcpy(&word, in, 8);
      std::memcpy(to, &word, 8);
      const uint64_t x = word ^ (kOnes * static_cast<uint8_t>('\\'));
      const uint64_t found = (x - kOnes) & ~x & kHigh;
      if (found != 0) {
        const auto n = static_cast<size_t>(std::countr_zero(found)) / 8;
        in += n;
        to += n;
        break;
      }
      in += 8;
      to += 8;
    }
    if (in == end) break;
    if (*in != '\\' || in + 1 == end) {
      *to++ = *in++;
      continue;
    }
    const char c = in[1];
    switch (c) {
      case 'n':
        *to++ = '\n';
        break;
      case 'r':
        *to++ = '\r';
        break;
      case 't':
        *to++ = '\t';
        break;
      case 'b':
        *to++ = '\b';
        break;
      case 'f':
        *to++ = '\f';
        break;
      case '"':
      case '\\':
      case '/':
        *to++ = c;
        break;
      case 'u': {
        const size_t at = static_cast<size_t>(in - raw.data());
        const int32_t first = hex4(raw, at + 2);
        if (first < 0) {
          *to++ = '\\';
          *to++ = 'u';
          break;
        }
        in += 4;
        to = put_utf8(to, code_point(raw, at, first, in));
        break;
      }
      default:
        *to++ = '\\';
        *to++ = c;
    }
    in += 2;
  }
  return static_cast<size_t>(to - out);
}

uint32_t Document::find(uint32_t object, std::string_view key) const {
  uint32_t found = 0;
  for (uint32_t i = object + 1; i < items_[object].next; i = items_[i].next)
    if (items_[i].key == key) found = i;
  return found;
}

struct Parser::Structure {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> simd;

  /// Finds the structural characters of `text`; the list ends with the length of the text.
  simdjson::error_code find(std::string_view text) {
    if (!simd || simd->capacity() < text.size()) {
      const size_t capacity = std::max<size_t>(size_t{64} * 1024, text.size() + text.size() / 2);
      const auto error = simdjson::get_active_implementation()->create_dom_parser_implementation(
          std::min(capacity, kMaxDocumentBytes + 64), kMaxDepth, simd);
      if (error) return error;
    }
    return simd->stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                        simdjson::stage1_mode::regular);
  }
};

Parser::Parser() : structure_(std::make_unique<Structure>()) {}

Parser::~Parser() = default;

namespace {

/// Makes the items from the structural positions: one pass, with the open containers on a stack.
class Builder {
 public:
  Builder(std::string_view text,
          const uint32_t* structure,
          uint32_t num_structure,
          std::vector<Item>& items,
          std::unique_ptr<Arena>& keys)
      : text_(text), at_(structure), end_(structure + num_structure), items_(items), keys_(keys) {}

  uint32_t size() const { return size_; }

  ParseStatus run() {
    ParseStatus status = value({}, 0);
    while (status == ParseStatus::kOk && depth_ > 0)
      status = step();
    if (status != ParseStatus::kOk) return status;
    return at_ == end_ ? ParseStatus::kOk : ParseStatus::kTrailing;
  }

 private:
  struct Open {
    uint32_t item;
    bool object;
    bool has_members;
  };

  char peek() const { return at_ < end_ ? text_[*at_] : '\0'; }

  /// The text from structural position `at` up to the next one, without blanks at its end.
  std::string_view token() const {
    const uint32_t from = at_[0];
    size_t to = at_[1];  // the list ends with the length of the text
    while (to > from && is_space(text_[to - 1]))
      --to;
    return text_.substr(from, to - from);
  }

  /// Takes a string token; its content goes to `out`.
  bool string(std::string_view& out) {
    const std::string_view t = token();
    if (t.size() < 2 || t.back() != '"') return false;
    out = t.substr(1, t.size() - 2);
    ++at_;
    return true;
  }

  Item* add(std::string_view key, uint32_t hash) {
    if (size_ == items_.size()) {
      if (size_ >= kMaxItems) return nullptr;
      items_.resize(std::max<size_t>(256, items_.size() * 2));
    }
    Item& item = items_[size_++];
    item.key = key;
    item.hash = hash;
    item.next = size_;
    return &item;
  }

  ParseStatus value(std::string_view key, uint32_t hash) {
    Item* item = add(key, hash);
    if (!item) return ParseStatus::kTooLarge;
    const char c = peek();
    if (c == '"') {
      item->kind = Kind::kString;
      return string(item->text) ? ParseStatus::kOk : ParseStatus::kMalformed;
    }
    if (c == '{' || c == '[') {
      if (depth_ >= kMaxDepth) return ParseStatus::kTooDeep;
      item->kind = c == '{' ? Kind::kObject : Kind::kArray;
      item->text = text_.substr(*at_, 1);  // grows when it closes
      open_[depth_++] = {size_ - 1, c == '{', false};
      ++at_;
      return ParseStatus::kOk;
    }
    if (at_ >= end_) return ParseStatus::kMalformed;
    item->text = token();
    ++at_;
    if (item->text == "null")
      item->kind = Kind::kNull;
    else if (item->text == "true")
      item->kind = Kind::kTrue;
    else if (item->text == "false")
      item->kind = Kind::kFalse;
    else if (is_number(item->text))
      item->kind = Kind::kNumber;
    else
      return ParseStatus::kMalformed;
    return ParseStatus::kOk;
  }

  /// One member of the innermost container, or its end.
  ParseStatus step() {
    Open& open = open_[depth_ - 1];
    char c = peek();
    if (c == (open.object ? '}' : ']')) {
      Item& item = items_[open.item];
      item.text = text_.substr(static_cast<size_t>(item.text.data() - text_.data()),
                               *at_ + 1 - static_cast<size_t>(item.text.data() - text_.data()));
      item.next = size_;
      ++at_;
      --depth_;
      return ParseStatus::kOk;
    }
    if (open.has_members) {
      if (c != ',') return ParseStatus::kMalformed;
      ++at_;
    }
    open.has_members = true;
    if (!open.object) return value({}, 0);
    std::string_view key;
    if (peek() != '"' || !string(key) || peek() != ':') return ParseStatus::kMalformed;
    ++at_;
    if (key.find('\\') != std::string_view::npos) {
      std::string plain;
      append_unescaped(plain, key);
      if (!keys_) keys_ = std::make_unique<Arena>();
      key = keys_->copy(plain);
    }
    return value(key, name_hash(key));
  }

  std::string_view text_;
  const uint32_t* at_;
  const uint32_t* end_;
  std::vector<Item>& items_;
  std::unique_ptr<Arena>& keys_;
  uint32_t size_ = 0;
  Open open_[kMaxDepth];
  size_t depth_ = 0;
};

}  // namespace

ParseStatus Parser::parse(std::string_view text, Document& out) {
  out.size_ = 0;
  out.text_ = text;
  out.keys_.reset();
  if (text.size() > kMaxDocumentBytes) return ParseStatus::kTooLarge;
  if (const auto error = structure_->find(text)) {
    if (error == simdjson::UTF8_ERROR) return ParseStatus::kBadUtf8;
    // A broken string may hide that the bytes are not UTF-8 either; the text is repaired first
    // then.
    return valid_utf8(text) ? ParseStatus::kMalformed : ParseStatus::kBadUtf8;
  }
  const auto& simd = *structure_->simd;
  Builder builder(text, simd.structural_indexes.get(), simd.n_structural_indexes, out.items_,
                  out.keys_);
  const ParseStatus status = builder.run();
  out.size_ = builder.size();
  return status;
}

}  // namespace postern::input::json
