// Any text through the Sigma front end, and what loads through binding, optimizing and evaluation.
#include <cstdint>
#include <set>
#include <string_view>

#include "base/diagnostic.h"
#include "data/column.h"
#include "data/dynamic.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "lang/sigma/sigma.h"
#include "plan/bind.h"

using namespace postern;

namespace {

// Rules find this one log source whatever they ask for, so that their conditions are bound and run.
constexpr std::string_view kCatalog =
    "table: t\nopen: true\nfields:\n  - { name: EventID, type: int }\n  - { name: Data, type: "
    "dynamic }\n"
    "---\nvocabulary: sigma\ntables:\n  - { table: t, open: true, logsource: { product: windows }, "
    "views: [ { from: t, passthrough: true } ] }\n";

const plan::Catalog& catalog() {
  static const plan::Catalog c = [] {
    plan::Catalog made;
    Diagnostics diag;
    made.add({"catalog", kCatalog}, diag);
    return made;
  }();
  return c;
}

void run(const plan::Rule& rule) {
  Diagnostics diag;
  plan::BindReport report;
  const plan::BindContext context{.catalog = catalog(),
                                  .functions = exec::all_functions(),
                                  .evaluate = exec::evaluate_constant,
                                  .view_query = {}};
  plan::Rule any = rule;
  auto scan = std::make_shared<plan::Op>(*rule.plan->inputs[0]);
  scan->attributes = {{"product", "windows"}};
  any.plan = plan::with_inputs(*rule.plan, {scan});
  auto bound = plan::bind(any, context, diag, report);
  if (!bound) return;
  const plan::OpPtr best = plan::optimize(*bound, context, any, diag, report);
  to_text(*best);
  for (const plan::Op* s : plan::scans(*best)) {
    for (const plan::Branch& b : s->branches) {
      if (!b.where) continue;
      std::set<std::string> names;
      plan::collect_columns(b.where, names);
      plan::Schema schema;
      std::vector<data::Column> columns;
      for (const std::string& n : names) {
        const auto type = n == "EventID"                  ? data::Type::kInt
                          : n == "Data" || n == "_values" ? data::Type::kDynamic
                                                          : data::Type::kString;
        data::ColumnBuilder column(type);
        if (type == data::Type::kInt)
          column.append(int64_t{4688});
        else if (type == data::Type::kDynamic)
          column.append_copy(*data::dynamic_from_json(R"(["a",1,null,"\u00e9"])"));
        else
          column.append_copy("C:\\Windows\\System32\\cmd.exe /c \xC3\xA9 \xFF 10.0.0.1");
        column.append_null();
        schema.push_back({n, type});
        columns.push_back(column.finish());
      }
      const auto program = exec::compile(b.where, schema);
      std::vector<uint32_t> hits;
      if (program)
        (*program)->select(columns, data::Rows(data::kIdentityRows).first(2), 2, {}, hits);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Source file{"fuzz", text};
  lang::sigma::recognises(file);
  lang::sigma::ReadOptions options;
  options.placeholders = {{"a", {"x", "y*"}}};
  Diagnostics diag;
  for (const plan::Rule& rule : lang::sigma::read(file, options, diag))
    run(rule);
  for (const Diagnostic& d : diag.all())
    render(file, d);
  return 0;
}
