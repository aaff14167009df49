#include "lang/sigma/rule.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "lang/sigma/condition.h"
#include "lang/sigma/detection.h"

namespace postern::lang::sigma {

using adapt::YamlNode;
using plan::ExprPtr;
using plan::OpPtr;

namespace {

constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high", "critical"};
constexpr std::string_view kLogSourceKeys[] = {"category", "product", "service"};

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
    const OpPtr scan = log_source();
    const ExprPtr condition = detection();
    if (!scan || !condition) return std::nullopt;
    rule_.kind = plan::RuleKind::kEvent;
    rule_.vocabulary = "sigma";
    rule_.plan = plan::filter(scan, condition, condition->span);
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

    struct Other {
      std::string_view key;
      std::string_view what;
    };

    static constexpr Other kOthers[] = {{"correlation", "correlation rule"},
                                        {"filter", "filter rule"}};
    for (const Other& o : kOthers) {
      const YamlNode::Entry* e = entry(document_, o.key);
      if (!e) continue;
      error("sigma-unsupported", std::string(o.what), e->key.span, "not supported in this release");
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
    if (i.id.empty()) i.id = i.path + ": " + i.title;
    i.status = text("status");
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

  std::string level() {
    const std::string given = text("level");
    const std::string folded = lower(given);
    const std::vector<std::string_view> levels(std::begin(kLevels), std::end(kLevels));
    if (given.empty() || std::find(levels.begin(), levels.end(), folded) != levels.end())
      return folded;
    const std::string near = nearest_name(given, levels);
    diag_.warning("sigma-unknown-level", "unknown level: " + given,
                  entry(document_, "level")->value.span, "taken as none",
                  near.empty() ? "" : "did you mean `" + near + "`?");
    return "";
  }

  // ---- log source ----

  OpPtr log_source() {
    const YamlNode::Entry* e = entry(document_, "logsource");
    if (!e) {
      error("sigma-no-logsource", "a rule needs a logsource", head());
      return nullptr;
    }
    if (!e->value.is_mapping()) {
      error("sigma-bad-logsource", "a logsource is a map of category, product and service",
            e->value.span);
      return nullptr;
    }
    auto scan = std::make_shared<plan::Op>(*plan::scan("sigma", "", e->value.span));
    scan->open = true;
    bool ok = true;
    const std::vector<std::string_view> known(std::begin(kLogSourceKeys), std::end(kLogSourceKeys));
    for (const YamlNode::Entry& a : e->value.entries) {
      const bool is_known = std::find(known.begin(), known.end(), a.key.text) != known.end();
      if (!is_known) {
        const std::string near = nearest_name(a.key.text, known);
        if (!near.empty() && a.key.text != "definition") {
          // Leaving it out would make the rule run on more than its author meant.
          error("sigma-bad-logsource", "unknown logsource attribute: " + a.key.text, a.key.span, "",
                "did you mean `" + near + "`?");
          ok = false;
        }
      } else if (!a.value.is_scalar()) {
        error("sigma-bad-logsource", "`" + a.key.text + "` is one value", a.value.span);
        ok = false;
      } else if (!a.value.is_null() && !a.value.text.empty()) {
        scan->attributes[a.key.text] = lower(a.value.text);
      }
    }
    if (ok && scan->attributes.empty()) {
      error("sigma-bad-logsource", "a logsource needs a category, a product or a service",
            e->key.span);
      ok = false;
    }
    if (!ok) return nullptr;
    const auto product = scan->attributes.find("product");
    is_windows_ = product != scan->attributes.end() && product->second == "windows";
    return scan;
  }

  // ---- detection ----

  ExprPtr detection() {
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
    std::vector<Selection> selections;
    DetectionReader reader(options_.placeholders, is_windows_, diag_);
    bool ok = true;
    for (const YamlNode::Entry& s : e->value.entries) {
      if (s.key.is_scalar() && (s.key.text == "condition" || s.key.text == "timeframe")) continue;
      if (!s.key.is_scalar() || s.key.text.empty()) {
        error("sigma-bad-selection", "a selection needs a name", s.key.span);
        ok = false;
        continue;
      }
      selections.push_back({s.key.text, s.key.span, reader.selection(s.value), false});
      ok = ok && selections.back().expr;
    }
    const YamlNode::Entry* condition = entry(e->value, "condition");
    if (!condition) {
      error("sigma-no-condition", "a detection needs a condition", e->key.span);
      return nullptr;
    }
    if (selections.empty() && ok) {
      error("sigma-no-selection", "a detection needs at least one selection", e->key.span);
      return nullptr;
    }
    const ExprPtr expr = conditions(condition->value, selections);
    warn(e->value, selections, expr != nullptr);
    return ok ? expr : nullptr;
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
    rule_.stages.emplace_back("condition", std::move(text));
    return plan::disjunction(std::move(terms), node.span);
  }

  // What every reader leaves out, and what is most likely a slip.
  void warn(const YamlNode& detection, const std::vector<Selection>& selections, bool parsed) {
    if (const YamlNode::Entry* e = entry(detection, "timeframe"); e && parsed)
      diag_.warning("sigma-timeframe",
                    "`timeframe` belongs to aggregations, which this rule has none of", e->key.span,
                    "left out");
    for (const Selection& s : selections)
      if (parsed && !s.used && s.name.front() != '_')
        diag_.warning("sigma-unused-selection", "no condition uses the selection " + s.name,
                      s.span);
  }

  const YamlNode& document_;
  const Source& file_;
  const ReadOptions& options_;
  Diagnostics& diag_;
  plan::Rule rule_;
  bool is_windows_ = false;
};

}  // namespace

std::optional<plan::Rule> read_rule(const YamlNode& document,
                                    const Source& file,
                                    const ReadOptions& options,
                                    Diagnostics& diag) {
  return RuleReader(document, file, options, diag).read();
}

}  // namespace postern::lang::sigma
