// The public corpus, where at hand: every rule loads, and its recorded events match as the
// reference says.
//
// The events are the JSON twins of the corpus' EVTX files, made into rows the way the decoders do
// it; expected counts come with them (`ref_matches`, made with the reference implementation).
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "sigma_fixture.h"

namespace postern::lang::sigma::test {
namespace {

using data::Dynamic;
using data::Type;

const char* const kActive[] = {"rules", "rules-emerging-threats", "rules-threat-hunting",
                               "rules-placeholder", "rules-compliance"};

struct Corpus {
  std::vector<plan::Rule> rules;
  std::map<std::string, size_t> errors;
  size_t num_files = 0;
};

Corpus read_corpus(const Placeholders& placeholders = {}) {
  Corpus out;
  for (const char* folder : kActive) {
    const auto files = list_files(shared_folder() + "/corpora/sigma/" + folder);
    if (!files) continue;
    for (const std::string& path : *files) {
      const auto text = read_text_file(path);
      if (!text || !path.ends_with(".yml")) continue;
      Diagnostics diag;
      ReadOptions options;
      options.placeholders = placeholders;
      for (plan::Rule& r : read({path, *text}, options, diag))
        out.rules.push_back(std::move(r));
      ++out.num_files;
      std::set<std::string> codes;
      for (const Diagnostic& d : diag.all())
        codes.insert(d.code);
      for (const std::string& c : codes)
        ++out.errors[c];
    }
  }
  return out;
}

plan::Catalog read_catalog() {
  plan::Catalog catalog;
  for (const char* folder : {"catalog/tables", "catalog/vocabularies/sigma.yml"}) {
    const auto files = list_files(folder);
    if (!files) continue;
    for (const std::string& path : *files) {
      const auto text = read_text_file(path);
      Diagnostics diag;
      if (text) catalog.add({path, *text}, diag);
      for (const Diagnostic& d : diag.all())
        ADD_FAILURE() << render({path, *text}, d);
    }
  }
  return catalog;
}

// A rule may ask for any column that a view maps: each must bind over the native table.
TEST(SigmaCatalog, EveryViewBindsWithAllItsColumns) {
  const plan::Catalog catalog = read_catalog();
  const plan::Vocabulary& sigma = catalog.vocabularies().at("sigma");
  EXPECT_GT(sigma.tables.size(), 150U);
  std::set<std::string> names;
  for (const plan::VocabularyTable& t : sigma.tables) {
    EXPECT_TRUE(names.insert(t.name).second) << "named twice: " << t.name;
    EXPECT_TRUE(t.open) << t.name;
    std::vector<plan::ExprPtr> tests;
    std::set<std::string> columns;
    for (const plan::View& v : t.views)
      for (const auto& [column, expr] : v.map)
        if (columns.insert(column).second)
          tests.push_back(plan::call("sigma.exists", {plan::column(column)}));
    tests.push_back(plan::call("sigma.exists", {plan::column("_time")}));
    plan::Rule rule;
    rule.info.language = "sigma";
    rule.kind = plan::RuleKind::kEvent;
    rule.vocabulary = "sigma";
    auto scan = std::make_shared<plan::Op>(*plan::scan("sigma", ""));
    scan->attributes = t.logsource;
    scan->open = true;
    rule.plan = plan::filter(scan, plan::disjunction(std::move(tests)));
    Diagnostics diag;
    plan::BindReport report;
    auto bound = plan::bind(rule, bind_context(catalog), diag, report);
    for (const Diagnostic& d : diag.all())
      ADD_FAILURE() << t.name << ": " << d.message;
    ASSERT_TRUE(bound) << t.name;
    const std::vector<const plan::Op*> scans = plan::scans(**bound);
    ASSERT_EQ(scans.size(), 1U);
    ASSERT_EQ(scans[0]->branches.size(), t.views.size())
        << t.name << " is not found by its own log source";
    for (size_t i = 0; i < t.views.size(); ++i)
      for (const std::string& missing : scans[0]->branches[i].missing)
        EXPECT_FALSE(t.views[i].find(missing))
            << t.name << ", " << t.views[i].from << ": " << missing;
  }
}

TEST(SigmaCorpus, EveryRuleLoadsButThoseWithPlaceholders) {
  const Corpus c = read_corpus();
  if (c.num_files == 0) GTEST_SKIP() << "corpora/sigma is not at hand";
  EXPECT_EQ(c.num_files, 3780U);
  EXPECT_EQ(c.rules.size(), 3755U);
  // Five ask for what they call a filter; one of them by mistake.
  EXPECT_EQ(c.errors, (std::map<std::string, size_t>{{"sigma-filter-without-not", 5},
                                                     {"sigma-unresolved-placeholder", 25}}));
}

TEST(SigmaCorpus, EveryRuleIsKnownToTheCatalog) {
  const Corpus c = read_corpus();
  if (c.num_files == 0) GTEST_SKIP() << "corpora/sigma is not at hand";
  const plan::Catalog catalog = read_catalog();
  for (const plan::Rule& r : c.rules) {
    Diagnostics diag;
    plan::BindReport report;
    EXPECT_TRUE(plan::bind(r, bind_context(catalog), diag, report)) << r.info.path;
    for (const Diagnostic& d : diag.all())
      ADD_FAILURE() << r.info.path << ": " << d.message;
  }
}

// ---- recorded events
// --------------------------------------------------------------------------------

using Fields = std::map<std::string, std::string>;

/// Leaves of a JSON twin by the names of the decoders.
void collect(Dynamic node, const std::string& name, bool system, Fields& out) {
  if (node.is_object()) {
    for (uint32_t i = 0; i < node.size(); ++i) {
      const std::string key(node.key_at(i));
      if (key == "#attributes") {
        for (uint32_t k = 0; system && k < node.at(i).size(); ++k)
          out[name + "_" + std::string(node.at(i).key_at(k))] = node.at(i).at(k).text();
      } else {
        collect(node.at(i), key == "#text" ? name : key, system, out);
      }
    }
  } else if (!node.is_null()) {
    std::string column = name;
    std::erase(column, ' ');
    out[column] = node.is_array() ? node.json() : node.text();
  }
}

/// Events of one table, as columns on demand.
struct Events {
  std::vector<Fields> rows;

  data::Column column(const std::string& name, Type type) const {
    data::ColumnBuilder b(type);
    for (const Fields& row : rows) {
      const auto at = row.find(name);
      if (name == "_values") {
        data::DynamicWriter w;
        w.begin_array();
        for (const auto& [field, value] : row)
          w.string(value);
        w.end();
        b.append_copy(w.take());
      } else if (at == row.end()) {
        b.append_null();
      } else if (data::is_integer(type)) {
        const auto i = parse_int(at->second);
        if (i)
          b.append(*i);
        else
          b.append_null();
      } else if (type == Type::kBool) {
        b.append(equal_ignore_case(at->second, "true"));
      } else if (type == Type::kDynamic) {
        b.append_copy(data::dynamic_from_json(at->second[0] == '[' ? at->second
                                                                   : data::json_string(at->second))
                          .value_or(""));
      } else {
        b.append_copy(at->second);
      }
    }
    return b.finish();
  }
};

std::string table_of(const Fields& f) {
  const auto get = [&](const char* name) {
    const auto at = f.find(name);
    return at == f.end() ? std::string() : at->second;
  };
  if (get("Provider_Name") == "Microsoft-Windows-Sysmon") return "windows.sysmon";
  if (get("Channel") == "Security") return "windows.security";
  if (get("Channel").find("PowerShell") != std::string::npos) return "windows.powershell";
  return "windows.event";
}

/// Matches of a bound and optimized rule among events.
size_t count_matches(const plan::Op& plan,
                     const plan::Catalog& catalog,
                     const std::map<std::string, Events>& events) {
  size_t n = 0;
  for (const plan::Op* scan : plan::scans(plan)) {
    for (const plan::Branch& b : scan->branches) {
      const auto at = events.find(b.table);
      if (at == events.end()) continue;
      std::set<std::string> names;
      plan::collect_columns(b.where, names);
      plan::Schema schema;
      std::vector<data::Column> columns;
      for (const std::string& name : names) {
        const plan::FieldDef* field = catalog.table(b.table)->find(name);
        const Type type = field ? field->type : name == "_values" ? Type::kDynamic : Type::kString;
        schema.push_back({name, type});
        columns.push_back(at->second.column(name, type));
      }
      const auto program = exec::compile(b.where, schema);
      EXPECT_TRUE(program.ok());
      const auto size = static_cast<uint32_t>(at->second.rows.size());
      std::vector<uint32_t> hits;
      if (program)
        (*program)->select(columns, data::Rows(data::kIdentityRows).first(size), size, {}, hits);
      n += hits.size();
    }
  }
  return n;
}

/// Reads a twin: one or several JSON objects, one after the other.
std::vector<Fields> read_twin(const std::string& text) {
  std::vector<Fields> out;
  size_t begin = 0;
  while ((begin = text.find('{', begin)) != std::string::npos) {
    size_t end = text.find("\n}", begin);
    end = end == std::string::npos ? text.size() : end + 2;
    const std::string encoded =
        data::dynamic_from_json(text.substr(begin, end - begin)).value_or("");
    const Dynamic event = Dynamic(encoded).find("Event");
    Fields f;
    collect(event.find("EventData"), "Data", false, f);
    collect(event.find("UserData"), "", false, f);
    const Dynamic system = event.find("System");
    for (uint32_t i = 0; i < system.size(); ++i)
      collect(system.at(i), std::string(system.key_at(i)), true, f);
    if (!f.empty()) out.push_back(std::move(f));
    begin = end;
  }
  return out;
}

TEST(SigmaCorpus, RecordedEventsMatchAsTheReferenceSays) {
  const std::string index_text = shared_file("corpora/sigma/regression_index.json");
  if (index_text.empty()) GTEST_SKIP() << "corpora/sigma is not at hand";
  const std::string encoded = data::dynamic_from_json(index_text).value_or("");
  const Dynamic index(encoded);
  ASSERT_EQ(index.size(), 202U);
  const plan::Catalog catalog = read_catalog();
  const plan::BindContext context = bind_context(catalog);
  std::map<std::string, plan::OpPtr> plans;
  for (const plan::Rule& r : read_corpus().rules) {
    Diagnostics diag;
    plan::BindReport report;
    auto bound = plan::bind(r, context, diag, report);
    ASSERT_TRUE(bound) << r.info.path;
    plans[r.info.id] = plan::optimize(*bound, context, r, diag, report);
  }
  std::map<std::string, Events> all;
  size_t num_events = 0;
  for (uint32_t i = 0; i < index.size(); ++i) {
    const Dynamic entry = index.at(i);
    std::map<std::string, Events> own;
    for (Fields& f : read_twin(shared_file("corpora/sigma/" + entry.find("json").text()))) {
      const std::string table = table_of(f);
      own[table].rows.push_back(f);
      all[table].rows.push_back(std::move(f));
      ++num_events;
    }
    const auto plan = plans.find(entry.find("rule").text());
    ASSERT_NE(plan, plans.end()) << entry.find("rule_path").text();
    EXPECT_EQ(static_cast<int64_t>(count_matches(*plan->second, catalog, own)),
              entry.find("ref_matches").as_long())
        << entry.find("rule_path").text();
  }
  EXPECT_EQ(num_events, 238U);
  // Every rule over every event: what the reference found too.
  size_t matches = 0;
  size_t rules_matched = 0;
  for (const auto& [id, plan] : plans) {
    const size_t n = count_matches(*plan, catalog, all);
    matches += n;
    rules_matched += n > 0 ? 1 : 0;
  }
  EXPECT_EQ(matches, 352U);
  EXPECT_EQ(rules_matched, 242U);
}

}  // namespace
}  // namespace postern::lang::sigma::test
