// Text functions of eval. Those that take a field work on each value of a multivalue field.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "adapt/hash.h"
#include "exec/functions/spl_value.h"
#include "match/ip.h"
#include "match/wildcard.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

constexpr size_t kMaxPrintfWidth = 1000;

std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

Column concat_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  std::vector<SplCells> parts;
  for (const Column& c : call.args)
    parts.emplace_back(c);
  std::string joined;
  for (const uint32_t row : call.rows) {
    joined.clear();
    bool complete = true;
    for (SplCells& p : parts) {
      complete = complete && p.valid(row);
      if (complete) joined += p.text(row);
    }
    if (complete) out.set_copy(row, joined);
  }
  return out.finish();
}

Column lower_kernel(const KernelCall& call) {
  return spl_map_text(call,
                      [](std::string_view s) -> std::optional<std::string> { return fold(s); });
}

Column upper_kernel(const KernelCall& call) {
  return spl_map_text(call,
                      [](std::string_view s) -> std::optional<std::string> { return upper(s); });
}

Column len_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kLong, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!cells.valid(row)) continue;
    const std::string_view s = cells.text(row);
    int64_t n = 0;
    for (size_t at = 0; at < s.size(); ++n)
      next_code_point(s, at);
    out.set(row, n);
  }
  return out.finish();
}

// substr(s, start[, length]): characters count from 1, a negative start from the end.
Column substr_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells text(call.args[0]);
  SplCells start(call.args[1]);
  std::vector<SplCells> length;
  if (call.args.size() > 2) length.emplace_back(call.args[2]);
  std::vector<size_t> begins;
  for (const uint32_t row : call.rows) {
    const auto from = text.valid(row) && start.valid(row) ? start.number(row) : std::nullopt;
    if (!from) continue;
    const std::string_view s = text.text(row);
    begins.clear();
    for (size_t at = 0; at < s.size();) {
      begins.push_back(at);
      next_code_point(s, at);
    }
    begins.push_back(s.size());
    const auto size = static_cast<double>(begins.size() - 1);
    double first = std::trunc(from->real);
    first = first > 0 ? first - 1 : first < 0 ? std::max(0.0, size + first) : 0;
    double last = size;
    if (!length.empty()) {
      const auto n = length[0].valid(row) ? length[0].number(row) : std::nullopt;
      if (!n) continue;
      last = std::min(size, first + std::max(0.0, std::trunc(n->real)));
    }
    if (first >= size || last <= first) {
      out.set_copy(row, "");
      continue;
    }
    const size_t begin = begins[static_cast<size_t>(first)];
    out.set_copy(row, s.substr(begin, begins[static_cast<size_t>(last)] - begin));
  }
  return out.finish();
}

// trim(s[, characters]).
template <bool left, bool right>
Column trim_kernel(const KernelCall& call) {
  std::string characters = " \t\r\n";
  if (call.args.size() > 1) {
    SplCells given(call.args[1]);
    if (!call.rows.empty() && given.valid(call.rows[0]))
      characters = std::string(given.text(call.rows[0]));
  }
  return spl_map_text(call, [&](std::string_view s) -> std::optional<std::string> {
    if (left) s.remove_prefix(std::min(s.find_first_not_of(characters), s.size()));
    if (right) s = s.substr(0, s.find_last_not_of(characters) + 1);
    return std::string(s);
  });
}

Column urldecode_kernel(const KernelCall& call) {
  return spl_map_text(call, [](std::string_view s) -> std::optional<std::string> {
    const auto digit = [](char c) {
      return ascii_digit(c) ? c - '0' : (ascii_lower(c) - 'a' + 10);
    };
    const auto is_hex = [](char c) {
      return ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
    };
    std::string out;
    for (size_t i = 0; i < s.size(); ++i) {
      if (s[i] == '%' && i + 2 < s.size() && is_hex(s[i + 1]) && is_hex(s[i + 2])) {
        out += static_cast<char>(digit(s[i + 1]) * 16 + digit(s[i + 2]));
        i += 2;
      } else {
        out += s[i] == '+' ? ' ' : s[i];
      }
    }
    return out;
  });
}

template <std::string (*digest)(std::string_view)>
Column digest_kernel(const KernelCall& call) {
  return spl_map_text(call,
                      [](std::string_view s) -> std::optional<std::string> { return digest(s); });
}

// The text of a value as it is: a multivalue field's values joined by line ends.
Column text_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  std::string joined;
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    if (n == 1) out.set_copy(row, cells.text(row));
    if (n < 2) continue;
    joined.clear();
    for (uint32_t i = 0; i < n; ++i) {
      if (i > 0) joined += '\n';
      joined += cells.text(row, i);
    }
    out.set_copy(row, joined);
  }
  return out.finish();
}

// ---- tostring(x[, "hex" | "commas" | "duration"])
// -----------------------------------------------------

std::string with_commas(double x) {
  char buffer[400];
  const bool whole = x == std::trunc(x);
  std::snprintf(buffer, sizeof buffer, whole ? "%.0f" : "%.2f", std::fabs(x));
  std::string s = buffer;
  const size_t point = std::min(s.find('.'), s.size());
  for (size_t i = point; i > 3; i -= 3)
    s.insert(i - 3, 1, ',');
  return x < 0 ? "-" + s : s;
}

std::string duration_text(double seconds) {
  const bool negative = seconds < 0;
  const auto total = static_cast<int64_t>(std::fabs(seconds));
  char buffer[64];
  const long long days = total / 86'400;
  const int hours = static_cast<int>(total / 3600 % 24);
  const int minutes = static_cast<int>(total / 60 % 60);
  const int rest = static_cast<int>(total % 60);
  if (days > 0)
    std::snprintf(buffer, sizeof buffer, "%lld+%02d:%02d:%02d", days, hours, minutes, rest);
  else
    std::snprintf(buffer, sizeof buffer, "%02d:%02d:%02d", hours, minutes, rest);
  return negative ? "-" + std::string(buffer) : buffer;
}

Column tostring_kernel(const KernelCall& call) {
  std::string format;
  if (call.args.size() > 1) {
    SplCells given(call.args[1]);
    if (!call.rows.empty() && given.valid(call.rows[0]))
      format = std::string(given.text(call.rows[0]));
  }
  if (format.empty() && call.args[0].type() == Type::kString) return call.args[0];
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!cells.valid(row)) continue;
    const std::string_view s = cells.text(row);
    if (cells.type() == Type::kBool) {
      out.set_copy(row, s == "true" ? "True" : "False");
      continue;
    }
    const auto n = format.empty() ? std::nullopt : cells.number(row);
    if (!n || std::fabs(n->real) > 1e18) {
      out.set_copy(row, cells.text(row));
    } else if (format == "hex") {
      char buffer[32];
      std::snprintf(buffer, sizeof buffer, "0x%llX",
                    static_cast<unsigned long long>(static_cast<int64_t>(n->real)));
      out.set_copy(row, buffer);
    } else if (format == "commas") {
      out.set_copy(row, with_commas(n->real));
    } else if (format == "duration") {
      out.set_copy(row, duration_text(n->real));
    } else {
      out.set_copy(row, cells.text(row));
    }
  }
  return out.finish();
}

// ---- printf
// ---------------------------------------------------------------------------------------------

/// printf("%-8s|%05.1f", a, b): C's conversions, with the arguments converted as each one needs.
class Printf {
 public:
  Printf(std::string_view format, std::vector<SplCells>& args, uint32_t row)
      : format_(format), args_(args), row_(row) {}

  std::optional<std::string> run() {
    for (size_t i = 0; i < format_.size(); ++i) {
      if (format_[i] != '%') {
        out_ += format_[i];
        continue;
      }
      if (i + 1 < format_.size() && format_[i + 1] == '%') {
        out_ += '%';
        ++i;
        continue;
      }
      if (!conversion(i)) return std::nullopt;
    }
    return out_;
  }

 private:
  bool next_number(double& v) {
    if (next_ >= args_.size()) return false;
    SplCells& c = args_[next_++];
    const auto n = c.valid(row_) ? c.number(row_) : std::nullopt;
    if (!n) return false;
    v = n->real;
    return true;
  }

  bool size(size_t& i, int& value) {
    if (i < format_.size() && format_[i] == '*') {
      ++i;
      double v = 0;
      if (!next_number(v)) return false;
      value = static_cast<int>(std::clamp(v, -double{kMaxPrintfWidth}, double{kMaxPrintfWidth}));
      return true;
    }
    int n = 0;
    while (i < format_.size() && ascii_digit(format_[i]))
      n = std::min(n * 10 + (format_[i++] - '0'), static_cast<int>(kMaxPrintfWidth));
    value = n;
    return true;
  }

  // `i` at the percent sign; left at the conversion letter.
  bool conversion(size_t& i) {
    std::string spec = "%";
    bool grouped = false;
    ++i;
    while (i < format_.size() &&
           std::string_view("-+ 0#'").find(format_[i]) != std::string_view::npos) {
      if (format_[i] == '\'')
        grouped = true;
      else
        spec += format_[i];
      ++i;
    }
    int width = 0;
    if (!size(i, width)) return false;
    if (width < 0) {
      spec += '-';
      width = -width;
    }
    if (width > 0) spec += std::to_string(width);
    int precision = -1;
    if (i < format_.size() && format_[i] == '.') {
      ++i;
      precision = 0;
      if (!size(i, precision)) return false;
      if (precision >= 0) spec += "." + std::to_string(precision);
    }
    if (i >= format_.size()) return false;
    const char letter = format_[i];
    char buffer[2 * kMaxPrintfWidth + 400];
    switch (letter) {
      case 's':
      case 'c': {
        if (next_ >= args_.size()) return false;
        SplCells& c = args_[next_++];
        std::string s = c.valid(row_) ? std::string(c.text(row_)) : std::string();
        if (letter == 'c') s = s.substr(0, 1);
        if (precision >= 0 && letter == 's') s = s.substr(0, static_cast<size_t>(precision));
        const bool left = spec.find('-') != std::string::npos;
        const size_t pad =
            static_cast<size_t>(width) > s.size() ? static_cast<size_t>(width) - s.size() : 0;
        out_ += left ? s + std::string(pad, ' ') : std::string(pad, ' ') + s;
        return true;
      }
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X':
      case 'p': {
        double v = 0;
        if (!next_number(v)) return false;
        if (std::fabs(v) > 9.2e18) return false;
        const auto n = static_cast<long long>(v);
        if (letter == 'p') spec += '#';
        spec += std::string("ll") + (letter == 'p' ? 'x' : letter);
        format_into(buffer, sizeof buffer, spec, n);
        out_ += grouped && (letter == 'd' || letter == 'i' || letter == 'u')
                    ? with_commas(static_cast<double>(n))
                    : buffer;
        return true;
      }
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': {
        double v = 0;
        if (!next_number(v)) return false;
        spec += letter;
        format_into(buffer, sizeof buffer, spec, v);
        out_ += buffer;
        return true;
      }
      default:
        return false;
    }
  }

  // The specification is built from checked pieces above, so that it fits its one argument.
  template <class T>
  static void format_into(char* buffer, size_t size, const std::string& spec, T v) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    std::snprintf(buffer, size, spec.c_str(), v);
#pragma GCC diagnostic pop
  }

  std::string_view format_;
  std::vector<SplCells>& args_;
  uint32_t row_;
  size_t next_ = 0;
  std::string out_;
};

Column printf_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells format(call.args[0]);
  std::vector<SplCells> args;
  for (size_t i = 1; i < call.args.size(); ++i)
    args.emplace_back(call.args[i]);
  for (const uint32_t row : call.rows) {
    if (!format.valid(row)) continue;
    const std::string f(format.text(row));
    if (const auto s = Printf(f, args, row).run()) out.set_copy(row, *s);
  }
  return out.finish();
}

// ---- the replace command, and a key to sort addresses by
// -------------------------------------------------

struct Replacement {
  match::Wildcard from;
  std::string to;
};

Result<std::shared_ptr<const void>> prepare_replacements(std::span<const Value* const> constants,
                                                         std::span<const Type>) {
  auto list = std::make_shared<std::vector<Replacement>>();
  for (size_t i = 1; i + 1 < constants.size(); i += 2) {
    const auto from = spl_constant(constants, i);
    const auto to = spl_constant(constants, i + 1);
    if (!from || !to) return Error{Code::kInvalid, "replace takes literals"};
    list->push_back({match::Wildcard::of_stars(*from, false), *to});
  }
  return std::shared_ptr<const void>(list);
}

Column replace_value_kernel(const KernelCall& call) {
  const auto& list = *static_cast<const std::vector<Replacement>*>(call.state);
  return spl_map_text(call, [&](std::string_view s) -> std::optional<std::string> {
    for (const Replacement& r : list)
      if (r.from.matches(s)) return r.to;
    return std::string(s);
  });
}

Column ip_key_kernel(const KernelCall& call) {
  return spl_map_text(call, [](std::string_view s) -> std::optional<std::string> {
    const auto ip = match::IpAddress::parse(s);
    if (!ip) return std::string(s);
    return hex(std::string_view(reinterpret_cast<const char*>(ip->bytes.data()), ip->bytes.size()));
  });
}

Typing values_typing(const TypeRequest& r) {
  return spl_gives_text(r);
}

}  // namespace

void register_spl_texts(plan::FunctionCatalog& c) {
  c.add(spl_function("concat", 2, -1, spl_gives_string, concat_kernel,
                     "Texts joined; null when one is.", nullptr, "."));
  c.add(spl_function("lower", 1, 1, spl_gives_text, lower_kernel, "In lower case."));
  c.add(spl_function("upper", 1, 1, spl_gives_text, upper_kernel, "In upper case."));
  c.add(spl_function("len", 1, 1, spl_gives_long, len_kernel, "Number of characters."));
  c.add(
      spl_function("substr", 2, 3, spl_gives_string, substr_kernel, "Characters from a place on."));
  c.add(spl_function("trim", 1, 2, spl_gives_text, trim_kernel<true, true>,
                     "Without blanks at both ends."));
  c.add(spl_function("ltrim", 1, 2, spl_gives_text, trim_kernel<true, false>,
                     "Without blanks at the front."));
  c.add(spl_function("rtrim", 1, 2, spl_gives_text, trim_kernel<false, true>,
                     "Without blanks at the end."));
  c.add(spl_function("urldecode", 1, 1, spl_gives_text, urldecode_kernel, "%41 is A."));
  c.add(
      spl_function("md5", 1, 1, spl_gives_text, digest_kernel<adapt::md5>, "MD5 in hexadecimal."));
  c.add(spl_function("sha1", 1, 1, spl_gives_text, digest_kernel<adapt::sha1>,
                     "SHA-1 in hexadecimal."));
  c.add(spl_function("sha256", 1, 1, spl_gives_text, digest_kernel<adapt::sha256>,
                     "SHA-256 in hexadecimal."));
  c.add(spl_function("text", 1, 1, spl_gives_string, text_kernel, "The value as one text."));
  c.add(spl_function("tostring", 1, 2, spl_gives_string, tostring_kernel,
                     "As text: hex, commas, duration."));
  c.add(spl_function("printf", 1, -1, spl_gives_string, printf_kernel, "Text after a format."));
  c.add(spl_function("replace_value", 3, -1, values_typing, replace_value_kernel,
                     "The replace command: whole values by others.", prepare_replacements));
  c.add(spl_function("ip_key", 1, 1, spl_gives_string, ip_key_kernel,
                     "An address as text that sorts like it."));
}

}  // namespace postern::exec
