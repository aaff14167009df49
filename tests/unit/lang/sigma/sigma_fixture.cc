#include "sigma_fixture.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "exec/evaluate.h"
#include "exec/functions/functions.h"

namespace postern::lang::sigma::test {

using data::Dynamic;
using data::Type;
using data::Value;

std::string ReadResult::messages() const {
  std::string out;
  for (const Diagnostic& d : diag.all())
    out += render({"rule", text}, d);
  return out;
}

std::string ReadResult::summary() const {
  std::string out;
  for (const Diagnostic& d : diag.all())
    out += d.code + ": " + d.message + "\n";
  return out;
}

ReadResult read_text(std::string text, const ReadOptions& options) {
  ReadResult r;
  r.text = std::move(text);
  r.rules = read({"rule", r.text}, options, r.diag);
  return r;
}

ReadResult read_detection(std::string_view detection, const ReadOptions& options) {
  return read_text(
      "title: T\nid: 01234567-89ab-cdef-0123-456789abcdef\nlogsource: { product: test "
      "}\ndetection:\n" +
          std::string(detection),
      options);
}

std::string condition_text(const ReadResult& r) {
  return r.rules.size() == 1 ? to_text(*r.rules[0].plan->predicate) : r.messages();
}

std::string condition_of(std::string_view detection, const ReadOptions& options) {
  return condition_text(read_detection(detection, options));
}

Event::Event(std::string_view json, std::string_view raw) : raw_(raw) {
  encoded_ = data::dynamic_from_json(json).value_or("");
  const Dynamic d(encoded_);
  data::DynamicWriter values;
  values.begin_array();
  for (uint32_t i = 0; i < d.size(); ++i) {
    const Dynamic member = d.at(i);
    for (uint32_t k = 0; member.is_array() && k < member.size(); ++k)
      values.string(member.at(k).text());
    if (!member.is_array() && !member.is_null()) values.string(member.text());
  }
  values.end();
  values_ = values.take();
}

Value Event::value(std::string_view column) const {
  if (column == "_values") return Value::dynamic(values_);
  if (column == "_text") return raw_.empty() ? Value::null(Type::kString) : Value::string(raw_);
  const Dynamic d = Dynamic(encoded_).find(column);
  switch (d.kind()) {
    case Dynamic::Kind::kNull:
      return Value::null(Type::kString);
    case Dynamic::Kind::kFalse:
    case Dynamic::Kind::kTrue:
      return Value::boolean(d.as_bool());
    case Dynamic::Kind::kLong:
      return Value::integer(d.as_long());
    case Dynamic::Kind::kReal:
      return Value::real(d.as_real());
    case Dynamic::Kind::kString:
      return Value::string(std::string(d.as_string()));
    default:
      return Value::dynamic(std::string(d.encoded()));
  }
}

plan::BindContext bind_context(const plan::Catalog& catalog) {
  return {.catalog = catalog,
          .functions = exec::all_functions(),
          .evaluate = exec::evaluate_constant,
          .view_query = {}};
}

namespace {

plan::Catalog catalog_for(const Event& event, std::string& error) {
  std::string text = "table: test.events\nopen: true\nfields:\n";
  for (uint32_t i = 0; i < event.fields().size(); ++i) {
    const std::string name(event.fields().key_at(i));
    text += "  - { name: \"" + name +
            "\", type: " + std::string(type_name(event.value(name).type())) + " }\n";
  }
  text +=
      "---\nvocabulary: sigma\ntables:\n  - { table: test, open: true, logsource: { product: test "
      "}, "
      "views: [ { from: test.events, passthrough: true } ] }\n";
  plan::Catalog catalog;
  Diagnostics diag;
  catalog.add({"catalog", text}, diag);
  for (const Diagnostic& d : diag.all())
    error += render({"catalog", text}, d);
  return catalog;
}

}  // namespace

plan::ExprPtr bound_condition(const ReadResult& r, const Event& event, std::string& error) {
  const plan::Catalog catalog = catalog_for(event, error);
  Diagnostics diag;
  plan::BindReport report;
  auto bound = plan::bind(r.rules.at(0), bind_context(catalog), diag, report);
  for (const Diagnostic& d : diag.all())
    error += render({"rule", r.text}, d);
  return bound ? (*bound)->predicate : nullptr;
}

bool holds(const plan::ExprPtr& where, const Event& event) {
  if (!where) return true;
  std::set<std::string> names;
  plan::collect_columns(where, names);
  plan::Schema schema;
  std::vector<data::Column> columns;
  for (const std::string& n : names) {
    schema.push_back({n, event.value(n).type()});
    columns.push_back(data::Column::constant(event.value(n), 1));
  }
  const auto program = exec::compile(where, schema);
  if (!program) return false;
  std::vector<uint32_t> hits;
  (*program)->select(columns, data::Rows(data::kIdentityRows).first(1), 1, {}, hits);
  return !hits.empty();
}

std::string matches(const ReadResult& r, const Event& event) {
  if (r.rules.size() != 1) return r.messages();
  std::string error;
  const plan::Catalog catalog = catalog_for(event, error);
  Diagnostics diag;
  plan::BindReport report;
  const plan::BindContext context = bind_context(catalog);
  auto bound = plan::bind(r.rules[0], context, diag, report);
  for (const Diagnostic& d : diag.all())
    error += render({"rule", r.text}, d);
  if (!bound || !error.empty()) return error;
  const plan::OpPtr best = plan::optimize(*bound, context, r.rules[0], diag, report);
  for (const plan::Op* scan : plan::scans(*best))
    for (const plan::Branch& b : scan->branches)
      if (holds(b.where, event)) return "yes";
  return "no";
}

std::string matches(std::string_view detection, std::string_view event_json, std::string_view raw) {
  return matches(read_detection(detection), Event(event_json, raw));
}

std::string shared_folder() {
  const char* folder = std::getenv("POSTERN_SHARED");
  return folder ? folder : "../shared";
}

std::string shared_file(const std::string& name) {
  std::ifstream in(shared_folder() + "/" + name, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace postern::lang::sigma::test
