// The `parse` operator: a text against a pattern of literal texts and columns, as one function.
//
// parse(text, parts, kind, flags): `parts` is an array of ["text", literal], ["column", type] or
// ["skip", ""]; the result an array with one value per column, or null when the text does not
// match. Simple and relaxed kinds walk the literals from left to right; a column takes what lies
// between, a typed one must hold that type (else the match fails, or in relaxed kind that column is
// null). kind=regex joins everything into one expression. Source: Kusto documentation, "parse
// operator"; engine answers.
#include <algorithm>

#include "base/datetime_text.h"
#include "exec/functions/kql_kernel.h"
#include "match/regex.h"

namespace postern::exec::kql {
namespace {

struct Part {
  enum class Kind : uint8_t { kText, kColumn, kSkip };
  Kind kind = Kind::kText;
  std::string text;
  Type type = Type::kString;
};

struct Pattern {
  std::vector<Part> parts;
  bool relaxed = false;
  std::shared_ptr<const match::Regex> regex;  ///< kind=regex
};

/// Writes a found text as a value of the column's type; false when it is none.
bool write_value(DynamicWriter& w, std::string_view s, Type type) {
  switch (type) {
    case Type::kBool:
      if (const auto v = bool_from_text(s)) return w.boolean(*v), true;
      return false;
    case Type::kInt:
      if (const auto v = int_from_text(s)) return w.integer(*v), true;
      return false;
    case Type::kLong:
      if (const auto v = long_from_text(s)) return w.integer(*v), true;
      return false;
    case Type::kReal:
      if (const auto v = real_from_text(s)) return w.real(*v), true;
      return false;
    case Type::kDatetime:
      if (const auto v = parse_datetime_text(s)) return w.datetime(*v), true;
      return false;
    case Type::kTimespan:
      if (const auto v = parse_timespan(trim(s))) return w.timespan(*v), true;
      return false;
    case Type::kDynamic:
      if (const auto v = data::dynamic_from_json(s)) return w.value(Dynamic(*v)), true;
      w.string(s);
      return true;
    default:
      w.string(s);
      return true;
  }
}

// ---- kind=regex
// -------------------------------------------------------------------------------------

/// The engine's expression of a typed column.
std::string_view expression_of(Type t) {
  switch (t) {
    case Type::kInt:
    case Type::kLong:
      return "([-+]?\\d+)";
    case Type::kReal:
      return "([-+]?\\d+(?:\\.\\d*)?(?:[eE][-+]?\\d+)?)";
    case Type::kBool:
      return "(true|false|True|False|0|1)";
    default:
      return "(.*)";  // greedy, though the documentation says otherwise
  }
}

Result<std::shared_ptr<const match::Regex>> compile(const std::vector<Part>& parts,
                                                    std::string_view flags) {
  // Groups inside the literal expressions must not count: columns are named.
  std::string pattern;
  match::RegexFlags f;
  bool ungreedy = false;
  for (const char c : flags) {
    if (c == 'i')
      f.ignore_case = true;
    else if (c == 'm')
      f.multi_line = true;
    else if (c == 's')
      f.dot_all = true;
    else if (c == 'U')
      ungreedy = true;
    else
      return Error{Code::kInvalid, "not a flag of `parse`: " + std::string(1, c)};
  }
  if (ungreedy) pattern = "(?U)";
  size_t column = 0;
  for (const Part& p : parts) {
    if (p.kind == Part::Kind::kSkip) {
      pattern += ".*";
    } else if (p.kind == Part::Kind::kText) {
      pattern += "(?:" + p.text + ")";
    } else {
      const std::string e(expression_of(p.type));
      pattern += "(?P<column_" + std::to_string(column++) + ">" + e.substr(1);
    }
  }
  return match::Regex::compile(pattern, match::RegexDialect::kKusto, f);
}

bool match_regex(const Pattern& p, std::string_view s, std::vector<std::string_view>& found) {
  std::vector<std::string_view> groups;
  if (!p.regex->search(s, 0, groups)) return false;
  const std::vector<std::string>& names = p.regex->group_names();
  for (size_t i = 0; i < groups.size() && i < names.size(); ++i)
    if (names[i].starts_with("column_"))
      found.push_back(groups[i].data() ? groups[i] : std::string_view(""));
  return true;
}

// ---- simple and relaxed
// -------------------------------------------------------------------------------

/// Beginning of `s` that a typed column takes before a `*`: the longest that is such a value.
std::string_view longest_value(std::string_view s, Type type) {
  if (type == Type::kString || type == Type::kDynamic) return s.substr(0, 0);
  constexpr size_t kLongest = 64;  // no value is longer
  for (size_t n = std::min(s.size(), kLongest); n > 0; --n) {
    DynamicWriter w;
    if (!ascii_space(s[n - 1]) && write_value(w, s.substr(0, n), type)) return s.substr(0, n);
  }
  return s.substr(0, 0);
}

bool match_literals(const Pattern& p, std::string_view s, std::vector<std::string_view>& found) {
  size_t at = 0;
  // A column or `*` waits for the next literal: what lies between is its text.
  bool open = false;
  const Part* column = nullptr;
  for (const Part& part : p.parts) {
    if (part.kind != Part::Kind::kText) {
      if (column) {
        found.push_back(longest_value(s.substr(at), column->type));
        at += found.back().size();
      }
      open = true;
      column = part.kind == Part::Kind::kColumn ? &part : nullptr;
      continue;
    }
    const size_t hit =
        open ? s.find(part.text, at)
             : (s.substr(at, part.text.size()) == part.text ? at : std::string_view::npos);
    if (hit == std::string_view::npos) return false;
    if (column) found.push_back(s.substr(at, hit - at));
    at = hit + part.text.size();
    open = false;
    column = nullptr;
  }
  if (column) found.push_back(s.substr(at));
  // The pattern must reach the end of the text.
  return open || at == s.size();
}

// ---- the function
// -------------------------------------------------------------------------------------

Result<std::shared_ptr<const void>> prepare(std::span<const Value* const> constants,
                                            std::span<const Type>) {
  for (size_t i = 1; i < 4; ++i)
    if (!constants[i]) return Error{Code::kInvalid, "the pattern of `parse` must be written out"};
  auto pattern = std::make_shared<Pattern>();
  const Dynamic parts(constants[1]->as_bytes());
  for (uint32_t i = 0; i < parts.size(); ++i) {
    Part part;
    const std::string_view kind = parts.at(i).at(0).as_string();
    part.kind = kind == "column" ? Part::Kind::kColumn
                : kind == "skip" ? Part::Kind::kSkip
                                 : Part::Kind::kText;
    part.text = std::string(parts.at(i).at(1).as_string());
    if (part.kind == Part::Kind::kColumn) data::type_from_name(part.text, part.type);
    pattern->parts.push_back(std::move(part));
  }
  pattern->relaxed = constants[2]->text() == "relaxed";
  if (constants[2]->text() == "regex") {
    POSTERN_TRY(pattern->regex, compile(pattern->parts, constants[3]->text()));
  }
  return std::shared_ptr<const void>(pattern);
}

Column parse_kernel(const KernelCall& call) {
  const auto& pattern = *static_cast<const Pattern*>(call.state);
  std::vector<std::string_view> found;
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const std::string_view s = args[0].text(row);
    found.clear();
    if (!(pattern.regex ? match_regex(pattern, s, found) : match_literals(pattern, s, found)))
      return;
    DynamicWriter w;
    w.begin_array();
    size_t i = 0;
    for (const Part& part : pattern.parts) {
      if (part.kind != Part::Kind::kColumn || i >= found.size()) continue;
      if (write_value(w, found[i++], part.type)) continue;
      if (!pattern.relaxed) {
        w.clear();
        return;
      }
      w.null();
    }
    w.end();
    out.set_copy(row, w.take());
  });
}

constexpr Spec kSpecs[] = {
    {"parse", 4, 4, fixed<Type::kDynamic, kAnyArg, kDynamicArg, kTextArg, kTextArg>, parse_kernel,
     "Texts found by the pattern of the `parse` operator.", prepare},
};

}  // namespace

void register_parse_operator(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
