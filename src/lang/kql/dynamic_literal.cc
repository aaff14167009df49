// Recursive descent over JSON with Kusto leaves, writing the encoded form as it goes.
#include "lang/kql/dynamic_literal.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "data/dynamic.h"
#include "lang/kql/literal.h"

namespace postern::lang::kql {

using data::Type;
using data::Value;

namespace {

constexpr int kMaxDepth = 100;

class Reader {
 public:
  explicit Reader(std::string_view text) : s_(text) {}

  DynamicLiteral read() {
    value(0);
    blanks();
    if (result_.error.empty() && at_ != s_.size()) fail("unexpected text in a dynamic literal");
    if (result_.error.empty()) result_.encoded = writer_.take();
    return std::move(result_);
  }

 private:
  void fail(std::string message) {
    if (!result_.error.empty()) return;
    result_.error = std::move(message);
    result_.error_at = at_;
  }

  bool ok() const { return result_.error.empty(); }

  void blanks() {
    while (at_ < s_.size()) {
      if (ascii_space(s_[at_])) {
        ++at_;
      } else if (s_.substr(at_, 2) == "//") {
        at_ = std::min(s_.find('\n', at_), s_.size());
      } else {
        break;
      }
    }
  }

  bool take(char c) {
    blanks();
    if (at_ >= s_.size() || s_[at_] != c) return false;
    ++at_;
    return true;
  }

  void value(int depth) {
    if (depth > kMaxDepth) return fail("a dynamic literal nested too deeply");
    blanks();
    if (at_ >= s_.size()) return fail("a value is missing");
    const char c = s_[at_];
    if (c == '[') return array(depth);
    if (c == '{') return object(depth);
    if (const StringLiteral string = scan_string(s_, at_); string.found)
      return string_value(string);
    if (ascii_digit(c) || c == '-' || c == '+') return number();
    if (ascii_alpha(c)) return word(depth);
    fail("a value is missing");
  }

  void string_value(const StringLiteral& string) {
    if (!string.error.empty()) {
      at_ = string.error_at;
      return fail(string.error);
    }
    std::string text = string.value;
    at_ = string.end;
    // Adjacent literals are one string, here too.
    for (;;) {
      blanks();
      const StringLiteral more = scan_string(s_, at_);
      if (!more.found || !more.error.empty()) break;
      text += more.value;
      at_ = more.end;
    }
    writer_.string(text);
  }

  void array(int depth) {
    ++at_;
    writer_.begin_array();
    if (!take(']')) {
      do
        value(depth + 1);
      while (ok() && take(','));
      if (ok() && !take(']')) fail("`,` or `]` is missing");
    }
    // After a fault the writer may wait for a value: nobody reads it any more.
    if (ok()) writer_.end();
  }

  void object(int depth) {
    ++at_;
    writer_.begin_object();
    if (!take('}')) {
      do
        member(depth);
      while (ok() && take(','));
      if (ok() && !take('}')) fail("`,` or `}` is missing");
    }
    if (ok()) writer_.end();
  }

  void member(int depth) {
    blanks();
    const StringLiteral key = scan_string(s_, at_);
    if (!key.found) return fail("a name in quotes is missing");
    if (!key.error.empty()) return fail(key.error);
    at_ = key.end;
    if (!take(':')) return fail("`:` is missing");
    writer_.key(key.value);
    value(depth + 1);
  }

  void number() {
    const bool minus = s_[at_] == '-';
    const size_t begin = at_ + (ascii_digit(s_[at_]) ? 0 : 1);
    const NumberLiteral n =
        begin < s_.size() && ascii_digit(s_[begin]) ? scan_number(s_, begin) : NumberLiteral{};
    if (!n.found && !n.error.empty()) return fail(n.error);
    if (!n.found) return fail("not a number");
    if (!n.error.empty() && !(minus && s_.substr(begin, n.end - begin) == "9223372036854775808")) {
      // JSON has no bounds: a whole number beyond long is a real.
      const std::optional<double> v = parse_real(s_.substr(begin, n.end - begin));
      if (!v) return fail(n.error);
      writer_.real(minus ? -*v : *v);
    } else if (!n.error.empty()) {
      writer_.integer(std::numeric_limits<int64_t>::min());
    } else {
      leaf(n.value, minus);
    }
    at_ = n.end;
  }

  void word(int depth) {
    size_t end = at_;
    while (end < s_.size() && (ascii_alpha(s_[end]) || ascii_digit(s_[end])))
      ++end;
    const std::string_view name = s_.substr(at_, end - at_);
    if (end < s_.size() && s_[end] == '(') {
      const size_t close = matching_parenthesis(end);
      if (close == std::string_view::npos) return fail("`)` is missing");
      const std::string_view inside = s_.substr(end + 1, close - end - 1);
      if (name == "dynamic") {
        Reader nested(inside);
        nested.value(depth + 1);
        nested.blanks();
        if (!nested.ok() || nested.at_ != inside.size()) {
          at_ = end + 1 + (nested.ok() ? nested.at_ : nested.result_.error_at);
          return fail(nested.ok() ? "unexpected text in a dynamic literal" : nested.result_.error);
        }
        writer_.value(data::Dynamic(nested.writer_.encoded()));
      } else if (const std::optional<Value> v = typed_literal(name, inside)) {
        leaf(*v, false);
      } else {
        return fail("not a literal");
      }
      at_ = close + 1;
      return;
    }
    if (equal_ignore_case(name, "true"))
      writer_.boolean(true);
    else if (equal_ignore_case(name, "false"))
      writer_.boolean(false);
    else if (name == "null")
      writer_.null();
    else
      return fail("not a literal: " + std::string(name));
    at_ = end;
  }

  size_t matching_parenthesis(size_t open) const {
    int depth = 0;
    for (size_t i = open; i < s_.size(); ++i) {
      if (const StringLiteral string = scan_string(s_, i); string.found) {
        i = string.end - 1;
        continue;
      }
      if (s_[i] == '(') ++depth;
      if (s_[i] == ')' && --depth == 0) return i;
    }
    return std::string_view::npos;
  }

  void leaf(const Value& v, bool minus) {
    if (v.is_null()) return writer_.null();
    const int64_t sign = minus ? -1 : 1;
    switch (v.type()) {
      case Type::kBool:
        return writer_.boolean(v.as_bool());
      case Type::kReal:
        return writer_.real(minus ? -v.as_real() : v.as_real());
      case Type::kDatetime:
        return writer_.datetime(v.as_int());
      case Type::kTimespan:
        return writer_.timespan(sign * v.as_int());
      case Type::kString:
        return writer_.string(v.as_bytes());
      default:
        return writer_.integer(sign * v.as_int());
    }
  }

  std::string_view s_;
  size_t at_ = 0;
  data::DynamicWriter writer_;
  DynamicLiteral result_;
};

}  // namespace

DynamicLiteral parse_dynamic_literal(std::string_view text) {
  return Reader(text).read();
}

}  // namespace postern::lang::kql
