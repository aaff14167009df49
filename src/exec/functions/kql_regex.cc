// Functions of KQL that take a regular expression. Expressions that are literals are compiled once;
// others are compiled when they change. An expression in the data that is none gives no match.
// Source: Kusto documentation, string functions; engine answers.
#include <algorithm>

#include "exec/functions/kql_kernel.h"
#include "match/regex.h"

namespace postern::exec::kql {
namespace {

using match::Regex;
using RegexPtr = std::shared_ptr<const Regex>;

Result<RegexPtr> compile(std::string_view pattern) {
  return Regex::compile(pattern, match::RegexDialect::kKusto);
}

/// A regex argument: the prepared one, or what the row says.
class RegexArg {
 public:
  explicit RegexArg(const Regex* prepared,
                    std::string_view before = "",
                    std::string_view behind = "")
      : prepared_(prepared), before_(before), behind_(behind) {}

  /// Null when the row's text is no expression.
  const Regex* at(Arg& a, uint32_t row) {
    if (prepared_) return prepared_;
    const std::string_view wanted = a.text(row);
    if (!known_ || pattern_ != wanted) {
      known_ = true;
      pattern_ = std::string(wanted);
      Result<RegexPtr> r = compile(before_ + pattern_ + behind_);
      made_ = r ? *std::move(r) : nullptr;
    }
    return made_.get();
  }

 private:
  const Regex* prepared_;
  std::string before_;
  std::string behind_;
  bool known_ = false;
  std::string pattern_;
  RegexPtr made_;
};

/// Prepares the regex that is argument `slot`.
template <size_t slot>
Result<std::shared_ptr<const void>> prepare_regex(std::span<const Value* const> constants,
                                                  std::span<const Type>) {
  if (slot >= constants.size() || !constants[slot]) return std::shared_ptr<const void>();
  POSTERN_TRY(RegexPtr regex, compile(constants[slot]->text()));
  return std::shared_ptr<const void>(regex);
}

/// A group that took no part in the match is empty.
std::string_view group_or_empty(const std::vector<std::string_view>& groups, size_t i) {
  return i < groups.size() && groups[i].data() ? groups[i] : std::string_view();
}

/// Calls `f(groups)` for each match, left to right, until it gives false. Empty matches advance by
/// one character, as every engine does.
template <class F>
void each_match(const Regex& regex, std::string_view s, F&& f) {
  std::vector<std::string_view> groups;
  for (size_t at = 0; at <= s.size() && regex.search(s, at, groups);) {
    const auto begin = static_cast<size_t>(groups[0].data() - s.data());
    if (!f(groups)) return;
    at = begin + groups[0].size();
    if (groups[0].empty()) {
      if (at >= s.size()) return;
      (void)next_code_point(s, at);
    }
  }
}

// ---- extract ------------------------------------------------------------------------------------

/// extract(regex, group, s): the group of the first match, or "".
Column extract_kernel(const KernelCall& call) {
  RegexArg regex_arg(static_cast<const Regex*>(call.state));
  std::vector<std::string_view> groups;
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Regex* regex = regex_arg.at(args[0], row);
    const std::optional<int64_t> group = args[1].integer(row);
    const std::string_view s = args[2].text(row);
    std::string_view found;
    if (regex && group && *group >= 0 && regex->search(s, 0, groups))
      found = group_or_empty(groups, static_cast<size_t>(*group));
    out.set_copy(row, found);
  });
}

Result<std::shared_ptr<const void>> prepare_extract_all(std::span<const Value* const> constants,
                                                        std::span<const Type>) {
  if (!constants[0]) return std::shared_ptr<const void>();
  POSTERN_TRY(RegexPtr regex, compile(constants[0]->text()));
  if (regex->num_groups() < 1)
    return Error{Code::kInvalid, "extract_all() needs a regex with at least one capturing group"};
  return std::shared_ptr<const void>(regex);
}

/// extract_all(regex[, groups], s): an array of matches; each is the group's text, or an array of
/// several.
Column extract_all_kernel(const KernelCall& call) {
  RegexArg regex_arg(static_cast<const Regex*>(call.state));
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Regex* regex = regex_arg.at(args[0], row);
    if (!regex) return;
    std::vector<size_t> wanted;
    if (args.size() > 2) {
      const Dynamic list = args[1].dynamic(row);
      const std::vector<std::string>& names = regex->group_names();
      for (uint32_t i = 0; i < list.size(); ++i) {
        if (list.at(i).is_number()) {
          wanted.push_back(static_cast<size_t>(std::max<int64_t>(0, list.at(i).as_long())));
          continue;
        }
        const auto named = std::find(names.begin(), names.end(), list.at(i).as_string());
        if (named != names.end()) wanted.push_back(static_cast<size_t>(named - names.begin()));
      }
    } else {
      for (int i = 1; i <= regex->num_groups(); ++i)
        wanted.push_back(static_cast<size_t>(i));
    }
    DynamicWriter w;
    bool any = false;
    w.begin_array();
    each_match(*regex, args.back().text(row), [&](const std::vector<std::string_view>& groups) {
      any = true;
      if (wanted.size() != 1) w.begin_array();
      for (const size_t g : wanted)
        w.string(group_or_empty(groups, g));
      if (wanted.size() != 1) w.end();
      return has_room(w.size());
    });
    w.end();
    if (any) set_made_dynamic(out, row, w);
  });
}

// ---- replace ------------------------------------------------------------------------------------

/// A backslash with a digit is a group; before anything else the backslash only falls away.
void append_rewrite(std::string& out,
                    std::string_view rewrite,
                    const std::vector<std::string_view>& groups) {
  for (size_t i = 0; i < rewrite.size(); ++i) {
    if (rewrite[i] != '\\' || i + 1 == rewrite.size()) {
      out.push_back(rewrite[i]);
      continue;
    }
    const char c = rewrite[++i];
    if (ascii_digit(c))
      out += group_or_empty(groups, static_cast<size_t>(c - '0'));
    else
      out.push_back(c);
  }
}

/// replace_regex(s, regex, rewrite): `\1` in the rewrite is a group, `\0` the whole match.
Column replace_kernel(const KernelCall& call) {
  RegexArg regex_arg(static_cast<const Regex*>(call.state));
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    const Regex* regex = regex_arg.at(args[1], row);
    if (!regex) {
      out.set_copy(row, s);
      return;
    }
    const std::string_view rewrite = args[2].text(row);
    std::string changed;
    size_t copied = 0;
    each_match(*regex, s, [&](const std::vector<std::string_view>& groups) {
      const auto begin = static_cast<size_t>(groups[0].data() - s.data());
      changed += s.substr(copied, begin - copied);
      append_rewrite(changed, rewrite, groups);
      copied = begin + groups[0].size();
      return has_room(changed.size());
    });
    changed += s.substr(copied);
    set_made_text(out, row, changed);
  });
}

// ---- trim ---------------------------------------------------------------------------------------

struct TrimState {
  RegexPtr front;
  RegexPtr back;
};

Result<std::shared_ptr<const void>> prepare_trim(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  if (!constants[0]) return std::shared_ptr<const void>();
  const std::string pattern = constants[0]->text();
  auto state = std::make_shared<TrimState>();
  POSTERN_TRY(state->front, compile("^(?:" + pattern + ")"));
  POSTERN_TRY(state->back, compile("(?:" + pattern + ")$"));
  return std::shared_ptr<const void>(state);
}

/// trim(regex, s): one match at the front and one at the back go away.
template <bool front, bool back>
Column trim_kernel(const KernelCall& call) {
  const auto* state = static_cast<const TrimState*>(call.state);
  RegexArg front_arg(state ? state->front.get() : nullptr, "^(?:", ")");
  RegexArg back_arg(state ? state->back.get() : nullptr, "(?:", ")$");
  std::vector<std::string_view> groups;
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string_view s = args[1].text(row);
    if (front)
      if (const Regex* r = front_arg.at(args[0], row);
          r && r->search(s, 0, groups) && groups[0].data() == s.data())
        s.remove_prefix(groups[0].size());
    if (back)
      if (const Regex* r = back_arg.at(args[0], row); r && r->search(s, 0, groups))
        s.remove_suffix(groups[0].size());
    out.set_copy(row, s);
  });
}

// ---- counting and finding
// -------------------------------------------------------------------------

Result<std::shared_ptr<const void>> prepare_countof(std::span<const Value* const> constants,
                                                    std::span<const Type>) {
  if (constants.size() < 3 || !constants[2] || !constants[1]) return std::shared_ptr<const void>();
  const std::string kind = constants[2]->text();
  if (kind != "regex" && kind != "normal")
    return Error{Code::kInvalid, "countof() counts by `normal` or `regex`, not by `" + kind + "`"};
  if (kind == "normal") return std::shared_ptr<const void>();
  POSTERN_TRY(RegexPtr regex, compile(constants[1]->text()));
  return std::shared_ptr<const void>(regex);
}

/// countof(s, what[, "regex"]): plain texts may overlap, matches of an expression do not.
Column countof_kernel(const KernelCall& call) {
  RegexArg regex_arg(static_cast<const Regex*>(call.state));
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const bool by_regex = args.size() > 2 && args[2].text(row) == "regex";
    const std::string_view s = args[0].text(row);
    int64_t n = 0;
    if (by_regex) {
      if (const Regex* regex = regex_arg.at(args[1], row))
        each_match(*regex, s, [&](const std::vector<std::string_view>&) { return ++n > 0; });
    } else {
      const std::string_view what = args[1].text(row);
      for (size_t at = s.find(what); !what.empty() && at != std::string_view::npos;
           at = s.find(what, at + 1))
        ++n;
    }
    out.set(row, n);
  });
}

/// Positions count characters, not bytes.
int64_t code_points_before(std::string_view s, size_t end) {
  int64_t n = 0;
  for (size_t at = 0; at < end; ++n)
    (void)next_code_point(s, at);
  return n;
}

/// indexof_regex(s, regex[, start[, length[, occurrence]]])
Column indexof_regex_kernel(const KernelCall& call) {
  RegexArg regex_arg(static_cast<const Regex*>(call.state));
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const auto number = [&](size_t i, int64_t otherwise) {
      return args.size() > i ? args[i].integer(row) : std::optional<int64_t>(otherwise);
    };
    const std::optional<int64_t> start = number(2, 0);
    const std::optional<int64_t> length = number(3, -1);
    const std::optional<int64_t> occurrence = number(4, 1);
    const Regex* regex = regex_arg.at(args[1], row);
    if (!regex || !start || !length || !occurrence || *start < 0) return;
    const std::string_view s = args[0].text(row);
    size_t begin = 0;
    for (int64_t i = 0; i < *start && begin < s.size(); ++i)
      (void)next_code_point(s, begin);
    size_t end = begin;
    for (int64_t i = 0; (*length < 0 || i < *length) && end < s.size(); ++i)
      (void)next_code_point(s, end);
    int64_t found = -1;
    int64_t seen = 0;
    each_match(*regex, s.substr(begin, end - begin),
               [&](const std::vector<std::string_view>& groups) {
                 if (++seen < *occurrence) return true;
                 found = code_points_before(s, static_cast<size_t>(groups[0].data() - s.data()));
                 return false;
               });
    out.set(row, found);
  });
}

Column regex_quote_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    std::string quoted;
    for (const char c : args[0].text(row)) {
      if (std::string_view("\\.+*?()|[]{}^$#&-~").find(c) != std::string_view::npos)
        quoted.push_back('\\');
      quoted.push_back(c);
    }
    set_made_text(out, row, quoted);
  });
}

constexpr auto kTexts = fixed<Type::kString, kTextArg>;

constexpr Spec kSpecs[] = {
    {"extract", 3, 3, fixed<Type::kString, kTextArg, kIntegerArg, kTextArg>, extract_kernel,
     "A group of the first match, or empty.", prepare_regex<0>},
    {"extract_all", 2, 3, fixed<Type::kDynamic, kTextArg, kTextArg, kTextArg>, extract_all_kernel,
     "The groups of all matches.", prepare_extract_all},
    {"replace_regex", 3, 3, kTexts, replace_kernel, "Every match rewritten.", prepare_regex<1>},
    {"trim", 2, 2, kTexts, trim_kernel<true, true>, "One match removed at each end.", prepare_trim},
    {"trim_start", 2, 2, kTexts, trim_kernel<true, false>, "One match removed at the front.",
     prepare_trim},
    {"trim_end", 2, 2, kTexts, trim_kernel<false, true>, "One match removed at the back.",
     prepare_trim},
    {"countof", 2, 3, fixed<Type::kLong, kAnyArg, kTextArg, kTextArg>, countof_kernel,
     "How often a text occurs.", prepare_countof},
    {"indexof_regex", 2, 5, fixed<Type::kLong, kTextArg, kTextArg, kIntegerArg>,
     indexof_regex_kernel, "Position of a match, or -1.", prepare_regex<1>},
    {"regex_quote", 1, 1, kTexts, regex_quote_kernel, "The text with regex characters escaped."},
};

}  // namespace

void register_regexes(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
