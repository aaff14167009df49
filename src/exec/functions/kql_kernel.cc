#include "exec/functions/kql_kernel.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/datetime_text.h"
#include "data/value.h"
#include "exec/functions/functions.h"

namespace postern::exec::kql {

// ---- text forms
// -----------------------------------------------------------------------------------

std::string real_to_text(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  // Plain digits as long as they are few.
  const double size = std::fabs(v);
  const bool plain = v == 0 || (size >= 1e-6 && size < 1e15);
  char buffer[64];
  const auto r = std::to_chars(buffer, buffer + sizeof buffer, v,
                               plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string out(buffer, r.ptr);
  if (out.find_first_not_of("-0123456789") == std::string::npos) out += ".0";
  return out;
}

void append_json(std::string& out, Dynamic d) {
  switch (d.kind()) {
    case Dynamic::Kind::kDatetime:
      out += "\"" + format_datetime_kusto(d.as_long()) + "\"";
      return;
    case Dynamic::Kind::kReal:
      if (std::isfinite(d.as_real()))
        out += real_to_text(d.as_real());
      else
        out += "\"" +
               std::string(std::isnan(d.as_real()) ? "NaN"
                           : d.as_real() > 0       ? "Infinity"
                                                   : "-Infinity") +
               "\"";
      return;
    case Dynamic::Kind::kArray:
    case Dynamic::Kind::kObject:
      break;
    default:
      out += d.json();
      return;
  }
  const bool object = d.is_object();
  out.push_back(object ? '{' : '[');
  for (uint32_t i = 0; i < d.size(); ++i) {
    if (i > 0) out.push_back(',');
    if (object) {
      data::append_json_string(out, d.key_at(i));
      out.push_back(':');
    }
    append_json(out, d.at(i));
  }
  out.push_back(object ? '}' : ']');
}

std::string to_json(Dynamic d) {
  std::string out;
  append_json(out, d);
  return out;
}

std::string to_text(Dynamic d) {
  switch (d.kind()) {
    case Dynamic::Kind::kNull:
      return "";
    case Dynamic::Kind::kString:
      return std::string(d.as_string());
    case Dynamic::Kind::kDatetime:
      return format_datetime_kusto(d.as_long());
    case Dynamic::Kind::kTimespan:
      return format_timespan(d.as_long());
    case Dynamic::Kind::kReal:
      return real_to_text(d.as_real());
    default:
      return to_json(d);
  }
}

// ---- values out of text
// -----------------------------------------------------------------------------

namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

/// 0x… of up to 64 bits.
std::optional<int64_t> hex_from_text(std::string_view s) {
  if (s.size() < 3 || s[0] != '0' || (s[1] | 32) != 'x') return std::nullopt;
  uint64_t v = 0;
  const auto r = std::from_chars(s.data() + 2, s.data() + s.size(), v, 16);
  if (r.ec != std::errc() || r.ptr != s.data() + s.size()) return std::nullopt;
  return static_cast<int64_t>(v);
}

/// The number if 32 bits hold it.
std::optional<int64_t> in_int(std::optional<int64_t> v) {
  const bool fits =
      v && *v >= std::numeric_limits<int32_t>::min() && *v <= std::numeric_limits<int32_t>::max();
  return fits ? v : std::nullopt;
}

}  // namespace

std::optional<int64_t> long_from_text(std::string_view s) {
  s = trim(s);
  if (const std::optional<int64_t> v = hex_from_text(s)) return v;
  return parse_int(s);
}

std::optional<int64_t> int_from_text(std::string_view s) {
  return in_int(long_from_text(s));
}

std::optional<double> real_from_text(std::string_view s) {
  s = trim(s);
  const bool minus = s.starts_with('-');
  std::string_view word = s;
  if (minus || s.starts_with('+')) word.remove_prefix(1);
  if (equal_ignore_case(word, "nan")) return std::numeric_limits<double>::quiet_NaN();
  // "Infinity", "Inf" and "inf" are numbers, "INF" is none.
  if (word == "inf" || word == "Inf" || equal_ignore_case(word, "infinity"))
    return minus ? -std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::infinity();
  if (const std::optional<double> v = parse_real(s)) return v;
  // Beyond the range of reals is infinite.
  if (s.empty() || s.find_first_not_of("+-.0123456789eE") != std::string_view::npos)
    return std::nullopt;
  const std::string text(s);
  char* end = nullptr;
  const double v = std::strtod(text.c_str(), &end);
  return std::isinf(v) && *end == '\0' ? std::optional(v) : std::nullopt;
}

std::optional<bool> bool_from_text(std::string_view s) {
  if (equal_ignore_case(s, "true")) return true;
  if (equal_ignore_case(s, "false")) return false;
  if (const std::optional<int64_t> v = hex_from_text(s)) return *v != 0;
  if (const std::optional<int64_t> v = parse_int(s)) return *v != 0;
  return std::nullopt;
}

std::optional<int64_t> long_from_real(double v) {
  if (!std::isfinite(v)) return std::nullopt;
  if (v >= kTwoTo63) return std::numeric_limits<int64_t>::max();
  if (v <= -kTwoTo63) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(v);
}

std::optional<int64_t> int_from_real(double v) {
  if (!std::isfinite(v)) return std::nullopt;
  if (v >= std::numeric_limits<int32_t>::max()) return std::numeric_limits<int32_t>::max();
  if (v <= std::numeric_limits<int32_t>::min()) return std::numeric_limits<int32_t>::min();
  return static_cast<int64_t>(v);
}

// ---- cells
// ------------------------------------------------------------------------------------------

Arg::Arg(const Column& c) : type_(c.type()), constant_(c.is_constant()) {
  bytes_ = c.view<std::string_view>();
  switch (data::physical(type_)) {
    case data::Physical::kByte:
      bools_ = c.view<uint8_t>();
      break;
    case data::Physical::kInt64:
      ints_ = c.view<int64_t>();
      break;
    case data::Physical::kDouble:
      reals_ = c.view<double>();
      break;
    case data::Physical::kBytes:
      break;
  }
}

bool Arg::valid(uint32_t row) const {
  switch (type_) {
    case Type::kNull:
      return false;
    case Type::kString:
      return true;
    case Type::kDynamic:
      return bytes_.valid(row) && !Dynamic(bytes_[row]).is_null();
    default:
      return bytes_.valid(row);  // validity bits do not depend on the physical type
  }
}

std::string_view Arg::text(uint32_t row) {
  if (!valid(row) || !bytes_.valid(row)) return "";
  switch (type_) {
    case Type::kString:
      return bytes_[row];
    case Type::kDynamic: {
      const Dynamic d(bytes_[row]);
      if (d.is_string()) return d.as_string();
      buffer_ = to_text(d);
      return buffer_;
    }
    case Type::kBool:
      return bools_[row] ? "True" : "False";
    case Type::kReal:
      buffer_ = real_to_text(reals_[row]);
      return buffer_;
    case Type::kDatetime:
      buffer_ = format_datetime_kusto(ints_[row]);
      return buffer_;
    case Type::kTimespan:
      buffer_ = format_timespan(ints_[row]);
      return buffer_;
    default: {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, ints_[row]).ptr;
      buffer_.assign(digits, end);
      return buffer_;
    }
  }
}

std::optional<double> Arg::number(uint32_t row) const {
  if (!valid(row)) return std::nullopt;
  switch (type_) {
    case Type::kReal:
      return reals_[row];
    case Type::kBool:
      return bools_[row] ? 1 : 0;
    case Type::kString:
      return std::nullopt;
    case Type::kDynamic: {
      const Dynamic d(bytes_[row]);
      if (d.kind() == Dynamic::Kind::kReal) return d.as_real();
      if (d.is_bool()) return d.as_bool() ? 1 : 0;
      if (d.is_string() || d.is_array() || d.is_object()) return std::nullopt;
      return static_cast<double>(d.as_long());
    }
    default:
      return static_cast<double>(ints_[row]);
  }
}

std::optional<int64_t> Arg::integer(uint32_t row) const {
  if (!valid(row)) return std::nullopt;
  if (data::physical(type_) == data::Physical::kInt64) return ints_[row];
  if (type_ == Type::kDynamic) {
    const Dynamic d(bytes_[row]);
    if (d.kind() == Dynamic::Kind::kLong || d.kind() == Dynamic::Kind::kDatetime ||
        d.kind() == Dynamic::Kind::kTimespan)
      return d.as_long();
  }
  const std::optional<double> v = number(row);
  return v ? long_from_real(*v) : std::nullopt;
}

std::optional<bool> Arg::boolean(uint32_t row) const {
  if (!valid(row)) return std::nullopt;
  if (type_ == Type::kBool) return bools_[row] != 0;
  const std::optional<double> v = number(row);
  return v ? std::optional(*v != 0) : std::nullopt;
}

std::optional<int64_t> Arg::datetime(uint32_t row) const {
  if (!valid(row)) return std::nullopt;
  if (type_ == Type::kDatetime) return ints_[row];
  if (type_ == Type::kString)
    return parse_datetime_text(bytes_.valid(row) ? bytes_[row] : std::string_view());
  if (type_ != Type::kDynamic) return std::nullopt;
  const Dynamic d(bytes_[row]);
  if (d.kind() == Dynamic::Kind::kDatetime) return d.as_long();
  return d.is_string() ? parse_datetime_text(d.as_string()) : std::nullopt;
}

std::optional<int64_t> Arg::timespan(uint32_t row) const {
  if (!valid(row)) return std::nullopt;
  if (type_ == Type::kTimespan) return ints_[row];
  if (type_ == Type::kString)
    return parse_timespan(bytes_.valid(row) ? bytes_[row] : std::string_view());
  if (type_ != Type::kDynamic) return std::nullopt;
  const Dynamic d(bytes_[row]);
  if (d.kind() == Dynamic::Kind::kTimespan) return d.as_long();
  return d.is_string() ? parse_timespan(d.as_string()) : std::nullopt;
}

Dynamic Arg::dynamic(uint32_t row) {
  if (!valid(row)) return Dynamic();
  if (type_ == Type::kDynamic) return Dynamic(bytes_[row]);
  writer_.clear();
  write_cell(writer_, *this, row);
  return Dynamic(writer_.encoded());
}

void write_cell(DynamicWriter& w, Arg& a, uint32_t row) {
  if (!a.valid(row)) return w.null();
  switch (a.type()) {
    case Type::kBool:
      return w.boolean(a.boolean(row).value_or(false));
    case Type::kReal:
      return w.real(a.reals(row));
    case Type::kDatetime:
      return w.datetime(a.ints(row));
    case Type::kTimespan:
      return w.timespan(a.ints(row));
    case Type::kString:
      return w.string(a.text(row));
    case Type::kDynamic:
      return w.value(Dynamic(a.raw(row)));
    default:
      return w.integer(a.ints(row));
  }
}

std::vector<Arg> arguments(const KernelCall& call) {
  std::vector<Arg> out;
  out.reserve(call.args.size());
  for (const Column& c : call.args)
    out.emplace_back(c);
  return out;
}

void set_dynamic(ColumnBuilder& out, uint32_t row, Dynamic d) {
  if (!d.is_null()) out.set_copy(row, d.encoded());
}

void set_made_text(ColumnBuilder& out, uint32_t row, std::string_view s) {
  size_t end = std::min(s.size(), kMaxMadeBytes);
  // Not within a character.
  while (end > 0 && end < s.size() && (static_cast<unsigned char>(s[end]) & 0xC0) == 0x80)
    --end;
  out.set_copy(row, s.substr(0, end));
}

void set_made_dynamic(ColumnBuilder& out, uint32_t row, DynamicWriter& w) {
  if (has_room(w.size())) set_dynamic(out, row, Dynamic(w.encoded()));
}

// ---- type rules
// -------------------------------------------------------------------------------------

Typing check_arguments(const TypeRequest& r, std::span<const Mask> masks, Type result) {
  static constexpr std::pair<Mask, std::string_view> kNames[] = {
      {kTextArg, "a string"},
      {kIntegerArg, "a whole number"},
      {kNumberArg, "a number"},
      {kBoolArg, "a bool"},
      {kDatetimeArg, "a datetime"},
      {kTimespanArg, "a timespan"},
      {kDynamicArg, "an array or a property bag"}};
  for (size_t i = 0; i < r.types.size() && !masks.empty(); ++i) {
    const Mask mask = masks[std::min(i, masks.size() - 1)];
    if (r.types[i] == Type::kNull || (mask & bit(r.types[i])) != 0) continue;
    std::string wanted = "another type";
    for (const auto& [m, name] : kNames)
      if (m == mask) wanted = name;
    const std::string message = "argument " + std::to_string(i + 1) + " must be " + wanted +
                                ", but is " + std::string(data::type_name(r.types[i]));
    if (mask == kTextArg) return Typing::coerced(result, message);
    return Typing::wrong(message);
  }
  return Typing::ok(result);
}

Type common_type(Type a, Type b) {
  if (a == Type::kNull || a == b) return b;
  if (b == Type::kNull) return a;
  if (data::is_integer(a) && data::is_integer(b)) return Type::kLong;
  if (data::is_numeric(a) && data::is_numeric(b)) return Type::kReal;
  return Type::kDynamic;
}

void add(plan::FunctionCatalog& catalog, std::span<const Spec> specs) {
  for (const Spec& s : specs) {
    FunctionDef f;
    f.name = "kql." + std::string(s.name);
    f.min_args = s.min_args;
    f.max_args = s.max_args;
    f.typing = s.typing;
    f.kernel = s.kernel;
    f.prepare = s.prepare;
    f.symbol = std::string(s.symbol);
    f.any_of = s.any_of;
    f.deterministic = s.deterministic;
    f.literals_from = s.literals_from;
    f.doc = std::string(s.doc);
    catalog.add(std::move(f));
  }
}

}  // namespace postern::exec::kql

namespace postern::exec {

void register_kql_functions(plan::FunctionCatalog& c) {
  kql::register_comparisons(c);
  kql::register_membership(c);
  kql::register_text_matches(c);
  kql::register_arithmetic(c);
  kql::register_math(c);
  kql::register_conversions(c);
  kql::register_strings(c);
  kql::register_regexes(c);
  kql::register_parsers(c);
  kql::register_encodings(c);
  kql::register_dynamic(c);
  kql::register_arrays(c);
  kql::register_sets(c);
  kql::register_datetimes(c);
  kql::register_time_formats(c);
  kql::register_addresses(c);
  kql::register_parse_operator(c);
  kql::register_key_values(c);
  kql::register_xml(c);
  kql::register_beacons(c);
  kql::register_windows(c);
}

}  // namespace postern::exec
