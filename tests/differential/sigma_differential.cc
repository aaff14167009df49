// Compares the engine with the second evaluator of Sigma (oracle_rule.h), rule
// by event.
//
//   sigma_differential [--placeholders FILE] --rules PATH... --evidence PATH...
//   sigma_differential            as a test: the corpus at $POSTERN_SHARED on
//   part of its evidence
//
// Prints every difference and "N of M rule-event pairs agree". The exit status
// is 1 when there is one, 77 when there is nothing to compare.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"
#include "data/batch.h"
#include "engine/evidence.h"
#include "engine/hunt.h"
#include "oracle_rule.h"

using namespace postern;
using namespace postern::differential;

namespace {

constexpr size_t kMaxShown = 40;

/// Reads whole events of every table that rules are about.
class EventReader final : public data::BatchSink {
 public:
  EventReader(std::string path, std::vector<OracleEvent>& out)
      : path_(std::move(path)), out_(out) {}

  bool push(data::Batch&& batch) override {
    for (uint32_t row = 0; row < batch.num_rows; ++row) {
      OracleEvent e;
      e.table = batch.table;
      e.path = path_;
      e.offset = batch.positions[row].offset;
      e.record = batch.positions[row].record;
      for (size_t i = 0; i < batch.columns.size(); ++i) {
        const data::Column& c = batch.columns[i];
        const std::string& name = batch.layout->fields()[i].name;
        if (c.type() == data::Type::kNull || !c.valid(row)) continue;
        if (name == data::kTextColumn) {
          e.raw = c.value(row).text();
        } else if (name == data::kValuesColumn) {
          add_values(c.value(row), e.values);
        } else {
          add_values(c.value(row), e.fields[name]);
        }
      }
      Visitor visitor(e);
      if (batch.records) batch.records->read(row, visitor);
      out_.push_back(std::move(e));
    }
    return true;
  }

  void skipped(std::string_view, uint64_t) override {}

 private:
  static void add_values(const data::Value& v, std::vector<std::string>& out) {
    if (v.is_null()) return;
    if (v.type() == data::Type::kDynamic) {
      const data::Dynamic d(v.as_bytes());
      if (d.is_array()) {
        for (uint32_t i = 0; i < d.size(); ++i)
          if (!d.at(i).is_null()) out.push_back(d.at(i).text());
        return;
      }
    }
    out.push_back(v.text());
  }

  // Columns that the table declares come typed from the batch; others as the
  // record has them.
  class Visitor final : public data::FieldVisitor {
   public:
    explicit Visitor(OracleEvent& e) : e_(e) {
      for (const auto& [name, field] : e.fields)
        known_.insert(name);
    }

    void field(std::string_view name, const data::Value& value) override {
      const std::string n(name);
      if (known_.count(n) || value.is_null()) return;
      add_values(value, e_.fields[n]);
    }

   private:
    OracleEvent& e_;
    std::set<std::string> known_;
  };

  std::string path_;
  std::vector<OracleEvent>& out_;
};

std::vector<OracleEvent> read_events(const std::vector<std::string>& evidence,
                                     const plan::Catalog& catalog,
                                     const std::set<std::string>& columns) {
  data::Layouts layouts;
  for (const auto& [name, table] : catalog.tables()) {
    data::Layout layout(name);
    for (const plan::FieldDef& f : table.fields)
      layout.add(f.name, f.type);
    // A rule's fields of an open table are text columns, as for the engine.
    if (table.open)
      for (const std::string& c : columns)
        if (!table.find(c)) layout.add(c, data::Type::kString);
    layout.add(std::string(data::kTextColumn), data::Type::kString);
    layout.add(std::string(data::kValuesColumn), data::Type::kDynamic);
    layouts.emplace(name, std::move(layout));
  }
  std::vector<OracleEvent> out;
  std::vector<std::string> errors;
  data::Anomalies anomalies;
  for (const std::string& path : engine::expand_evidence(evidence, errors))
    engine::open_evidence(
        path, {}, anomalies, errors, [&](const input::Input& in, const input::Format* format) {
          if (!format) return;
          EventReader reader(in.path, out);
          input::DecodeContext context{layouts, reader, anomalies, nullptr, nullptr, nullptr};
          format->decode(in, context);
        });
  for (const std::string& e : errors)
    std::fprintf(stderr, "%s\n", e.c_str());
  return out;
}

/// A rule with the views that can give it events.
struct Comparable {
  const OracleRule* rule = nullptr;
  std::vector<std::pair<const plan::View*, const plan::TableDef*>> views;
};

/// What a view makes of one event, for all the rules that look through it.
struct SeenThrough {
  bool taken = false;
  bool unknown = false;

  struct Seen {
    Cell cell;
    bool unknown = false;
  };

  std::unordered_map<std::string, Seen> fields;
};

using Hit = std::tuple<std::string, std::string, uint64_t,
                       uint64_t>;  // rule, path, offset, record

struct Inputs {
  std::vector<std::string> rules;
  std::vector<std::string> evidence;
  std::map<std::string, std::vector<std::string>> placeholders;
};

void collect_fields(const adapt::YamlNode& n, std::set<std::string>& out) {
  for (const adapt::YamlNode::Entry& e : n.entries) {
    std::string name = e.key.text.substr(0, e.key.text.find('|'));
    std::string stripped = name;
    std::erase(stripped, ' ');
    if (!name.empty()) out.insert(name);
    if (!stripped.empty()) out.insert(stripped);
    if (e.key.text.find("|fieldref") != std::string::npos && e.value.is_scalar())
      out.insert(e.value.text);
    collect_fields(e.value, out);
  }
  for (const adapt::YamlNode& i : n.items)
    collect_fields(i, out);
}

void read_placeholders(const std::string& path, Inputs& in) {
  const Result<std::string> text = read_text_file(path);
  if (!text) return;
  Diagnostics diag;
  for (const adapt::YamlNode& doc : adapt::parse_yaml({path, *text}, diag))
    for (const adapt::YamlNode::Entry& e : doc.entries)
      for (const adapt::YamlNode& item : e.value.items)
        in.placeholders[e.key.text].push_back(item.text);
}

int compare(const Inputs& in) {
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) {
    std::fprintf(stderr, "%s\n", setup.error().message.c_str());
    return 2;
  }
  engine::RuleOptions options;
  options.paths = in.rules;
  options.builtin = false;
  options.placeholders = in.placeholders;
  const std::unique_ptr<engine::RuleSet> rules = engine::RuleSet::load(*setup, options);
  const plan::Catalog& catalog = (*setup)->catalog;

  // The engine's answer.
  engine::HuntOptions hunt;
  hunt.evidence = in.evidence;
  hunt.threads = 2;
  engine::Progress progress;
  const std::atomic<bool> never{false};
  const engine::HuntResult result = engine::hunt(*rules, hunt, progress, never);
  std::set<Hit> found;
  for (const engine::Finding& f : result.findings)
    for (const engine::EvidenceRef& e : f.evidence)
      found.emplace(f.rule->id, e.path, e.offset, e.record);

  // The other one. Rules come from their files again.
  std::set<std::string> loaded;
  for (const engine::LoadedRule& r : rules->rules())
    if (r.rule.kind == plan::RuleKind::kEvent && r.rule.info.language == "sigma")
      loaded.insert(r.rule.info.id);
  std::map<std::string, const engine::LoadedRule*> by_id;
  for (const engine::LoadedRule& r : rules->rules())
    by_id[r.rule.info.id] = &r;
  std::vector<std::vector<adapt::YamlNode>> documents;
  for (const engine::RuleFile& f : rules->files()) {
    if (f.language != "sigma") continue;
    Diagnostics diag;
    documents.push_back(adapt::parse_yaml({f.path, f.text}, diag));
  }
  std::vector<OracleRule> oracle;
  std::set<std::string> columns;
  for (const auto& file : documents)
    for (const adapt::YamlNode& d : file) {
      if (!d.is_mapping() || !loaded.count(std::string(d.get("id")))) continue;
      oracle.emplace_back(d, in.placeholders);
      if (const adapt::YamlNode* detection = d.find("detection"))
        collect_fields(*detection, columns);
    }
  const std::vector<OracleEvent> events = read_events(in.evidence, catalog, columns);
  std::map<std::string, std::vector<Comparable>> by_table;
  for (const OracleRule& r : oracle) {
    std::map<std::string, Comparable> own;
    // What the engine leaves out because a table lacks a field is its policy,
    // not its semantics.
    std::set<std::string> dropped;
    for (const plan::DroppedTable& d : by_id[r.id()]->report.dropped)
      if (d.reason.rfind("lacks field", 0) == 0) dropped.insert(d.table);
    for (const plan::VocabularyTable* t : catalog.sigma_tables(r.logsource()))
      for (const plan::View& v : t->views) {
        const plan::TableDef* native = catalog.table(v.from);
        if (!native || dropped.count(v.from)) continue;
        own[v.from].rule = &r;
        own[v.from].views.emplace_back(&v, native);
      }
    for (auto& [table, c] : own)
      by_table[table].push_back(std::move(c));
  }

  size_t pairs = 0;
  size_t differences = 0;
  std::set<std::string> not_understood;
  size_t hits = 0;
  for (const OracleEvent& e : events) {
    const auto it = by_table.find(e.table);
    if (it == by_table.end()) continue;
    std::unordered_map<const plan::View*, SeenThrough> views;
    for (const Comparable& c : it->second) {
      bool unknown = false;
      bool held = false;
      bool asked = false;
      for (const auto& [view, table] : c.views) {
        if (held) break;
        auto seen = views.find(view);
        if (seen == views.end()) {
          seen = views.try_emplace(view).first;
          seen->second.taken = takes(*view, *table, e, seen->second.unknown);
        }
        SeenThrough& through = seen->second;
        unknown = unknown || through.unknown;
        if (!through.taken) continue;
        asked = true;
        const plan::View* v = view;
        const plan::TableDef* t = table;
        held = c.rule->matches(
            [&e, v, t, &unknown, &through](const std::string& name) -> const Cell& {
              const auto [at, added] = through.fields.try_emplace(name);
              SeenThrough::Seen& field = at->second;
              if (added) field.cell = field_of(*v, *t, e, name, field.unknown);
              unknown = unknown || field.unknown;
              return field.cell;
            },
            e, unknown);
      }
      const bool engine_found = found.count({c.rule->id(), e.path, e.offset, e.record}) > 0;
      if (!asked && !engine_found) continue;
      ++pairs;
      hits += held ? 1 : 0;
      if (unknown) not_understood.insert(c.rule->id());
      if (unknown || held == engine_found) continue;
      if (++differences <= kMaxShown)
        std::printf("%s: %s at %llu of %s: engine %s, oracle %s\n", c.rule->id().c_str(),
                    e.table.c_str(), static_cast<unsigned long long>(e.offset), e.path.c_str(),
                    engine_found ? "yes" : "no", held ? "yes" : "no");
    }
  }
  std::printf(
      "%zu rules, %zu events, %zu hits, %zu rules not understood by "
      "the oracle\n",
      oracle.size(), events.size(), hits, not_understood.size());
  for (const std::string& id : not_understood)
    std::printf("not understood: %s\n", id.c_str());
  std::printf("%zu of %zu rule-event pairs agree\n", pairs - differences, pairs);
  if (pairs == 0) return 77;
  return differences > 0 || !not_understood.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Inputs in;
  std::vector<std::string>* into = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--placeholders" && i + 1 < argc)
      read_placeholders(argv[++i], in);
    else if (arg == "--rules")
      into = &in.rules;
    else if (arg == "--evidence")
      into = &in.evidence;
    else if (into)
      into->push_back(arg);
  }
  if (in.rules.empty()) {
    const char* shared = std::getenv("POSTERN_SHARED");
    const std::string sigma = std::string(shared ? shared : "../shared") + "/corpora/sigma/";
    for (const char* folder :
         {"rules", "rules-compliance", "rules-emerging-threats", "rules-threat-hunting"})
      if (list_files(sigma + folder)) in.rules.push_back(sigma + folder);
    // The whole evidence takes a minute; the recorded events of the rules' own
    // tests take seconds.
    in.evidence.push_back(sigma + "regression_data");
    if (in.rules.empty()) {
      std::printf("skipped: no rules at %s\n", sigma.c_str());
      return 77;
    }
  }
  return compare(in);
}
