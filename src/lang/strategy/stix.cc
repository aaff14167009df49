#include "lang/strategy/stix.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace postern::lang::strategy {

using adapt::JsonNode;

namespace {

constexpr int kMaxNesting = 4;  // objects lie in a list of the document or of a member of it

bool flag(const JsonNode& object, std::string_view key) {
  const JsonNode* n = object.find(key);
  return n && n->kind == JsonNode::Kind::kBool && n->boolean;
}

bool withdrawn(const JsonNode& object) {
  return flag(object, "revoked") || flag(object, "x_mitre_deprecated");
}

struct Reference {
  std::string id;
  std::string url;
  const JsonNode* id_node = nullptr;
};

/// ATT&CK's own entry of external_references.
Reference reference(const JsonNode& object) {
  Reference out;
  const JsonNode* list = object.find("external_references");
  if (!list) return out;
  for (const JsonNode& r : list->items) {
    const std::string_view source = r.get("source_name");
    if (!starts_with_ignore_case(source, "mitre-") || r.get("external_id").empty()) continue;
    out.id = r.get("external_id");
    out.url = r.get("url");
    out.id_node = r.find("external_id");
    break;
  }
  return out;
}

std::vector<std::string> strings(const JsonNode& object, std::string_view key) {
  std::vector<std::string> out;
  if (const JsonNode* list = object.find(key))
    for (const JsonNode& item : list->items)
      if (item.is_string()) out.push_back(item.text);
  return out;
}

class Reader {
 public:
  Reader(StixFile& out, Diagnostics& diag) : out_(out), diag_(diag) {}

  void run() {
    collect(*out_.root, 0);
    std::map<std::string_view, const JsonNode*> strategy_of;
    for (const JsonNode* s : strategies_) {
      if (withdrawn(*s)) continue;
      const JsonNode* refs = s->find("x_mitre_analytic_refs");
      if (!refs) continue;
      for (const JsonNode& ref : refs->items) {
        strategy_of.emplace(ref.text, s);
        const bool there = std::any_of(analytics_.begin(), analytics_.end(),
                                       [&](const JsonNode* a) { return a->get("id") == ref.text; });
        if (!there)
          diag_.warning("strategy-missing-analytic",
                        reference(*s).id + " refers to an analytic that the file does not hold",
                        out_.places->of(&ref), "no object has this id");
      }
    }
    for (const JsonNode* a : analytics_) {
      if (withdrawn(*a)) continue;
      const auto s = strategy_of.find(a->get("id"));
      if (s == strategy_of.end() && withdrawn_strategy(a->get("id"))) continue;
      analytic(*a, s == strategy_of.end() ? nullptr : s->second);
    }
  }

 private:
  void collect(const JsonNode& node, int depth) {
    if (node.is_object()) {
      const std::string_view type = node.get("type");
      if (type == "x-mitre-detection-strategy")
        strategies_.push_back(&node);
      else if (type == "x-mitre-analytic")
        analytics_.push_back(&node);
      else if (type == "attack-pattern")
        techniques_.emplace(node.get("id"), &node);
      else if (type == "relationship" && node.get("relationship_type") == "detects")
        detects_.push_back(&node);
    }
    if (depth == kMaxNesting) return;
    for (const JsonNode& item : node.items)
      collect(item, depth + 1);
    for (const auto& [key, value] : node.entries)
      if (value.is_array() || value.is_object()) collect(value, depth + 1);
  }

  bool withdrawn_strategy(std::string_view analytic_id) const {
    for (const JsonNode* s : strategies_)
      if (withdrawn(*s))
        for (const std::string& ref : strings(*s, "x_mitre_analytic_refs"))
          if (ref == analytic_id) return true;
    return false;
  }

  std::vector<std::string> techniques_of(std::string_view strategy_id) const {
    std::vector<std::string> out;
    for (const JsonNode* d : detects_) {
      if (withdrawn(*d) || d->get("source_ref") != strategy_id) continue;
      const auto t = techniques_.find(d->get("target_ref"));
      if (t == techniques_.end()) continue;
      const std::string id = reference(*t->second).id;
      if (!id.empty() && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
    }
    return out;
  }

  void analytic(const JsonNode& node, const JsonNode* strategy) {
    StixAnalytic a;
    const Reference r = reference(node);
    a.id = r.id;
    a.url = r.url;
    a.span = out_.places->of(r.id_node);
    if (a.id.empty()) {
      diag_.warning("strategy-no-id", "an analytic has no ATT&CK id and is skipped",
                    out_.places->of(node.find("id")), "",
                    "its external_references need a mitre-attack entry with an external_id");
      return;
    }
    a.name = node.get("name");
    a.description = node.get("description");
    a.version = node.get("x_mitre_version");
    a.platforms = strings(node, "x_mitre_platforms");
    if (strategy) {
      a.strategy = reference(*strategy).id;
      a.strategy_name = strategy->get("name");
      a.techniques = techniques_of(strategy->get("id"));
    }
    if (const JsonNode* list = node.find("x_mitre_log_source_references"))
      for (const JsonNode& s : list->items) {
        LogSource source;
        source.name = s.get("name");
        source.channel = s.get("channel");
        source.channel_node = s.find("channel");
        source.span = out_.places->of(source.channel_node ? source.channel_node : s.find("name"));
        a.sources.push_back(std::move(source));
      }
    if (const JsonNode* list = node.find("x_mitre_mutable_elements"))
      for (const JsonNode& e : list->items)
        a.elements.push_back({std::string(e.get("field")), std::string(e.get("description")),
                              out_.places->of(e.find("field"))});
    out_.analytics.push_back(std::move(a));
  }

  StixFile& out_;
  Diagnostics& diag_;
  std::vector<const JsonNode*> strategies_;
  std::vector<const JsonNode*> analytics_;
  std::map<std::string_view, const JsonNode*> techniques_;
  std::vector<const JsonNode*> detects_;
};

}  // namespace

std::optional<StixFile> read_stix(const Source& file, Diagnostics& diag) {
  Result<JsonNode> parsed = adapt::parse_json(file.text);
  if (!parsed) {
    diag.error("strategy-bad-json", "the file is no JSON: " + parsed.error().message, {});
    return std::nullopt;
  }
  StixFile out;
  out.root = std::make_shared<const JsonNode>(std::move(*parsed));
  out.places = std::make_shared<const JsonPlaces>(*out.root, file.text);
  Reader(out, diag).run();
  return out;
}

std::vector<int64_t> event_codes(std::string_view channel) {
  std::vector<int64_t> out;
  bool named = false;
  for (const std::string_view part : split(channel, ',')) {
    std::string_view p = trim(part);
    for (const std::string_view name : {"EventCode", "EventID", "Event ID"}) {
      if (!starts_with_ignore_case(p, name)) continue;
      p = trim(p.substr(name.size()));
      if (p.empty() || (p[0] != '=' && p[0] != ':')) return {};
      p = trim(p.substr(1));
      named = true;
      break;
    }
    const auto id = parse_int(p);
    if (!named || !id) return {};
    out.push_back(*id);
  }
  return out;
}

}  // namespace postern::lang::strategy
