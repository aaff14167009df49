#include "lang/sigma/pipeline_conditions.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "match/regex.h"
#include "match/sigma_pattern.h"

namespace postern::lang::sigma {

using adapt::YamlNode;

namespace {

constexpr size_t kMaxDepth = 100;

/// Truth of a formula over the conditions' own truths.
using Formula = std::function<bool(const std::vector<bool>&)>;

/// `a and not (b or c)` over named conditions.
class FormulaParser {
 public:
  FormulaParser(const YamlNode& node, const std::vector<std::string>& names, Diagnostics& diag)
      : node_(node), names_(names), diag_(diag) {
    for (size_t at = 0; at < node.text.size();) {
      const char c = node.text[at];
      if (ascii_space(c)) {
        ++at;
      } else if (c == '(' || c == ')') {
        words_.push_back(node.text.substr(at++, 1));
      } else {
        const size_t begin = at;
        while (at < node.text.size() && !ascii_space(node.text[at]) && node.text[at] != '(' &&
               node.text[at] != ')')
          ++at;
        words_.push_back(node.text.substr(begin, at - begin));
      }
    }
  }

  Formula parse() {
    Formula f = junction(false);
    if (!failed_ && at_ < words_.size()) fail("unexpected `" + words_[at_] + "`");
    if (failed_) return [](const std::vector<bool>&) { return false; };
    return f;
  }

 private:
  bool take(std::string_view word) {
    if (at_ >= words_.size() || words_[at_] != word) return false;
    ++at_;
    return true;
  }

  void fail(const std::string& what) {
    if (!failed_) diag_.error("sigma-bad-pipeline", "bad expression: " + what, node_.span);
    failed_ = true;
  }

  Formula junction(bool conjunctive) {
    Formula left = conjunctive ? negation() : junction(true);
    while (!failed_ && take(conjunctive ? "and" : "or")) {
      Formula right = conjunctive ? negation() : junction(true);
      left = [left, right, conjunctive](const std::vector<bool>& v) {
        return conjunctive ? left(v) && right(v) : left(v) || right(v);
      };
    }
    return left;
  }

  Formula negation() {
    if (take("not")) {
      if (++depth_ > kMaxDepth) fail("nested too deep");
      Formula inner = failed_ ? Formula() : negation();
      --depth_;
      return [inner](const std::vector<bool>& v) { return !inner(v); };
    }
    if (take("(")) {
      if (++depth_ > kMaxDepth) fail("nested too deep");
      Formula inner = failed_ ? Formula() : junction(false);
      --depth_;
      if (!failed_ && !take(")")) fail("`)` expected");
      return inner;
    }
    if (at_ >= words_.size()) {
      fail("the name of a condition expected");
      return {};
    }
    const auto it = std::find(names_.begin(), names_.end(), words_[at_]);
    if (it == names_.end()) {
      fail("no condition is named `" + words_[at_] + "`");
      return {};
    }
    ++at_;
    const auto index = static_cast<size_t>(it - names_.begin());
    return [index](const std::vector<bool>& v) { return v[index]; };
  }

  const YamlNode& node_;
  const std::vector<std::string>& names_;
  Diagnostics& diag_;
  std::vector<std::string> words_;
  size_t at_ = 0;
  size_t depth_ = 0;
  bool failed_ = false;
};

std::shared_ptr<const match::Regex> from_start(const YamlNode& node, Diagnostics& diag) {
  const auto regex = match::Regex::compile("\\A(?:" + node.text + ")", match::RegexDialect::kPcre);
  if (regex) return *regex;
  diag.error("sigma-bad-pipeline", "not a regular expression: " + regex.error().message, node.span);
  return nullptr;
}

const YamlNode* parameter(const YamlNode& condition, std::string_view name, Diagnostics& diag) {
  const YamlNode* n = condition.find(name);
  if (!n)
    diag.error("sigma-bad-pipeline", "this condition needs `" + std::string(name) + "`",
               condition.span);
  return n;
}

bool is_true(const YamlNode* n) {
  return n && n->is_scalar() && (n->text == "true" || n->text == "True");
}

template <class F>
bool any_item(const Detection& d, const F& f) {
  if (d.kind == Detection::Kind::kItem) return f(d.item);
  return std::any_of(d.parts.begin(), d.parts.end(),
                     [&](const Detection& part) { return any_item(part, f); });
}

template <class F>
bool any_item(const RuleModel& rule, const F& f) {
  return std::any_of(rule.selections.begin(), rule.selections.end(),
                     [&](const NamedDetection& s) { return any_item(s.detection, f); });
}

int level_rank(std::string_view level) {
  static constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high",
                                                 "critical"};
  const auto* const it = std::find(std::begin(kLevels), std::end(kLevels), level);
  return it == std::end(kLevels) ? -1 : static_cast<int>(it - std::begin(kLevels));
}

/// Compares as numbers where both are, levels by rank, else as texts.
bool compare(std::string_view a, std::string_view op, std::string_view b) {
  int order = a.compare(b);
  if (const auto x = parse_real(a), y = parse_real(b); x && y)
    order = *x < *y ? -1 : *x > *y ? 1 : 0;
  else if (level_rank(a) >= 0 && level_rank(b) >= 0)
    order = level_rank(a) - level_rank(b);
  if (op == "ne") return order != 0;
  if (op == "gte") return order >= 0;
  if (op == "gt") return order > 0;
  if (op == "lte") return order <= 0;
  if (op == "lt") return order < 0;
  return order == 0;
}

bool known_operator(const YamlNode* n, Diagnostics& diag) {
  if (!n) return true;
  for (const char* op : {"eq", "ne", "gte", "gt", "lte", "lt"})
    if (n->text == op) return true;
  diag.error("sigma-bad-pipeline", "unknown operator: " + n->text, n->span, "",
             "there are eq, ne, gte, gt, lte and lt");
  return false;
}

std::string attribute(const RuleModel& rule, const std::string& name) {
  const plan::RuleInfo& i = rule.info;
  if (name == "title") return i.title;
  if (name == "id") return i.id;
  if (name == "status") return i.status;
  if (name == "level") return i.level;
  if (name == "author") return i.author;
  if (name == "description") return i.description;
  if (name == "date" || name == "modified") return i.version;
  return "";
}

// ---- what a name of a condition stands for ----

using RuleTest = std::function<bool(const RuleModel&)>;
using ItemTest = std::function<bool(const RuleModel&, const Item&)>;
using FieldTest = std::function<bool(const RuleModel&, const std::string&, const Item*)>;

/// The conditions that all three kinds know; null for another name.
RuleTest state_test(std::string_view type, const YamlNode& node, Diagnostics& diag) {
  if (type != "processing_state") return nullptr;
  const YamlNode* key = parameter(node, "key", diag);
  const YamlNode* value = parameter(node, "val", diag);
  const YamlNode* op = node.find("op");
  if (!key || !value || !known_operator(op, diag)) return nullptr;
  return [k = key->text, v = value->text, o = op ? op->text : "eq"](const RuleModel& rule) {
    const auto it = rule.state.find(k);
    return it != rule.state.end() && compare(it->second, o, v);
  };
}

RuleTest rule_test(std::string_view type, const YamlNode& node, Diagnostics& diag) {
  if (RuleTest t = state_test(type, node, diag)) return t;
  if (type == "logsource") {
    std::map<std::string, std::string> wanted;
    for (const char* key : {"category", "product", "service"})
      if (const YamlNode* n = node.find(key)) wanted[key] = fold(n->text);
    return [wanted](const RuleModel& rule) {
      const auto has = [&](const std::map<std::string, std::string>& source) {
        return std::all_of(wanted.begin(), wanted.end(), [&](const auto& w) {
          const auto it = source.find(w.first);
          return it != source.end() && it->second == w.second;
        });
      };
      if (!rule.correlation) return has(rule.logsource);
      const auto& sources = rule.correlation->logsources;
      return std::any_of(sources.begin(), sources.end(), has);
    };
  }
  if (type == "contains_field" || type == "contains_detection_item") {
    const YamlNode* field = parameter(node, "field", diag);
    const bool with_value = type == "contains_detection_item";
    const YamlNode* value = with_value ? parameter(node, "value", diag) : nullptr;
    if (!field || (with_value && !value)) return nullptr;
    return [f = field->text, with_value, v = value ? value->text : ""](const RuleModel& rule) {
      return any_item(rule, [&](const Item& i) {
        return i.modifiers.field == f &&
               (!with_value || std::any_of(i.values.begin(), i.values.end(),
                                           [&](const Scalar& s) { return s.text == v; }));
      });
    };
  }
  if (type == "processing_item_applied") {
    const YamlNode* id = parameter(node, "processing_item_id", diag);
    if (!id) return nullptr;
    return [i = id->text](const RuleModel& rule) { return rule.applied.count(i) > 0; };
  }
  if (type == "rule_attribute") {
    const YamlNode* name = parameter(node, "attribute", diag);
    const YamlNode* value = parameter(node, "value", diag);
    const YamlNode* op = node.find("op");
    if (!name || !value || !known_operator(op, diag)) return nullptr;
    return [n = name->text, v = value->text, o = op ? op->text : "eq"](const RuleModel& rule) {
      const std::string own = attribute(rule, n);
      return !own.empty() && compare(own, o, v);
    };
  }
  if (type == "tag") {
    const YamlNode* tag = parameter(node, "tag", diag);
    if (!tag) return nullptr;
    return [t = tag->text](const RuleModel& rule) {
      return std::find(rule.info.tags.begin(), rule.info.tags.end(), t) != rule.info.tags.end();
    };
  }
  if (type == "is_sigma_rule") return [](const RuleModel& rule) { return !rule.correlation; };
  if (type == "is_sigma_correlation_rule")
    return [](const RuleModel& rule) { return rule.correlation.has_value(); };
  return nullptr;
}

/// A test of values, of one or of all as `cond: any|all` says.
ItemTest of_values(const YamlNode& node, std::function<bool(const Scalar&)> test) {
  const YamlNode* cond = node.find("cond");
  const bool all = cond && cond->text == "all";
  const bool negate = is_true(node.find("negate"));
  return [all, negate, test = std::move(test)](const RuleModel&, const Item& i) {
    const bool held = all ? std::all_of(i.values.begin(), i.values.end(), test)
                          : std::any_of(i.values.begin(), i.values.end(), test);
    return held != negate;
  };
}

ItemTest item_test(std::string_view type, const YamlNode& node, Diagnostics& diag) {
  if (RuleTest t = state_test(type, node, diag))
    return [t](const RuleModel& rule, const Item&) { return t(rule); };
  if (type == "match_string") {
    const YamlNode* pattern = parameter(node, "pattern", diag);
    if (!pattern) return nullptr;
    const auto regex = from_start(*pattern, diag);
    if (!regex) return nullptr;
    return of_values(node, [regex](const Scalar& s) {
      return s.kind == Scalar::Kind::kText && regex->matches(s.text);
    });
  }
  if (type == "match_value") {
    const YamlNode* value = parameter(node, "value", diag);
    if (!value) return nullptr;
    return of_values(node, [v = value->text](const Scalar& s) { return s.text == v; });
  }
  if (type == "contains_wildcard")
    return of_values(node, [](const Scalar& s) {
      return s.kind == Scalar::Kind::kText && match::SigmaPattern::parse(s.text).has_wildcards();
    });
  if (type == "is_null")
    return of_values(node, [](const Scalar& s) { return s.kind == Scalar::Kind::kNull; });
  if (type == "processing_item_applied") {
    const YamlNode* id = parameter(node, "processing_item_id", diag);
    if (!id) return nullptr;
    return [i = id->text](const RuleModel&, const Item& item) { return item.applied.count(i) > 0; };
  }
  return nullptr;
}

FieldTest field_test(std::string_view type, const YamlNode& node, Diagnostics& diag) {
  if (RuleTest t = state_test(type, node, diag))
    return [t](const RuleModel& rule, const std::string&, const Item*) { return t(rule); };
  if (type == "include_fields" || type == "exclude_fields") {
    const YamlNode* fields = parameter(node, "fields", diag);
    if (!fields) return nullptr;
    const YamlNode* mode = node.find("mode");
    if (!mode) mode = node.find("match_type");
    const bool as_regex = mode && (mode->text == "re" || mode->text == "regex");
    std::vector<std::string> names;
    std::vector<std::shared_ptr<const match::Regex>> patterns;
    std::vector<const YamlNode*> nodes;
    for (const YamlNode& n : fields->items)
      nodes.push_back(&n);
    if (fields->is_scalar()) nodes.push_back(fields);
    for (const YamlNode* n : nodes) {
      if (!as_regex)
        names.push_back(n->text);
      else if (auto regex = from_start(*n, diag))
        patterns.push_back(std::move(regex));
    }
    const bool include = type == "include_fields";
    return [names, patterns, include](const RuleModel&, const std::string& field, const Item*) {
      const bool found = std::find(names.begin(), names.end(), field) != names.end() ||
                         std::any_of(patterns.begin(), patterns.end(),
                                     [&](const auto& p) { return p->matches(field); });
      return found == include;
    };
  }
  if (type == "processing_item_applied") {
    const YamlNode* id = parameter(node, "processing_item_id", diag);
    if (!id) return nullptr;
    return [i = id->text](const RuleModel&, const std::string&, const Item* item) {
      return item && item->applied.count(i) > 0;
    };
  }
  return nullptr;
}

constexpr std::string_view kRuleTypes[] = {"logsource",
                                           "contains_detection_item",
                                           "contains_field",
                                           "processing_item_applied",
                                           "processing_state",
                                           "rule_attribute",
                                           "tag",
                                           "is_sigma_rule",
                                           "is_sigma_correlation_rule"};
constexpr std::string_view kItemTypes[] = {
    "match_string",    "match_value", "contains_wildcard", "is_null", "processing_item_applied",
    "processing_state"};
constexpr std::string_view kFieldTypes[] = {"include_fields", "exclude_fields",
                                            "processing_item_applied", "processing_state"};

/// One kind's conditions of a transformation, joined as it says.
template <class Test, class... Args, size_t n>
std::function<bool(Args...)> read_set(const YamlNode& transformation,
                                      const std::string& list_key,
                                      const std::string& prefix,
                                      const std::string_view (&types)[n],
                                      Test (*make)(std::string_view, const YamlNode&, Diagnostics&),
                                      Diagnostics& diag) {
  const YamlNode* list = transformation.find(list_key);
  const YamlNode* op = transformation.find(prefix + "_op");
  const YamlNode* expression = transformation.find(prefix + "_expr");
  std::vector<Test> tests;
  std::vector<std::string> names;
  const auto add = [&](const std::string& name, const YamlNode& node) {
    const std::string type(node.get("type"));
    const size_t errors = diag.all().size();
    Test t = node.is_mapping() ? make(type, node, diag) : nullptr;
    if (!t && diag.all().size() == errors) {
      const std::vector<std::string_view> known(std::begin(types), std::end(types));
      const std::string near = nearest_name(type, known);
      diag.error("sigma-bad-pipeline",
                 type.empty() ? "a condition needs a `type`" : "unknown condition: " + type,
                 node.span, "", near.empty() ? "" : "did you mean `" + near + "`?");
    }
    if (!t) return;
    tests.push_back(std::move(t));
    names.push_back(name);
  };
  if (list)
    for (const YamlNode& node : list->items)
      add("", node);
  if (list)
    for (const YamlNode::Entry& e : list->entries)
      add(e.key.text, e.value);
  if (op && op->text != "and" && op->text != "or")
    diag.error("sigma-bad-pipeline", "conditions are joined by `and` or `or`", op->span);
  Formula formula;
  if (expression) formula = FormulaParser(*expression, names, diag).parse();
  const bool any = op && op->text == "or";
  const bool negated = is_true(transformation.find(prefix + "_not"));
  return [tests, any, negated, formula](Args... args) {
    if (tests.empty()) return true;
    std::vector<bool> held;
    for (const Test& t : tests)
      held.push_back(t(args...));
    const bool one = std::find(held.begin(), held.end(), true) != held.end();
    const bool every = std::find(held.begin(), held.end(), false) == held.end();
    return (formula ? formula(held) : any ? one : every) != negated;
  };
}

constexpr std::string_view kLists[] = {"rule_conditions", "detection_item_conditions",
                                       "field_name_conditions"};
constexpr std::string_view kPrefixes[] = {"rule_cond", "detection_item_cond", "field_name_cond"};

}  // namespace

bool is_condition_key(std::string_view key) {
  for (const std::string_view list : kLists)
    if (key == list) return true;
  for (const std::string_view prefix : kPrefixes)
    if (key.substr(0, prefix.size()) == prefix &&
        (key.substr(prefix.size()) == "_op" || key.substr(prefix.size()) == "_not" ||
         key.substr(prefix.size()) == "_expr"))
      return true;
  return false;
}

ItemConditions read_conditions(const YamlNode& transformation, Diagnostics& diag) {
  ItemConditions out;
  out.rule = read_set<RuleTest, const RuleModel&>(transformation, "rule_conditions", "rule_cond",
                                                  kRuleTypes, rule_test, diag);
  out.item = read_set<ItemTest, const RuleModel&, const Item&>(
      transformation, "detection_item_conditions", "detection_item_cond", kItemTypes, item_test,
      diag);
  out.field = read_set<FieldTest, const RuleModel&, const std::string&, const Item*>(
      transformation, "field_name_conditions", "field_name_cond", kFieldTypes, field_test, diag);
  return out;
}

}  // namespace postern::lang::sigma
