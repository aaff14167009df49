#include "lang/strategy/binding.h"

#include <algorithm>
#include <set>

#include "adapt/yaml.h"
#include "base/text.h"

namespace postern::lang::strategy {

using adapt::YamlNode;

namespace {

constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high", "critical"};

class Reader {
 public:
  explicit Reader(Diagnostics& diag) : diag_(diag) {}

  std::vector<BoundAnalytic> document(const YamlNode& doc) {
    std::vector<BoundAnalytic> out;
    known_keys(doc, {"strategy", "doc", "attack", "analytics"});
    const YamlNode* list = doc.find("analytics");
    if (!list || !list->is_sequence() || list->items.empty()) {
      error("strategy-bad-binding", "a binding needs a list of `analytics`", doc.span);
      return out;
    }
    for (const YamlNode& item : list->items) {
      faults_ = 0;
      BoundAnalytic a = analytic(item, std::string(doc.get("strategy")));
      a.attack = texts(doc.find("attack"));
      if (faults_ == 0) out.push_back(std::move(a));
    }
    return out;
  }

 private:
  // The same file is read for every STIX file of a run: its faults are told once.
  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "") {
    ++faults_;
    for (const Diagnostic& d : diag_.all())
      if (d.code == code && d.primary.begin == at.begin && d.message == message) return;
    diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
  }

  void known_keys(const YamlNode& node, std::initializer_list<std::string_view> keys) {
    if (!node.is_mapping())
      return error("strategy-bad-binding", "keys and values are needed here", node.span);
    for (const YamlNode::Entry& e : node.entries) {
      if (std::find(keys.begin(), keys.end(), e.key.text) != keys.end()) continue;
      const std::string near = nearest_name(e.key.text, std::vector<std::string_view>(keys));
      error("strategy-bad-binding", "unknown key: " + e.key.text, e.key.span, "",
            near.empty() ? "" : "did you mean `" + near + "`?");
    }
  }

  std::string need(const YamlNode& node, std::string_view key) {
    std::string text(node.get(key));
    if (text.empty())
      error("strategy-bad-binding", "`" + std::string(key) + "` is missing", node.span);
    return text;
  }

  static std::vector<std::string> texts(const YamlNode* node) {
    std::vector<std::string> out;
    if (!node) return out;
    if (node->is_scalar()) out.push_back(node->text);
    for (const YamlNode& item : node->items)
      out.push_back(item.text);
    return out;
  }

  BoundAnalytic analytic(const YamlNode& node, std::string strategy) {
    known_keys(node,
               {"analytic", "level", "requires", "waived_sources", "parameters", "waived_elements",
                "false_positives", "key", "shown", "query", "title", "doc"});
    BoundAnalytic a;
    a.strategy = std::move(strategy);
    a.id = need(node, "analytic");
    const YamlNode* id = node.find("analytic");
    a.span = id ? id->span : node.span;
    a.title = node.get("title");
    a.level = node.get("level");
    if (std::find(std::begin(kLevels), std::end(kLevels), a.level) == std::end(kLevels))
      error("strategy-bad-binding",
            a.level.empty() ? "`level` is missing" : "unknown level: " + a.level,
            node.find("level") ? node.find("level")->span : a.span, "",
            "informational, low, medium, high or critical");
    if (const YamlNode* list = node.find("requires"))
      for (const YamlNode& item : list->items)
        a.sources.push_back(source(item));
    if (const YamlNode* list = node.find("parameters")) {
      std::set<std::string> seen;
      for (const YamlNode& item : list->items) {
        a.parameters.push_back(parameter(item));
        if (!seen.insert(a.parameters.back().name).second)
          error("strategy-bad-binding",
                "the parameter " + a.parameters.back().name + " is given twice", item.span);
      }
    }
    a.waived_elements = waivers(node.find("waived_elements"), "element");
    if (const YamlNode* list = node.find("waived_sources"))
      for (const YamlNode& item : list->items) {
        known_keys(item, {"name", "channel", "reason"});
        a.waived_sources.push_back(
            {source_text(need(item, "name"), std::string(item.get("channel"))),
             need(item, "reason"), item.span});
      }
    a.false_positives = texts(node.find("false_positives"));
    a.key = texts(node.find("key"));
    a.shown = texts(node.find("shown"));
    a.query = need(node, "query");
    if (a.key.empty())
      error("strategy-bad-binding", "`key` is missing", a.span, "",
            "list the columns that identify a finding");
    return a;
  }

  static std::string source_text(const std::string& name, const std::string& channel) {
    return channel.empty() ? name : name + " " + channel;
  }

  BoundSource source(const YamlNode& node) {
    known_keys(node, {"name", "channel", "any_of"});
    BoundSource s;
    s.name = need(node, "name");
    s.channel = node.get("channel");
    s.span = node.span;
    const YamlNode* list = node.find("any_of");
    if (!list || !list->is_sequence() || list->items.empty()) {
      error("strategy-bad-binding", "`any_of` is missing", node.span, "",
            "list the native tables that provide this log source");
      return s;
    }
    for (const YamlNode& item : list->items) {
      known_keys(item, {"table", "event_ids"});
      RequiredSource t;
      t.table = need(item, "table");
      if (const YamlNode* ids = item.find("event_ids"))
        for (const std::string& text : texts(ids)) {
          const auto n = parse_int(text);
          if (n)
            t.event_ids.push_back(*n);
          else
            error("strategy-bad-binding", "an event id is a number: " + text, ids->span);
        }
      s.tables.push_back(std::move(t));
    }
    return s;
  }

  BoundParameter parameter(const YamlNode& node) {
    known_keys(node, {"name", "type", "default", "doc", "own"});
    BoundParameter p;
    p.name = need(node, "name");
    p.doc = need(node, "doc");
    p.own = node.get("own") == "true";
    p.span = node.span;
    const std::string type = need(node, "type");
    if (type.empty()) return p;
    if (!parameter_type_from_name(type, p.type)) {
      const std::string near = nearest_name(type, parameter_type_names());
      error("strategy-bad-binding", "unknown type of a parameter: " + type, node.find("type")->span,
            "",
            near.empty() ? "strings, ints, cidrs, size, duration, real, hours or regex"
                         : "did you mean `" + near + "`?");
      return p;
    }
    const YamlNode* value = node.find("default");
    if (!value) {
      error("strategy-bad-binding", "`default` is missing", node.span, "",
            "without one the analytic cannot run");
      return p;
    }
    Result<ParameterValues> values = parameter_values(p.name, p.type, texts(value));
    if (values)
      p.values = std::move(*values);
    else
      error("strategy-bad-value", values.error().message, value->span);
    return p;
  }

  std::vector<Waiver> waivers(const YamlNode* list, std::string_view key) {
    std::vector<Waiver> out;
    if (!list) return out;
    for (const YamlNode& item : list->items) {
      known_keys(item, {key, "reason"});
      out.push_back({need(item, key), need(item, "reason"), item.span});
    }
    return out;
  }

  Diagnostics& diag_;
  int faults_ = 0;
};

}  // namespace

std::vector<BoundAnalytic> read_binding(const Source& file, Diagnostics& diag) {
  std::vector<BoundAnalytic> out;
  Diagnostics yaml;
  const std::vector<YamlNode> documents = adapt::parse_yaml(file, yaml);
  for (const Diagnostic& d : yaml.all()) {
    const bool told = std::any_of(diag.all().begin(), diag.all().end(), [&](const Diagnostic& x) {
      return x.code == d.code && x.primary.begin == d.primary.begin;
    });
    if (!told) diag.add(d);
  }
  for (const YamlNode& doc : documents)
    if (doc.find("strategy"))
      for (BoundAnalytic& a : Reader(diag).document(doc))
        out.push_back(std::move(a));
  return out;
}

}  // namespace postern::lang::strategy
