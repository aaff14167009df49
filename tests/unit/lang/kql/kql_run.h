// Runs a self-contained query (print, datatable, range) through reading, binding and execution.
#pragma once
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "data/value.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "exec/run.h"
#include "lang/kql/kql.h"
#include "plan/bind.h"

namespace postern::lang::kql::testing {

/// 2026-01-02T03:04:05Z: now() of every test.
inline constexpr int64_t kNow = 639'029'198'450'000'000;

struct Answer {
  plan::Schema schema;
  std::vector<std::vector<data::Value>> rows;
  std::string error;
};

inline std::string first_error(const Diagnostics& diag) {
  for (const Diagnostic& d : diag.all())
    if (d.severity == Severity::kError) return d.code + ": " + d.message;
  return "no diagnostic";
}

inline Answer run(const std::string& query, bool strict = true, bool simplify = true) {
  Answer out;
  Diagnostics diag;
  const plan::OpPtr plan = read_query({"query", query}, {}, diag);
  if (!plan || diag.has_errors()) {
    out.error = first_error(diag);
    return out;
  }
  static const plan::Catalog catalog;
  plan::BindContext context{
      catalog, exec::all_functions(), exec::evaluate_constant, strict, simplify, nullptr};
  plan::Rule rule;
  rule.info.language = "kql";
  rule.vocabulary = "kql";
  rule.plan = plan;
  plan::BindReport report;
  OrFailed<plan::OpPtr> bound = plan::bind(rule, context, diag, report);
  if (!bound || diag.has_errors()) {
    out.error = first_error(diag);
    return out;
  }
  plan::RunContext run_context;
  run_context.now_ticks = kNow;
  Result<std::vector<std::vector<data::Value>>> rows = exec::run_values(*bound, run_context);
  if (!rows) {
    out.error = rows.error().message;
    return out;
  }
  out.schema = (*bound)->schema;
  out.rows = *std::move(rows);
  return out;
}

/// `print EXPRESSION` as "type:text"; an error as "error CODE: MESSAGE".
inline std::string value_of(const std::string& expression) {
  const Answer a = run("print v = " + expression);
  if (!a.error.empty()) return "error " + a.error;
  const data::Value& v = a.rows.at(0).at(0);
  return std::string(data::type_name(a.schema[0].type)) + ":" + (v.is_null() ? "null" : v.text());
}

/// Result columns as "name:type, …".
inline std::string columns_of(const std::string& query) {
  const Answer a = run(query, false);
  if (!a.error.empty()) return "error " + a.error;
  std::string out;
  for (const plan::ColumnInfo& c : a.schema)
    out += (out.empty() ? "" : ", ") + c.name + ":" + std::string(data::type_name(c.type));
  return out;
}

}  // namespace postern::lang::kql::testing
