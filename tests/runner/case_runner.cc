// Runs `.case` files in every mode and compares: `case_runner [--update] [--verbose] PATH...`.
//
// Modes: batches of 1, 3 and 2,048 rows; optimizer and event-id gate on and off. All must give what
// the case expects. Prints each failing case with expected and actual text, then "N passed, N
// failed".
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "base/file.h"
#include "base/text.h"
#include "base/time.h"
#include "case_evidence.h"
#include "case_file.h"
#include "engine/hunt.h"

namespace postern::tests {
namespace {

using engine::Finding;
using engine::LoadedRule;

struct Mode {
  const char* name;
  uint32_t batch_rows;
  bool optimize;
  bool event_ids;
  bool share_filters;
};

constexpr Mode kModes[] = {{"batches of 2048", 2048, true, true, true},
                           {"batches of 3", 3, true, true, true},
                           {"batches of 1", 1, true, true, true},
                           {"plain", 2048, false, false, false}};

std::string shared_folder() {
  const char* folder = std::getenv("POSTERN_SHARED");
  return folder ? folder : "../shared";
}

/// `./rules/x.yml` is a rule of the tree, any other path lies below the shared folder.
std::string rule_path(const std::string& path) {
  return path.compare(0, 2, "./") == 0 ? path : shared_folder() + "/" + path;
}

bool exists(const std::string& path) {
  return std::ifstream(path).good();
}

std::string cell_text(const data::Value& v) {
  if (v.is_null()) return "null";
  return v.text();
}

/// The event's own text where a rule's value matched it: `CommandLine: "POWERSHELL", " -Enc "`.
std::string matched_text(const Finding& f) {
  std::vector<std::pair<std::string, std::vector<std::string>>> by_field;
  for (const engine::Reason& r : f.why) {
    std::string value = r.value.text();
    for (const auto& [name, cell] : f.row) {
      if (name != r.field) continue;
      const std::string text = cell.text();
      if (const size_t at = find_ignore_case(text, value);
          at != std::string::npos && !value.empty())
        value = text.substr(at, value.size());
    }
    auto it = std::find_if(by_field.begin(), by_field.end(),
                           [&](const auto& e) { return e.first == r.field; });
    if (it == by_field.end()) it = by_field.insert(by_field.end(), {r.field, {}});
    it->second.push_back(r.value.type() == data::Type::kString ? "\"" + value + "\"" : value);
  }
  std::string out;
  for (const auto& [field, values] : by_field) {
    if (field == "EventID") continue;  // of the log source, not of the rule
    out += (out.empty() ? "" : "; ") + field + ": ";
    for (size_t i = 0; i < values.size(); ++i)
      out += (i > 0 ? ", " : "") + values[i];
  }
  return out;
}

std::string finding_cell(const Finding& f, const std::string& column) {
  if (column == "rule") return f.rule->title;
  if (column == "rule-id") return f.rule->id;
  if (column == "matched") return matched_text(f);
  if (column == "time") return format_rfc3339(f.time);
  if (column == "host") return f.host;
  if (column == "level") return f.rule->level;
  for (const auto& [name, value] : f.row)
    if (name == column) return cell_text(value);
  if (column == "window" && f.window)
    return format_rfc3339(f.window->from) + " to " + format_rfc3339(f.window->to);
  if (column == "events") return std::to_string(f.evidence.size());
  return "null";
}

class CaseRun {
 public:
  CaseRun(const CaseFile& file, const engine::Setup& base) : file_(file), base_(base) {}

  /// Empty when all is as expected.
  std::string run(std::vector<std::pair<size_t, std::vector<std::string>>>* updates) {
    Result<CaseEvidence> evidence = make_evidence(file_, base_);
    if (!evidence) return evidence.error().message + "\n";
    std::string failures;
    for (const Mode& mode : kModes) {
      const std::string failed = run_mode(*evidence, mode, updates);
      if (failed.empty()) continue;
      failures += "  mode: " + std::string(mode.name) + "\n" + failed;
      break;
    }
    return failures;
  }

 private:
  std::string setting(const std::string& name) const {
    for (const auto& [key, value] : file_.settings)
      if (key == name) return value.empty() ? "on" : value;
    return "";
  }

  std::string run_mode(const CaseEvidence& evidence,
                       const Mode& mode,
                       std::vector<std::pair<size_t, std::vector<std::string>>>* updates) {
    engine::RuleOptions options;
    size_t n = 0;
    for (const RuleBlock& r : file_.rules)
      options.texts.push_back(
          {n++ == 0 ? "rule" : "rule" + std::to_string(n), r.text,
           r.language == "macros" || r.language.find('.') != std::string::npos ? "" : r.language});
    for (size_t i = 0; i < file_.rules.size(); ++i)
      if (file_.rules[i].language == "macros")
        options.texts[i].name += ".yml";
      else if (file_.rules[i].language.find('.') != std::string::npos)
        options.texts[i].name = file_.rules[i].language;  // a file beside the rules
    for (const std::string& path : file_.rule_files)
      options.paths.push_back(rule_path(path));
    options.builtin = false;
    options.optimize = mode.optimize;
    options.strict = !setting("strict").empty();
    for (const auto& [key, value] : file_.settings) {
      if (key == "placeholder") {
        const size_t eq = value.find('=');
        for (const std::string_view v : split(std::string_view(value).substr(eq + 1), ','))
          options.placeholders[value.substr(0, eq)].emplace_back(trim(v));
      }
    }
    const std::unique_ptr<engine::RuleSet> rules = engine::RuleSet::load(evidence.setup, options);
    engine::HuntOptions hunt;
    hunt.feeds = evidence.feeds;
    hunt.batch_rows = mode.batch_rows;
    hunt.use_event_ids = mode.event_ids;
    hunt.share_filters = mode.share_filters;
    hunt.sorted = false;
    if (const std::string now = setting("now"); !now.empty()) hunt.now = parse_rfc3339(now);
    engine::Progress progress;
    const std::atomic<bool> cancelled{false};
    const engine::HuntResult result = engine::hunt(*rules, hunt, progress, cancelled);
    std::string failed;
    for (const Expectation& e : file_.expectations) {
      // What the optimizer finds out is not there without it.
      if (!mode.optimize && (e.kind == "never" || e.kind == "warning" || e.kind == "plan"))
        continue;
      std::vector<std::string> actual = actual_lines(e, *rules, result, mode);
      std::vector<std::string> wanted = e.lines;
      for (std::string& l : wanted)
        l = normal(l, e);
      for (std::string& l : actual)
        l = normal(l, e);
      const bool diagnostics = e.kind == "error" || e.kind == "warning";
      std::vector<std::string> a = actual;
      std::vector<std::string> w = wanted;
      if (e.any_order) {
        std::sort(a.begin(), a.end());
        std::sort(w.begin(), w.end());
      }
      const bool same = e.kind == "degraded" ? !a.empty()
                        : diagnostics        ? contains_block(a, w)
                        : e.kind == "never"  ? never_holds(a, w)
                                             : a == w;
      if (same) continue;
      if (updates) updates->emplace_back(e.first_line, actual);
      failed += "  expect " + e.kind + ":\n";
      for (const std::string& l : w)
        failed += "    - " + l + "\n";
      for (const std::string& l : a)
        failed += "    + " + l + "\n";
      if (e.kind != "error" && e.kind != "warning")
        failed += diagnostics_text(*rules, Severity::kError);
      for (const std::string& err : result.errors)
        failed += "    error: " + err + "\n";
    }
    return failed;
  }

  static bool contains_block(const std::vector<std::string>& all,
                             const std::vector<std::string>& block) {
    if (block.empty()) return !all.empty();
    return std::search(all.begin(), all.end(), block.begin(), block.end()) != all.end();
  }

  static bool never_holds(const std::vector<std::string>& reasons,
                          const std::vector<std::string>& wanted) {
    if (reasons.empty()) return false;
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& w) {
      return std::any_of(reasons.begin(), reasons.end(),
                         [&](const std::string& r) { return r.find(w) != std::string::npos; });
    });
  }

  static std::string normal(const std::string& line, const Expectation& e) {
    if (e.kind != "alerts" && e.kind != "rows") {
      std::string s = line;
      while (!s.empty() && s.back() == ' ')
        s.pop_back();
      return s;
    }
    std::string out;
    for (const std::string_view part : split(line, '|'))
      out += (out.empty() ? "" : " | ") + std::string(trim(part));
    return out;
  }

  static std::string diagnostics_text(const engine::RuleSet& rules, Severity severity) {
    std::string out;
    for (const engine::RuleFile& f : rules.files()) {
      if (f.path.rfind("builtin:", 0) == 0) continue;
      for (const Diagnostic& d : f.diagnostics.all())
        if (d.severity == severity) out += render({f.path, f.text}, d);
    }
    return out;
  }

  std::vector<std::string> actual_lines(const Expectation& e,
                                        const engine::RuleSet& rules,
                                        const engine::HuntResult& result,
                                        const Mode&) const {
    std::vector<std::string> out;
    auto add_text = [&](const std::string& text) {
      for (const std::string_view l : split(text, '\n'))
        out.emplace_back(l);
      while (!out.empty() && out.back().empty())
        out.pop_back();
    };
    if (e.kind == "error" || e.kind == "warning") {
      add_text(diagnostics_text(rules, e.kind == "error" ? Severity::kError : Severity::kWarning));
      return out;
    }
    for (const LoadedRule& r : rules.rules()) {
      if (rules.files()[r.file].path.rfind("builtin:", 0) == 0) continue;
      if (e.kind == "plan") add_text(plan::to_text(*r.bound, false));
      if (e.kind == "optimized") add_text(plan::to_text(*r.optimized));
      if (e.kind == "never" && !r.report.never.empty()) out.push_back(r.report.never);
      if (e.kind == "degraded" && r.report.degraded) out.emplace_back("");
    }
    if (e.kind != "alerts" && e.kind != "rows" && e.kind != "silence") return out;
    for (const Finding& f : result.findings) {
      std::vector<std::string> columns = e.columns;
      if (columns.empty())
        for (const auto& [name, value] : f.row)
          columns.push_back(name);
      std::string line;
      for (size_t i = 0; i < columns.size(); ++i)
        line += (i > 0 ? " | " : "") + finding_cell(f, columns[i]);
      out.push_back(line);
    }
    return out;
  }

  const CaseFile& file_;
  const engine::Setup& base_;
};

void rewrite(const std::string& path,
             const std::string& text,
             const std::vector<std::pair<size_t, std::vector<std::string>>>& updates,
             const CaseFile& file) {
  std::vector<std::string> lines;
  for (const std::string_view l : split(text, '\n'))
    lines.emplace_back(l);
  for (auto it = updates.rbegin(); it != updates.rend(); ++it) {
    size_t n = 0;
    for (const Expectation& e : file.expectations)
      if (e.first_line == it->first) n = e.lines.size();
    const auto at = lines.begin() + static_cast<std::ptrdiff_t>(it->first - 1);
    lines.erase(at, at + static_cast<std::ptrdiff_t>(n));
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(it->first - 1), it->second.begin(),
                 it->second.end());
  }
  std::ofstream out(path, std::ios::binary);
  for (size_t i = 0; i < lines.size(); ++i)
    out << lines[i] << (i + 1 < lines.size() ? "\n" : "");
}

int run(const std::vector<std::string>& args) {
  bool update = false;
  bool verbose = false;
  std::vector<std::string> paths;
  for (const std::string& a : args) {
    if (a == "--update")
      update = true;
    else if (a == "--verbose")
      verbose = true;
    else
      paths.push_back(a);
  }
  const Result<std::shared_ptr<const engine::Setup>> setup = engine::make_setup();
  if (!setup) {
    std::cerr << setup.error().message << '\n';
    return 2;
  }
  size_t passed = 0;
  size_t failed = 0;
  size_t skipped = 0;
  for (const std::string& p : paths) {
    const Result<std::vector<std::string>> files = list_files(p);
    if (!files) {
      std::cerr << files.error().message << '\n';
      return 2;
    }
    for (const std::string& path : *files) {
      if (!path.ends_with(".case")) continue;
      const Result<std::string> text = read_text_file(path);
      const Result<CaseFile> file = text ? read_case(path, *text) : Result<CaseFile>(text.error());
      if (file && std::any_of(file->rule_files.begin(), file->rule_files.end(),
                              [](const std::string& f) { return !exists(rule_path(f)); })) {
        ++skipped;
        std::cout << "skipped " << path << ": its published rule is not below " << shared_folder()
                  << '\n';
        continue;
      }
      std::string failure;
      std::vector<std::pair<size_t, std::vector<std::string>>> updates;
      if (!file)
        failure = file.error().message + "\n";
      else
        failure = CaseRun(*file, **setup).run(update ? &updates : nullptr);
      if (failure.empty()) {
        ++passed;
        if (verbose) std::cout << "ok " << path << '\n';
        continue;
      }
      ++failed;
      std::cout << "FAILED " << path << "\n" << failure;
      if (update && !updates.empty()) rewrite(path, *text, updates, *file);
    }
  }
  std::cout << passed << " passed, " << failed << " failed, " << skipped << " skipped\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace postern::tests

int main(int argc, char** argv) {
  return postern::tests::run({argv + 1, argv + argc});
}
