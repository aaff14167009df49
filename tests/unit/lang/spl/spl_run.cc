#include "spl_run.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"
#include "exec/functions/functions.h"
#include "exec/functions/spl_value.h"
#include "exec/run.h"
#include "lang/spl/spl.h"
#include "plan/bind.h"

namespace postern::lang::spl {
namespace {

using adapt::JsonNode;
using data::Type;

std::string scalar(const JsonNode& n) {
  if (n.kind == JsonNode::Kind::kBool) return n.boolean ? "true" : "false";
  return n.text;
}

struct Table {
  std::string name;
  const std::vector<JsonNode>* rows = nullptr;
  std::vector<std::pair<std::string, Type>> fields;
};

Table table_of(std::string name, const std::vector<JsonNode>& rows) {
  Table t{std::move(name), &rows, {}};
  for (const JsonNode& row : rows) {
    for (const auto& [key, value] : row.entries) {
      Type type = value.is_array() ? Type::kDynamic
                  : key == "_time" ? Type::kDatetime
                                   : Type::kString;
      const auto known = std::find_if(t.fields.begin(), t.fields.end(),
                                      [&](const auto& f) { return f.first == key; });
      if (known == t.fields.end())
        t.fields.emplace_back(key, type);
      else if (type == Type::kDynamic)
        known->second = type;
    }
  }
  return t;
}

std::string catalog_of(const Table& t) {
  std::string out = "table: " + t.name + "\ndoc: rows of a test\nopen: true\nfields:\n";
  bool any = false;
  for (const auto& [name, type] : t.fields) {
    if (name == "_time") continue;
    any = true;
    out += "  - { name: " + data::json_string(name) +
           ", type: " + (type == Type::kDynamic ? "dynamic" : "string") + " }\n";
  }
  if (!any) out += "  - { name: nothing, type: string }\n";
  return out;
}

std::string vocabulary_of(const std::vector<std::pair<std::string, std::string>>& tables) {
  std::string out = "vocabulary: spl\ndoc: tables of a test\ntables:\n";
  for (const auto& [name, native] : tables) {
    out +=
        "  - table: \"" + name + "\"\n    doc: x\n    open: true\n    time: _time\n    fields:\n";
    out += "      - { name: _time, type: datetime }\n    views:\n      - from: " + native +
           "\n        passthrough: true\n";
    // The one calculated field of the data models that the cases rely on.
    if (!name.empty()) out += "        map: { user: 'coalesce(user, \"unknown\")' }\n";
  }
  return out;
}

data::Column column_of(const Table& t, const std::string& name, Type type, size_t from, size_t n) {
  data::ColumnBuilder b(type);
  for (size_t i = from; i < from + n; ++i) {
    const JsonNode* v = (*t.rows)[i].find(name);
    if (!v || v->kind == JsonNode::Kind::kNull) {
      b.append_null();
    } else if (type == Type::kDatetime) {
      b.append(*ticks_from_unix_text(scalar(*v)));
    } else if (type == Type::kDynamic) {
      std::vector<std::string> values;
      if (v->is_array())
        for (const JsonNode& m : v->items)
          values.push_back(scalar(m));
      else
        values.push_back(scalar(*v));
      b.append_copy(exec::spl_encode_values(values));
    } else {
      b.append_copy(scalar(*v));
    }
  }
  return b.finish();
}

/// Pushes the rows of a scan's branches as the engine does.
bool feed(const plan::Op& scan,
          size_t index,
          const std::vector<Table>& tables,
          exec::Run& run,
          size_t batch_rows,
          std::string& problem) {
  for (const plan::Branch& branch : scan.branches) {
    const auto t = std::find_if(tables.begin(), tables.end(),
                                [&](const Table& c) { return c.name == branch.table; });
    if (t == tables.end()) continue;
    for (size_t from = 0; from < t->rows->size(); from += batch_rows) {
      const size_t n = std::min(batch_rows, t->rows->size() - from);
      // Native columns: those of the rows, and any other that the plan asks for, as nulls.
      plan::Schema schema;
      std::vector<data::Column> columns;
      std::set<std::string> wanted = {"_time", "_raw", "_values"};
      for (const auto& [name, type] : t->fields)
        wanted.insert(name);
      if (branch.where) plan::collect_columns(branch.where, wanted);
      for (const plan::NamedExpr& c : branch.columns)
        plan::collect_columns(c.expr, wanted);
      for (const std::string& name : wanted) {
        Type type = name == "_time"     ? Type::kDatetime
                    : name == "_values" ? Type::kDynamic
                                        : Type::kString;
        for (const auto& [field, known] : t->fields)
          if (field == name) type = known;
        schema.push_back({name, type});
        columns.push_back(column_of(*t, name, type, from, n));
      }
      std::vector<uint32_t> rows;
      for (uint32_t i = 0; i < n; ++i)
        rows.push_back(i);
      const plan::RunContext context;
      if (branch.where) {
        const auto where = exec::compile(branch.where, schema);
        if (!where) return problem = where.error().message, false;
        std::vector<uint32_t> kept;
        (*where)->select(columns, rows, static_cast<uint32_t>(n), context, kept);
        rows = kept;
      }
      exec::Chunk chunk;
      chunk.num_rows = static_cast<uint32_t>(rows.size());
      for (const plan::ColumnInfo& c : scan.schema) {
        const auto e =
            std::find_if(branch.columns.begin(), branch.columns.end(),
                         [&](const plan::NamedExpr& named) { return named.name == c.name; });
        if (e == branch.columns.end()) {
          chunk.columns.push_back(data::Column::nulls(c.type, chunk.num_rows));
          continue;
        }
        const auto program = exec::compile(e->expr, schema);
        if (!program) return problem = program.error().message, false;
        chunk.columns.push_back(
            (*program)->evaluate(columns, rows, static_cast<uint32_t>(n), context).gather(rows));
      }
      const auto time = std::find_if(schema.begin(), schema.end(),
                                     [](const auto& c) { return c.name == "_time"; });
      const data::Column& times = columns[static_cast<size_t>(time - schema.begin())];
      for (const uint32_t row : rows) {
        chunk.times.push_back(times.valid(row) ? times.view<int64_t>()[row] : 0);
        chunk.refs.add_row(&row, 1);
      }
      run.push(index, std::move(chunk));
    }
  }
  return true;
}

}  // namespace

TestResult run_spl(const std::string& query,
                   const TestRows& input,
                   RunMode mode,
                   bool optimized,
                   size_t batch_rows) {
  TestResult result;
  std::vector<Table> tables = {table_of("test.events", input.rows)};
  std::vector<std::pair<std::string, std::string>> names = {{"", "test.events"}};
  for (const auto& [name, rows] : input.datasets) {
    const std::string native = "test.dataset" + std::to_string(tables.size());
    tables.push_back(table_of(native, rows));
    names.emplace_back(name, native);
  }
  plan::Catalog catalog;
  Diagnostics catalog_diag;
  for (const Table& t : tables)
    catalog.add(Source{"table", catalog_of(t)}, catalog_diag);
  catalog.add(Source{"vocabulary", vocabulary_of(names)}, catalog_diag);
  if (catalog_diag.has_errors()) {
    result.problem = "catalog: " + catalog_diag.all().front().message;
    return result;
  }
  MacroLibrary macros;
  Diagnostics ignored;
  MacroLibrary::add_path("rules/macros", macros.builtin, ignored);
  Diagnostics diag;
  plan::OpPtr given;
  std::vector<std::string> columns;
  if (mode == RunMode::kGivenRows) {
    auto scan = std::make_shared<plan::Op>(*plan::scan("spl", ""));
    scan->open = true;
    given = scan;
    for (const auto& [name, type] : tables[0].fields)
      columns.push_back(name);
    // The scan itself offers any field; the rows have these.
    std::vector<plan::NamedExpr> items;
    for (const std::string& c : columns)
      items.push_back({c, plan::column(c), {}});
    if (!items.empty()) given = plan::project(given, items);
  }
  const Source source{"", query};
  LookupLibrary lookups;
  for (const auto& [name, text] : input.files)
    lookups.user.add(Source{name, text}, ignored);
  auto read = read_query(source, {&macros, &lookups}, diag, given, columns);
  const auto first_error = [&]() -> std::string {
    for (const Diagnostic& d : diag.all())
      if (d.severity == Severity::kError) return d.code + ": " + d.message;
    return "failed without an error";
  };
  if (!read) {
    result.problem = first_error();
    return result;
  }
  plan::Rule rule;
  rule.info.language = "spl";
  rule.vocabulary = "spl";
  rule.plan = *read;
  const plan::BindContext context{
      catalog, exec::all_functions(), exec::evaluate_constant, false, true, {}};
  plan::BindReport report;
  auto bound = plan::bind(rule, context, diag, report);
  if (!bound) {
    result.problem = first_error();
    return result;
  }
  plan::OpPtr plan = *bound;
  if (optimized) plan = plan::optimize(plan, context, rule, diag, report);
  result.plan = plan::to_text(*plan);
  const auto compiled = exec::CompiledPlan::make(plan);
  if (!compiled) {
    result.problem = compiled.error().message;
    return result;
  }
  exec::RowCollector sink;
  plan::RunContext run_context;
  run_context.now_ticks = ticks_from_unix(1'700'000'000);
  const auto run = exec::Run::start(*compiled, run_context, sink);
  const auto& scans = (*compiled)->scans();
  for (size_t i = 0; i < scans.size(); ++i)
    if (!feed(*scans[i], i, tables, *run, batch_rows, result.problem)) return result;
  run->finish();
  for (const plan::ColumnInfo& c : (*compiled)->schema())
    result.columns.push_back(c.name);
  for (const auto& row : sink.rows) {
    result.rows.emplace_back();
    for (const data::Value& v : row) {
      if (v.is_null())
        result.rows.back().emplace_back("null");
      else if (v.type() == Type::kDatetime)
        result.rows.back().push_back(exec::spl_time_text(v.as_int()));
      else
        result.rows.back().push_back(v.json());
    }
  }
  result.ran = true;
  return result;
}

std::string brief(const TestResult& r) {
  if (!r.ran) return "! " + r.problem;
  std::string out;
  for (const auto& row : r.rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i] == "null") continue;
      std::string cell = row[i];
      if (cell.size() >= 2 && cell.front() == '"' && cell.find('\\') == std::string::npos)
        cell = cell.substr(1, cell.size() - 2);
      line += (line.empty() ? "" : " ") + r.columns[i] + "=" + cell;
    }
    out += (out.empty() ? "" : "; ") + line;
  }
  return out;
}

}  // namespace postern::lang::spl
