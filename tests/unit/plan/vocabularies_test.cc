// The catalog as shipped: every file reads without a diagnostic, and every view of every vocabulary
// binds.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "plan/bind.h"
#include "plan/catalog.h"

namespace postern::plan {
namespace {

struct Loaded {
  Catalog catalog;
  std::string faults;
  size_t num_files = 0;
};

const Loaded& shipped() {
  static const Loaded* loaded = [] {
    auto* l = new Loaded;
    for (const char* folder : {"catalog/tables", "catalog/vocabularies"}) {
      const Result<std::vector<std::string>> files = list_files(folder);
      if (!files) continue;
      for (const std::string& path : *files) {
        if (!path.ends_with(".yml")) continue;
        const Result<std::string> text = read_text_file(path);
        if (!text) continue;
        Diagnostics diag;
        const Source source{path, *text};
        l->catalog.add(source, diag);
        ++l->num_files;
        for (const Diagnostic& d : diag.all())
          l->faults += render(source, d);
      }
    }
    return l;
  }();
  return *loaded;
}

BindContext context() {
  return {shipped().catalog, exec::all_functions(), exec::evaluate_constant, false, {}, {}};
}

// A rule that asks for every column that the table declares or that one of its views maps.
Rule ask_for_everything(const std::string& vocabulary, const VocabularyTable& table) {
  Rule rule;
  rule.info.language = vocabulary;
  rule.vocabulary = vocabulary;
  std::set<std::string> names;
  for (const FieldDef& f : table.fields)
    names.insert(f.name);
  if (table.open)
    for (const View& v : table.views)
      for (const auto& [name, expr] : v.map)
        names.insert(name);
  std::vector<NamedExpr> items;
  for (const std::string& n : names)
    items.push_back({n, column(n), {}});
  rule.plan = project(scan(vocabulary, table.name), items);
  return rule;
}

std::string name_of(const std::string& vocabulary, const VocabularyTable& table) {
  return vocabulary + " " + (table.name.empty() ? "(all events)" : table.name);
}

TEST(Vocabularies, EveryCatalogFileReadsWithoutADiagnostic) {
  EXPECT_GE(shipped().num_files, 10u);
  EXPECT_EQ(shipped().faults, "");
}

TEST(Vocabularies, EveryViewNamesANativeTable) {
  for (const auto& [name, vocabulary] : shipped().catalog.vocabularies())
    for (const VocabularyTable& t : vocabulary.tables)
      for (const View& v : t.views)
        EXPECT_TRUE(shipped().catalog.table(v.from))
            << name_of(name, t) << " has a view of " << v.from;
}

TEST(Vocabularies, EveryViewBindsAndGivesEachColumnThatItMaps) {
  for (const auto& [name, vocabulary] : shipped().catalog.vocabularies()) {
    if (name == "sigma") continue;  // found by log source, not by name
    for (const VocabularyTable& t : vocabulary.tables) {
      if (t.views.empty()) continue;
      Diagnostics diag;
      BindReport report;
      const Rule rule = ask_for_everything(name, t);
      OrFailed<OpPtr> bound = bind(rule, context(), diag, report);
      for (const Diagnostic& d : diag.all())
        ADD_FAILURE() << name_of(name, t) << ": " << d.message;
      if (!bound) {
        ADD_FAILURE() << name_of(name, t) << " does not bind";
        continue;
      }
      const std::vector<const Op*> all = scans(**bound);
      ASSERT_EQ(all.size(), 1u);
      ASSERT_EQ(all[0]->branches.size(), t.views.size()) << name_of(name, t);
      for (size_t i = 0; i < t.views.size(); ++i)
        for (const std::string& missing : all[0]->branches[i].missing)
          EXPECT_FALSE(t.views[i].find(missing))
              << name_of(name, t) << ": `" << missing << "` reads what " << t.views[i].from
              << " does not have";
    }
  }
}

TEST(Vocabularies, AViewMapsOnlyColumnsOfItsTableAndEachOnce) {
  for (const auto& [name, vocabulary] : shipped().catalog.vocabularies()) {
    for (const VocabularyTable& t : vocabulary.tables) {
      for (const View& v : t.views) {
        std::set<std::string> seen;
        for (const auto& [mapped, expr] : v.map) {
          EXPECT_TRUE(seen.insert(mapped).second)
              << name_of(name, t) << " maps " << mapped << " twice";
          EXPECT_TRUE(t.open || t.find(mapped)) << name_of(name, t) << " has no column " << mapped;
        }
      }
    }
  }
}

TEST(Vocabularies, TheTimeOfATableIsAColumnOfEachOfItsViews) {
  for (const auto& [name, vocabulary] : shipped().catalog.vocabularies()) {
    if (name == "sigma") continue;
    for (const VocabularyTable& t : vocabulary.tables) {
      EXPECT_FALSE(t.time.empty()) << name_of(name, t);
      for (const View& v : t.views)
        EXPECT_TRUE(t.time == "_time" || v.find(t.time) || v.passthrough)
            << name_of(name, t) << " from " << v.from;
    }
  }
}

TEST(Vocabularies, NoNameStandsForTwoTables) {
  for (const auto& [name, vocabulary] : shipped().catalog.vocabularies()) {
    if (name == "sigma") continue;
    std::set<std::string> seen;
    for (const VocabularyTable& t : vocabulary.tables) {
      EXPECT_TRUE(seen.insert(t.name).second) << name << " " << t.name;
      for (const std::string& alias : t.aliases)
        EXPECT_TRUE(seen.insert(alias).second) << name << " " << alias;
    }
  }
}

TEST(Vocabularies, AnAliasFindsItsTableInAnyCase) {
  const VocabularyTable* t = shipped().catalog.vocabulary_table("kql", "_im_networksession");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->name, "imNetworkSession");
}

}  // namespace
}  // namespace postern::plan
