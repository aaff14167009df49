#include "lang/sigma/pipeline_transformations.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "match/regex.h"
#include "match/sigma_pattern.h"

namespace postern::lang::sigma {

using adapt::YamlNode;
using Action = Pipelines::Action;

namespace {

constexpr size_t kMaxNesting = 20;

/// What an action sees of its own transformation.
struct Shared {
  std::string id;
  ItemConditions when;
};

using SharedPtr = std::shared_ptr<const Shared>;

bool field_allowed(const Shared& s, const RuleModel& rule, const Item& i) {
  return s.when.field(rule, i.modifiers.field, &i);
}

void mark(const Shared& s, Item& i) {
  if (!s.id.empty()) i.applied.insert(s.id);
}

/// Calls `f` for each item of a detection; `f` may turn the item's node into anything. What it
/// makes is not visited again.
template <class F>
void visit(Detection& d, const F& f) {
  if (d.kind == Detection::Kind::kItem) return f(d);
  for (Detection& part : d.parts)
    visit(part, f);
}

template <class F>
void visit_rule(RuleModel& rule, const F& f) {
  for (NamedDetection& s : rule.selections)
    visit(s.detection, f);
  for (AddedCondition& a : rule.added)
    visit(a.detection, f);
  for (FilterPart& p : rule.filters)
    for (NamedDetection& s : p.selections)
      visit(s.detection, f);
}

/// An action on each item for which the conditions hold.
template <class F>
Action on_items(SharedPtr shared, F f) {
  return [shared, f](RuleModel& rule, Diagnostics& diag) {
    const auto change = [&](Detection& d) {
      if (!field_allowed(*shared, rule, d.item) || !shared->when.item(rule, d.item)) return;
      f(rule, d, diag);
      visit(d, [&](Detection& made) { mark(*shared, made.item); });
    };
    visit_rule(rule, change);
  };
}

void drop(Detection& d) {
  Detection nothing;
  nothing.kind = Detection::Kind::kAny;
  nothing.span = d.span;
  d = std::move(nothing);
}

/// The same item on each of several fields: one of them holds it, or with `neq` none does.
void spread(Detection& d, const std::vector<std::string>& fields) {
  if (fields.size() == 1) {
    d.item.modifiers.field = fields[0];
    return;
  }
  Detection out;
  out.kind = d.item.modifiers.negated ? Detection::Kind::kAll : Detection::Kind::kAny;
  out.span = d.span;
  for (const std::string& f : fields) {
    out.parts.push_back(d);
    out.parts.back().item.modifiers.field = f;
  }
  d = std::move(out);
}

std::vector<std::string> texts_of(const YamlNode& node) {
  std::vector<std::string> out;
  if (node.is_scalar()) out.push_back(node.text);
  for (const YamlNode& item : node.items)
    out.push_back(item.text);
  return out;
}

Scalar text_scalar(std::string text, Span span) {
  Scalar s;
  s.text = std::move(text);
  s.span = span;
  return s;
}

bool is_true(const YamlNode* n) {
  return n && n->is_scalar() && (n->text == "true" || n->text == "True");
}

/// Python's re.sub: `\1`, `\g<1>` and `\g<name>` in the replacement.
std::string replaced(const match::Regex& regex, const std::string& with, const std::string& text) {
  std::string out;
  size_t at = 0;
  std::vector<std::string_view> groups;
  while (at <= text.size() && regex.search(text, at, groups)) {
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    out.append(text, at, begin - at);
    for (size_t i = 0; i < with.size(); ++i) {
      if (with[i] != '\\' || i + 1 >= with.size()) {
        out.push_back(with[i]);
        continue;
      }
      std::string name(1, with[++i]);
      if (name == "g" && i + 1 < with.size() && with[i + 1] == '<') {
        const size_t close = std::min(with.find('>', i), with.size());
        name = with.substr(i + 2, close - i - 2);
        i = close;
      } else if (!ascii_digit(name[0])) {
        out += name == "n" ? "\n" : name == "t" ? "\t" : name;
        continue;
      }
      size_t number = groups.size();
      if (const auto n = parse_int(name); n && *n >= 0) number = static_cast<size_t>(*n);
      for (size_t g = 0; g < regex.group_names().size(); ++g)
        if (!regex.group_names()[g].empty() && regex.group_names()[g] == name) number = g;
      if (number < groups.size()) out += groups[number];
    }
    at = end;
    if (end == begin) {
      if (at < text.size()) out.push_back(text[at]);
      ++at;
    }
  }
  if (at < text.size()) out.append(text, at);
  return out;
}

/// `CommandLine` to `command_line`.
std::string snake_case(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    const bool upper = s[i] >= 'A' && s[i] <= 'Z';
    const bool after_lower =
        i > 0 && ((s[i - 1] >= 'a' && s[i - 1] <= 'z') || ascii_digit(s[i - 1]));
    const bool before_lower = i + 1 < s.size() && s[i + 1] >= 'a' && s[i + 1] <= 'z';
    if (upper && i > 0 && (after_lower || (before_lower && ascii_alpha(s[i - 1])))) out += '_';
    out += ascii_lower(s[i]);
  }
  return out;
}

// Which algorithm a hash is of: by its name before `=`, else by its length.
std::string hash_algorithm(std::string_view hash) {
  return hash.size() == 32 ? "MD5" : hash.size() == 40 ? "SHA1" : hash.size() == 64 ? "SHA256" : "";
}

class Maker {
 public:
  Maker(const YamlNode& node, const PipelineVars& vars, size_t depth, Diagnostics& diag)
      : node_(node), vars_(vars), depth_(depth), diag_(diag) {}

  Action make() {
    if (!node_.is_mapping()) {
      error("a transformation is a map with a `type`", node_.span);
      return nullptr;
    }
    auto shared = std::make_shared<Shared>();
    shared->id = node_.get("id");
    const size_t errors = diag_.all().size();
    shared->when = read_conditions(node_, diag_);
    shared_ = shared;
    Action action = by_type();
    for (const YamlNode::Entry& e : node_.entries) {
      const bool common = e.key.text == "id" || e.key.text == "type" || e.key.text == "description";
      if (common || is_condition_key(e.key.text) || used_.count(e.key.text)) continue;
      if (!action && used_.empty()) continue;  // of an unknown type nothing is known
      const std::vector<std::string_view> known(used_.begin(), used_.end());
      const std::string near = nearest_name(e.key.text, known);
      error("unknown parameter: " + e.key.text, e.key.span,
            near.empty() ? "" : "did you mean `" + near + "`?");
    }
    const bool failed =
        std::any_of(diag_.all().begin() + static_cast<std::ptrdiff_t>(errors), diag_.all().end(),
                    [](const Diagnostic& d) { return d.severity == Severity::kError; });
    if (failed || !action) return nullptr;
    return [shared, action](RuleModel& rule, Diagnostics& diag) {
      if (!shared->when.rule(rule)) return;
      action(rule, diag);
      if (!shared->id.empty()) rule.applied.insert(shared->id);
    };
  }

 private:
  void error(const std::string& message, Span at, const std::string& hint = "") {
    diag_.error("sigma-bad-pipeline", message, at, "", hint);
  }

  const YamlNode* optional(const std::string& key) {
    used_.insert(key);
    return node_.find(key);
  }

  const YamlNode* required(const std::string& key) {
    const YamlNode* n = optional(key);
    if (!n) error("this transformation needs `" + key + "`", node_.span);
    return n;
  }

  std::string text(const std::string& key) {
    const YamlNode* n = required(key);
    return n ? n->text : "";
  }

  Action by_type() {
    struct Type {
      std::string_view name;
      Action (Maker::*make)();
    };

    static constexpr Type kTypes[] = {
        {"field_name_mapping", &Maker::field_name_mapping},
        {"field_name_prefix_mapping", &Maker::field_name_prefix_mapping},
        {"add_fieldname_prefix", &Maker::add_prefix},
        {"add_fieldname_suffix", &Maker::add_suffix},
        {"drop_detection_item", &Maker::drop_item},
        {"hashes_fields", &Maker::hashes_fields},
        {"add_condition", &Maker::add_condition},
        {"change_logsource", &Maker::change_logsource},
        {"replace_string", &Maker::replace_string},
        {"map_string", &Maker::map_string},
        {"set_value", &Maker::set_value},
        {"convert_type", &Maker::convert_type},
        {"case", &Maker::change_case},
        {"value_placeholders", &Maker::value_placeholders},
        {"wildcard_placeholders", &Maker::wildcard_placeholders},
        {"rule_failure", &Maker::rule_failure},
        {"detection_item_failure", &Maker::item_failure},
        {"set_state", &Maker::set_state},
        {"set_custom_attribute", &Maker::set_attribute},
        {"nest", &Maker::nest},
    };
    const YamlNode* type = node_.find("type");
    if (!type) {
      error("a transformation needs a `type`", node_.span);
      return nullptr;
    }
    std::vector<std::string_view> names;
    for (const Type& t : kTypes) {
      if (t.name == type->text) return (this->*t.make)();
      names.push_back(t.name);
    }
    const std::string near = nearest_name(type->text, names);
    diag_.error("sigma-pipeline-unsupported", "unknown transformation: " + type->text, type->span,
                "", near.empty() ? "" : "did you mean `" + near + "`?");
    return nullptr;
  }

  // ---- names of fields ----

  using Renaming = std::function<std::vector<std::string>(const std::string&)>;  // none: as it is

  /// Renames fields, also those that a `fieldref` names.
  Action renaming(Renaming rename) {
    return [shared = shared_, rename](RuleModel& rule, Diagnostics& diag) {
      const auto change = [&](Detection& d) {
        Item& i = d.item;
        if (!shared->when.item(rule, i)) return;
        bool changed = false;
        if (i.modifiers.field_reference) {
          std::vector<Scalar> values;
          for (const Scalar& v : i.values) {
            std::vector<std::string> to;
            if (shared->when.field(rule, v.text, nullptr)) to = rename(v.text);
            if (to.empty()) values.push_back(v);
            for (std::string& t : to)
              values.push_back(text_scalar(std::move(t), v.span));
            changed = changed || !to.empty();
          }
          i.values = std::move(values);
        }
        if (changed) mark(*shared, i);
        if (i.modifiers.field.empty() || !field_allowed(*shared, rule, i)) return;
        const std::vector<std::string> to = rename(i.modifiers.field);
        if (to.empty()) return;
        mark(*shared, i);
        spread(d, to);
      };
      visit_rule(rule, change);
      if (rule.correlation) rename_in_correlation(*shared, rule, rename, diag);
    };
  }

  /// Grouping by several fields instead of one is grouping by all of them; what stands for one
  /// field of an event cannot become several.
  static void rename_in_correlation(const Shared& shared,
                                    RuleModel& rule,
                                    const Renaming& rename,
                                    Diagnostics& diag) {
    CorrelationFields& c = *rule.correlation;
    const auto renamed = [&](const FieldName& f) {
      std::vector<FieldName> out;
      if (shared.when.field(rule, f.text, nullptr))
        for (std::string& to : rename(f.text))
          out.push_back({std::move(to), f.span});
      if (out.empty()) out.push_back(f);
      return out;
    };
    const auto rename_one = [&](FieldName& f) {
      std::vector<FieldName> to = renamed(f);
      if (to.size() > 1)
        diag.error("sigma-pipeline-failure",
                   "a pipeline maps " + f.text + " to several fields; here it stands for one",
                   f.span, "", "map it to one field where correlations are meant");
      f = std::move(to[0]);
    };
    for (auto& [alias, fields] : c.aliases)
      for (auto& [of, field] : fields)
        rename_one(field);
    std::vector<FieldName> groups;
    for (const FieldName& g : c.groups) {
      std::vector<FieldName> to = {g};
      if (!c.aliases.count(g.text)) to = renamed(g);
      for (FieldName& f : to)
        if (std::none_of(groups.begin(), groups.end(),
                         [&](const FieldName& known) { return known.text == f.text; }))
          groups.push_back(std::move(f));
    }
    c.groups = std::move(groups);
    for (FieldName& v : c.values)
      if (!c.aliases.count(v.text)) rename_one(v);
  }

  std::vector<std::pair<std::string, std::vector<std::string>>> mapping() {
    std::vector<std::pair<std::string, std::vector<std::string>>> out;
    const YamlNode* map = required("mapping");
    if (map && !map->is_mapping()) error("`mapping` is a map", map->span);
    if (!map) return out;
    for (const YamlNode::Entry& e : map->entries) {
      std::vector<std::string> to = texts_of(e.value);
      if (to.empty() || e.value.is_mapping()) error("a name or a list of names", e.value.span);
      out.emplace_back(e.key.text, std::move(to));
    }
    return out;
  }

  Action field_name_mapping() {
    const auto pairs = mapping();
    const std::map<std::string, std::vector<std::string>> map(pairs.begin(), pairs.end());
    return renaming([map](const std::string& field) {
      const auto it = map.find(field);
      return it == map.end() ? std::vector<std::string>() : it->second;
    });
  }

  Action field_name_prefix_mapping() {
    const auto pairs = mapping();
    return renaming([pairs](const std::string& field) {
      std::vector<std::string> out;
      for (const auto& [prefix, to] : pairs) {
        if (field.compare(0, prefix.size(), prefix) != 0) continue;
        for (const std::string& t : to)
          out.push_back(t + field.substr(prefix.size()));
        break;
      }
      return out;
    });
  }

  Action add_prefix() {
    return renaming([prefix = text("prefix")](const std::string& field) {
      return std::vector<std::string>{prefix + field};
    });
  }

  Action add_suffix() {
    return renaming([suffix = text("suffix")](const std::string& field) {
      return std::vector<std::string>{field + suffix};
    });
  }

  // ---- items ----

  Action drop_item() {
    return on_items(shared_, [](RuleModel&, Detection& d, Diagnostics&) { drop(d); });
  }

  /// `Hashes|contains: ['MD5=…', 'SHA1=…']` to a field per algorithm.
  Action hashes_fields() {
    const YamlNode* algorithms = required("valid_hash_algos");
    std::vector<std::string> valid;
    if (algorithms)
      for (const std::string& a : texts_of(*algorithms))
        valid.push_back(fold(a));
    const YamlNode* prefix_node = optional("field_prefix");
    const std::string prefix = prefix_node ? prefix_node->text : "";
    const bool bare = is_true(optional("drop_algo_prefix"));
    return on_items(shared_, [valid, prefix, bare](RuleModel&, Detection& d, Diagnostics& diag) {
      const Item& i = d.item;
      if (!equal_ignore_case(i.modifiers.field, "Hashes") &&
          !equal_ignore_case(i.modifiers.field, "Hash"))
        return;
      std::map<std::string, Item> by_field;
      for (const Scalar& v : i.values) {
        std::string text(v.text);
        std::erase(text, '*');
        const size_t cut = text.find_first_of("=|");
        const std::string hash = cut == std::string::npos ? text : text.substr(cut + 1);
        const std::string name =
            cut == std::string::npos ? hash_algorithm(hash) : text.substr(0, cut);
        if (name.empty() || std::find(valid.begin(), valid.end(), fold(name)) == valid.end())
          continue;
        Item& item = by_field[bare ? prefix : prefix + name];
        item.span = i.span;
        item.values.push_back(text_scalar(hash, v.span));
      }
      if (by_field.empty()) {
        diag.error("sigma-pipeline-failure", "no hash of a known algorithm", i.span);
        return;
      }
      Detection out;
      out.kind = i.modifiers.all ? Detection::Kind::kAll : Detection::Kind::kAny;
      out.span = d.span;
      for (auto& [field, item] : by_field) {
        item.modifiers.field = field;
        item.modifiers.field_span = i.modifiers.field_span;
        item.modifiers.negated = i.modifiers.negated;
        Detection part;
        part.kind = Detection::Kind::kItem;
        part.span = d.span;
        part.item = std::move(item);
        out.parts.push_back(std::move(part));
      }
      d = std::move(out);
    });
  }

  // ---- the rule ----

  /// Conditions are read once; values that name the log source (`$product`) are filled in per rule.
  Action add_condition() {
    const YamlNode* conditions = required("conditions");
    optional("name");
    const bool negated = is_true(optional("negated"));
    const bool is_template = is_true(optional("template"));
    Detection detection;
    if (!conditions || !read_selection(*conditions, detection, diag_)) return nullptr;
    return [d = detection, negated, is_template](RuleModel& rule, Diagnostics&) {
      AddedCondition added{d, negated};
      visit(added.detection, [&](Detection& item) {
        item.span = item.item.span = item.item.modifiers.field_span = rule.head;
        for (Scalar& v : item.item.values) {
          v.span = rule.head;
          v.node = nullptr;
          if (is_template) fill_in(v.text, rule);
        }
      });
      added.detection.span = rule.head;
      rule.added.push_back(std::move(added));
    };
  }

  static void fill_in(std::string& text, const RuleModel& rule) {
    for (const char* key : {"category", "product", "service"}) {
      const auto it = rule.logsource.find(key);
      const std::string value = it == rule.logsource.end() ? "" : it->second;
      for (const std::string& name : {"${" + std::string(key) + "}", "$" + std::string(key)})
        for (size_t at = text.find(name); at != std::string::npos;
             at = text.find(name, at + value.size()))
          text.replace(at, name.size(), value);
    }
  }

  Action change_logsource() {
    std::map<std::string, std::string> to;
    for (const char* key : {"category", "product", "service"})
      if (const YamlNode* n = optional(key); n && !n->text.empty()) to[key] = fold(n->text);
    if (to.empty())
      error("this transformation needs a category, a product or a service", node_.span);
    return [to](RuleModel& rule, Diagnostics&) { rule.logsource = to; };
  }

  Action rule_failure() {
    return [message = text("message")](RuleModel& rule, Diagnostics& diag) {
      diag.error("sigma-pipeline-failure", message, rule.head, "the pipeline refuses this rule");
    };
  }

  Action item_failure() {
    return on_items(
        shared_, [message = text("message")](RuleModel&, Detection& d, Diagnostics& diag) {
          diag.error("sigma-pipeline-failure", message, d.span, "the pipeline refuses this item");
        });
  }

  Action set_state() {
    return [key = text("key"), value = text("val")](RuleModel& rule, Diagnostics&) {
      rule.state[key] = value;
    };
  }

  // Attributes of rules are for backends that print them.
  Action set_attribute() {
    required("attribute");
    required("value");
    return [](RuleModel&, Diagnostics&) {};
  }

  Action nest() {
    const YamlNode* items = required("items");
    if (!items) return nullptr;
    if (depth_ >= kMaxNesting) {
      error("nested too deep", items->span);
      return nullptr;
    }
    std::vector<Action> actions;
    for (const YamlNode& item : items->items)
      if (Action a = read_transformation(item, vars_, depth_ + 1, diag_))
        actions.push_back(std::move(a));
    return [actions](RuleModel& rule, Diagnostics& diag) {
      for (const Action& a : actions)
        a(rule, diag);
    };
  }

  // ---- values ----

  using Texts = std::vector<std::string>;

  /// An action on each text of an item; regexes, networks and names of fields are no such texts.
  template <class F>
  Action on_texts(F f) {
    return on_items(shared_, [f](RuleModel&, Detection& d, Diagnostics&) {
      const Modifiers& m = d.item.modifiers;
      if (m.comparison == Comparison::kRegex || m.comparison == Comparison::kCidr ||
          m.field_reference)
        return;
      std::vector<Scalar> out;
      for (Scalar& v : d.item.values) {
        if (v.kind != Scalar::Kind::kText) {
          out.push_back(std::move(v));
          continue;
        }
        std::vector<std::string> texts;
        f(v.text, texts);
        for (std::string& text : texts) {
          out.push_back(v);
          if (text != v.text) out.back().node = nullptr;
          out.back().text = std::move(text);
        }
      }
      d.item.values = std::move(out);
    });
  }

  Action replace_string() {
    const YamlNode* pattern = required("regex");
    const std::string with = text("replacement");
    const bool literals_only = is_true(optional("skip_special"));
    optional("interpret_special");
    if (!pattern) return nullptr;
    const auto compiled = match::Regex::compile(pattern->text, match::RegexDialect::kPcre);
    if (!compiled) {
      error("not a regular expression: " + compiled.error().message, pattern->span);
      return nullptr;
    }
    return on_texts([regex = *compiled, with, literals_only](const std::string& text, Texts& to) {
      if (!literals_only) {
        to.push_back(replaced(*regex, with, text));
        return;
      }
      match::SigmaPattern out;
      const match::SigmaPattern parsed = match::SigmaPattern::parse(text);
      for (const match::SigmaPattern::Piece& p : parsed.pieces()) {
        if (p.part == match::Wildcard::Part::kLiteral)
          out.add_literal(replaced(*regex, with, p.text));
        else
          out.add(p.part);
      }
      to.push_back(out.text());
    });
  }

  Action map_string() {
    const auto pairs = mapping();
    const std::map<std::string, std::vector<std::string>> map(pairs.begin(), pairs.end());
    return on_texts([map](const std::string& text, Texts& to) {
      const auto it = map.find(text);
      if (it == map.end())
        to.push_back(text);
      else
        to = it->second;
    });
  }

  Action set_value() {
    const YamlNode* value = required("value");
    optional("force_type");
    if (!value) return nullptr;
    Scalar to = scalar_of(*value);
    to.node = nullptr;
    return on_items(shared_, [to](RuleModel&, Detection& d, Diagnostics&) {
      for (Scalar& v : d.item.values) {
        const Span at = v.span;
        v = to;
        v.span = at;
      }
    });
  }

  Action convert_type() {
    const std::string target = text("target_type");
    if (target != "str" && target != "num" && !target.empty())
      error("`target_type` is str or num", node_.find("target_type")->span);
    return on_items(shared_,
                    [to_text = target == "str"](RuleModel&, Detection& d, Diagnostics& diag) {
                      for (Scalar& v : d.item.values) {
                        if (to_text && v.kind == Scalar::Kind::kNumber)
                          v.kind = Scalar::Kind::kText;
                        if (to_text || v.kind != Scalar::Kind::kText) continue;
                        YamlNode unquoted;
                        unquoted.text = v.text;
                        unquoted.plain = true;
                        const Scalar number = scalar_of(unquoted);
                        if (number.kind != Scalar::Kind::kNumber) {
                          diag.error("sigma-pipeline-failure", "not a number: " + v.text, v.span);
                          continue;
                        }
                        v.kind = number.kind;
                        v.value = number.value;
                      }
                    });
  }

  Action change_case() {
    const YamlNode* method = optional("method");
    const std::string how = method ? method->text : "lower";
    if (how != "lower" && how != "upper" && how != "snake_case")
      error("`method` is lower, upper or snake_case", method->span);
    return on_texts([how](const std::string& text, Texts& to) {
      std::string out = text;
      for (char& c : out) {
        if (how == "lower") c = ascii_lower(c);
        if (how == "upper" && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
      }
      to.push_back(how == "snake_case" ? snake_case(text) : out);
    });
  }

  // ---- placeholders ----

  std::function<bool(const std::string&)> chosen() {
    const YamlNode* include = optional("include");
    const YamlNode* exclude = optional("exclude");
    const std::vector<std::string> in = include ? texts_of(*include) : std::vector<std::string>();
    const std::vector<std::string> out = exclude ? texts_of(*exclude) : std::vector<std::string>();
    return [in, out](const std::string& name) {
      if (std::find(out.begin(), out.end(), name) != out.end()) return false;
      return in.empty() || std::find(in.begin(), in.end(), name) != in.end();
    };
  }

  Action value_placeholders() {
    const auto wanted = chosen();
    return [wanted, vars = vars_](RuleModel& rule, Diagnostics&) {
      for (const auto& [name, values] : vars)
        if (wanted(name)) rule.placeholders[name] = values;
    };
  }

  Action wildcard_placeholders() {
    const auto wanted = chosen();
    return on_items(shared_, [wanted](RuleModel&, Detection& d, Diagnostics&) {
      if (!d.item.modifiers.expand || d.item.modifiers.comparison > Comparison::kEndsWith) return;
      for (Scalar& v : d.item.values) {
        v.text = placeholders_to_wildcards(v.text, wanted);
        v.node = nullptr;
      }
    });
  }

  const YamlNode& node_;
  const PipelineVars& vars_;
  size_t depth_;
  Diagnostics& diag_;
  SharedPtr shared_;
  std::set<std::string> used_;
};

}  // namespace

Action read_transformation(const YamlNode& node,
                           const PipelineVars& vars,
                           size_t depth,
                           Diagnostics& diag) {
  return Maker(node, vars, depth, diag).make();
}

}  // namespace postern::lang::sigma
