#include "input/json/document.h"

#include <algorithm>
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

/// Some of is_number().
bool is_plain_integer(std::string_view s) {
  for (const char c : s)
    if (!ascii_digit(c)) return false;
  return s[0] != '0' || s.size() == 1;
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

Parser::Parser(KeyIds* ids) : structure_(std::make_unique<Structure>()), ids_(ids) {}

Parser::~Parser() = default;

namespace {

/// Makes the items from the structural positions: one pass, with the open containers on a stack.
class Builder {
 public:
  Builder(std::string_view text,
          const uint32_t* structure,
          uint32_t num_structure,
          std::vector<Item>& items,
          std::unique_ptr<Arena>& keys,
          KeyIds* ids)
      : text_(text.data()),
        text_size_(text.size()),
        at_(structure),
        end_(structure + num_structure),
        items_(items),
        keys_(keys),
        ids_(ids) {}

  uint32_t size() const { return size_; }

  bool is_flat() const { return flat_; }

  ParseStatus run() {
    ParseStatus status = value({}, 0, kNoKeyId);
    flat_ = status == ParseStatus::kOk && items_[0].is_object();
    while (status == ParseStatus::kOk && depth_ > 0) {
      if (!open_[depth_ - 1].object) {
        status = element();
        continue;
      }
      if (ids_ && open_[depth_ - 1].has_members) expected_members();
      status = member();
    }
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
    uint32_t to = at_[1];  // the list ends with the length of the text
    while (to > from && is_space(text_[to - 1]))
      --to;
    return {text_ + from, to - from};
  }

  /// Takes a string token, with its quotes.
  bool string(std::string_view& out) {
    out = token();
    ++at_;
    return out.size() >= 2 && out.back() == '"';
  }

  bool grow() {
    if (size_ >= kMaxItems) return false;
    items_.resize(std::max<size_t>(256, items_.size() * 2));
    return true;
  }

  [[gnu::always_inline]] ParseStatus value(std::string_view key, uint32_t hash, uint16_t id) {
    if (size_ == items_.size() && !grow()) return ParseStatus::kTooLarge;
    Item& item = items_[size_++];
    item.key = key;
    item.hash = hash;
    item.next = size_;
    item.id = id;
    flat_ = flat_ && id != kNoKeyId;
    const char c = peek();
    if (c == '"') {
      item.kind = Kind::kString;
      if (!string(item.text)) return ParseStatus::kMalformed;
      item.text = {item.text.data() + 1, item.text.size() - 2};
      return ParseStatus::kOk;
    }
    if (c == '{' || c == '[') return open(item, c);
    if (at_ >= end_) return ParseStatus::kMalformed;
    return scalar(item);
  }

  ParseStatus open(Item& item, char c) {
    if (depth_ >= kMaxDepth) return ParseStatus::kTooDeep;
    flat_ = false;
    item.kind = c == '{' ? Kind::kObject : Kind::kArray;
    item.text = {text_ + *at_, 1};  // grows when it closes
    open_[depth_++] = {size_ - 1, c == '{', false};
    ++at_;
    return ParseStatus::kOk;
  }

  ParseStatus close() {
    Item& item = items_[open_[depth_ - 1].item];
    item.text = {item.text.data(), static_cast<size_t>(text_ + *at_ + 1 - item.text.data())};
    item.next = size_;
    ++at_;
    --depth_;
    return ParseStatus::kOk;
  }

  ParseStatus scalar(Item& item) {
    item.text = token();
    ++at_;
    if (item.text == "null") {
      item.kind = Kind::kNull;
      flat_ = false;
    } else if (item.text == "true") {
      item.kind = Kind::kTrue;
    } else if (item.text == "false") {
      item.kind = Kind::kFalse;
    } else if (is_number(item.text)) {
      item.kind = Kind::kNumber;
    } else {
      return ParseStatus::kMalformed;
    }
    return ParseStatus::kOk;
  }

  /// One element of the innermost container, an array, or its end.
  ParseStatus element() {
    Open& array = open_[depth_ - 1];
    const char c = peek();
    if (c == ']') return close();
    if (array.has_members) {
      if (c != ',') return ParseStatus::kMalformed;
      ++at_;
    }
    array.has_members = true;
    return value({}, 0, kNoKeyId);
  }

  /// Takes members of the innermost object as long as they are what nearly all of a log is: keys
  /// that followed the one before, and strings or integers. What is not is left to member().
  void expected_members() {
    // All in locals: what is written through `item` might be any member.
    KeyIds& ids = *ids_;
    const char* const text = text_;
    const char* const text_end = text_ + text_size_;
    const uint32_t* at = at_;
    const uint32_t* const end = end_;
    Item* const first = items_.data();
    Item* const room = first + items_.size();
    Item* item = first + size_;
    uint16_t before = last_key_;
    // Comma, key, colon and value; a position follows the last one.
    for (; end - at >= 4 && item < room && text[at[0]] == ','; at += 4, ++item) {
      const char* const quote = text + at[1];
      const uint16_t id = ids.follower(before, quote, static_cast<size_t>(text_end - quote));
      if (id == kNoKeyId) break;
      const KeyIds::Key& key = ids[id];
      // Not so where blanks follow the key.
      if (at[2] - at[1] != key.size || text[at[2]] != ':') break;
      const char* const value = text + at[3];
      const uint32_t size = at[4] - at[3];
      if (*value == '"') {
        if (size < 2 || value[size - 1] != '"') break;
        item->text = {value + 1, size - 2};
        item->kind = Kind::kString;
      } else {
        if (!is_plain_integer({value, size})) break;
        item->text = {value, size};
        item->kind = Kind::kNumber;
      }
      item->key = {quote + 1, key.size - 2};
      item->hash = key.hash;
      item->next = static_cast<uint32_t>(item - first) + 1;
      item->id = before = id;
    }
    at_ = at;
    last_key_ = before;
    size_ = static_cast<uint32_t>(item - first);
  }

  /// One member of the innermost container, an object, or its end.
  ParseStatus member() {
    Open& object = open_[depth_ - 1];
    const char c = peek();
    if (c == '}') return close();
    if (object.has_members) {
      if (c != ',') return ParseStatus::kMalformed;
      ++at_;
    }
    object.has_members = true;
    if (peek() != '"') return ParseStatus::kMalformed;
    const char* quote = text_ + *at_;
    if (ids_) {
      const uint16_t id = ids_->follower(last_key_, quote, text_size_ - *at_);
      const KeyIds::Key& known = (*ids_)[id];
      // Else blanks follow the key, or it is another one.
      if (id != kNoKeyId && at_[1] - at_[0] == known.size) {
        ++at_;
        if (peek() != ':') return ParseStatus::kMalformed;
        ++at_;
        last_key_ = id;
        return value({quote + 1, known.size - 2}, known.hash, id);
      }
    }
    return member_of_new_key();
  }

  ParseStatus member_of_new_key() {
    std::string_view quoted;
    if (!string(quoted) || peek() != ':') return ParseStatus::kMalformed;
    ++at_;
    std::string_view key = quoted.substr(1, quoted.size() - 2);
    if (has_escape(key)) {
      std::string plain;
      append_unescaped(plain, key);
      if (!keys_) keys_ = std::make_unique<Arena>();
      key = keys_->copy(plain);
      last_key_ = kNoKeyId;
      return value(key, name_hash(key), kNoKeyId);
    }
    const uint32_t hash = name_hash(key);
    if (ids_) last_key_ = ids_->find(last_key_, quoted, hash);
    return value(key, hash, last_key_);
  }

  const char* text_;
  size_t text_size_;
  const uint32_t* at_;
  const uint32_t* end_;
  std::vector<Item>& items_;
  std::unique_ptr<Arena>& keys_;
  KeyIds* ids_;
  uint16_t last_key_ = kNoKeyId;
  bool flat_ = false;
  uint32_t size_ = 0;
  Open open_[kMaxDepth];
  size_t depth_ = 0;
};

}  // namespace

bool is_number_or_boolean(std::string_view s) {
  return !s.empty() && (is_plain_integer(s) || is_number(s) || s == "true" || s == "false");
}

ParseStatus Parser::begin(std::string_view text) {
  text_ = text;
  if (text.size() > kMaxDocumentBytes) return ParseStatus::kTooLarge;
  if (const auto error = structure_->find(text)) {
    if (error == simdjson::UTF8_ERROR) return ParseStatus::kBadUtf8;
    // A broken string may hide that the bytes are not UTF-8 either; the text is repaired first
    // then.
    return valid_utf8(text) ? ParseStatus::kMalformed : ParseStatus::kBadUtf8;
  }
  return ParseStatus::kOk;
}

std::span<const uint32_t> Parser::structure() const {
  const auto& simd = *structure_->simd;
  return {simd.structural_indexes.get(), simd.n_structural_indexes};
}

ParseStatus Parser::finish(Document& out) {
  out.clear(text_);
  const std::span<const uint32_t> found = structure();
  Builder builder(text_, found.data(), static_cast<uint32_t>(found.size()), out.items_, out.keys_,
                  ids_);
  const ParseStatus status = builder.run();
  out.size_ = builder.size();
  out.flat_ = status == ParseStatus::kOk && builder.is_flat();
  return status;
}

}  // namespace postern::input::json
