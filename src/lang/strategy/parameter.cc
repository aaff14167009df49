#include "lang/strategy/parameter.h"

#include <array>
#include <cmath>

#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"
#include "match/ip.h"

namespace postern::lang::strategy {

using data::DynamicWriter;
using data::Type;
using data::Value;

namespace {

struct TypeInfo {
  ParameterType type;
  std::string_view name;
  std::string_view example;
};

constexpr std::array<TypeInfo, 8> kTypes = {
    {{ParameterType::kStrings, "strings", "a list such as .zip,.7z"},
     {ParameterType::kInts, "ints", "a list such as 25,587"},
     {ParameterType::kCidrs, "cidrs", "a list such as 10.0.0.0/8,192.0.2.25"},
     {ParameterType::kSize, "size", "bytes such as 5MB, 512KiB or 900"},
     {ParameterType::kDuration, "duration", "a duration such as 90s, 2h or 1d"},
     {ParameterType::kReal, "real", "a number such as 2.5"},
     {ParameterType::kHours, "hours", "times of day such as 20:00-06:00 or 20:00-06:00+01:00"},
     {ParameterType::kRegex, "regex", "a regular expression such as ^mailx?$"}}};

const TypeInfo& info(ParameterType t) {
  for (const TypeInfo& i : kTypes)
    if (i.type == t) return i;
  return kTypes[0];
}

Error wrong(ParameterType t, std::string_view text) {
  return {Code::kInvalid,
          "`" + std::string(text) + "` is not " + std::string(parameter_example(t))};
}

// "20:00", to ticks since midnight; 24:00 is the end of the day.
std::optional<int64_t> parse_clock(std::string_view s) {
  const auto parts = split(s, ':');
  if (parts.size() != 2 || parts[0].empty() || parts[0].size() > 2 || parts[1].size() != 2)
    return std::nullopt;
  for (const std::string_view p : parts)
    for (const char c : p)
      if (!ascii_digit(c)) return std::nullopt;
  const auto h = parse_int(parts[0]);
  const auto m = parse_int(parts[1]);
  if (!h || !m || *h > 24 || *m > 59 || (*h == 24 && *m != 0)) return std::nullopt;
  return (*h * 60 + *m) * 60 * kTicksPerSecond;
}

// "20:00-06:00" or "20:00-06:00+01:00", which is 19:00 to 05:00 UTC.
std::optional<std::pair<int64_t, int64_t>> parse_hours(std::string_view text) {
  std::string_view s = trim(text);
  if (!s.empty() && (s.back() == 'Z' || s.back() == 'z')) s.remove_suffix(1);
  const size_t dash = s.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const size_t sign = s.find_first_of("+-", dash + 1);
  int64_t offset = 0;
  if (sign != std::string_view::npos) {
    const auto o = parse_clock(s.substr(sign + 1));
    if (!o || *o > 14 * 3600 * kTicksPerSecond) return std::nullopt;
    offset = s[sign] == '+' ? *o : -*o;
  }
  const auto from = parse_clock(trim(s.substr(0, dash)));
  const auto to = parse_clock(
      trim(s.substr(dash + 1, sign == std::string_view::npos ? sign : sign - dash - 1)));
  if (!from || !to) return std::nullopt;
  const auto utc = [&](int64_t clock) {
    return ((clock - offset) % kTicksPerDay + kTicksPerDay) % kTicksPerDay;
  };
  // The whole day stays the whole day.
  if (*to - *from == kTicksPerDay) return std::pair<int64_t, int64_t>(0, kTicksPerDay);
  return std::pair<int64_t, int64_t>(utc(*from), utc(*to));
}

bool is_cidr(std::string_view s) {
  return match::Cidr::parse(s) || match::IpAddress::parse(s);
}

Result<Value> list(ParameterType type, const std::vector<std::string>& texts) {
  DynamicWriter w;
  w.begin_array();
  for (const std::string& raw : texts) {
    const std::string_view text = trim(raw);
    if (type == ParameterType::kInts) {
      const auto i = parse_int(text);
      if (!i) return wrong(type, raw);
      w.integer(*i);
    } else {
      if (type == ParameterType::kCidrs && !is_cidr(text)) return wrong(type, raw);
      w.string(text);
    }
  }
  w.end();
  return Value::dynamic(w.take());
}

}  // namespace

bool parameter_type_from_name(std::string_view name, ParameterType& out) {
  for (const TypeInfo& i : kTypes) {
    if (i.name != name) continue;
    out = i.type;
    return true;
  }
  return false;
}

std::string_view parameter_type_name(ParameterType t) {
  return info(t).name;
}

std::string_view parameter_example(ParameterType t) {
  return info(t).example;
}

std::vector<std::string_view> parameter_type_names() {
  std::vector<std::string_view> out;
  for (const TypeInfo& i : kTypes)
    out.push_back(i.name);
  return out;
}

Result<ParameterValues> parameter_values(const std::string& name,
                                         ParameterType type,
                                         const std::vector<std::string>& texts) {
  ParameterValues out;
  if (type == ParameterType::kStrings || type == ParameterType::kInts ||
      type == ParameterType::kCidrs) {
    Result<Value> v = list(type, texts);
    if (!v) return v.error();
    out.emplace_back(name, std::move(*v));
    return out;
  }
  if (texts.size() != 1)
    return Error{Code::kInvalid, "one value is needed: " + std::string(parameter_example(type))};
  const std::string& text = texts[0];
  switch (type) {
    case ParameterType::kSize:
      if (const auto n = parse_size(text)) out.emplace_back(name, Value::integer(*n));
      break;
    case ParameterType::kDuration:
      if (const auto t = parse_timespan(trim(text)); t && *t >= 0)
        out.emplace_back(name, Value::timespan(*t));
      break;
    case ParameterType::kReal:
      if (const auto r = parse_real(trim(text))) out.emplace_back(name, Value::real(*r));
      break;
    case ParameterType::kHours:
      if (const auto h = parse_hours(text)) {
        out.emplace_back(name + "From", Value::timespan(h->first));
        out.emplace_back(name + "To", Value::timespan(h->second));
      }
      break;
    default:
      out.emplace_back(name, Value::string(text));
  }
  if (out.empty()) return wrong(type, text);
  return out;
}

Result<ParameterValues> parameter_from_setting(const std::string& name,
                                               ParameterType type,
                                               std::string_view text) {
  std::vector<std::string> texts;
  if (type == ParameterType::kStrings || type == ParameterType::kInts ||
      type == ParameterType::kCidrs) {
    for (const std::string_view part : split(text, ','))
      if (!trim(part).empty()) texts.emplace_back(trim(part));
  } else {
    texts.emplace_back(text);
  }
  return parameter_values(name, type, texts);
}

std::string_view kql_type(const Value& v) {
  switch (v.type()) {
    case Type::kDynamic:
      return "dynamic";
    case Type::kTimespan:
      return "timespan";
    case Type::kReal:
      return "real";
    case Type::kString:
      return "string";
    default:
      return "long";
  }
}

std::string kql_literal(const Value& v) {
  switch (v.type()) {
    case Type::kDynamic:
      return "dynamic(" + v.json() + ")";
    case Type::kTimespan:
      return "timespan(" + v.text() + ")";
    case Type::kReal:
      return "real(" + v.text() + ")";
    case Type::kString:
      return data::json_string(v.text());
    default:
      return v.text();
  }
}

}  // namespace postern::lang::strategy
