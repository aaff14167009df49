#include "lang/sigma/rule.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "lang/sigma/condition.h"
#include "lang/sigma/correlation.h"
#include "lang/sigma/detection.h"
#include "lang/sigma/filter.h"
#include "lang/sigma/logsource.h"
#include "lang/sigma/pipeline.h"
#include "lang/sigma/rule_model.h"

namespace postern::lang::sigma {

using adapt::YamlNode;
using plan::ExprPtr;
using plan::OpPtr;

namespace {

constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high", "critical"};
constexpr std::string_view kStatuses[] = {"stable", "test", "experimental", "deprecated",
                                          "unsupported"};
/// Keys of the specification; others are the author's own, unless they are nearly one of these.
constexpr std::string_view kKeys[] = {
    "title",   "id",         "name",           "related",   "taxonomy", "status",   "level",
    "tags",    "fields",     "scope",          "author",    "date",     "modified", "description",
    "license", "references", "falsepositives", "logsource", "detection"};

bool is_uuid(std::string_view id) {
  if (id.size() != 36) return false;
  for (size_t i = 0; i < id.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = ascii_lower(id[i]);
    if (dash ? c != '-' : !(ascii_digit(c) || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

/// 2025-01-31, or 2025/01/31 as before version 2.
bool is_date(std::string_view s) {
  if (s.size() != 10 || (s[4] != '-' && s[4] != '/') || s[7] != s[4]) return false;
  std::string iso(s);
  iso[4] = iso[7] = '-';
  return parse_rfc3339(iso).has_value();
}

std::string lower(std::string_view s) {
  return fold(s);
}

/// "T1048.003" of the tag "attack.t1048.003", or "".
std::string technique_of(std::string_view tag) {
  constexpr std::string_view kPrefix = "attack.t";
  if (!starts_with_ignore_case(tag, kPrefix)) return "";
  const std::string_view id = tag.substr(kPrefix.size());
  const auto digits = [&](size_t from, size_t count) {
    return id.size() >= from + count &&
           std::all_of(id.begin() + static_cast<std::ptrdiff_t>(from),
                       id.begin() + static_cast<std::ptrdiff_t>(from + count), ascii_digit);
  };
  const bool technique = id.size() == 4 && digits(0, 4);
  const bool sub_technique = id.size() == 8 && digits(0, 4) && id[4] == '.' && digits(5, 3);
  return technique || sub_technique ? "T" + std::string(id) : "";
}

class RuleReader {
 public:
  RuleReader(const YamlNode& document,
             const Source& file,
             const ReadOptions& options,
             Diagnostics& diag)
      : document_(document), file_(file), options_(options), diag_(diag) {}

  std::optional<plan::Rule> read() {
    if (!is_rule()) return std::nullopt;
    info();
    rule_.name = text("name");
    if (entry(document_, "correlation")) {
      if (options_.filters) options_.filters->meets_correlation(rule_.info.id, rule_.name);
      if (read_correlation(document_, head(), options_.pipelines, rule_, diag_) && unbroken())
        return std::move(rule_);
      if (std::vector<plan::RuleReference>* also = options_.refused_references)
        also->insert(also->end(), rule_.references.begin(), rule_.references.end());
      return std::nullopt;
    }
    model_.head = head();
    bool ok = read_logsource(document_, model_.logsource, diag_);
    const YamlNode* node = selections();
    const bool whole = ok && node &&
                       std::all_of(model_.selections.begin(), model_.selections.end(),
                                   [](const NamedDetection& s) { return s.whole; });
    if (whole && options_.filters && !options_.filters->empty())
      model_.filters = options_.filters->for_rule(rule_.info.id, text("name"), model_.logsource);
    if (whole && options_.pipelines && !options_.pipelines->empty()) ok = pipelines();
    ExprPtr condition;
    if (node && model_.placeholders.empty()) {
      condition = detection(*node, options_.placeholders);
    } else if (node) {
      Placeholders both = options_.placeholders;
      for (const auto& [name, values] : model_.placeholders)
        both[name] = values;
      condition = detection(*node, both);
    }
    if (!ok || !condition) return std::nullopt;
    rule_.kind = plan::RuleKind::kEvent;
    rule_.vocabulary = "sigma";
    rule_.plan = plan::filter(scan(), condition, condition->span);
    return std::move(rule_);
  }

 private:
  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "") {
    diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
  }

  const YamlNode::Entry* entry(const YamlNode& map, std::string_view key) const {
    for (const YamlNode::Entry& e : map.entries)
      if (e.key.is_scalar() && e.key.text == key) return &e;
    return nullptr;
  }

  /// Where to point when something is missing: the first line of the document.
  Span head() const {
    const Span s = document_.span;
    const size_t end = std::min<size_t>(file_.text.find('\n', s.begin), s.end);
    return {s.begin, static_cast<uint32_t>(end)};
  }

  bool is_rule() {
    if (!document_.is_mapping()) {
      error("sigma-bad-document", "a rule is a map with title, logsource and detection", head());
      return false;
    }
    return true;
  }

  // ---- what the rule says of itself ----

  std::string text(std::string_view key) {
    const YamlNode::Entry* e = entry(document_, key);
    if (!e || (e->value.is_scalar() && e->value.is_null())) return "";
    if (e->value.is_scalar()) return e->value.text;
    diag_.warning("sigma-bad-metadata", "`" + std::string(key) + "` is one value", e->key.span,
                  "left out");
    return "";
  }

  std::vector<std::string> texts(std::string_view key) {
    std::vector<std::string> out;
    const YamlNode::Entry* e = entry(document_, key);
    if (!e) return out;
    if (e->value.is_scalar() && !e->value.is_null()) out.push_back(e->value.text);
    for (const YamlNode& item : e->value.items)
      if (item.is_scalar()) out.push_back(item.text);
    return out;
  }

  void info() {
    plan::RuleInfo& i = rule_.info;
    i.language = "sigma";
    i.path = std::string(file_.name);
    i.title = text("title");
    if (i.title.empty()) {
      diag_.warning("sigma-no-title", "a rule needs a title", head(), "",
                    "its file's name is taken");
      const size_t slash = file_.name.find_last_of('/');
      i.title =
          std::string(slash == std::string_view::npos ? file_.name : file_.name.substr(slash + 1));
    }
    i.id = text("id");
    if (!i.id.empty() && !is_uuid(i.id))
      diag_.warning("sigma-bad-metadata", "an id is a UUID, not " + i.id,
                    entry(document_, "id")->value.span);
    if (i.id.empty()) i.id = i.path + ": " + i.title;
    i.status = one_of("status", kStatuses, "sigma-unknown-status");
    metadata();
    i.level = level();
    // Sigma has no version; two texts of one rule differ by the day they were changed.
    i.version = text("modified");
    if (i.version.empty()) i.version = text("date");
    i.author = text("author");
    i.description = text("description");
    i.tags = texts("tags");
    for (const std::string& tag : i.tags)
      if (std::string t = technique_of(tag); !t.empty()) i.attack.push_back(std::move(t));
    i.references = texts("references");
    i.false_positives = texts("falsepositives");
  }

  /// No rule means what its author meant while a pipeline is missing.
  bool unbroken() {
    if (!options_.pipelines || !options_.pipelines->broken()) return true;
    error("sigma-pipeline-failure", "a processing pipeline has errors", head(),
          "without it the rule would mean something else");
    return false;
  }

  bool pipelines() {
    if (!unbroken()) return false;
    model_.info = rule_.info;
    Diagnostics own;
    options_.pipelines->apply(model_, own);
    for (const Diagnostic& d : own.all())
      diag_.add(d);
    return !own.has_errors();
  }

  std::string level() { return one_of("level", kLevels, "sigma-unknown-level"); }

  /// The value of a key that has few words to choose from, in lower case.
  template <size_t n>
  std::string one_of(std::string_view key, const std::string_view (&words)[n], const char* code) {
    const std::string given = text(key);
    const std::string folded = lower(given);
    const std::vector<std::string_view> known(std::begin(words), std::end(words));
    if (given.empty() || std::find(known.begin(), known.end(), folded) != known.end())
      return folded;
    const std::string near = nearest_name(given, known);
    diag_.warning(code, "unknown " + std::string(key) + ": " + given,
                  entry(document_, key)->value.span, "taken as none",
                  near.empty() ? "" : "did you mean `" + near + "`?");
    return "";
  }

  /// What the specification says of keys that change nothing here, told so that slips are seen.
  void metadata() {
    for (const char* key : {"date", "modified"})
      if (const std::string day = text(key); !day.empty() && !is_date(day))
        diag_.warning("sigma-bad-metadata", "not a date: " + day, entry(document_, key)->value.span,
                      "", "write it as 2025-01-31");
    if (const std::string taxonomy = text("taxonomy");
        !taxonomy.empty() && taxonomy != "sigma" &&
        (!options_.pipelines || options_.pipelines->empty()))
      diag_.warning("sigma-taxonomy", "fields are those of the taxonomy " + taxonomy,
                    entry(document_, "taxonomy")->value.span, "read as Sigma's own",
                    "map them with --pipeline FILE");
    const std::vector<std::string_view> known(std::begin(kKeys), std::end(kKeys));
    for (const YamlNode::Entry& e : document_.entries) {
      if (std::find(known.begin(), known.end(), e.key.text) != known.end()) continue;
      const std::string near = nearest_name(e.key.text, known);
      if (!near.empty() && !document_.find(near))
        diag_.warning("sigma-unknown-key", "unknown key: " + e.key.text, e.key.span, "",
                      "did you mean `" + near + "`?");
    }
  }

  // ---- log source ----

  OpPtr scan() const {
    const YamlNode::Entry* e = entry(document_, "logsource");
    auto scan = std::make_shared<plan::Op>(*plan::scan("sigma", "", e->value.span));
    scan->open = true;
    scan->attributes = model_.logsource;
    return scan;
  }

  bool is_windows() const {
    const auto product = model_.logsource.find("product");
    return product != model_.logsource.end() && product->second == "windows";
  }

  // ---- detection ----

  /// Reads the selections; the detection's node, or null once there is none.
  const YamlNode* selections() {
    const YamlNode::Entry* e = entry(document_, "detection");
    if (!e) {
      error("sigma-no-detection", "a rule needs a detection", head());
      return nullptr;
    }
    if (!e->value.is_mapping()) {
      error("sigma-bad-detection", "a detection is a map of selections and a condition",
            e->value.span);
      return nullptr;
    }
    for (const YamlNode::Entry& s : e->value.entries) {
      if (s.key.is_scalar() && (s.key.text == "condition" || s.key.text == "timeframe")) continue;
      if (!s.key.is_scalar() || s.key.text.empty()) {
        error("sigma-bad-selection", "a selection needs a name", s.key.span);
        continue;
      }
      NamedDetection& d = model_.selections.emplace_back();
      d.name = s.key.text;
      d.span = s.key.span;
      d.whole = read_selection(s.value, d.detection, diag_);
    }
    return &e->value;
  }

  ExprPtr detection(const YamlNode& node, const Placeholders& placeholders) {
    std::vector<Selection> selections;
    DetectionLowering lowering(placeholders, is_windows(), diag_);
    bool ok = true;
    for (const NamedDetection& s : model_.selections) {
      ExprPtr e = lowering.lower(s.detection);
      selections.push_back({s.name, s.span, s.whole ? std::move(e) : nullptr, false, false});
      ok = ok && selections.back().expr;
    }
    const YamlNode::Entry* condition = entry(node, "condition");
    if (!condition) {
      error("sigma-no-condition", "a detection needs a condition",
            entry(document_, "detection")->key.span);
      return nullptr;
    }
    if (selections.empty() && ok) {
      error("sigma-no-selection", "a detection needs at least one selection",
            entry(document_, "detection")->key.span);
      return nullptr;
    }
    ExprPtr expr = conditions(condition->value, selections);
    warn(node, selections, expr != nullptr);
    if (!ok || !expr) return nullptr;
    if (expr == DetectionLowering::nothing()) {
      error("sigma-pipeline-failure", "the pipeline left nothing of this rule's condition",
            condition->key.span);
      return nullptr;
    }
    return with_additions(std::move(expr), placeholders);
  }

  /// `(rule) and [not] (what pipelines add) and (filters)`.
  ExprPtr with_additions(ExprPtr expr, const Placeholders& placeholders) {
    const Span span = expr->span;
    std::vector<ExprPtr> terms = {std::move(expr)};
    bool ok = true;
    for (const AddedCondition& a : model_.added) {
      DetectionLowering lowering(placeholders, is_windows(), diag_);
      ExprPtr e = lowering.lower(a.detection);
      ok = ok && e;
      if (!e || e == DetectionLowering::nothing()) continue;
      terms.push_back(a.negated ? plan::negation(std::move(e)) : std::move(e));
    }
    for (const FilterPart& f : model_.filters) {
      // What was right for the filter alone can be wrong only through a pipeline.
      Diagnostics own;
      DetectionLowering lowering(placeholders, is_windows(), own);
      std::vector<Selection> selections;
      for (const NamedDetection& s : f.selections)
        selections.push_back({s.name, s.span, lowering.lower(s.detection), false, false});
      Condition c = parse_condition(f.condition, selections, own);
      for (const Diagnostic& d : own.all())
        if (d.severity == Severity::kError)
          error(d.code, "in the filter " + f.title + ": " + d.message, model_.head);
      ok = ok && c.expr;
      if (!c.expr || c.expr == DetectionLowering::nothing()) continue;
      terms.push_back(placed(c.expr, model_.head));
      rule_.stages.push_back({"filter " + f.title, [text = std::move(c.text)] { return text; }});
    }
    return ok ? plan::conjunction(std::move(terms), span) : nullptr;
  }

  /// The expression of another text, shown at a place of this one.
  static ExprPtr placed(const ExprPtr& e, Span at) {
    auto out = std::make_shared<plan::Expr>(*e);
    out->span = at;
    for (ExprPtr& a : out->args)
      a = placed(a, at);
    return out;
  }

  ExprPtr conditions(const YamlNode& node, std::vector<Selection>& selections) {
    std::vector<const YamlNode*> nodes;
    if (node.is_sequence())
      for (const YamlNode& item : node.items)
        nodes.push_back(&item);
    else
      nodes.push_back(&node);
    std::vector<ExprPtr> terms;
    std::string text;
    for (const YamlNode* n : nodes) {
      if (!n->is_scalar()) {
        error("sigma-bad-condition", "a condition is a text or a list of texts", n->span);
        terms.push_back(nullptr);
        continue;
      }
      Condition c = parse_condition(*n, selections, diag_);
      terms.push_back(std::move(c.expr));
      if (!text.empty()) text += "\nor ";
      text += c.text;
    }
    if (nodes.empty()) {
      error("sigma-bad-condition", "the condition is empty", node.span);
      return nullptr;
    }
    for (const ExprPtr& t : terms)
      if (!t) return nullptr;
    rule_.stages.push_back({"parsed", parsed_text(selections, std::move(text))});
    return plan::disjunction(std::move(terms), node.span);
  }

  // The selections as expressions, then the condition over them.
  static std::function<std::string()> parsed_text(const std::vector<Selection>& selections,
                                                  std::string condition) {
    std::vector<std::pair<std::string, ExprPtr>> parts;
    for (const Selection& s : selections)
      parts.emplace_back(s.name, s.expr);
    return [parts = std::move(parts), condition = std::move(condition)] {
      std::string text;
      for (const auto& [name, expr] : parts)
        text += name + ": " + plan::to_text(*expr) + "\n";
      return text + "condition: " + condition;
    };
  }

  // What every reader leaves out, and what is most likely a slip.
  void warn(const YamlNode& detection, const std::vector<Selection>& selections, bool parsed) {
    if (const YamlNode::Entry* e = entry(detection, "timeframe"); e && parsed)
      diag_.warning("sigma-timeframe",
                    "`timeframe` belongs to aggregations, which this rule has none of", e->key.span,
                    "left out");
    for (const Selection& s : selections) {
      if (parsed && s.used_plainly && starts_with_ignore_case(s.name, "filter"))
        diag_.warning("sigma-filter-without-not",
                      "the selection " + s.name + " is asked for, not ruled out", s.span, "",
                      "a filter is used as `not " + s.name + "`");
      if (parsed && !s.used && s.name.front() != '_')
        diag_.warning("sigma-unused-selection", "no condition uses the selection " + s.name,
                      s.span);
    }
  }

  const YamlNode& document_;
  const Source& file_;
  const ReadOptions& options_;
  Diagnostics& diag_;
  plan::Rule rule_;
  RuleModel model_;
};

}  // namespace

std::optional<plan::Rule> read_rule(const YamlNode& document,
                                    const Source& file,
                                    const ReadOptions& options,
                                    Diagnostics& diag) {
  return RuleReader(document, file, options, diag).read();
}

}  // namespace postern::lang::sigma
