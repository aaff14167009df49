// Reading and writing of encoded dynamic values. JSON text is read in dynamic_json.cc.
//
// The reader trusts lengths only as far as the view reaches: bytes that are no encoding (a bug)
// read as null or "", never out of bounds.
#include "data/dynamic.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "base/time.h"
#include "data/value.h"

namespace postern::data {
namespace {

using Kind = Dynamic::Kind;

constexpr size_t kContainerHeader = 9;  // tag, count, size
// Deeper than any source may nest (JSON: 128); a limit only so that printing cannot overflow the
// stack.
constexpr int kMaxPrintDepth = 1000;

uint32_t get32(std::string_view s, size_t at) {
  uint32_t v = 0;
  if (at <= s.size() && s.size() - at >= sizeof v) std::memcpy(&v, s.data() + at, sizeof v);
  return v;
}

uint64_t get64(std::string_view s, size_t at) {
  uint64_t v = 0;
  if (at <= s.size() && s.size() - at >= sizeof v) std::memcpy(&v, s.data() + at, sizeof v);
  return v;
}

std::string_view part(std::string_view s, size_t at, size_t length) {
  return at <= s.size() ? s.substr(at, length) : std::string_view();
}

void store32(std::string& s, size_t at, uint32_t v) {
  std::memcpy(s.data() + at, &v, sizeof v);
}

uint32_t checked32(size_t n) {
  POSTERN_CHECK(n <= UINT32_MAX);
  return static_cast<uint32_t>(n);
}

/// One element of an array, or one key and value of an object.
std::string_view entry(std::string_view bytes, uint32_t count, uint32_t i) {
  const size_t base = kContainerHeader + size_t{4} * count;
  const size_t size = get32(bytes, 5);
  if (size < size_t{4} * count) return {};
  const size_t begin = get32(bytes, kContainerHeader + size_t{4} * i);
  const size_t end = i + 1 < count ? get32(bytes, kContainerHeader + size_t{4} * (i + 1))
                                   : size - size_t{4} * count;
  return end > begin ? part(bytes, base + begin, end - begin) : std::string_view();
}

/// A real always reads back as a real: "1.0", never "1". JSON has no NaN: a string, as Kusto
/// writes.
void append_real(std::string& out, double v) {
  if (!std::isfinite(v)) {
    out.append("\"").append(real_text(v)).append("\"");
    return;
  }
  const std::string text = real_text(v);
  out.append(text);
  if (text.find_first_not_of("-0123456789") == std::string::npos) out.append(".0");
}

void append_json(std::string& out, Dynamic d, int depth) {
  switch (d.kind()) {
    case Kind::kFalse:
      out.append("false");
      return;
    case Kind::kTrue:
      out.append("true");
      return;
    case Kind::kLong:
      out.append(std::to_string(d.as_long()));
      return;
    case Kind::kReal:
      return append_real(out, d.as_real());
    case Kind::kString:
      return append_json_string(out, d.as_string());
    case Kind::kDatetime:
      out.append("\"").append(format_rfc3339(d.as_long())).append("\"");
      return;
    case Kind::kTimespan:
      out.append("\"").append(format_timespan(d.as_long())).append("\"");
      return;
    case Kind::kArray:
    case Kind::kObject:
      break;
    default:
      out.append("null");
      return;
  }
  if (depth >= kMaxPrintDepth) {
    out.append("null");
    return;
  }
  const bool object = d.is_object();
  out.push_back(object ? '{' : '[');
  const uint32_t count = d.size();
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0) out.push_back(',');
    if (object) {
      append_json_string(out, d.key_at(i));
      out.push_back(':');
    }
    append_json(out, d.at(i), depth + 1);
  }
  out.push_back(object ? '}' : ']');
}

}  // namespace

int64_t Dynamic::as_long() const {
  switch (kind()) {
    case Kind::kLong:
    case Kind::kDatetime:
    case Kind::kTimespan:
      return static_cast<int64_t>(get64(bytes_, 1));
    case Kind::kReal: {
      const double v = as_real();
      if (std::isnan(v)) return 0;
      if (v >= 9223372036854775808.0) return INT64_MAX;
      if (v < -9223372036854775808.0) return INT64_MIN;
      return static_cast<int64_t>(v);
    }
    default:
      return 0;
  }
}

double Dynamic::as_real() const {
  if (kind() == Kind::kReal) return std::bit_cast<double>(get64(bytes_, 1));
  return static_cast<double>(as_long());
}

std::string_view Dynamic::as_string() const {
  return is_string() ? part(bytes_, 5, get32(bytes_, 1)) : std::string_view();
}

uint32_t Dynamic::size() const {
  if (!is_array() && !is_object()) return 0;
  const uint32_t count = get32(bytes_, 1);
  return bytes_.size() >= kContainerHeader + size_t{4} * count ? count : 0;
}

Dynamic Dynamic::at(uint32_t i) const {
  const uint32_t count = size();
  if (i >= count) return {};
  const std::string_view e = entry(bytes_, count, i);
  return Dynamic(is_object() ? part(e, size_t{4} + get32(e, 0), e.size()) : e);
}

std::string_view Dynamic::key_at(uint32_t i) const {
  const uint32_t count = size();
  if (i >= count || !is_object()) return {};
  const std::string_view e = entry(bytes_, count, i);
  return part(e, 4, get32(e, 0));
}

Dynamic Dynamic::find(std::string_view key) const {
  if (!is_object()) return {};
  for (uint32_t i = size(); i-- > 0;)
    if (key_at(i) == key) return at(i);
  return {};
}

std::string Dynamic::json() const {
  std::string out;
  append_json(out, *this, 0);
  return out;
}

std::string Dynamic::text() const {
  switch (kind()) {
    case Kind::kNull:
      return {};
    case Kind::kReal:
      return real_text(as_real());
    case Kind::kString:
      return std::string(as_string());
    case Kind::kDatetime:
      return format_rfc3339(as_long());
    case Kind::kTimespan:
      return format_timespan(as_long());
    default:
      return json();
  }
}

void DynamicWriter::tag(Dynamic::Kind k) {
  start_value();
  out_.push_back(static_cast<char>(k));
}

void DynamicWriter::start_value() {
  if (depth_ == 0) {
    POSTERN_CHECK(out_.empty());  // one value per writer
    return;
  }
  Open& o = open_[depth_ - 1];
  POSTERN_CHECK(o.object == after_key_);
  if (!o.object) o.offsets.push_back(checked32(out_.size() - o.start - kContainerHeader));
  after_key_ = false;
}

void DynamicWriter::put32(uint32_t v) {
  char b[sizeof v];
  std::memcpy(b, &v, sizeof v);
  out_.append(b, sizeof v);
}

void DynamicWriter::put64(uint64_t v) {
  char b[sizeof v];
  std::memcpy(b, &v, sizeof v);
  out_.append(b, sizeof v);
}

void DynamicWriter::real(double v) {
  tag(Kind::kReal);
  put64(std::bit_cast<uint64_t>(v));
}

void DynamicWriter::string(std::string_view v) {
  start_value();
  const uint32_t size = checked32(v.size());
  char head[1 + sizeof size];
  head[0] = static_cast<char>(Kind::kString);
  std::memcpy(head + 1, &size, sizeof size);
  out_.append(head, sizeof head);
  out_.append(v);
}

void DynamicWriter::value(Dynamic v) {
  if (v.encoded().empty()) return null();
  start_value();
  out_.append(v.encoded());
}

void DynamicWriter::begin(Dynamic::Kind k) {
  tag(k);
  // Closed levels stay in `open_` so that their offset buffers are used again.
  if (open_.size() == depth_) open_.emplace_back();
  Open& o = open_[depth_++];
  o.start = out_.size() - 1;
  o.offsets.clear();
  o.object = k == Kind::kObject;
  put64(0);  // count and size: known at the end
}

void DynamicWriter::key(std::string_view k) {
  POSTERN_CHECK(depth_ > 0 && open_[depth_ - 1].object && !after_key_);
  Open& o = open_[depth_ - 1];
  o.offsets.push_back(checked32(out_.size() - o.start - kContainerHeader));
  put32(checked32(k.size()));
  out_.append(k);
  after_key_ = true;
}

void DynamicWriter::end() {
  POSTERN_CHECK(depth_ > 0 && !after_key_);
  const Open& o = open_[--depth_];
  const size_t elements = out_.size() - o.start - kContainerHeader;
  const size_t table = o.offsets.size() * sizeof(uint32_t);
  store32(out_, o.start + 1, checked32(o.offsets.size()));
  store32(out_, o.start + 5, checked32(table + elements));
  // The elements make room for the table in front of them.
  out_.insert(o.start + kContainerHeader, table, '\0');
  if (table > 0) std::memcpy(out_.data() + o.start + kContainerHeader, o.offsets.data(), table);
}

std::string_view DynamicWriter::encoded() const {
  POSTERN_CHECK(depth_ == 0);
  return out_;
}

void DynamicWriter::clear() {
  out_.clear();
  depth_ = 0;
  after_key_ = false;
}

std::string DynamicWriter::take() {
  POSTERN_CHECK(depth_ == 0);
  return std::exchange(out_, std::string());
}

}  // namespace postern::data
