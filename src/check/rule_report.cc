#include "check/rule_report.h"

#include <algorithm>
#include <set>

#include "base/line_table.h"
#include "data/value.h"

namespace postern::check {

using data::json_string;
using engine::LoadedRule;
using engine::RuleFile;
using engine::RuleSet;

namespace {

bool is_users(const RuleFile& f) {
  return f.path.rfind("builtin:", 0) != 0;
}

const char* severity_name(Severity s) {
  return s == Severity::kError ? "error" : s == Severity::kWarning ? "warning" : "note";
}

/// What is said of each file, wherever it was found.
class ByFile {
 public:
  ByFile(const RuleSet& rules, const std::vector<LintFinding>& lint) {
    by_file_.resize(rules.files().size());
    for (size_t i = 0; i < rules.files().size(); ++i)
      for (const Diagnostic& d : rules.files()[i].diagnostics.all())
        by_file_[i].push_back(&d);
    for (const LintFinding& l : lint)
      by_file_[l.file].push_back(&l.diagnostic);
  }

  const std::vector<const Diagnostic*>& of(size_t file) const { return by_file_[file]; }

 private:
  std::vector<std::vector<const Diagnostic*>> by_file_;
};

/// A span in its file.
struct Range {
  LineColumn from;
  LineColumn to;
};

/// Calls `f(file, diagnostic, range)` for all that is said of the user's files; returns how many of
/// these are errors.
template <class F>
size_t each_diagnostic(const RuleSet& rules, const std::vector<LintFinding>& lint, F&& f) {
  size_t errors = 0;
  const ByFile all(rules, lint);
  for (size_t i = 0; i < rules.files().size(); ++i) {
    const RuleFile& file = rules.files()[i];
    if (!is_users(file) || all.of(i).empty()) continue;
    const LineTable lines(file.text);
    for (const Diagnostic* d : all.of(i)) {
      errors += d->severity == Severity::kError ? 1 : 0;
      f(file, *d, Range{lines.at(d->primary.begin), lines.at(d->primary.end)});
    }
  }
  return errors;
}

std::map<std::string, std::set<std::string>> null_columns_of(const LoadedRule& r) {
  if (!r.optimized) return {};
  return plan::null_columns(*r.optimized);
}

std::string null_columns_text(const LoadedRule& r) {
  std::map<std::string, std::set<std::string>> tables_by_column;
  for (const auto& [table, columns] : null_columns_of(r))
    for (const std::string& c : columns)
      tables_by_column[c].insert(table);
  std::string out;
  for (const auto& [column, tables] : tables_by_column) {
    out += (out.empty() ? "" : ", ") + column + " (";
    bool first = true;
    for (const std::string& t : tables) {
      out += (first ? "" : ", ") + t;
      first = false;
    }
    out += ")";
  }
  return out;
}

}  // namespace

size_t write_text(std::ostream& out,
                  const RuleSet& rules,
                  const std::vector<LintFinding>& lint,
                  bool warnings) {
  size_t errors = 0;
  const ByFile all(rules, lint);
  for (size_t i = 0; i < rules.files().size(); ++i) {
    const RuleFile& f = rules.files()[i];
    const Source source{f.path, f.text};
    if (all.of(i).empty() || (!is_users(f) && !f.diagnostics.has_errors())) continue;
    const LineTable lines(f.text);
    for (const Diagnostic* d : all.of(i)) {
      if (d->severity == Severity::kError)
        ++errors;
      else if (!warnings)
        continue;
      out << render(source, lines.at(d->primary.begin), *d) << '\n';
    }
  }
  if (!warnings) return errors;
  for (const LoadedRule& r : rules.rules()) {
    const RuleFile& f = rules.files()[r.file];
    if (!is_users(f)) continue;
    if (!r.report.never.empty())
      out << "note[never-fires]: " << r.rule.info.title << " can never fire: " << r.report.never
          << "\n --> " << f.path << "\n\n";
    else if (const std::string columns = null_columns_text(r); !columns.empty())
      out << "note[null-column]: " << r.rule.info.title
          << " reads columns that some tables do not have; they are null there: " << columns
          << "\n --> " << f.path << "\n\n";
  }
  return errors;
}

size_t write_json(std::ostream& out, const RuleSet& rules, const std::vector<LintFinding>& lint) {
  out << "[";
  bool first = true;
  const size_t errors =
      each_diagnostic(rules, lint, [&](const RuleFile& f, const Diagnostic& d, const Range& at) {
        out << (first ? "\n" : ",\n") << "{\"path\":" << json_string(f.path) << ",\"severity\":\""
            << severity_name(d.severity) << "\",\"code\":" << json_string(d.code)
            << ",\"message\":" << json_string(d.message) << ",\"line\":" << at.from.line
            << ",\"column\":" << at.from.column << ",\"end_line\":" << at.to.line
            << ",\"end_column\":" << at.to.column << ",\"begin\":" << d.primary.begin
            << ",\"end\":" << d.primary.end;
        if (!d.label.empty()) out << ",\"label\":" << json_string(d.label);
        if (!d.hint.empty()) out << ",\"hint\":" << json_string(d.hint);
        out << "}";
        first = false;
      });
  for (const LoadedRule& r : rules.rules()) {
    if (!is_users(rules.files()[r.file]) || r.report.never.empty()) continue;
    out << (first ? "\n" : ",\n") << "{\"path\":" << json_string(rules.files()[r.file].path)
        << ",\"severity\":\"note\",\"code\":\"never-fires\",\"message\":"
        << json_string(r.rule.info.title + " can never fire: " + r.report.never) << "}";
    first = false;
  }
  out << "\n]\n";
  return errors;
}

namespace {

/// A path as a URI reference: what is not unreserved is escaped byte by byte (RFC 3986).
std::string uri_of(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || c == '/';
    if (plain) {
      out += c;
      continue;
    }
    static constexpr char kHex[] = "0123456789ABCDEF";
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

/// Columns of SARIF count UTF-16 code units, as `columnKind` says.
size_t utf16_column(const std::string& text, const LineColumn& at, size_t byte) {
  const size_t line_begin = byte + 1 - at.column;
  size_t units = 1;
  for (size_t i = line_begin; i < byte && i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xC0) != 0x80) units += c >= 0xF0 ? 2 : 1;
  }
  return units;
}

}  // namespace

size_t write_sarif(std::ostream& out, const RuleSet& rules, const std::vector<LintFinding>& lint) {
  std::set<std::string> codes;
  std::string results;
  const auto add = [&](const std::string& path, const std::string& code, const char* level,
                       const std::string& message, const std::string& region) {
    codes.insert(code);
    results += (results.empty() ? "" : ",") + std::string("\n{\"ruleId\":") + json_string(code) +
               ",\"level\":\"" + level + "\",\"message\":{\"text\":" + json_string(message) +
               "},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":" +
               json_string(uri_of(path)) + "}" + region + "}}]}";
  };
  const size_t errors =
      each_diagnostic(rules, lint, [&](const RuleFile& f, const Diagnostic& d, const Range& range) {
        const size_t from = utf16_column(f.text, range.from, d.primary.begin);
        const size_t to = utf16_column(f.text, range.to, d.primary.end);
        add(f.path, d.code, severity_name(d.severity),
            d.hint.empty() ? d.message : d.message + " (" + d.hint + ")",
            ",\"region\":{\"startLine\":" + std::to_string(range.from.line) + ",\"startColumn\":" +
                std::to_string(from) + ",\"endLine\":" + std::to_string(range.to.line) +
                ",\"endColumn\":" + std::to_string(to) + "}");
      });
  for (const LoadedRule& r : rules.rules())
    if (is_users(rules.files()[r.file]) && !r.report.never.empty())
      add(rules.files()[r.file].path, "never-fires", "note",
          r.rule.info.title + " can never fire: " + r.report.never, "");
  out << "{\"$schema\":\"https://json.schemastore.org/"
         "sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":"
         "{\"name\":\"postern\",\"rules\":[";
  bool first = true;
  for (const std::string& c : codes) {
    out << (first ? "" : ",") << "{\"id\":" << json_string(c) << "}";
    first = false;
  }
  out << "]}},\"columnKind\":\"utf16CodeUnits\",\"results\":[" << results << "\n]}]}\n";
  return errors;
}

void write_totals(std::ostream& out, const RuleSet& rules) {
  size_t loaded = 0;
  size_t refused = 0;
  size_t degraded = 0;
  size_t never = 0;
  for (const RuleFile& f : rules.files()) {
    if (!is_users(f)) continue;
    loaded += f.num_loaded;
    refused += f.num_refused;
  }
  for (const LoadedRule& r : rules.rules()) {
    if (!is_users(rules.files()[r.file])) continue;
    degraded += r.report.degraded ? 1 : 0;
    never += r.report.never.empty() ? 0 : 1;
  }
  if (degraded > 0)
    out << degraded << " degraded: they run, with null columns or coerced comparisons\n";
  if (never > 0) out << never << " can never fire on any evidence that is known here\n";
  out << loaded + refused << " rules: " << loaded << " loaded, " << refused << " refused\n";
}

bool write_explanation(std::ostream& out, const RuleSet& rules) {
  bool any = false;
  for (const LoadedRule& r : rules.rules()) {
    const RuleFile& f = rules.files()[r.file];
    if (!is_users(f)) continue;
    any = true;
    out << "rule: " << r.rule.info.title << "\n";
    if (!r.rule.info.id.empty()) out << "id: " << r.rule.info.id << "\n";
    out << "language: " << r.rule.info.language << "\npath: " << f.path << "\n";
    if (r.report.degraded) out << "degraded: yes\n";
    if (!r.report.never.empty()) out << "never fires: " << r.report.never << "\n";
    for (const plan::Stage& stage : r.rule.stages) {
      const std::string text = stage.text();
      out << "\n-- " << stage.name << " --\n" << text;
      if (text.empty() || text.back() != '\n') out << '\n';
    }
    if (r.rule.plan) out << "\n-- lowered --\n" << plan::to_text(*r.rule.plan);
    if (r.bound) out << "\n-- bound --\n" << plan::to_text(*r.bound);
    if (r.optimized) out << "\n-- optimized --\n" << plan::to_text(*r.optimized);
    for (const plan::DroppedTable& d : r.report.dropped)
      out << "not read: " << d.table << ": " << d.reason << "\n";
    for (const auto& [table, columns] : null_columns_of(r)) {
      out << "null in " << table << ":";
      for (const std::string& c : columns)
        out << ' ' << c;
      out << '\n';
    }
    for (const engine::Requirement& q : r.requirements) {
      out << "requires " << q.name << ":";
      for (const auto& s : q.sources) {
        out << ' ' << s.table;
        for (const int64_t id : s.event_ids)
          out << '#' << id;
      }
      out << '\n';
    }
    if (r.lookback) out << "window: " << *r.lookback / 10'000'000 << " s\n";
    out << '\n';
  }
  return any;
}

}  // namespace postern::check
