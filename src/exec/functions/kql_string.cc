// String functions of KQL without regular expressions. Positions and lengths count code points.
// Source: Kusto documentation, string functions; engine answers.
#include <algorithm>
#include <cmath>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

size_t count_code_points(std::string_view s) {
  if (is_ascii(s)) return s.size();
  size_t n = 0;
  for (size_t at = 0; at < s.size(); ++n)
    (void)next_code_point(s, at);
  return n;
}

/// Byte position of the n-th code point (the end when there are fewer).
size_t byte_of(std::string_view s, size_t n) {
  if (is_ascii(s)) return std::min(n, s.size());
  size_t at = 0;
  for (; n > 0 && at < s.size(); --n)
    (void)next_code_point(s, at);
  return at;
}

// ---- case
// -----------------------------------------------------------------------------------------

/// Simple upper case of the scripts that fold() knows: the one code point in reach that folds to
/// `c`.
char32_t upper_of(char32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  // Letters whose capital is no neighbour in their block.
  static constexpr std::pair<char32_t, char32_t> kOdd[] = {
      {0xB5, 0x39C},   {0xFF, 0x178},  {0x131, 0x49},   {0x17F, 0x53},  {0x3AC, 0x386},
      {0x3CC, 0x38C},  {0x3CD, 0x38E}, {0x3CE, 0x38F},  {0x3C2, 0x3A3}, {0x2C65, 0x23A},
      {0x2C66, 0x23E}, {0x253, 0x181}, {0x254, 0x186},  {0x256, 0x189}, {0x257, 0x18A},
      {0x259, 0x18F},  {0x25B, 0x190}, {0x1D79, 0xA77D}};
  for (const auto& [small, capital] : kOdd)
    if (small == c) return capital;
  if (c == 0xDF || c == 0xF7) return c;
  for (const char32_t distance : {32U, 1U, 80U, 48U, 37U, 8U, 7264U, 3008U, 26U, 16U}) {
    if (c < distance) continue;
    const char32_t capital = c - distance;
    if (capital != c && fold(capital) == c) return capital;
  }
  return c;
}

/// Simple lower case: folding, apart from small letters that fold to another small letter.
char32_t lower_of(char32_t c) {
  const bool small = c == 0xB5 || c == 0x17F || c == 0x345 || c == 0x3C2 ||
                     (c >= 0x3D0 && c <= 0x3D6) || c == 0x3F0 || c == 0x3F1 || c == 0x3F5 ||
                     c == 0x1E9B || c == 0x1FBE;
  return small ? c : fold(c);
}

template <bool upper>
Column case_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    std::string changed;
    changed.reserve(s.size());
    for (size_t at = 0; at < s.size();) {
      const auto byte = static_cast<unsigned char>(s[at]);
      if (byte < 0x80) {
        const char c = s[at++];
        changed.push_back(upper ? (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c)
                                : ascii_lower(c));
        continue;
      }
      const char32_t c = next_code_point(s, at);
      append_utf8(changed, upper ? upper_of(c) : lower_of(c));
    }
    out.set_copy(row, changed);
  });
}

// ---- joining and cutting
// ----------------------------------------------------------------------------

/// Nulls are empty.
Column strcat_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string s;
    for (size_t i = 0; i < args.size() && has_room(s.size()); ++i)
      s += args[i].text(row);
    set_made_text(out, row, s);
  });
}

Column strcat_delim_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string delimiter(args[0].text(row));
    std::string s;
    for (size_t i = 1; i < args.size() && has_room(s.size()); ++i) {
      if (i > 1) s += delimiter;
      s += args[i].text(row);
    }
    set_made_text(out, row, s);
  });
}

Column strcat_array_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string delimiter(args[1].text(row));
    const Dynamic array = args[0].dynamic(row);
    std::string s;
    for (uint32_t i = 0; i < array.size() && has_room(s.size()); ++i) {
      if (i > 0) s += delimiter;
      s += to_text(array.at(i));
    }
    // A scalar stands for itself.
    if (!array.is_array() && !array.is_object()) s = to_text(array);
    set_made_text(out, row, s);
  });
}

Column strlen_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (args[0].valid(row))
      out.set(row, static_cast<int64_t>(count_code_points(args[0].text(row))));
  });
}

Column string_size_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (args[0].valid(row)) out.set(row, static_cast<int64_t>(args[0].text(row).size()));
  });
}

/// substring(s, start[, length]): a negative start counts from the end; before the beginning gives
/// "".
Column substring_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::optional<int64_t> start = args[1].integer(row);
    const std::optional<int64_t> length =
        args.size() > 2 ? args[2].integer(row) : std::optional<int64_t>(INT64_MAX);
    const std::string_view s = args[0].text(row);
    const auto size = static_cast<int64_t>(count_code_points(s));
    if (!start || !length || *length <= 0 || *start >= size || *start < -size) {
      out.set_copy(row, "");
      return;
    }
    const int64_t from = *start < 0 ? size + *start : *start;
    const int64_t n = std::min(*length, size - from);
    const size_t begin = byte_of(s, static_cast<size_t>(from));
    const size_t end = byte_of(s, static_cast<size_t>(from + n));
    out.set_copy(row, s.substr(begin, end - begin));
  });
}

/// split(s, delimiter[, index]): an array; with an index an array of that part, null beyond.
Column split_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    const std::string delimiter(args[1].text(row));
    std::vector<std::string_view> parts;
    if (delimiter.empty()) {
      parts.push_back(s);
    } else {
      size_t at = 0;
      for (size_t hit; (hit = s.find(delimiter, at)) != std::string_view::npos;
           at = hit + delimiter.size())
        parts.push_back(s.substr(at, hit - at));
      parts.push_back(s.substr(at));
    }
    DynamicWriter w;
    w.begin_array();
    if (args.size() > 2) {
      const std::optional<int64_t> index = args[2].integer(row);
      if (!index || *index < 0 || *index >= static_cast<int64_t>(parts.size())) return;
      w.string(parts[static_cast<size_t>(*index)]);
    } else {
      for (const std::string_view p : parts)
        w.string(p);
    }
    w.end();
    out.set_copy(row, w.take());
  });
}

/// indexof(s, what[, start[, length[, occurrence]]]): code points from 0, -1 when it is not there.
Column indexof_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string s(args[0].text(row));
    const std::string what(args[1].text(row));
    const auto number = [&](size_t i, int64_t otherwise) {
      return args.size() > i ? args[i].integer(row) : std::optional<int64_t>(otherwise);
    };
    const std::optional<int64_t> start = number(2, 0);
    const std::optional<int64_t> length = number(3, -1);
    const std::optional<int64_t> occurrence = number(4, 1);
    if (what.empty() || !start || !length || !occurrence || *occurrence < 0) return;
    const auto size = static_cast<int64_t>(count_code_points(s));
    int64_t from = *start < 0 ? size + *start : *start;
    from = std::clamp<int64_t>(from, 0, size);
    const int64_t reach = *length < 0 ? size : std::min(*length, size);
    const auto wanted = static_cast<int64_t>(count_code_points(what));
    // The length counts anew from behind each occurrence, as the documentation's examples have it.
    int64_t found = -1;
    size_t begin = byte_of(s, static_cast<size_t>(from));
    for (int64_t seen = 0; seen < *occurrence; ++seen) {
      size_t at = s.find(what, begin);
      if (at != std::string::npos)
        found = from + static_cast<int64_t>(
                           count_code_points(std::string_view(s).substr(begin, at - begin)));
      if (at == std::string::npos || found + wanted > from + reach) {
        found = -1;
        break;
      }
      (void)next_code_point(s, at);
      begin = at;
      from = found + 1;
    }
    out.set(row, found);
  });
}

/// By bytes, which for UTF-8 is the order of code points.
Column strcmp_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string a(args[0].text(row));
    const int order = a.compare(args[1].text(row));
    out.set(row, int64_t{order < 0 ? -1 : order > 0 ? 1 : 0});
  });
}

/// strrep(s, times[, delimiter])
Column strrep_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string s(args[0].text(row));
    const std::optional<int64_t> times = args[1].integer(row);
    const std::string delimiter(args.size() > 2 ? args[2].text(row) : std::string_view());
    std::string repeated;
    // The engine repeats at most 1,024 times.
    const int64_t n = std::min<int64_t>(times.value_or(0), 1024);
    for (int64_t i = 0; i < n && has_room(repeated.size()); ++i) {
      if (i > 0) repeated += delimiter;
      repeated += s;
    }
    set_made_text(out, row, repeated);
  });
}

std::string replaced(std::string_view s, std::string_view what, std::string_view with) {
  std::string out;
  size_t at = 0;
  if (!what.empty()) {
    for (size_t hit; (hit = s.find(what, at)) != std::string_view::npos && has_room(out.size());
         at = hit + what.size()) {
      out += s.substr(at, hit - at);
      out += with;
    }
  }
  out += s.substr(at);
  return out;
}

Column replace_string_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string what(args[1].text(row));
    const std::string with(args[2].text(row));
    set_made_text(out, row, replaced(args[0].text(row), what, with));
  });
}

/// The pair whose lookup stands at `at`, the first of the list that does; npos when none does.
size_t lookup_at(std::string_view s, size_t at, const std::vector<std::string>& lookups) {
  for (size_t i = 0; i < lookups.size(); ++i)
    if (!lookups[i].empty() && s.substr(at).starts_with(lookups[i])) return i;
  return std::string_view::npos;
}

/// replace_strings(s, lookups, rewrites): all pairs in one pass, so that no rewrite is rewritten
/// again. One rewrite may serve all lookups; where the rewrite is no string the text stays.
Column replace_strings_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic wanted = args[1].dynamic(row);
    const Dynamic rewrites = args[2].dynamic(row);
    std::vector<std::string> lookups;
    for (uint32_t i = 0; i < wanted.size(); ++i)
      lookups.push_back(to_text(wanted.at(i)));
    const std::string_view s = args[0].text(row);
    std::string replaced_text;
    for (size_t at = 0; at < s.size() && has_room(replaced_text.size());) {
      const size_t i = lookup_at(s, at, lookups);
      if (i == std::string_view::npos) {
        replaced_text.push_back(s[at++]);
        continue;
      }
      const Dynamic rewrite =
          rewrites.is_array() ? rewrites.at(static_cast<uint32_t>(i)) : rewrites;
      replaced_text += rewrite.is_string() ? rewrite.as_string() : std::string_view(lookups[i]);
      at += lookups[i].size();
    }
    set_made_text(out, row, replaced_text);
  });
}

Column reverse_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    std::string reversed(s.size(), '\0');
    size_t free_end = s.size();
    for (size_t at = 0; at < s.size();) {
      const size_t begin = at;
      (void)next_code_point(s, at);
      free_end -= at - begin;
      std::copy(s.begin() + static_cast<std::ptrdiff_t>(begin),
                s.begin() + static_cast<std::ptrdiff_t>(at),
                reversed.begin() + static_cast<std::ptrdiff_t>(free_end));
    }
    out.set_copy(row, reversed);
  });
}

/// Code points of a text; invalid bytes stand for themselves.
std::u32string code_points(std::string_view s) {
  std::u32string out;
  for (size_t at = 0; at < s.size();)
    out.push_back(next_code_point(s, at));
  return out;
}

/// translate(from, to, s): characters one by one; a shorter `to` repeats its last, an empty one
/// deletes.
Column translate_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::u32string from = code_points(args[0].text(row));
    const std::u32string to = code_points(args[1].text(row));
    std::string s;
    for (const char32_t c : code_points(args[2].text(row))) {
      const size_t i = from.find(c);
      if (i == std::u32string::npos)
        append_utf8(s, c);
      else if (!to.empty())
        append_utf8(s, to[std::min(i, to.size() - 1)]);
    }
    out.set_copy(row, s);
  });
}

Column from_code_points_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string s;
    const auto append = [&](Dynamic d) {
      const int64_t c = d.as_long();
      if (d.is_number() && c >= 0 && c < 0x110000) append_utf8(s, static_cast<char32_t>(c));
    };
    for (Arg& a : args) {
      const Dynamic d = a.dynamic(row);
      if (!d.is_array()) append(d);
      for (uint32_t i = 0; d.is_array() && i < d.size(); ++i)
        append(d.at(i));
    }
    out.set_copy(row, s);
  });
}

Column to_code_points_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    DynamicWriter w;
    w.begin_array();
    for (const char32_t c : code_points(args[0].text(row)))
      w.integer(static_cast<int64_t>(c));
    w.end();
    out.set_copy(row, w.take());
  });
}

Column isascii_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    out.set(row, is_ascii(args[0].text(row)));
  });
}

Column isutf8_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    out.set(row, valid_utf8(args[0].text(row)));
  });
}

/// has_any_index(s, list): position of the first term of the list that `s` has, or -1.
Column has_any_index_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string s = fold(args[0].text(row));
    const Dynamic list = args[1].dynamic(row);
    const auto word = [&](size_t at) { return at < s.size() && is_alnum(next_code_point(s, at)); };
    int64_t found = -1;
    for (uint32_t i = 0; i < list.size() && found < 0; ++i) {
      const std::string term = fold(to_text(list.at(i)));
      size_t begin = 0;
      const bool first_is_word = !term.empty() && is_alnum(next_code_point(term, begin));
      for (size_t at = s.find(term); at != std::string::npos && found < 0;
           at = s.find(term, at + 1)) {
        size_t before = at;
        while (before > 0 && (static_cast<unsigned char>(s[--before]) & 0xC0) == 0x80)
          continue;
        const bool left = at == 0 || !first_is_word || !word(before);
        if (left && !word(at + term.size())) found = i;
        if (term.empty()) break;
      }
    }
    out.set(row, found);
  });
}

/// format_bytes(n[, precision[, unit]])
Column format_bytes_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    static constexpr std::string_view kUnits[] = {"Bytes", "KB", "MB", "GB", "TB", "PB"};
    const std::optional<double> n = args[0].number(row);
    if (!n) {
      out.set_copy(row, "");
      return;
    }
    const int64_t precision = args.size() > 1 ? args[1].integer(row).value_or(0) : 0;
    const std::string wanted(args.size() > 2 ? args[2].text(row) : std::string_view());
    size_t unit = 0;
    double v = *n;
    if (!wanted.empty()) {
      for (; unit + 1 < std::size(kUnits) && kUnits[unit] != wanted; ++unit)
        v /= 1024;
    } else {
      for (; unit + 1 < std::size(kUnits) && std::fabs(v) >= 1024; ++unit)
        v /= 1024;
    }
    const double scale = std::pow(10.0, static_cast<double>(std::clamp<int64_t>(precision, 0, 15)));
    const double rounded = std::round(v * scale) / scale;
    std::string text = real_to_text(rounded);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    out.set_copy(row, text + " " + std::string(kUnits[unit]));
  });
}

constexpr auto kAnyText = fixed<Type::kString, kAnyArg>;

constexpr Spec kSpecs[] = {
    {"tolower", 1, 1, kAnyText, case_kernel<false>, "Lower case."},
    {"toupper", 1, 1, kAnyText, case_kernel<true>, "Upper case."},
    {"strcat", 1, 64, kAnyText, strcat_kernel, "Texts joined; null is empty."},
    {"strcat_delim", 2, 64, kAnyText, strcat_delim_kernel, "Texts joined with a delimiter."},
    {"strcat_array", 2, 2, fixed<Type::kString, kDynamicArg, kAnyArg>, strcat_array_kernel,
     "Members of an array joined."},
    {"strlen", 1, 1, fixed<Type::kLong, kTextArg>, strlen_kernel, "Length in characters."},
    {"string_size", 1, 1, fixed<Type::kLong, kTextArg>, string_size_kernel, "Length in bytes."},
    {"substring", 2, 3, fixed<Type::kString, kAnyArg, kIntegerArg, kIntegerArg>, substring_kernel,
     "Part of a text."},
    {"split", 2, 3, fixed<Type::kDynamic, kAnyArg, kTextArg, kIntegerArg>, split_kernel,
     "Parts between delimiters."},
    {"indexof", 2, 5, fixed<Type::kLong, kAnyArg, kAnyArg, kIntegerArg>, indexof_kernel,
     "Position of a text, or -1."},
    {"strcmp", 2, 2, fixed<Type::kLong, kAnyArg>, strcmp_kernel,
     "-1, 0 or 1 by the order of two texts."},
    {"strrep", 2, 3, fixed<Type::kString, kAnyArg, kIntegerArg, kAnyArg>, strrep_kernel,
     "A text several times."},
    {"replace_string", 3, 3, fixed<Type::kString, kTextArg>, replace_string_kernel,
     "Every occurrence replaced."},
    {"replace_strings", 3, 3, fixed<Type::kString, kTextArg, kDynamicArg, kTextArg>,
     replace_strings_kernel, "Every occurrence of several texts replaced."},
    {"reverse", 1, 1, kAnyText, reverse_kernel, "Characters in reverse order."},
    {"translate", 3, 3, fixed<Type::kString, kTextArg>, translate_kernel,
     "Characters replaced one by one."},
    {"unicode_codepoints_to_string", 1, 64, fixed<Type::kString, kIntegerArg>,
     from_code_points_kernel, "Text of code points."},
    {"unicode_codepoints_from_string", 1, 1, fixed<Type::kDynamic, kTextArg>, to_code_points_kernel,
     "Code points of a text."},
    {"isascii", 1, 1, fixed<Type::kBool, kTextArg>, isascii_kernel, "Only ASCII characters."},
    {"isutf8", 1, 1, fixed<Type::kBool, kTextArg>, isutf8_kernel, "Well-formed UTF-8."},
    {"has_any_index", 2, 2, fixed<Type::kLong, kTextArg, kDynamicArg>, has_any_index_kernel,
     "Which term of a list is there, or -1."},
    {"format_bytes", 1, 3, fixed<Type::kString, kNumberArg, kIntegerArg, kTextArg>,
     format_bytes_kernel, "A size with its unit."},
};

}  // namespace

void register_strings(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
