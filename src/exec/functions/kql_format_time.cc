// format_datetime() and format_timespan(). A pattern is read greedily in tokens of Kusto's short
// list, so `dddd` is `dd` twice; other letters are faults. Source: Kusto documentation; engine
// answers.
#include <array>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

struct Token {
  char letter = 0;  ///< 0: literal text
  size_t length = 0;
  std::string text;
};

using Pattern = std::vector<Token>;

/// Longest run of one letter that is a token, for datetimes and for timespans (0: no token).
struct Letter {
  char letter;
  std::array<size_t, 2> longest;
};

constexpr Letter kLetters[] = {{'y', {4, 0}}, {'M', {2, 0}}, {'d', {2, 8}}, {'h', {2, 2}},
                               {'H', {2, 2}}, {'m', {2, 2}}, {'s', {2, 2}}, {'f', {7, 7}},
                               {'F', {7, 7}}, {'t', {2, 0}}};

constexpr std::string_view kDelimiters = " /-:,._[]";

/// Tokens of a pattern; nullopt when it has a letter that is none. `spans`: of format_timespan().
std::optional<Pattern> read_pattern(std::string_view s, bool spans) {
  Pattern out;
  for (size_t at = 0; at < s.size();) {
    const char c = s[at];
    size_t longest = 0;
    for (const Letter& l : kLetters)
      if (l.letter == c) longest = l.longest[spans ? 1 : 0];
    if (longest == 0) {
      if (kDelimiters.find(c) == std::string_view::npos) return std::nullopt;
      out.push_back({0, 1, std::string(1, c)});
      ++at;
      continue;
    }
    size_t n = 1;
    while (n < longest && at + n < s.size() && s[at + n] == c)
      ++n;
    if (c == 'y' && n == 3) n = 2;
    if (c == 't' && n != 2) return std::nullopt;
    out.push_back({c, n, ""});
    at += n;
  }
  return out;
}

void append_padded(std::string& out, int64_t v, size_t width) {
  const std::string digits = std::to_string(v);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

/// `f` fills up with zeros, `F` drops them at the end.
void append_fraction(std::string& out, int64_t sub_ticks, const Token& t) {
  std::string digits = std::to_string(kTicksPerSecond + sub_ticks).substr(1, t.length);
  if (t.letter == 'F')
    while (!digits.empty() && digits.back() == '0')
      digits.pop_back();
  out += digits;
}

std::string format_point(int64_t ticks, const Pattern& pattern) {
  const CivilTime c = civil_from_ticks(ticks);
  std::string out;
  for (const Token& t : pattern) {
    switch (t.letter) {
      case 'y':
        append_padded(out, t.length == 4 ? c.year : c.year % 100, t.length == 4 ? 4 : 2);
        break;
      case 'M':
        append_padded(out, c.month, t.length);
        break;
      case 'd':
        append_padded(out, c.day, t.length);
        break;
      case 'h':
        append_padded(out, c.hour % 12 == 0 ? 12 : c.hour % 12, t.length);
        break;
      case 'H':
        append_padded(out, c.hour, t.length);
        break;
      case 'm':
        append_padded(out, c.minute, t.length);
        break;
      case 's':
        append_padded(out, c.second, t.length);
        break;
      case 'f':
      case 'F':
        append_fraction(out, c.sub_ticks, t);
        break;
      case 't':
        out += c.hour < 12 ? "AM" : "PM";
        break;
      default:
        out += t.text;
    }
  }
  return out;
}

std::string format_span(int64_t ticks, const Pattern& pattern) {
  std::string out = ticks < 0 ? "-" : "";
  const uint64_t size = ticks < 0 ? 0 - static_cast<uint64_t>(ticks) : static_cast<uint64_t>(ticks);
  const auto part = [&](int64_t unit, int64_t modulus) {
    const uint64_t v = size / static_cast<uint64_t>(unit);
    return static_cast<int64_t>(modulus == 0 ? v : v % static_cast<uint64_t>(modulus));
  };
  for (const Token& t : pattern) {
    switch (t.letter) {
      case 'd':
        append_padded(out, part(kTicksPerDay, 0), t.length);
        break;
      case 'h':
      case 'H':
        append_padded(out, part(kTicksPerHour, 24), t.length);
        break;
      case 'm':
        append_padded(out, part(kTicksPerMinute, 60), t.length);
        break;
      case 's':
        append_padded(out, part(kTicksPerSecond, 60), t.length);
        break;
      case 'f':
      case 'F':
        append_fraction(out, part(1, kTicksPerSecond), t);
        break;
      default:
        out += t.text;
    }
  }
  return out;
}

template <bool spans>
Result<std::shared_ptr<const void>> prepare_pattern(std::span<const Value* const> constants,
                                                    std::span<const Type>) {
  if (!constants[1]) return std::shared_ptr<const void>();
  std::optional<Pattern> pattern = read_pattern(constants[1]->text(), spans);
  if (!pattern) return Error{Code::kInvalid, "not a format: " + constants[1]->text()};
  return std::shared_ptr<const void>(std::make_shared<Pattern>(*std::move(pattern)));
}

template <bool spans>
Column format_kernel(const KernelCall& call) {
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> ticks = spans ? args[0].timespan(row) : args[0].datetime(row);
    if (!ticks) {
      out.set_copy(row, "");
      return;
    }
    const auto* pattern = static_cast<const Pattern*>(call.state);
    std::optional<Pattern> own;
    if (!pattern) {
      own = read_pattern(args[1].text(row), spans);
      pattern = own ? &*own : nullptr;
    }
    out.set_copy(row, !pattern ? std::string()
                      : spans  ? format_span(*ticks, *pattern)
                               : format_point(*ticks, *pattern));
  });
}

constexpr Spec kSpecs[] = {
    {"format_datetime", 2, 2, fixed<Type::kString, kDatetimeArg, kTextArg>, format_kernel<false>,
     "A datetime in a format of your own.", prepare_pattern<false>},
    {"format_timespan", 2, 2, fixed<Type::kString, kTimespanArg, kTextArg>, format_kernel<true>,
     "A timespan in a format of your own.", prepare_pattern<true>},
};

}  // namespace

void register_time_formats(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
