#include "data/value.h"

#include <cmath>

#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"

namespace postern::data {
namespace {

/// Bytes that go into a JSON string as they are.
constexpr bool plain(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x20 && u < 0x7f && c != '"' && c != '\\';
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    case '\b':
      out.append("\\b");
      return;
    case '\f':
      out.append("\\f");
      return;
    default:
      out.append("\\u00").append(hex(std::string_view(&c, 1)));
  }
}

}  // namespace

Value Value::real(double d) {
  Value v(Type::kReal, int64_t{0});
  v.real_ = d;
  return v;
}

std::string Value::text() const {
  if (null_) return {};
  switch (type_) {
    case Type::kBool:
      return int_ != 0 ? "true" : "false";
    case Type::kReal:
      return real_text(real_);
    case Type::kDatetime:
      return format_rfc3339(int_);
    case Type::kTimespan:
      return format_timespan(int_);
    case Type::kString:
      return bytes_;
    case Type::kDynamic:
      return Dynamic(bytes_).text();
    default:
      return std::to_string(int_);
  }
}

std::string Value::json() const {
  if (null_) return "null";
  switch (type_) {
    case Type::kReal:
      // JSON has no NaN or infinity: a string, as Kusto writes them.
      return std::isfinite(real_) ? real_text(real_) : json_string(real_text(real_));
    case Type::kDatetime:
    case Type::kTimespan:
    case Type::kString:
      return json_string(text());
    case Type::kDynamic:
      return Dynamic(bytes_).json();
    default:
      return text();
  }
}

bool operator==(const Value& a, const Value& b) {
  if (a.type_ != b.type_ || a.null_ != b.null_) return false;
  if (a.null_) return true;
  switch (physical(a.type_)) {
    case Physical::kDouble:
      // Same value for a reader of rows: NaN is NaN.
      return a.real_ == b.real_ || (std::isnan(a.real_) && std::isnan(b.real_));
    case Physical::kBytes:
      return a.bytes_ == b.bytes_;
    default:
      return a.int_ == b.int_;
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t at = 0;
  while (at < text.size()) {
    const size_t run = at;
    while (at < text.size() && plain(text[at]))
      ++at;
    out.append(text.substr(run, at - run));
    if (at == text.size()) break;
    if (static_cast<unsigned char>(text[at]) < 0x80)
      append_escaped(out, text[at++]);
    else
      append_utf8(out, next_code_point(text, at));
  }
  out.push_back('"');
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

}  // namespace postern::data
