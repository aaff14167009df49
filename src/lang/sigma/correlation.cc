#include "lang/sigma/correlation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "base/time.h"
#include "lang/sigma/correlation_condition.h"
#include "lang/sigma/pipeline.h"
#include "plan/bind.h"

namespace postern::lang::sigma {

using adapt::YamlNode;
using plan::BoundOp;
using plan::NamedExpr;
using plan::OpPtr;
using plan::RuleReference;
using plan::WindowKind;
using plan::WindowSpec;
using plan::WindowTerm;

namespace {

struct TypeName {
  std::string_view name;
  WindowKind kind;
};

constexpr TypeName kTypes[] = {
    {"event_count", WindowKind::kCount},       {"value_count", WindowKind::kDistinct},
    {"temporal", WindowKind::kSequence},       {"temporal_ordered", WindowKind::kSequence},
    {"value_sum", WindowKind::kSum},           {"value_avg", WindowKind::kAverage},
    {"value_median", WindowKind::kPercentile}, {"value_percentile", WindowKind::kPercentile}};

constexpr std::string_view kAttributes[] = {"type",      "rules",   "group-by", "timespan",
                                            "condition", "aliases", "generate"};
constexpr std::string_view kConditionKeys[] = {"gt", "gte", "lt",    "lte",
                                               "eq", "neq", "field", "percentile"};

/// Longer than any evidence; keeps sums of times within 64 bits.
constexpr int64_t kMaxTimespan = 1000 * 365 * kTicksPerDay;

// Columns of our own beside the fields of the events.
constexpr const char* kStepColumn = "#step";

std::string value_column(size_t i) {
  return "#value" + std::to_string(i + 1);
}

/// A correlation read, before it is a plan.
struct CorrelationParts {
  WindowSpec spec;
  std::vector<RuleReference> references;
  CorrelationFields fields;
  Span at;

  bool temporal() const { return spec.kind == WindowKind::kSequence; }

  /// The field behind a name in events of rule `step`.
  std::string field_of(const std::string& name, const RuleReference& step) const {
    if (const auto alias = fields.aliases.find(name); alias != fields.aliases.end())
      if (const auto field = alias->second.find(step.text); field != alias->second.end())
        return field->second.text;
    return name;
  }

  /// What the window reads of the events of rule `i`.
  OpPtr input(size_t i) const {
    const RuleReference& r = references[i];
    std::vector<NamedExpr> items;
    if (temporal())
      items.push_back({kStepColumn,
                       plan::literal(data::Value::integer(static_cast<int64_t>(i)), r.span),
                       r.span});
    for (const FieldName& g : fields.groups)
      items.push_back({g.text, plan::column(field_of(g.text, r), g.span), g.span});
    for (size_t f = 0; f < fields.values.size(); ++f) {
      const FieldName& v = fields.values[f];
      items.push_back({value_column(f), plan::column(field_of(v.text, r), v.span), v.span});
    }
    return plan::project(plan::scan(plan::kRuleVocabulary, r.text, r.span), std::move(items),
                         r.span);
  }

  OpPtr lower() const {
    std::vector<OpPtr> inputs;
    for (size_t i = 0; i < references.size(); ++i)
      inputs.push_back(input(i));
    auto window = std::make_shared<plan::Op>();
    window->kind = plan::OpKind::kTimeWindow;
    window->span = at;
    for (const FieldName& g : fields.groups)
      window->keys.push_back({g.text, plan::column(g.text, g.span), g.span});
    if (temporal()) window->items.push_back({kStepColumn, plan::column(kStepColumn, at), at});
    for (size_t f = 0; f < fields.values.size(); ++f) {
      const FieldName& v = fields.values[f];
      window->items.push_back({v.text, plan::column(value_column(f), v.span), v.span});
    }
    if (inputs.size() > 1) {
      auto all = std::make_shared<plan::Op>();
      all->kind = plan::OpKind::kUnion;
      all->span = at;
      all->inputs = std::move(inputs);
      window->inputs = {all};
    } else {
      window->inputs = std::move(inputs);
    }
    window->window = std::make_shared<WindowSpec>(spec);
    return window;
  }
};

class CorrelationReader {
 public:
  CorrelationReader(const YamlNode& document,
                    Span head,
                    const Pipelines* pipelines,
                    plan::Rule& rule,
                    Diagnostics& diag)
      : document_(document), head_(head), pipelines_(pipelines), rule_(rule), diag_(diag) {}

  bool read() {
    for (const char* other : {"detection", "logsource"})
      if (const YamlNode::Entry* e = entry(document_, other))
        error("sigma-bad-correlation", "a correlation has no `" + std::string(other) + "`",
              e->key.span, "", "write the rule as a document of its own, and refer to its name");
    body_ = &entry(document_, "correlation")->value;
    if (!body_->is_mapping()) {
      error("sigma-bad-correlation",
            "a correlation is a map of type, rules, timespan and condition", body_->span);
      return false;
    }
    unknown_attributes();
    type();
    rules();
    timespan();
    aliases();
    group_by();
    generate();
    condition();
    rule_.references = references_;
    if (failed_) return false;
    finish();
    return true;
  }

 private:
  static const YamlNode::Entry* entry(const YamlNode& map, std::string_view key) {
    for (const YamlNode::Entry& e : map.entries)
      if (e.key.is_scalar() && e.key.text == key) return &e;
    return nullptr;
  }

  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "") {
    failed_ = true;
    diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
  }

  template <class Names>
  static std::string did_you_mean(std::string_view word, const Names& names) {
    const std::string near =
        nearest_name(word, std::vector<std::string_view>(std::begin(names), std::end(names)));
    return near.empty() ? "" : "did you mean `" + near + "`?";
  }

  // Leaving an attribute out would make the correlation mean something else.
  void unknown_attributes() {
    for (const YamlNode::Entry& e : body_->entries) {
      if (std::find(std::begin(kAttributes), std::end(kAttributes), e.key.text) !=
          std::end(kAttributes))
        continue;
      error("sigma-bad-correlation", "unknown attribute of a correlation: " + e.key.text,
            e.key.span, "",
            e.key.text == "timeframe" ? "did you mean `timespan`?"
                                      : did_you_mean(e.key.text, kAttributes));
    }
  }

  void type() {
    const YamlNode::Entry* e = entry(*body_, "type");
    if (!e || !e->value.is_scalar()) {
      error("sigma-bad-correlation", "a correlation needs a type",
            e ? e->value.span : entry(document_, "correlation")->key.span);
      return;
    }
    type_ = fold(e->value.text);
    std::vector<std::string_view> names;
    for (const TypeName& t : kTypes) {
      names.push_back(t.name);
      if (t.name != type_) continue;
      spec_.kind = t.kind;
      known_type_ = true;
    }
    if (!known_type_)
      error("sigma-unknown-correlation-type", "unknown correlation type: " + e->value.text,
            e->value.span, "", did_you_mean(e->value.text, names));
    spec_.name = spec_.kind == WindowKind::kSequence ? "rule_count" : type_;
    spec_.ordered = type_ == "temporal_ordered";
  }

  bool temporal() const { return spec_.kind == WindowKind::kSequence; }

  /// Texts of a scalar or a list of scalars.
  std::vector<const YamlNode*> scalars(const YamlNode::Entry& e, std::string_view what) {
    std::vector<const YamlNode*> out;
    auto take = [&](const YamlNode& n) {
      if (n.is_scalar() && !n.is_null() && !n.text.empty())
        out.push_back(&n);
      else
        error("sigma-bad-correlation",
              "`" + e.key.text + "` is " + std::string(what) + " or a list of them", n.span);
    };
    if (e.value.is_sequence())
      for (const YamlNode& item : e.value.items)
        take(item);
    else
      take(e.value);
    return out;
  }

  void rules() {
    const YamlNode::Entry* e = entry(*body_, "rules");
    const YamlNode::Entry* c = entry(*body_, "condition");
    if (!e) {
      if (temporal() && c && c->value.is_scalar())
        references_ = rules_in(c->value);
      else if (known_type_)
        error("sigma-bad-correlation", "a correlation needs the rules it is made of",
              entry(document_, "correlation")->key.span, "", "add `rules`");
    } else {
      const bool was_failed = failed_;
      for (const YamlNode* n : scalars(*e, "the name or id of a rule")) {
        const auto known = std::find_if(references_.begin(), references_.end(),
                                        [&](const RuleReference& r) { return r.text == n->text; });
        order_.push_back(static_cast<uint32_t>(known - references_.begin()));
        if (known == references_.end())
          references_.push_back({n->text, n->span});
        else if (!spec_.ordered)
          diag_.warning("sigma-repeated-rule", "named twice: " + n->text, n->span, "counts once");
      }
      if (references_.empty() && failed_ == was_failed)
        error("sigma-bad-correlation", "a correlation needs at least one rule", e->key.span);
    }
    if (references_.size() > plan::kMaxWindowSteps)
      error("sigma-bad-correlation",
            "more than " + std::to_string(plan::kMaxWindowSteps) + " rules",
            e ? e->key.span : head_);
    for (const RuleReference& r : references_)
      spec_.steps.push_back(r.text);
  }

  void timespan() {
    const YamlNode::Entry* e = entry(*body_, "timespan");
    if (!e)
      return error("sigma-bad-correlation", "a correlation needs a timespan",
                   entry(document_, "correlation")->key.span, "", "for example `timespan: 10m`");

    struct Unit {
      char letter;
      int64_t seconds;
    };

    // Months and years as the reference implementation counts them.
    static constexpr Unit kUnits[] = {{'s', 1},         {'m', 60},     {'h', 3600},
                                      {'d', 86400},     {'w', 604800}, {'M', 2'629'746},
                                      {'y', 31'556'952}};
    const std::string_view text = e->value.is_scalar() ? trim(e->value.text) : "";
    const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) {
      return !text.empty() && u.letter == text.back();
    });
    const std::string_view number = text.empty() ? text : text.substr(0, text.size() - 1);
    const bool digits = !number.empty() && std::all_of(number.begin(), number.end(), ascii_digit);
    const auto count = parse_int(number);
    if (unit == std::end(kUnits) || !digits)
      return error("sigma-bad-timespan", "not a timespan: " + std::string(text), e->value.span,
                   "a whole number and a unit: s, m, h, d", "for example `10m`");
    if (!count || *count == 0 || *count > kMaxTimespan / (unit->seconds * kTicksPerSecond))
      return error("sigma-bad-timespan",
                   "a timespan is longer than nothing and shorter than 1000 years", e->value.span);
    spec_.length = *count * unit->seconds * kTicksPerSecond;
  }

  void aliases() {
    const YamlNode::Entry* e = entry(*body_, "aliases");
    if (!e || (e->value.is_scalar() && e->value.is_null())) return;
    if (!e->value.is_mapping())
      return error("sigma-bad-correlation", "`aliases` maps each alias to a field per rule",
                   e->value.span);
    std::vector<std::string_view> names;
    for (const RuleReference& r : references_)
      names.push_back(r.text);
    for (const YamlNode::Entry& a : e->value.entries) {
      if (!a.value.is_mapping()) {
        error("sigma-bad-correlation", "an alias maps rules to fields", a.value.span, "",
              "`" + a.key.text + ": { rule: Field }`");
        continue;
      }
      for (const YamlNode::Entry& m : a.value.entries) {
        if (std::find(names.begin(), names.end(), m.key.text) == names.end())
          error("sigma-bad-correlation",
                "an alias for a rule that the correlation does not name: " + m.key.text, m.key.span,
                "", did_you_mean(m.key.text, names));
        else if (!m.value.is_scalar() || m.value.text.empty())
          error("sigma-bad-correlation", "an alias stands for one field", m.value.span);
        else
          parts_.fields.aliases[a.key.text][m.key.text] = {m.value.text, m.value.span};
      }
    }
  }

  void group_by() {
    const YamlNode::Entry* e = entry(*body_, "group-by");
    if (!e || (e->value.is_scalar() && e->value.is_null())) return;
    std::vector<FieldName>& groups = parts_.fields.groups;
    for (const YamlNode* n : scalars(*e, "a field"))
      if (std::none_of(groups.begin(), groups.end(),
                       [&](const FieldName& g) { return g.text == n->text; }))
        groups.push_back({n->text, n->span});
  }

  void generate() {
    // Published rules have it in either place.
    for (const YamlNode* map : {body_, &document_}) {
      const YamlNode::Entry* e = entry(*map, "generate");
      if (!e) continue;
      const bool yes = e->value.is_scalar() && fold(e->value.text) == "true";
      const bool no = e->value.is_scalar() && fold(e->value.text) == "false";
      if (!yes && !no) error("sigma-bad-correlation", "`generate` is true or false", e->value.span);
      rule_.generate = yes;
      return;
    }
  }

  // ---- condition ----

  void condition() {
    const YamlNode::Entry* e = entry(*body_, "condition");
    if (!known_type_ || references_.empty()) return;
    if (!e || (e->value.is_scalar() && e->value.is_null())) {
      if (!temporal())
        return error("sigma-bad-correlation", "a correlation of this type needs a condition",
                     e ? e->key.span : entry(document_, "correlation")->key.span, "",
                     "for example `condition: { gte: 10 }`");
      all_rules();
    } else if (e->value.is_scalar()) {
      if (!temporal())
        return error("sigma-bad-correlation-condition",
                     "only temporal correlations take an expression over rules", e->value.span, "",
                     "for example `condition: { gte: 10 }`");
      if (references_.size() <= plan::kMaxWindowSteps)
        spec_.terms = read_expression(e->value, references_, diag_);
      failed_ = failed_ || spec_.terms.empty();
    } else if (e->value.is_mapping()) {
      bounds(e->value, e->key.span);
    } else {
      error("sigma-bad-correlation-condition", "a condition is a map of bounds, or an expression",
            e->value.span);
    }
  }

  // Without a condition a temporal correlation wants every rule.
  void all_rules() {
    WindowTerm all;
    if (spec_.ordered) {
      all.steps = order_;
    } else {
      for (uint32_t i = 0; i < references_.size(); ++i)
        all.steps.push_back(i);
    }
    spec_.terms.push_back(std::move(all));
  }

  void bounds(const YamlNode& node, Span at) {
    for (const YamlNode::Entry& e : node.entries)
      if (std::find(std::begin(kConditionKeys), std::end(kConditionKeys), e.key.text) ==
          std::end(kConditionKeys))
        error("sigma-bad-correlation-condition", "unknown part of a condition: " + e.key.text,
              e.key.span, "", did_you_mean(e.key.text, kConditionKeys));
    if (!read_bounds(node, spec_.bounds, diag_)) failed_ = true;
    fields(node, at);
    percentile(node, at);
    if (failed_) return;
    if (spec_.bounds.empty())
      return error("sigma-bad-correlation-condition", "the condition compares with nothing", at, "",
                   "add one of gt, gte, lt, lte, eq, neq");
    const bool counts =
        temporal() || spec_.kind == WindowKind::kCount || spec_.kind == WindowKind::kDistinct;
    if (counts && !can_hold(spec_.bounds))
      return error("sigma-bad-correlation-condition", "no number passes this condition", node.span,
                   "a window holds at least one event",
                   "for what must not happen write a temporal correlation with `not`");
    if (temporal()) sequence(node);
  }

  // So many of the rules.
  void sequence(const YamlNode& node) {
    if (spec_.ordered && order_.size() > references_.size())
      return error("sigma-bad-correlation-condition",
                   "rules that are named twice cannot be counted", node.span, "",
                   "leave the condition out: all rules in order");
    double least = 1;
    for (const plan::WindowBound& b : spec_.bounds)
      least = std::max(least, b.op == BoundOp::kGreater        ? std::floor(b.value) + 1
                              : b.op == BoundOp::kGreaterEqual ? std::ceil(b.value)
                              : b.op == BoundOp::kEqual        ? b.value
                                                               : 1.0);
    if (least > static_cast<double>(references_.size()))
      return error("sigma-bad-correlation-condition",
                   "the condition wants more rules than there are", node.span,
                   "`rules` names " + std::to_string(references_.size()));
    if (!spec_.ordered || spec_.closing()) return;
    spec_.terms = choose(references_.size(), static_cast<size_t>(least));
    spec_.bounds.clear();
    if (spec_.terms.empty())
      error("sigma-bad-correlation-condition", "the rules can be chosen in too many ways",
            node.span, "more than " + std::to_string(kMaxTerms),
            "split it into several correlations");
  }

  void fields(const YamlNode& node, Span at) {
    const YamlNode::Entry* e = entry(node, "field");
    const bool wanted = !temporal() && spec_.kind != WindowKind::kCount;
    if (!wanted) {
      if (e)
        error("sigma-bad-correlation-condition", "`" + type_ + "` looks at no field", e->key.span,
              "", temporal() ? "" : "did you mean `type: value_count`?");
      return;
    }
    if (!e)
      return error("sigma-bad-correlation-condition", "`" + type_ + "` needs a field", at, "",
                   "add `field` to the condition");
    std::vector<FieldName>& values = parts_.fields.values;
    for (const YamlNode* n : scalars(*e, "a field"))
      values.push_back({n->text, n->span});
    if (values.size() > 1 && spec_.kind != WindowKind::kDistinct)
      error("sigma-bad-correlation-condition", "`" + type_ + "` takes one field", e->value.span);
    if (values.empty() && !failed_)
      error("sigma-bad-correlation-condition", "`" + type_ + "` needs a field", e->key.span);
  }

  void percentile(const YamlNode& node, Span at) {
    const YamlNode::Entry* e = entry(node, "percentile");
    if (type_ != "value_percentile") {
      if (e)
        error("sigma-bad-correlation-condition", "`" + type_ + "` has no percentile", e->key.span);
      return;
    }
    if (!e)
      return error("sigma-bad-correlation-condition", "`value_percentile` needs a percentile", at,
                   "", "for example `percentile: 95`");
    const auto value = e->value.is_scalar() ? parse_real(trim(e->value.text)) : std::nullopt;
    if (!value || !(*value >= 0 && *value <= 100))
      return error("sigma-bad-correlation-condition", "a percentile is a number from 0 to 100",
                   e->value.span);
    spec_.percentile = *value;
  }

  // ---- lowering ----

  void finish() {
    spec_.ignore_case = true;
    parts_.spec = spec_;
    parts_.references = references_;
    parts_.at = entry(document_, "correlation")->key.span;
    rule_.kind = plan::RuleKind::kQuery;
    rule_.vocabulary = "sigma";
    rule_.plan = parts_.lower();
    rule_.stages.push_back(
        {"correlation", [spec = rule_.plan->window] { return plan::to_text(*spec); }});
    if (!pipelines_ || pipelines_->empty()) return;
    rule_.fit = [parts = parts_, pipelines = pipelines_, head = head_](
                    plan::Rule& rule, const std::vector<OpPtr>& plans, Diagnostics& diag) mutable {
      RuleModel model;
      model.info = rule.info;
      model.head = head;
      model.correlation = parts.fields;
      for (const OpPtr& p : plans)
        for (const plan::Op* scan : plan::scans(*p))
          model.correlation->logsources.push_back(scan->attributes);
      pipelines->apply(model, diag);
      parts.fields = *model.correlation;
      if (!diag.has_errors()) rule.plan = parts.lower();
    };
  }

  const YamlNode& document_;
  Span head_;
  const Pipelines* pipelines_;
  plan::Rule& rule_;
  Diagnostics& diag_;
  CorrelationParts parts_;
  const YamlNode* body_ = nullptr;
  WindowSpec spec_;
  std::string type_;
  bool known_type_ = false;
  bool failed_ = false;
  std::vector<RuleReference> references_;
  std::vector<uint32_t> order_;  // as written, repeats included
};

}  // namespace

bool read_correlation(const YamlNode& document,
                      Span head,
                      const Pipelines* pipelines,
                      plan::Rule& rule,
                      Diagnostics& diag) {
  return CorrelationReader(document, head, pipelines, rule, diag).read();
}

}  // namespace postern::lang::sigma
