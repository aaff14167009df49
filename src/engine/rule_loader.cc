// Reading rules: which language a file holds, front end, binding, optimizing, compiling.
#include <algorithm>
#include <functional>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "engine/rule_references.h"
#include "engine/rule_set.h"
#include "exec/evaluate.h"
#include "lang/kql/kql.h"
#include "lang/sigma/filter.h"
#include "lang/sigma/pipeline.h"
#include "lang/sigma/sigma.h"
#include "lang/spl/spl.h"
#include "lang/strategy/strategy.h"
#include "lang/yara/yara.h"

namespace postern::engine {

namespace kql = lang::kql;
namespace sigma = lang::sigma;
namespace spl = lang::spl;
namespace strategy = lang::strategy;
namespace yara = lang::yara;

size_t RuleSet::num_refused() const {
  size_t n = 0;
  for (const RuleFile& f : files_)
    n += f.num_refused;
  return n;
}

class RuleLoader {
 public:
  RuleLoader(RuleSet& set, const RuleOptions& options) : set_(set), options_(options) {}

  void run() {
    for (const RuleText& t : options_.texts) {
      add_text(t.name, t.text);
      given_language_[set_.files_.size() - 1] = t.language;
    }
    for (const std::string& path : options_.pipelines) {
      const size_t before = set_.files_.size();
      add_path(path);
      for (size_t i = before; i < set_.files_.size(); ++i)
        given_language_[i] = "pipeline";
    }
    for (const std::string& path : options_.paths)
      add_path(path);
    for (const DataFile& f : set_.setup_->rules) {
      // Bindings, macros and lookups serve the user's rules too; detections only when asked for.
      const bool support =
          f.path.rfind("rules/strategies/", 0) == 0 || f.path.rfind("rules/macros/", 0) == 0;
      if (support || options_.builtin) add_text("builtin:" + f.path, f.text);
    }
    collect_support();
    for (size_t i = 0; i < set_.files_.size(); ++i)
      read_file(i);
    filters_.warn_unused();
    references_.resolve(
        set_.files_, set_.rules_,
        [this](size_t file, plan::Rule rule) { return add_rule(file, std::move(rule)); },
        [this](const LoadedRule& r) { return plan_of(r); });
    read_strategies();
    compile_yara();
    diagnose_duplicates();
    if (options_.keep_stages) return;
    for (RuleFile& f : set_.files_)
      if (f.diagnostics.all().empty()) f.text = {};
  }

 private:
  void add_path(const std::string& path) {
    std::vector<std::string> unlisted;
    Result<std::vector<std::string>> files = list_files(path, &unlisted);
    if (!files) return add_unreadable(path, files.error().message);
    for (const std::string& message : unlisted)
      add_unreadable(path, message);
    for (const std::string& p : *files) {
      if (!seen_paths_.insert(p).second) continue;
      const bool alone = files->size() == 1 && p == path;
      if (!alone && (rule_test_file(p) || (!known_suffix(p) && !lookup_file(p)))) continue;
      Result<std::string> text = read_text_file(p);
      if (text) {
        add_text(p, std::move(*text));
        continue;
      }
      add_unreadable(p, text.error().message);
    }
  }

  void add_unreadable(const std::string& path, const std::string& message) {
    RuleFile& f = set_.files_.emplace_back();
    f.path = path;
    f.read_error = true;
    f.diagnostics.error("rules-unreadable", message, {});
  }

  static bool known_suffix(const std::string& path) {
    static const char* const kSuffixes[] = {".yml",  ".yaml", ".kql",  ".spl", ".yar",
                                            ".yara", ".json", ".conf", ".txt", ".rule"};
    return std::any_of(std::begin(kSuffixes), std::end(kSuffixes),
                       [&](const char* s) { return ends_with_ignore_case(path, s); });
  }

  // Of CSV files only those of a pack's lookups: others may be evidence.
  static bool lookup_file(const std::string& path) {
    return ends_with_ignore_case(path, ".csv") && path.find("/lookups/") != std::string::npos;
  }

  void add_text(std::string path, std::string text) {
    RuleFile& f = set_.files_.emplace_back();
    f.path = std::move(path);
    f.text = std::move(text);
  }

  static size_t num_errors(const Diagnostics& d) {
    return static_cast<size_t>(
        std::count_if(d.all().begin(), d.all().end(),
                      [](const Diagnostic& x) { return x.severity == Severity::kError; }));
  }

  // A name used six times is told once: what is equal in all but the place of a repetition adds
  // nothing.
  static void add_all(Diagnostics& to, const Diagnostics& from) {
    for (const Diagnostic& d : from.all()) {
      const bool told = std::any_of(to.all().begin(), to.all().end(), [&](const Diagnostic& t) {
        return t.code == d.code && t.message == d.message && t.primary.begin == d.primary.begin;
      });
      if (!told) to.add(d);
    }
  }

  static Source source_of(const RuleFile& f) { return {f.path, f.text}; }

  // What other rules need before they can be read: macros, strategy bindings, Sigma pipelines and
  // filters.
  void collect_support() {
    sigma_options_.placeholders.insert(options_.placeholders.begin(), options_.placeholders.end());
    sigma_options_.pipelines = &pipelines_;
    sigma_options_.filters = &filters_;
    for (size_t i = 0; i < set_.files_.size(); ++i) {
      RuleFile& f = set_.files_[i];
      const auto given = given_language_.find(i);
      if (given != given_language_.end() && given->second == "pipeline") {
        f.language = "pipeline";
        if (!f.read_error) pipelines_.add(source_of(f), f.diagnostics);
        continue;
      }
      if (sigma::Filters::may_hold(source_of(f)) && sigma::recognises(source_of(f))) {
        const sigma::Filters::Count n = filters_.add(source_of(f), sigma_options_, f.diagnostics);
        f.num_loaded += n.loaded;
        f.num_refused += n.refused;
      }
      const bool ours = f.path.rfind("builtin:", 0) == 0;
      if ((ends_with_ignore_case(f.path, ".yml") || ends_with_ignore_case(f.path, ".conf")) &&
          (ours ? macros_.builtin : macros_.user).add(source_of(f), f.diagnostics)) {
        f.language = "macros";
        continue;
      }
      if (!ours && lookups_.user.add(source_of(f), f.diagnostics)) {
        f.language = "lookup";
        continue;
      }
      if (strategy::is_binding(source_of(f))) {
        f.language = "binding";
        bindings_.push_back(&f);
      }
    }
  }

  void read_file(size_t index) {
    RuleFile& f = set_.files_[index];
    if (f.read_error || !f.language.empty()) return;
    const Source source = source_of(f);
    const std::string given = given_language_.count(index) ? given_language_[index] : "";
    auto is = [&](std::string_view language, bool (*recognises)(const Source&)) {
      return given.empty() ? recognises(source) : given == language;
    };
    if (is("yara", yara::recognises)) {
      f.language = "yara";
      yara_files_.push_back(index);
      return;
    }
    if (is("strategy", strategy::recognises)) {
      f.language = "strategy";
      strategies_.push_back(index);
      return;
    }
    std::vector<plan::Rule> rules;
    const size_t errors_before = num_errors(f.diagnostics);
    if (is("sigma", sigma::recognises)) {
      f.language = "sigma";
      sigma_options_.num_refused = &f.num_refused;
      std::vector<plan::RuleReference> refused;
      sigma_options_.refused_references = &refused;
      rules = sigma::read(source, sigma_options_, f.diagnostics);
      for (plan::RuleReference& r : refused)
        references_.check(index, std::move(r));
      for (size_t i = 0; i < rules.size(); ++i) {
        if (!rules[i].references.empty())
          references_.defer(index, std::move(rules[i]));
        else if (LoadedRule* loaded = add_rule(index, std::move(rules[i])))
          loaded->place = i;
      }
      return;
    } else if (is("spl", spl::recognises)) {
      f.language = "spl";
      spl::ReadOptions o;
      o.macros = &macros_;
      o.lookups = &lookups_;
      rules = spl::read(source, o, f.diagnostics);
    } else if (is("kql", kql::recognises)) {
      f.language = "kql";
      rules = kql::read(source, {}, f.diagnostics);
    } else {
      return;
    }
    // A file of these languages holds one rule.
    if (num_errors(f.diagnostics) > errors_before) ++f.num_refused;
    for (plan::Rule& r : rules)
      add_rule(index, std::move(r));
  }

  plan::BindContext context() {
    plan::BindContext c{set_.setup_->catalog, *set_.setup_->functions, exec::evaluate_constant,
                        options_.strict,      options_.optimize,       {},
                        &bind_cache_};
    c.view_query = [this](const plan::VocabularyTable& table, Diagnostics& diag) {
      return view_query(table, diag);
    };
    return c;
  }

  // A joined view of the catalog is a KQL query; its errors are ours and are told as such.
  plan::OpPtr view_query(const plan::VocabularyTable& table, Diagnostics& diag) {
    Diagnostics inner;
    const std::string name = "view " + table.name + ".kql";
    const Source source{name, table.query};
    std::vector<plan::Rule> rules = kql::read(source, {}, inner);
    if (rules.size() == 1) return rules[0].plan;
    for (const Diagnostic& d : inner.all())
      diag.error("catalog-view", "the view " + table.name + " is wrong: " + d.message, {});
    return nullptr;
  }

  /// `at`: where to show what is wrong, when the plan's own spans are places in another text.
  LoadedRule* add_rule(size_t file, plan::Rule rule, std::optional<Span> at = std::nullopt) {
    RuleFile& f = set_.files_[file];
    LoadedRule loaded;
    loaded.rule = std::move(rule);
    loaded.file = file;
    const plan::BindContext c = context();
    Diagnostics diag;
    OrFailed<plan::OpPtr> bound = plan::bind(loaded.rule, c, diag, loaded.report);
    if (bound) {
      if (options_.keep_stages) loaded.bound = *bound;
      loaded.optimized = plan::optimize(std::move(*bound), c, loaded.rule, diag, loaded.report);
      Result<std::shared_ptr<const exec::CompiledPlan>> compiled =
          exec::CompiledPlan::make(loaded.optimized, compile_check_);
      if (compiled)
        loaded.compiled = *compiled;
      else
        diag.error(loaded.rule.info.language + "-bad-argument", compiled.error().message,
                   loaded.rule.plan->span);
    }
    if (!loaded.rule.references.empty()) diag = without_repeated(diag, loaded.rule);
    if (at)
      for (size_t i = 0; i < diag.all().size(); ++i)
        diag.move_to(i, *at);
    add_all(f.diagnostics, diag);
    if (!loaded.compiled) {
      ++f.num_refused;
      return nullptr;
    }
    loaded.lookback = find_lookback(*loaded.optimized);
    if (!options_.keep_stages) {
      loaded.rule.stages = {};
      loaded.rule.plan = nullptr;
    }
    ++f.num_loaded;
    set_.rules_.push_back(std::move(loaded));
    return &set_.rules_.back();
  }

  /// Correlations are few, and so are the rules that they are made of: those are read once more,
  /// instead of keeping the plans of all until every file is read.
  plan::OpPtr plan_of(const LoadedRule& r) {
    if (r.rule.plan) return r.rule.plan;
    Diagnostics told;  // the first time
    sigma::ReadOptions again = sigma_options_;
    again.num_refused = nullptr;
    again.refused_references = nullptr;
    std::vector<plan::Rule> rules = sigma::read(source_of(set_.files_[r.file]), again, told);
    return r.place < rules.size() ? rules[r.place].plan : nullptr;
  }

  // What is said of a rule that a correlation is made of is told with that rule.
  static Diagnostics without_repeated(const Diagnostics& all, const plan::Rule& rule) {
    Diagnostics out;
    for (const Diagnostic& d : all.all()) {
      const bool repeated =
          d.severity != Severity::kError &&
          std::any_of(rule.references.begin(), rule.references.end(),
                      [&](const plan::RuleReference& r) {
                        return r.span.begin == d.primary.begin && r.span.end == d.primary.end;
                      });
      if (!repeated) out.add(d);
    }
    return out;
  }

  // The longest `ago(X)` that a filter of the plan compares with.
  static std::optional<int64_t> find_lookback(const plan::Op& op) {
    std::optional<int64_t> longest;
    std::function<void(const plan::Expr&)> visit = [&](const plan::Expr& e) {
      const bool ago = e.kind == plan::Expr::Kind::kCall && e.name.ends_with(".ago") &&
                       e.args.size() == 1 && e.args[0]->is_literal() &&
                       e.args[0]->type == data::Type::kTimespan;
      if (ago && !e.args[0]->literal.is_null())
        longest = std::max(longest.value_or(0), e.args[0]->literal.as_int());
      for (const plan::ExprPtr& a : e.args)
        visit(*a);
    };
    std::function<void(const plan::Op&)> walk = [&](const plan::Op& o) {
      if (o.predicate) visit(*o.predicate);
      for (const plan::OpPtr& input : o.inputs)
        walk(*input);
    };
    walk(op);
    return longest;
  }

  void read_strategies() {
    strategy::ReadOptions o;
    o.settings = options_.settings;
    for (RuleFile* b : bindings_)
      o.bindings.push_back({source_of(*b), &b->diagnostics});
    std::set<std::string> read;
    for (const size_t index : strategies_) {
      RuleFile& f = set_.files_[index];
      const size_t errors_before = num_errors(f.diagnostics);
      for (strategy::Analytic& a : strategy::read(source_of(f), o, f.diagnostics)) {
        read.insert(a.info.id);
        add_analytic(index, std::move(a));
      }
      if (num_errors(f.diagnostics) > errors_before && f.num_refused == 0) ++f.num_refused;
    }
    if (bindings_.empty()) return;
    // Without a STIX file the bindings are detections of their own: the program's, unless these are
    // not wanted, and those that somebody names.
    for (strategy::Analytic& a : strategy::read_bound(o, read, bindings_.front()->diagnostics)) {
      const auto file = std::find_if(set_.files_.begin(), set_.files_.end(),
                                     [&](const RuleFile& f) { return &f == bindings_[a.binding]; });
      if (!options_.builtin && file->path.rfind("builtin:", 0) == 0) continue;
      add_analytic(static_cast<size_t>(file - set_.files_.begin()), std::move(a));
    }
  }

  void add_analytic(size_t index, strategy::Analytic a) {
    RuleFile& f = set_.files_[index];
    // The query is generated text: what is wrong with it is shown at the analytic.
    Diagnostics inner;
    kql::ReadOptions k;
    k.parameters = a.parameters;
    const std::string name = a.info.id + ".kql";
    const Source source{name, a.query};
    std::vector<plan::Rule> rules = kql::read(source, k, inner);
    if (rules.size() != 1) {
      ++f.num_refused;
      for (const Diagnostic& d : inner.all())
        if (d.severity == Severity::kError)
          f.diagnostics.error("strategy-binding", a.info.id + ": " + d.message, a.span, "",
                              render(source, d));
      return;
    }
    rules[0].info = a.info;
    rules[0].stages.push_back({"binding query", [query = a.query] { return query; }});
    LoadedRule* rule = add_rule(index, std::move(rules[0]), a.span);
    if (!rule) return;
    for (const strategy::Requirement& q : a.requirements) {
      Requirement r;
      r.name = q.name;
      for (const auto& s : q.sources)
        r.sources.push_back({s.table, s.event_ids});
      rule->requirements.push_back(std::move(r));
    }
    rule->key = a.key;
    rule->shown = a.shown;
  }

  void compile_yara() {
    std::vector<match::YaraRules::SourceText> sources;
    for (const size_t i : yara_files_)
      sources.push_back({set_.files_[i].path, set_.files_[i].path, set_.files_[i].text});
    if (sources.empty()) return;
    std::vector<Diagnostics> diagnostics(sources.size());
    set_.yara_ = match::YaraRules::compile(sources, diagnostics);
    for (size_t i = 0; i < sources.size(); ++i) {
      RuleFile& f = set_.files_[yara_files_[i]];
      for (const Diagnostic& d : diagnostics[i].all())
        f.diagnostics.add(d);
      if (diagnostics[i].has_errors())
        f.num_refused += std::max<size_t>(1, lang::yara::count_rules(source_of(f)));
    }
    for (const match::YaraRuleInfo& info : set_.yara_->rules()) {
      for (size_t i = 0; i < sources.size(); ++i) {
        if (sources[i].name_space != info.name_space) continue;
        LoadedRule loaded;
        loaded.file = yara_files_[i];
        loaded.rule.kind = plan::RuleKind::kEvent;
        loaded.rule.info = yara::rule_info(info, sources[i].path);
        if (options_.keep_stages)
          loaded.rule.stages = yara::stages(info, set_.files_[loaded.file].text);
        ++set_.files_[loaded.file].num_loaded;
        set_.rules_.push_back(std::move(loaded));
        break;
      }
      set_.yara_index_.push_back(&set_.rules_.back());
    }
  }

  // The line of a file that states the id; of several the last one, which is the repetition.
  static Span id_place(const RuleFile& f, const std::string& id) {
    Span at;
    for (size_t found = f.text.find(id); found != std::string::npos;
         found = f.text.find(id, found + 1)) {
      const size_t before = f.text.rfind('\n', found);
      const size_t line = before == std::string::npos ? 0 : before + 1;
      if (trim(std::string_view(f.text).substr(line, found - line)).starts_with("id:"))
        at = {static_cast<uint32_t>(found), static_cast<uint32_t>(found + id.size())};
    }
    return at;
  }

  // Same id and version twice: the second is an error. Same id, other version: both run, with a
  // warning.
  void diagnose_duplicates() {
    std::map<std::string, const LoadedRule*> first;
    std::set<const LoadedRule*> refused;
    for (const LoadedRule& r : set_.rules_) {
      const plan::RuleInfo& info = r.rule.info;
      if (info.id.empty() || info.language == "yara") continue;
      const auto [it, added] = first.emplace(info.language + "/" + info.id, &r);
      if (added) continue;
      const plan::RuleInfo& other = it->second->rule.info;
      RuleFile& f = set_.files_[r.file];
      if (other.version != info.version) {
        f.diagnostics.warning("duplicate-id",
                              "rule " + info.id + " version " + info.version +
                                  " is also loaded as version " + other.version + " from " +
                                  other.path,
                              id_place(f, info.id), "", "both run; keep one of them");
      } else {
        f.diagnostics.error(
            "duplicate-id", "rule " + info.id + " is already loaded from " + other.path,
            id_place(f, info.id), "", "give each rule its own id, or another version");
        refused.insert(&r);
      }
    }
    if (refused.empty()) return;
    std::deque<LoadedRule> kept;
    for (LoadedRule& r : set_.rules_) {
      if (refused.count(&r)) {
        RuleFile& f = set_.files_[r.file];
        --f.num_loaded;
        ++f.num_refused;
      } else {
        kept.push_back(std::move(r));
      }
    }
    set_.rules_ = std::move(kept);
    set_.yara_index_.clear();
    for (const LoadedRule& r : set_.rules_)
      if (!r.compiled) set_.yara_index_.push_back(&r);
  }

  RuleSet& set_;
  const RuleOptions& options_;
  RuleReferences references_;
  plan::BindCache bind_cache_;
  exec::CompileCheck compile_check_;
  std::map<size_t, std::string> given_language_;
  std::set<std::string> seen_paths_;
  spl::MacroLibrary macros_;
  sigma::Pipelines pipelines_;
  sigma::Filters filters_;
  sigma::ReadOptions sigma_options_;
  spl::LookupLibrary lookups_;
  std::vector<RuleFile*> bindings_;
  std::vector<size_t> strategies_;
  std::vector<size_t> yara_files_;
};

std::unique_ptr<RuleSet> RuleSet::load(std::shared_ptr<const Setup> setup,
                                       const RuleOptions& options) {
  auto set = std::unique_ptr<RuleSet>(new RuleSet());
  set->setup_ = std::move(setup);
  RuleLoader(*set, options).run();
  return set;
}

}  // namespace postern::engine
