#include "check/rule_tests.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "adapt/yaml.h"
#include "base/file.h"
#include "base/text.h"
#include "data/value.h"
#include "input/format.h"

namespace postern::check {

using adapt::YamlNode;
using engine::Finding;

namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_file(const std::string& path) {
  return FileBytes::open(path).ok();
}

constexpr std::string_view kRegression = "regression_data/";

/// A YAML value as JSON, by the types of YAML's core schema: events written in a test.
std::string json_of(const YamlNode& n, int depth = 0) {
  if (n.is_mapping() && depth < 50) {
    std::string out = "{";
    for (const YamlNode::Entry& e : n.entries)
      out += (out.size() > 1 ? "," : "") + data::json_string(e.key.text) + ":" +
             json_of(e.value, depth + 1);
    return out + "}";
  }
  if (n.is_sequence() && depth < 50) {
    std::string out = "[";
    for (const YamlNode& item : n.items)
      out += (out.size() > 1 ? "," : "") + json_of(item, depth + 1);
    return out + "]";
  }
  if (n.plain) {
    if (n.is_null()) return "null";
    if (n.text == "true" || n.text == "false" || parse_int(n.text)) return n.text;
  }
  return data::json_string(n.text);
}

class Collector {
 public:
  Collector(bool json_twin, std::vector<RuleTest>& out) : json_twin_(json_twin), out_(out) {}

  void file(const std::string& path) {
    const bool regression = name_of(path) == "info.yml";
    if (!regression && !engine::rule_test_file(path)) return;
    const Result<std::string> text = read_text_file(path);
    if (!text) return broken(path, text.error().message);
    Diagnostics diag;
    const Source source{path, *text};
    const std::vector<YamlNode> documents = adapt::parse_yaml(source, diag);
    if (diag.has_errors()) return broken(path, render(source, diag.all().front()));
    for (const YamlNode& doc : documents) {
      if (regression && doc.find("regression_tests_info"))
        info(path, doc);
      else if (!regression && doc.is_mapping())
        own(path, doc);
    }
  }

 private:
  void broken(const std::string& path, std::string why) {
    RuleTest t;
    t.file = path;
    t.name = name_of(path);
    t.broken = std::move(why);
    out_.push_back(std::move(t));
  }

  // ---- SigmaHQ's form ----

  void info(const std::string& path, const YamlNode& doc) {
    RuleTest t;
    t.file = path;
    if (const YamlNode* rules = doc.find("rule_metadata"); rules && !rules->items.empty())
      t.rule_id = rules->items[0].get("id");
    // regression_data/<rule path without .yml>/info.yml
    const std::string folder = folder_of(path);
    if (const size_t at = folder.rfind(kRegression); at != std::string::npos && !folder.empty()) {
      const std::string rule =
          folder.substr(0, at) +
          folder.substr(at + kRegression.size(), folder.size() - at - kRegression.size() - 1) +
          ".yml";
      if (is_file(rule)) t.rule_path = rule;
    }
    for (const YamlNode& n : doc.find("regression_tests_info")->items) {
      RuleTest one = t;
      one.name = (t.rule_path.empty() ? t.rule_id : name_of(t.rule_path)) + ": " +
                 std::string(n.get("name"));
      if (n.get("type") != "evtx") one.broken = "evidence of type " + std::string(n.get("type"));
      if (const std::string_view count = n.get("match_count"); !count.empty()) {
        const auto least = parse_int(count);
        if (!least || *least < 0)
          one.broken = "match_count is no number: " + std::string(count);
        else
          one.at_least = static_cast<size_t>(*least);
      }
      std::string written(n.get("path"));
      if (json_twin_ && written.ends_with(".evtx")) written.replace(written.size() - 5, 5, ".json");
      std::string evidence = folder + name_of(written);
      const size_t at = path.rfind(kRegression);
      if (!is_file(evidence) && at != std::string::npos) evidence = path.substr(0, at) + written;
      if (!is_file(evidence)) one.broken = "no evidence at " + evidence;
      one.evidence.push_back(std::move(evidence));
      out_.push_back(std::move(one));
    }
  }

  // ---- our own form ----

  void own(const std::string& path, const YamlNode& doc) {
    const std::string folder = folder_of(path);
    const std::string_view rule = doc.get("rule");
    const std::string rule_path =
        rule.empty() ? path.substr(0, path.size() - engine::kRuleTestSuffix.size()) + ".yml"
                     : folder + std::string(rule);
    const YamlNode* tests = doc.find("tests");
    if (!tests || !tests->is_sequence()) return broken(path, "a list of `tests` is missing");
    size_t number = 0;
    for (const YamlNode& n : tests->items) {
      RuleTest t;
      t.file = path;
      t.own_form = true;
      t.rule_path = rule_path;
      t.name = n.get("name");
      if (t.name.empty()) t.name = "test " + std::to_string(number + 1);
      ++number;
      read_own(n, folder, t);
      if (t.broken.empty() && !is_file(rule_path)) t.broken = "no rule at " + rule_path;
      out_.push_back(std::move(t));
    }
  }

  static void read_own(const YamlNode& n, const std::string& folder, RuleTest& t) {
    bool expected = false;
    for (const YamlNode::Entry& e : n.entries) {
      const YamlNode& v = e.value;
      if (e.key.text == "evidence") {
        if (v.is_scalar()) t.evidence.push_back(folder + v.text);
        for (const YamlNode& item : v.items)
          t.evidence.push_back(folder + item.text);
        for (const std::string& path : t.evidence)
          if (!is_file(path)) t.broken = "no evidence at " + path;
      } else if (e.key.text == "events") {
        if (v.is_scalar()) t.events = v.text;
        for (const YamlNode& item : v.items)
          t.events += json_of(item) + "\n";
      } else if (e.key.text == "findings") {
        expected = true;
        const auto count = v.is_scalar() ? parse_int(v.text) : std::optional<int64_t>();
        if (v.is_scalar() && (!count || *count < 0)) t.broken = "`findings` is a number or a list";
        t.exactly = count ? static_cast<size_t>(*count) : v.items.size();
        for (const YamlNode& item : v.items) {
          t.rows.emplace_back();
          for (const YamlNode::Entry& cell : item.entries)
            t.rows.back().emplace_back(cell.key.text, cell.value.text);
        }
      } else if (e.key.text == "silence") {
        expected = true;
        if (v.text != "true") t.broken = "`silence` is true; to expect findings, write `findings`";
        t.exactly = 0;
      } else if (e.key.text != "name") {
        t.broken = "unknown key of a test: " + e.key.text;
      }
    }
    if (t.broken.empty() && !expected) t.broken = "a test needs `findings` or `silence`";
    if (t.broken.empty() && t.evidence.empty() && t.events.empty())
      t.broken = "a test needs `evidence` or `events`";
  }

  bool json_twin_;
  std::vector<RuleTest>& out_;
};

// ---- running
// --------------------------------------------------------------------------------------

engine::Feed feed_of(std::string path, std::string events) {
  return [path = std::move(path), events = std::move(events)](input::DecodeContext& context) {
    const input::Format* format = input::detect_format(events);
    if (!format) {
      context.anomalies.add("unknown-format", path, 0);
      return;
    }
    const input::Input in{path, events, nullptr};
    format->decode(in, context);
  };
}

bool of_rule(const Finding& f, const RuleTest& t) {
  return t.rule_id.empty() ? f.rule->path == t.rule_path : equal_ignore_case(f.rule->id, t.rule_id);
}

bool row_matches(const Finding& f, const std::vector<std::pair<std::string, std::string>>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& w) {
    return std::any_of(f.row.begin(), f.row.end(), [&](const auto& cell) {
      return cell.first == w.first && cell.second.text() == w.second;
    });
  });
}

std::string row_text(const std::vector<std::pair<std::string, std::string>>& row) {
  std::string out;
  for (const auto& [name, value] : row)
    out += (out.empty() ? "" : ", ") + name + ": " + value;
  return "{" + out + "}";
}

/// Why the rule of a test is not there: what its file says.
std::string missing_rule(const RuleTest& t, const engine::RuleSet& rules) {
  for (const engine::RuleFile& f : rules.files()) {
    if (t.rule_path.empty() || f.path != t.rule_path) continue;
    for (const Diagnostic& d : f.diagnostics.all())
      if (d.severity == Severity::kError) return "the rule is refused: " + d.message;
  }
  return "no rule " + (t.rule_id.empty() ? t.rule_path : t.rule_id) + " is loaded" +
         (t.rule_path.empty() ? "; name it with --rules" : "");
}

/// Rule files below `root` that hold one of the wanted ids: for tests whose rule was renamed.
void find_rules(const std::string& root, std::vector<RuleTest>& tests) {
  std::map<std::string, std::vector<RuleTest*>> wanted;
  for (RuleTest& t : tests)
    if (t.rule_path.empty() && !t.rule_id.empty()) wanted[t.rule_id].push_back(&t);
  const Result<std::vector<std::string>> files = list_files(root);
  if (wanted.empty() || !files) return;
  for (const std::string& path : *files) {
    if (!path.ends_with(".yml") || name_of(path) == "info.yml" || engine::rule_test_file(path))
      continue;
    const Result<std::string> text = read_text_file(path);
    if (!text) continue;
    for (const std::string_view line : split(*text, '\n')) {
      if (line.substr(0, 3) != "id:") continue;
      const auto it = wanted.find(std::string(trim(line.substr(3))));
      if (it == wanted.end()) continue;
      for (RuleTest* t : it->second)
        t->rule_path = path;
    }
  }
}

class Judge {
 public:
  Judge(const engine::RuleSet& rules, const engine::HuntResult& hunt)
      : rules_(rules), findings_(hunt.findings.all()) {
    for (const Finding& f : findings_) {
      std::set<std::string> paths;
      for (const engine::EvidenceRef& e : f.evidence)
        paths.insert(e.path);
      for (const std::string& p : paths)
        by_path_[p].push_back(&f);
    }
  }

  /// `feed`: path of the events inside the test, or "".
  RuleTestResult judge(const RuleTest& t, const std::string& feed) const {
    RuleTestResult out;
    if (!t.broken.empty()) return failed(out, t.broken);
    const bool loaded =
        std::any_of(rules_.rules().begin(), rules_.rules().end(), [&](const engine::LoadedRule& r) {
          return t.rule_id.empty() ? r.rule.info.path == t.rule_path
                                   : equal_ignore_case(r.rule.info.id, t.rule_id);
        });
    if (!loaded) return failed(out, missing_rule(t, rules_));
    std::vector<const Finding*> findings;
    std::vector<std::string> paths = t.evidence;
    if (!feed.empty()) paths.push_back(feed);
    for (const std::string& p : paths)
      if (const auto it = by_path_.find(p); it != by_path_.end())
        for (const Finding* f : it->second)
          // What several files of the test show together is one finding.
          if (of_rule(*f, t) && std::find(findings.begin(), findings.end(), f) == findings.end())
            findings.push_back(f);
    out.findings = findings.size();
    if (t.exactly && findings.size() != *t.exactly)
      return failed(out, "expected " + std::to_string(*t.exactly) + " findings, got " +
                             std::to_string(findings.size()));
    if (!t.exactly && findings.size() < t.at_least)
      return failed(out, "expected at least " + std::to_string(t.at_least) + " findings, got " +
                             std::to_string(findings.size()));
    for (const auto& row : t.rows) {
      const auto it = std::find_if(findings.begin(), findings.end(),
                                   [&](const Finding* f) { return row_matches(*f, row); });
      if (it == findings.end()) return failed(out, "no finding has " + row_text(row));
      findings.erase(it);
    }
    out.passed = true;
    if (!t.exactly && out.findings > t.at_least)
      out.note = std::to_string(out.findings) + " findings, expected " + std::to_string(t.at_least);
    return out;
  }

 private:
  static RuleTestResult failed(RuleTestResult& r, std::string why) {
    r.message = std::move(why);
    return r;
  }

  const engine::RuleSet& rules_;
  const std::vector<Finding> findings_;
  std::map<std::string, std::vector<const Finding*>> by_path_;
};

std::string xml(std::string_view s) {
  std::string out;
  for (const char c : repair_utf8(s)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no other control characters, not even escaped.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

std::string seconds_text(double s) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3f", s);
  return buffer;
}

}  // namespace

size_t RuleTestRun::num_passed() const {
  return static_cast<size_t>(std::count_if(results.begin(), results.end(),
                                           [](const RuleTestResult& r) { return r.passed; }));
}

Result<RuleTestRun> run_rule_tests(const std::string& folder,
                                   bool json_twin,
                                   const std::shared_ptr<const engine::Setup>& setup,
                                   engine::RuleOptions options,
                                   engine::HuntOptions hunt) {
  const auto start = std::chrono::steady_clock::now();
  POSTERN_TRY(const std::vector<std::string> files, list_files(folder));
  RuleTestRun out;
  Collector collector(json_twin, out.tests);
  for (const std::string& f : files)
    collector.file(f);
  if (out.tests.empty())
    return Error{Code::kNotFound,
                 "no tests in " + folder + ": there is no info.yml and no *.test.yml"};
  options.builtin = false;
  if (options.paths.empty()) {
    std::set<std::string> roots;
    for (const RuleTest& t : out.tests)
      if (const size_t at = t.file.rfind(kRegression); at != std::string::npos)
        roots.insert(at == 0 ? "." : t.file.substr(0, at));
    for (const std::string& root : roots)
      find_rules(root, out.tests);
  }
  if (options.paths.empty()) {
    std::set<std::string> seen;
    for (const RuleTest& t : out.tests)
      if (!t.rule_path.empty() && is_file(t.rule_path) && seen.insert(t.rule_path).second)
        options.paths.push_back(t.rule_path);
  }
  const std::unique_ptr<engine::RuleSet> rules = engine::RuleSet::load(setup, options);
  const auto hunted = [&](const std::vector<size_t>& tests) {
    engine::HuntOptions one = hunt;
    std::set<std::string> evidence;
    std::vector<std::string> feeds(tests.size());
    for (size_t i = 0; i < tests.size(); ++i) {
      const RuleTest& t = out.tests[tests[i]];
      if (!t.broken.empty()) continue;
      for (const std::string& e : t.evidence)
        if (evidence.insert(e).second) one.evidence.push_back(e);
      if (t.events.empty()) continue;
      feeds[i] = engine::feed_path(one.feeds.size());
      one.feeds.push_back(feed_of(t.file, t.events));
    }
    engine::Progress progress;
    const std::atomic<bool> never{false};
    const engine::HuntResult result = engine::hunt(*rules, one, progress, never);
    const Judge judge(*rules, result);
    for (size_t i = 0; i < tests.size(); ++i) {
      RuleTestResult& r = out.results[tests[i]];
      r = judge.judge(out.tests[tests[i]], feeds[i]);
      r.test = tests[i];
    }
  };
  out.results.resize(out.tests.size());
  std::vector<size_t> together;
  for (size_t i = 0; i < out.tests.size(); ++i) {
    // A query counts and joins all evidence of a hunt, so each of our own tests has a hunt of its
    // own.
    if (out.tests[i].own_form)
      hunted({i});
    else
      together.push_back(i);
  }
  if (!together.empty()) hunted(together);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return out;
}

void write_text(std::ostream& out, const RuleTestRun& run, bool verbose) {
  for (const RuleTestResult& r : run.results) {
    if (r.passed && !verbose) continue;
    const RuleTest& t = run.tests[r.test];
    out << (r.passed ? "ok      " : "FAILED  ") << t.name << " (" << t.file << ")";
    if (!r.message.empty()) out << ": " << r.message;
    if (!r.note.empty()) out << ": " << r.note;
    out << '\n';
  }
  out << run.num_passed() << " of " << run.results.size() << " tests passed\n";
}

void write_junit(std::ostream& out, const RuleTestRun& run) {
  const size_t failures = run.results.size() - run.num_passed();
  const std::string counts = "tests=\"" + std::to_string(run.results.size()) + "\" failures=\"" +
                             std::to_string(failures) + "\" errors=\"0\" skipped=\"0\" time=\"" +
                             seconds_text(run.seconds) + "\"";
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " << counts
      << ">\n<testsuite name=\"rules\" " << counts << ">\n";
  for (const RuleTestResult& r : run.results) {
    const RuleTest& t = run.tests[r.test];
    out << "<testcase classname=\"" << xml(t.file) << "\" name=\"" << xml(t.name)
        << "\" time=\"0\"";
    if (r.passed && r.note.empty())
      out << "/>\n";
    else if (r.passed)
      out << "><system-out>" << xml(r.note) << "</system-out></testcase>\n";
    else
      out << "><failure message=\"" << xml(r.message) << "\">" << xml(r.message)
          << "</failure></testcase>\n";
  }
  out << "</testsuite>\n</testsuites>\n";
}

}  // namespace postern::check
