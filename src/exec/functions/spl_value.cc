#include "exec/functions/spl_value.h"

#include <charconv>
#include <cmath>

#include "base/time.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Dynamic;
using data::Physical;
using data::Type;

namespace {

constexpr double kWholeLimit = 9.2e18;

}  // namespace

SplNumber SplNumber::of(double d) {
  // Whole numbers are kept exact as far as a double itself is exact.
  if (d == std::trunc(d) && std::fabs(d) < 9.007199254740992e15)
    return {true, static_cast<int64_t>(d), d};
  return {false, 0, d};
}

int compare(const SplNumber& a, const SplNumber& b) {
  if (a.whole && b.whole) return a.integer < b.integer ? -1 : a.integer > b.integer ? 1 : 0;
  return a.real < b.real ? -1 : a.real > b.real ? 1 : 0;
}

std::optional<SplNumber> spl_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const char c = text[0];
  if (!ascii_digit(c) && c != '-' && c != '+' && c != '.') return std::nullopt;
  if (const auto i = parse_int(text)) return SplNumber::of(*i);
  if (const auto d = parse_real(text)) return SplNumber::of(*d);
  return std::nullopt;
}

std::string spl_number_text(const SplNumber& n) {
  return n.whole ? std::to_string(n.integer) : real_text(n.real);
}

std::string spl_time_text(int64_t ticks) {
  const int64_t since = ticks - kUnixEpochTicks;
  int64_t seconds = since / kTicksPerSecond;
  int64_t rest = since % kTicksPerSecond;
  std::string out;
  if (since < 0) {
    out = "-";
    seconds = -seconds;
    rest = -rest;
  }
  out += std::to_string(seconds);
  if (rest == 0) return out;
  std::string fraction = std::to_string(rest);
  fraction.insert(0, 7 - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return out + "." + fraction;
}

SplNumber spl_time_number(int64_t ticks) {
  const int64_t since = ticks - kUnixEpochTicks;
  if (since % kTicksPerSecond == 0) return SplNumber::of(since / kTicksPerSecond);
  return {false, 0, static_cast<double>(since) / static_cast<double>(kTicksPerSecond)};
}

std::optional<int64_t> spl_ticks(const SplNumber& seconds) {
  if (seconds.whole) {
    if (seconds.integer > 253'402'300'799 || seconds.integer < -62'135'596'800) return std::nullopt;
    return kUnixEpochTicks + seconds.integer * kTicksPerSecond;
  }
  if (!(seconds.real < 253'402'300'800.0) || !(seconds.real >= -62'135'596'800.0))
    return std::nullopt;
  const double whole = std::floor(seconds.real);
  const auto rest = static_cast<int64_t>(
      std::llround((seconds.real - whole) * static_cast<double>(kTicksPerSecond)));
  return kUnixEpochTicks + static_cast<int64_t>(whole) * kTicksPerSecond + rest;
}

SplCells::SplCells(const Column& column) : type_(column.type()) {
  if (type_ == Type::kNull) return;
  switch (data::physical(type_)) {
    case Physical::kByte:
      bools_ = column.view<uint8_t>();
      break;
    case Physical::kInt64:
      ints_ = column.view<int64_t>();
      break;
    case Physical::kDouble:
      reals_ = column.view<double>();
      break;
    case Physical::kBytes:
      bytes_ = column.view<std::string_view>();
      break;
  }
}

uint32_t SplCells::count(uint32_t row) const {
  if (type_ == Type::kNull) return 0;
  switch (data::physical(type_)) {
    case Physical::kByte:
      return bools_.valid(row) ? 1 : 0;
    case Physical::kInt64:
      return ints_.valid(row) ? 1 : 0;
    case Physical::kDouble:
      return reals_.valid(row) ? 1 : 0;
    case Physical::kBytes:
      break;
  }
  if (!bytes_.valid(row)) return 0;
  if (type_ == Type::kString) return 1;
  const Dynamic d(bytes_[row]);
  if (d.is_null()) return 0;
  return d.is_array() ? d.size() : 1;
}

Dynamic SplCells::member(uint32_t row, uint32_t i) const {
  const Dynamic d(bytes_[row]);
  return d.is_array() ? d.at(i) : d;
}

std::string_view SplCells::text(uint32_t row, uint32_t i) {
  switch (type_) {
    case Type::kString:
      return bytes_[row];
    case Type::kDynamic: {
      const Dynamic d = member(row, i);
      if (d.is_string()) return d.as_string();
      buffer_ = d.kind() == Dynamic::Kind::kDatetime ? spl_time_text(d.as_long()) : d.text();
      return buffer_;
    }
    case Type::kBool:
      return bools_[row] ? "true" : "false";
    case Type::kReal:
      buffer_ = real_text(reals_[row]);
      return buffer_;
    case Type::kDatetime:
      buffer_ = spl_time_text(ints_[row]);
      return buffer_;
    case Type::kTimespan:
      buffer_ = spl_time_text(ints_[row] + kUnixEpochTicks);
      return buffer_;
    default: {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, ints_[row]).ptr;
      buffer_.assign(digits, end);
      return buffer_;
    }
  }
}

std::optional<SplNumber> SplCells::number(uint32_t row, uint32_t i) {
  switch (type_) {
    case Type::kString:
      return spl_number(bytes_[row]);
    case Type::kDynamic: {
      const Dynamic d = member(row, i);
      if (d.kind() == Dynamic::Kind::kLong) return SplNumber::of(d.as_long());
      if (d.kind() == Dynamic::Kind::kReal) return SplNumber::of(d.as_real());
      if (d.kind() == Dynamic::Kind::kDatetime) return spl_time_number(d.as_long());
      return d.is_string() ? spl_number(d.as_string()) : std::nullopt;
    }
    case Type::kBool:
    case Type::kNull:
      return std::nullopt;
    case Type::kReal:
      return SplNumber::of(reals_[row]);
    case Type::kDatetime:
      return spl_time_number(ints_[row]);
    case Type::kTimespan:
      return spl_time_number(ints_[row] + kUnixEpochTicks);
    default:
      return SplNumber::of(ints_[row]);
  }
}

std::optional<int64_t> SplCells::ticks(uint32_t row) const {
  if (type_ != Type::kDatetime || !ints_.valid(row)) return std::nullopt;
  return ints_[row];
}

Type spl_common_type(std::span<const Type> types) {
  Type common = Type::kNull;
  for (Type t : types) {
    if (t == Type::kNull) continue;
    if (t == Type::kInt) t = Type::kLong;
    if (t == Type::kTimespan) t = Type::kReal;  // SPL has no spans of time, only seconds
    if (common == Type::kNull || common == t) {
      common = t;
      continue;
    }
    const auto number = [](Type x) { return data::is_numeric(x) || x == Type::kDatetime; };
    if (common == Type::kDynamic || t == Type::kDynamic)
      common = Type::kDynamic;
    else if (number(common) && number(t))
      common = Type::kReal;
    else
      common = Type::kString;
  }
  return common == Type::kNull ? Type::kString : common;
}

void spl_copy(SplCells& from, uint32_t row, ColumnBuilder& out) {
  const uint32_t n = from.count(row);
  if (n == 0) return;
  switch (out.type()) {
    case Type::kDynamic: {
      std::vector<std::string> values;
      for (uint32_t i = 0; i < n; ++i)
        values.emplace_back(from.text(row, i));
      spl_set_values(out, row, values);
      return;
    }
    case Type::kBool:
      out.set(row, from.text(row) == "true");
      return;
    case Type::kDatetime:
      if (const auto t = from.ticks(row)) out.set(row, *t);
      return;
    case Type::kReal:
      if (const auto v = from.number(row)) out.set(row, v->real);
      return;
    case Type::kString:
      out.set_copy(row, from.text(row));
      return;
    default:
      if (const auto v = from.number(row); v && std::fabs(v->real) < kWholeLimit)
        out.set(row, v->whole ? v->integer : static_cast<int64_t>(v->real));
      return;
  }
}

std::string spl_encode_values(const std::vector<std::string>& values) {
  data::DynamicWriter w;
  if (values.size() == 1) {
    w.string(values[0]);
    return w.take();
  }
  w.begin_array();
  for (const std::string& v : values)
    w.string(v);
  w.end();
  return w.take();
}

void spl_set_values(ColumnBuilder& out, uint32_t row, const std::vector<std::string>& values) {
  if (!values.empty()) out.set_copy(row, spl_encode_values(values));
}

std::optional<std::string> spl_constant(std::span<const data::Value* const> constants, size_t i) {
  if (i >= constants.size() || !constants[i] || constants[i]->is_null()) return std::nullopt;
  return constants[i]->text();
}

plan::FunctionDef spl_function(std::string name,
                               int min_args,
                               int max_args,
                               plan::Typing (*typing)(const plan::TypeRequest&),
                               plan::Kernel kernel,
                               std::string doc,
                               plan::Prepare prepare,
                               std::string symbol) {
  plan::FunctionDef f;
  f.name = "spl." + std::move(name);
  f.min_args = min_args;
  f.max_args = max_args;
  f.typing = typing;
  f.kernel = kernel;
  f.prepare = prepare;
  f.symbol = std::move(symbol);
  f.doc = std::move(doc);
  return f;
}

}  // namespace postern::exec
