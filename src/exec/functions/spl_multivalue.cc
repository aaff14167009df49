// Multivalue functions of eval: a field with several values is a dynamic array of texts.
//
// mvfilter and mvmap run an expression per value. It comes as text (the front end writes it), is
// compiled once against a row of one column, `member`, and sees all values of a batch at once.
#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "exec/functions/spl_value.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::ExprPtr;
using plan::KernelCall;
using plan::TypeRequest;
using plan::Typing;

namespace {

/// mvrange could fill memory; Splunk's own results have at most this many rows by default.
constexpr size_t kMaxRange = 10'000;

std::vector<std::string> values_of(SplCells& cells, uint32_t row) {
  std::vector<std::string> out;
  const uint32_t n = cells.count(row);
  out.reserve(n);
  for (uint32_t i = 0; i < n; ++i)
    out.emplace_back(cells.text(row, i));
  return out;
}

/// values -> values, row by row.
template <class F>
Column map_values(const KernelCall& call, F&& f) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows) {
    if (!cells.valid(row)) continue;
    std::vector<std::string> values = values_of(cells, row);
    f(values);
    spl_set_values(out, row, values);
  }
  return out.finish();
}

Column mvdedup_kernel(const KernelCall& call) {
  return map_values(call, [](std::vector<std::string>& values) {
    std::set<std::string> seen;
    std::erase_if(values, [&](const std::string& v) { return !seen.insert(v).second; });
  });
}

Column mvsort_kernel(const KernelCall& call) {
  return map_values(
      call, [](std::vector<std::string>& values) { std::sort(values.begin(), values.end()); });
}

Column mvreverse_kernel(const KernelCall& call) {
  return map_values(
      call, [](std::vector<std::string>& values) { std::reverse(values.begin(), values.end()); });
}

Column without_empty_kernel(const KernelCall& call) {
  return map_values(call, [](std::vector<std::string>& values) {
    std::erase_if(values, [](const std::string& v) { return v.empty(); });
  });
}

Column mvcount_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kLong, call.num_rows);
  SplCells cells(call.args[0]);
  for (const uint32_t row : call.rows)
    if (const uint32_t n = cells.count(row)) out.set(row, static_cast<int64_t>(n));
  return out.finish();
}

Column mvappend_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  std::vector<SplCells> args;
  for (const Column& c : call.args)
    args.emplace_back(c);
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    values.clear();
    for (SplCells& a : args)
      for (std::string& v : values_of(a, row))
        values.push_back(std::move(v));
    spl_set_values(out, row, values);
  }
  return out.finish();
}

// mvindex(values, first[, last]): from 0, negative from the end; one index gives one value.
Typing mvindex_typing(const TypeRequest& r) {
  return Typing::ok(r.types.size() == 2 ? Type::kString : Type::kDynamic);
}

Column mvindex_kernel(const KernelCall& call) {
  ColumnBuilder out(call.type, call.num_rows);
  SplCells cells(call.args[0]);
  SplCells first(call.args[1]);
  const bool range = call.args.size() == 3;
  SplCells last(range ? call.args[2] : call.args[1]);
  for (const uint32_t row : call.rows) {
    const auto n = static_cast<int64_t>(cells.count(row));
    const auto from = n > 0 && first.valid(row) ? first.number(row) : std::nullopt;
    const auto to = from && last.valid(row) ? last.number(row) : std::nullopt;
    if (!to || !from->whole || !to->whole) continue;
    int64_t i = from->integer < 0 ? from->integer + n : from->integer;
    int64_t j = to->integer < 0 ? to->integer + n : to->integer;
    if (!range) {
      if (i >= 0 && i < n) out.set_copy(row, cells.text(row, static_cast<uint32_t>(i)));
      continue;
    }
    i = std::max<int64_t>(i, 0);
    j = std::min(j, n - 1);
    std::vector<std::string> values;
    for (; i <= j; ++i)
      values.emplace_back(cells.text(row, static_cast<uint32_t>(i)));
    spl_set_values(out, row, values);
  }
  return out.finish();
}

Column mvjoin_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kString, call.num_rows);
  SplCells cells(call.args[0]);
  SplCells delimiter(call.args[1]);
  std::string joined;
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    if (n == 0 || !delimiter.valid(row)) continue;
    joined.clear();
    for (uint32_t i = 0; i < n; ++i) {
      if (i > 0) joined += delimiter.text(row);
      joined += cells.text(row, i);
    }
    out.set_copy(row, joined);
  }
  return out.finish();
}

// split(text, delimiter): an empty delimiter gives each character.
Column split_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells cells(call.args[0]);
  SplCells delimiters(call.args[1]);
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    const uint32_t n = cells.count(row);
    if (n == 0 || !delimiters.valid(row)) continue;
    const std::string delimiter(delimiters.text(row));
    values.clear();
    for (uint32_t i = 0; i < n; ++i) {
      const std::string_view s = cells.text(row, i);
      if (delimiter.empty()) {
        for (size_t at = 0; at < s.size();) {
          const size_t begin = at;
          next_code_point(s, at);
          values.emplace_back(s.substr(begin, at - begin));
        }
        continue;
      }
      size_t begin = 0;
      for (size_t at = s.find(delimiter); at != std::string_view::npos;
           at = s.find(delimiter, begin)) {
        values.emplace_back(s.substr(begin, at - begin));
        begin = at + delimiter.size();
      }
      values.emplace_back(s.substr(begin));
    }
    spl_set_values(out, row, values);
  }
  return out.finish();
}

// mvzip(a, b[, delimiter]): pairs as far as the shorter one reaches.
Column mvzip_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells a(call.args[0]);
  SplCells b(call.args[1]);
  std::vector<SplCells> given;
  if (call.args.size() > 2) given.emplace_back(call.args[2]);
  for (const uint32_t row : call.rows) {
    const std::string delimiter = given.empty()         ? ","
                                  : given[0].valid(row) ? std::string(given[0].text(row))
                                                        : "";
    const uint32_t n = std::min(a.count(row), b.count(row));
    std::vector<std::string> values;
    for (uint32_t i = 0; i < n; ++i) {
      values.emplace_back(a.text(row, i));
      values.back() += delimiter;
      values.back() += b.text(row, i);
    }
    spl_set_values(out, row, values);
  }
  return out.finish();
}

// mvrange(start, end[, step]): numbers up to but not with the end.
Column mvrange_kernel(const KernelCall& call) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  std::vector<SplCells> args;
  for (const Column& c : call.args)
    args.emplace_back(c);
  for (const uint32_t row : call.rows) {
    double bounds[3] = {0, 0, 1};
    bool complete = true;
    for (size_t i = 0; i < args.size(); ++i) {
      const auto n = args[i].valid(row) ? args[i].number(row) : std::nullopt;
      complete = complete && n;
      if (n) bounds[i] = n->real;
    }
    if (!complete || bounds[2] == 0) continue;
    std::vector<std::string> values;
    for (double x = bounds[0];
         (bounds[2] > 0 ? x < bounds[1] : x > bounds[1]) && values.size() < kMaxRange;
         x += bounds[2])
      values.push_back(spl_number_text(SplNumber::of(x)));
    spl_set_values(out, row, values);
  }
  return out.finish();
}

// ---- expressions per value
// ---------------------------------------------------------------------------

struct MemberExpression {
  std::shared_ptr<const CompiledExpr> program;
};

/// Finds functions and types of an expression over the one column `member`.
Result<ExprPtr> bound_member(const ExprPtr& e) {
  if (e->is_literal()) return e;
  auto out = std::make_shared<plan::Expr>(*e);
  if (e->is_column()) {
    out->type = Type::kString;
    return ExprPtr(out);
  }
  out->function = all_functions().function(e->name);
  if (!out->function) return Error{Code::kInvalid, "unknown function: " + e->name};
  std::vector<Type> types;
  std::vector<const Value*> constants;
  for (ExprPtr& a : out->args) {
    POSTERN_TRY(a, bound_member(a));
    types.push_back(a->type);
    constants.push_back(a->is_literal() ? &a->literal : nullptr);
  }
  const Typing t = out->function->typing({types, constants});
  if (!t.error.empty() && !t.coercible) return Error{Code::kInvalid, t.error};
  out->type = t.type;
  return ExprPtr(out);
}

Result<std::shared_ptr<const void>> prepare_member(std::span<const Value* const> constants,
                                                   std::span<const Type>) {
  const auto text = spl_constant(constants, 1);
  if (!text) return Error{Code::kInvalid, "mvfilter and mvmap take an expression"};
  Diagnostics diag;
  auto parsed = plan::parse_expr_text(Source{"expression", *text}, diag);
  if (!parsed)
    return Error{Code::kInvalid,
                 diag.all().empty() ? "bad expression" : diag.all().front().message};
  POSTERN_TRY(const ExprPtr e, bound_member(*parsed));
  auto m = std::make_shared<MemberExpression>();
  POSTERN_TRY(m->program, compile(e, {{"member", Type::kString}}));
  return std::shared_ptr<const void>(m);
}

template <bool filter>
Column member_kernel(const KernelCall& call) {
  const auto& m = *static_cast<const MemberExpression*>(call.state);
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells cells(call.args[0]);
  std::vector<std::string> all;
  std::vector<std::pair<uint32_t, size_t>> begins;  // row, its first value in `all`
  for (const uint32_t row : call.rows) {
    begins.emplace_back(row, all.size());
    for (std::string& v : values_of(cells, row))
      all.push_back(std::move(v));
  }
  // Values of all rows, at most a batch at a time.
  std::vector<std::optional<std::string>> results;
  results.reserve(all.size());
  for (size_t from = 0; from < all.size(); from += data::kBatchRows) {
    const auto n = static_cast<uint32_t>(std::min<size_t>(data::kBatchRows, all.size() - from));
    ColumnBuilder members(Type::kString);
    for (uint32_t i = 0; i < n; ++i)
      members.append_copy(all[from + i]);
    const Column column = members.finish();
    const Column result =
        m.program->evaluate({&column, 1}, data::Rows(data::kIdentityRows).first(n), n, *call.run);
    SplCells read(result);
    for (uint32_t i = 0; i < n; ++i) {
      if (!read.valid(i))
        results.emplace_back();
      else
        results.emplace_back(std::string(read.text(i)));
    }
  }
  for (size_t i = 0; i < begins.size(); ++i) {
    const size_t end = i + 1 < begins.size() ? begins[i + 1].second : all.size();
    std::vector<std::string> values;
    for (size_t v = begins[i].second; v < end; ++v) {
      if (!results[v]) continue;
      if (!filter)
        values.push_back(*results[v]);
      else if (*results[v] == "true")
        values.push_back(all[v]);
    }
    spl_set_values(out, begins[i].first, values);
  }
  return out.finish();
}

}  // namespace

void register_spl_multivalues(plan::FunctionCatalog& c) {
  c.add(spl_function("mvappend", 1, -1, spl_gives_dynamic, mvappend_kernel,
                     "All values of all arguments."));
  c.add(spl_function("mvcount", 1, 1, spl_gives_long, mvcount_kernel,
                     "Number of values; null for none."));
  c.add(spl_function("mvdedup", 1, 1, spl_gives_dynamic, mvdedup_kernel, "Each value once."));
  c.add(spl_function("mvfilter", 2, 2, spl_gives_dynamic, member_kernel<true>,
                     "Values for which a condition holds.", prepare_member));
  c.add(spl_function("mvmap", 2, 2, spl_gives_dynamic, member_kernel<false>,
                     "An expression of each value.", prepare_member));
  c.add(spl_function("mvindex", 2, 3, mvindex_typing, mvindex_kernel,
                     "Value at an index, or a range of them."));
  c.add(spl_function("mvjoin", 2, 2, spl_gives_string, mvjoin_kernel, "Values as one text."));
  c.add(spl_function("mvrange", 2, 3, spl_gives_dynamic, mvrange_kernel, "Numbers from a to b."));
  c.add(spl_function("mvreverse", 1, 1, spl_gives_dynamic, mvreverse_kernel, "Values backwards."));
  c.add(spl_function("mvsort", 1, 1, spl_gives_dynamic, mvsort_kernel,
                     "Values in order of their bytes."));
  c.add(spl_function("mvzip", 2, 3, spl_gives_dynamic, mvzip_kernel,
                     "Values of two fields in pairs."));
  c.add(spl_function("split", 2, 2, spl_gives_dynamic, split_kernel, "A text cut at a delimiter."));
  c.add(spl_function("without_empty", 1, 1, spl_gives_dynamic, without_empty_kernel,
                     "Values that are not \"\"."));
}

}  // namespace postern::exec
