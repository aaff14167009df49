// Any text through the KQL front end, and self-contained queries that load through binding and
// execution.
#include <cstdint>
#include <string_view>

#include "base/diagnostic.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "exec/run.h"
#include "lang/kql/kql.h"
#include "plan/bind.h"

using namespace postern;

namespace {

// A small number of small arrays: a fuzzer finds range(1, 1000000) and repeat() at once.
constexpr size_t kMostRows = 200;

bool cheap(const plan::Expr& e) {
  if (e.kind == plan::Expr::Kind::kCall &&
      (e.name == "kql.range" || e.name == "kql.repeat" || e.name == "kql.strrep"))
    return false;
  for (const plan::ExprPtr& a : e.args)
    if (!cheap(*a)) return false;
  return true;
}

/// Reads no table, and cannot grow much.
bool runnable(const plan::Op& op, int depth) {
  if (op.kind == plan::OpKind::kScan || depth > 12 || op.rows.size() > kMostRows) return false;
  for (const plan::NamedExpr& i : op.items)
    if (!cheap(*i.expr)) return false;
  if (op.predicate && !cheap(*op.predicate)) return false;
  if (op.inputs.size() > 4) return false;
  for (const plan::OpPtr& input : op.inputs)
    if (!runnable(*input, depth + (op.kind == plan::OpKind::kJoin ? 4 : 1))) return false;
  return true;
}

void run(const plan::Rule& rule) {
  static const plan::Catalog catalog;
  Diagnostics diag;
  plan::BindReport report;
  const plan::BindContext context{.catalog = catalog,
                                  .functions = exec::all_functions(),
                                  .evaluate = exec::evaluate_constant,
                                  .view_query = {}};
  const auto bound = plan::bind(rule, context, diag, report);
  if (!bound) return;
  auto plan = bound;
  plan::RunContext run_context;
  run_context.now_ticks = 638'000'000'000'000'000;
  (void)exec::run_values(*std::move(plan), run_context);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Source source{"fuzz.kql", text};
  Diagnostics diag;
  (void)lang::kql::recognises(source);
  for (const plan::Rule& rule : lang::kql::read(source, {}, diag))
    if (runnable(*rule.plan, 0)) run(rule);
  for (const Diagnostic& d : diag.all())
    (void)render(source, d);
  return 0;
}
