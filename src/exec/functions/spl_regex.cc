// Functions with regular expressions, all PCRE, unanchored and minding case (Splunk Search
// Reference: match, replace, mvfind, rex).
#include "exec/functions/spl_value.h"
#include "match/regex.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::KernelCall;

namespace {

using match::Regex;
using RegexPtr = std::shared_ptr<const Regex>;

/// A literal expression compiled once, or those of a column as they come.
struct Expression {
  RegexPtr fixed;
  int group = 0;  ///< rex: the group wanted
};

Result<RegexPtr> compiled(std::string_view pattern) {
  return Regex::compile(pattern, match::RegexDialect::kPcre);
}

template <size_t index>
Result<std::shared_ptr<const void>> prepare_regex(std::span<const Value* const> constants,
                                                  std::span<const Type>) {
  auto e = std::make_shared<Expression>();
  if (const auto pattern = spl_constant(constants, index)) {
    POSTERN_TRY(e->fixed, compiled(*pattern));
  }
  return std::shared_ptr<const void>(e);
}

// rex(field, expression, group): the group by name or number; a tokenizer without a group is group
// 0.
Result<std::shared_ptr<const void>> prepare_rex(std::span<const Value* const> constants,
                                                std::span<const Type>) {
  const auto pattern = spl_constant(constants, 1);
  const auto group = spl_constant(constants, 2);
  if (!pattern || !group) return Error{Code::kInvalid, "rex takes literals"};
  auto e = std::make_shared<Expression>();
  POSTERN_TRY(e->fixed, compiled(*pattern));
  const auto& names = e->fixed->group_names();
  for (size_t i = 1; i < names.size(); ++i)
    if (names[i] == *group) e->group = static_cast<int>(i);
  if (e->group == 0)
    if (const auto number = parse_int(*group); number && *number <= e->fixed->num_groups())
      e->group = static_cast<int>(*number);
  return std::shared_ptr<const void>(e);
}

/// The expression for a row; nullptr when it is missing or none.
class ExpressionAt {
 public:
  ExpressionAt(const KernelCall& call, size_t arg)
      : fixed_(static_cast<const Expression*>(call.state)->fixed.get()), cells_(call.args[arg]) {}

  const Regex* operator()(uint32_t row) {
    if (fixed_) return fixed_;
    if (!cells_.valid(row)) return nullptr;
    const std::string_view text = cells_.text(row);
    if (text != last_text_ || !last_) {
      last_text_ = std::string(text);
      auto r = compiled(text);
      last_ = r ? *std::move(r) : nullptr;
    }
    return last_.get();
  }

 private:
  const Regex* fixed_;
  SplCells cells_;
  std::string last_text_;
  RegexPtr last_;
};

Column match_kernel(const KernelCall& call) {
  const Regex* fixed = static_cast<const Expression*>(call.state)->fixed.get();
  if (fixed)
    return spl_any_value(call, 0, std::nullopt,
                         [&](std::string_view s) { return fixed->matches(s); });
  ExpressionAt expression(call, 1);
  ColumnBuilder out(Type::kBool, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    const Regex* r = n > 0 ? expression(row) : nullptr;
    if (!r) continue;
    bool hit = false;
    for (uint32_t i = 0; i < n && !hit; ++i)
      hit = r->matches(cells.text(row, i));
    out.set(row, hit);
  }
  return out.finish();
}

/// `with` with `\1` and `\\` filled in.
void append_replacement(std::string& out,
                        std::string_view with,
                        const std::vector<std::string_view>& groups) {
  for (size_t i = 0; i < with.size(); ++i) {
    if (with[i] != '\\' || i + 1 == with.size()) {
      out += with[i];
      continue;
    }
    const char next = with[++i];
    if (!ascii_digit(next)) {
      if (next != '\\') out += '\\';
      out += next;
      continue;
    }
    const auto group = static_cast<size_t>(next - '0');
    if (group < groups.size() && groups[group].data()) out += groups[group];
  }
}

std::string replaced(const Regex& r, std::string_view s, std::string_view with, bool all) {
  std::string out;
  std::vector<std::string_view> groups;
  size_t at = 0;
  while (at <= s.size() && r.search(s, at, groups)) {
    const auto begin = static_cast<size_t>(groups[0].data() - s.data());
    out += s.substr(at, begin - at);
    append_replacement(out, with, groups);
    size_t next = begin + groups[0].size();
    if (groups[0].empty()) {
      // An empty match moves on by one character, which stays.
      if (next >= s.size()) return out;
      size_t after = next;
      next_code_point(s, after);
      out += s.substr(next, after - next);
      next = after;
    }
    at = next;
    if (!all) break;
  }
  if (at < s.size()) out += s.substr(at);
  return out;
}

template <bool all>
Column replace_kernel(const KernelCall& call) {
  ExpressionAt expression(call, 1);
  SplCells with(call.args[2]);
  ColumnBuilder out(call.type, call.num_rows);
  SplCells cells(call.args[0]);
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    const Regex* r = n > 0 && with.valid(row) ? expression(row) : nullptr;
    if (!r) continue;
    const std::string replacement(with.text(row));
    if (call.type == Type::kString) {
      out.set_copy(row, replaced(*r, cells.text(row), replacement, all));
      continue;
    }
    values.clear();
    for (uint32_t i = 0; i < n; ++i)
      values.push_back(replaced(*r, cells.text(row, i), replacement, all));
    spl_set_values(out, row, values);
  }
  return out.finish();
}

Column rex_kernel(const KernelCall& call) {
  const auto& e = *static_cast<const Expression*>(call.state);
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  std::vector<std::string_view> groups;
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    for (uint32_t i = 0; i < n; ++i) {
      if (!e.fixed->search(cells.text(row, i), 0, groups)) continue;
      const std::string_view found = groups[static_cast<size_t>(e.group)];
      if (found.data()) out.set_copy(row, found);
      break;
    }
  }
  return out.finish();
}

// rex max_match: every match, as values; 0 is no limit.
Column rex_all_kernel(const KernelCall& call) {
  const auto& e = *static_cast<const Expression*>(call.state);
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells cells(call.args[0]);
  SplCells limit(call.args[3]);
  std::vector<std::string_view> groups;
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    values.clear();
    const auto max = limit.valid(row) ? limit.number(row) : std::nullopt;
    const auto most = max && max->integer > 0 ? static_cast<size_t>(max->integer) : SIZE_MAX;
    const uint32_t n = cells.count(row);
    for (uint32_t i = 0; i < n; ++i) {
      const std::string subject(cells.text(row, i));
      size_t at = 0;
      while (values.size() < most && at <= subject.size() && e.fixed->search(subject, at, groups)) {
        const std::string_view found = groups[static_cast<size_t>(e.group)];
        if (found.data()) values.emplace_back(found);
        const auto end = static_cast<size_t>(groups[0].data() - subject.data()) + groups[0].size();
        at = groups[0].empty() ? end + 1 : end;
      }
    }
    spl_set_values(out, row, values);
  }
  return out.finish();
}

// mvfind(values, expression): index of the first value that matches, from 0.
Column mvfind_kernel(const KernelCall& call) {
  ExpressionAt expression(call, 1);
  ColumnBuilder out(Type::kLong, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    const Regex* r = n > 0 ? expression(row) : nullptr;
    if (!r) continue;
    for (uint32_t i = 0; i < n; ++i) {
      if (!r->matches(cells.text(row, i))) continue;
      out.set(row, static_cast<int64_t>(i));
      break;
    }
  }
  return out.finish();
}

}  // namespace

void register_spl_regexes(plan::FunctionCatalog& c) {
  c.add(spl_function("match", 2, 2, spl_gives_bool, match_kernel,
                     "Regular expression found in the text.", prepare_regex<1>));
  c.add(spl_function("replace", 3, 3, spl_gives_text, replace_kernel<true>,
                     "Every match replaced; \\1 is a group.", prepare_regex<1>));
  c.add(spl_function("replace_first", 3, 3, spl_gives_text, replace_kernel<false>,
                     "The first match replaced.", prepare_regex<1>));
  c.add(spl_function("rex", 3, 3, spl_gives_string, rex_kernel, "A group of the first match.",
                     prepare_rex));
  c.add(spl_function("rex_all", 4, 4, spl_gives_dynamic, rex_all_kernel, "A group of every match.",
                     prepare_rex));
  c.add(spl_function("mvfind", 2, 2, spl_gives_long, mvfind_kernel,
                     "Index of the first value that matches.", prepare_regex<1>));
}

}  // namespace postern::exec
