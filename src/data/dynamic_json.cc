// JSON text to an encoded dynamic value: a strict recursive-descent reader (RFC 8259) that writes
// straight into a DynamicWriter.
//
// What is not an error: lone surrogates and malformed UTF-8 (evidence has both) become U+FFFD,
// numbers beyond int64 become reals. Tests: tests/unit/data/dynamic_test.cc.
#include <charconv>
#include <limits>

#include "base/text.h"
#include "data/dynamic.h"

namespace postern::data {
namespace {

constexpr int kMaxDepth = 128;
// "[0,0,…": two bytes of text make 13 encoded ones, and an encoding counts in 32 bits.
constexpr size_t kMaxJsonBytes = size_t{256} * 1024 * 1024;

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  std::optional<std::string> read() {
    blanks();
    if (!value(0)) return std::nullopt;
    blanks();
    if (at_ != text_.size()) return std::nullopt;
    return out_.take();
  }

 private:
  bool more() const { return at_ < text_.size(); }

  void blanks() {
    while (more() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }

  bool eat(char c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    return true;
  }

  bool value(int depth) {
    if (!more()) return false;
    switch (text_[at_]) {
      case '{':
        return object(depth + 1);
      case '[':
        return array(depth + 1);
      case '"': {
        std::string_view s;
        if (!string(s)) return false;
        out_.string(s);
        return true;
      }
      case 't':
        return word("true") && (out_.boolean(true), true);
      case 'f':
        return word("false") && (out_.boolean(false), true);
      case 'n':
        return word("null") && (out_.null(), true);
      default:
        return number();
    }
  }

  bool array(int depth) {
    if (depth > kMaxDepth) return false;
    ++at_;
    out_.begin_array();
    blanks();
    if (!eat(']')) {
      do {
        blanks();
        if (!value(depth)) return false;
        blanks();
      } while (eat(','));
      if (!eat(']')) return false;
    }
    out_.end();
    return true;
  }

  bool object(int depth) {
    if (depth > kMaxDepth) return false;
    ++at_;
    out_.begin_object();
    blanks();
    if (!eat('}')) {
      do {
        blanks();
        std::string_view k;
        if (!more() || text_[at_] != '"' || !string(k)) return false;
        out_.key(k);
        blanks();
        if (!eat(':')) return false;
        blanks();
        if (!value(depth)) return false;
        blanks();
      } while (eat(','));
      if (!eat('}')) return false;
    }
    out_.end();
    return true;
  }

  size_t digits() {
    const size_t from = at_;
    while (more() && ascii_digit(text_[at_]))
      ++at_;
    return at_ - from;
  }

  bool number() {
    const size_t begin = at_;
    eat('-');
    const size_t integer_at = at_;
    const size_t integer = digits();
    if (integer == 0 || (integer > 1 && text_[integer_at] == '0')) return false;
    bool real = false;
    if (eat('.')) {
      real = true;
      if (digits() == 0) return false;
    }
    if (more() && (text_[at_] | 32) == 'e') {
      real = true;
      ++at_;
      if (!eat('+')) eat('-');
      if (digits() == 0) return false;
    }
    const char* first = text_.data() + begin;
    const char* last = text_.data() + at_;
    int64_t i = 0;
    if (!real && std::from_chars(first, last, i).ec == std::errc()) {
      out_.integer(i);
      return true;
    }
    out_.real(real_value(text_.substr(begin, at_ - begin)));
    return true;
  }

  /// The nearest finite double: what overflows is the largest one.
  static double real_value(std::string_view s) {
    if (const std::optional<double> v = parse_real(s)) return *v;
    return s.front() == '-' ? std::numeric_limits<double>::lowest()
                            : std::numeric_limits<double>::max();
  }

  /// Reads a string at its quote; `out` is good until the next string.
  bool string(std::string_view& out) {
    const size_t begin = ++at_;
    while (more() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20 &&
           static_cast<unsigned char>(text_[at_]) < 0x80)
      ++at_;
    if (!more()) return false;
    if (text_[at_] == '"') {  // nothing to decode: the text itself
      out = text_.substr(begin, at_ - begin);
      ++at_;
      return true;
    }
    decoded_.assign(text_.substr(begin, at_ - begin));
    while (more()) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        out = decoded_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\') {
        ++at_;
        if (!escape()) return false;
      } else if (static_cast<unsigned char>(c) < 0x80) {
        decoded_.push_back(c);
        ++at_;
      } else {
        append_utf8(decoded_, next_code_point(text_, at_));
      }
    }
    return false;
  }

  bool escape() {
    if (!more()) return false;
    const char c = text_[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/':
        decoded_.push_back(c);
        return true;
      case 'b':
        decoded_.push_back('\b');
        return true;
      case 'f':
        decoded_.push_back('\f');
        return true;
      case 'n':
        decoded_.push_back('\n');
        return true;
      case 'r':
        decoded_.push_back('\r');
        return true;
      case 't':
        decoded_.push_back('\t');
        return true;
      case 'u':
        break;
      default:
        return false;
    }
    uint32_t unit = 0;
    if (!hex4(unit)) return false;
    char32_t code = unit;
    if (unit >= 0xD800 && unit < 0xE000) {
      code = 0xFFFD;
      const size_t after = at_;
      uint32_t low = 0;
      if (unit < 0xDC00 && word("\\u") && hex4(low) && low >= 0xDC00 && low < 0xE000)
        code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
      else
        at_ = after;  // a lone surrogate; what follows is read for itself
    }
    append_utf8(decoded_, code);
    return true;
  }

  bool hex4(uint32_t& out) {
    if (text_.size() - at_ < 4) return false;
    const char* first = text_.data() + at_;
    const auto r = std::from_chars(first, first + 4, out, 16);
    if (r.ec != std::errc() || r.ptr != first + 4) return false;
    at_ += 4;
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  DynamicWriter out_;
  std::string decoded_;
};

}  // namespace

std::optional<std::string> dynamic_from_json(std::string_view json) {
  if (json.size() > kMaxJsonBytes) return std::nullopt;
  return JsonReader(json).read();
}

}  // namespace postern::data
