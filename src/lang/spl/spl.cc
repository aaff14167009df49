#include "lang/spl/spl.h"

#include <algorithm>

#include "adapt/yaml.h"
#include "base/text.h"
#include "lang/spl/lint.h"
#include "lang/spl/lower.h"
#include "lang/spl/parser.h"
#include "lang/spl/positions.h"

namespace postern::lang::spl {
namespace {

/// True when some line starts with `key` and a colon: a top-level key of YAML.
bool top_level_key(std::string_view text, std::string_view key) {
  for (size_t at = 0; at < text.size();) {
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.size() > key.size() && line.substr(0, key.size()) == key && line[key.size()] == ':')
      return true;
    at += line.size() + 1;
  }
  return false;
}

bool is_detection(std::string_view text) {
  return top_level_key(text, "search") && !top_level_key(text, "detection") &&
         !top_level_key(text, "logsource");
}

std::string stem(std::string_view path) {
  std::string_view name = path.substr(path.find_last_of('/') + 1);
  return std::string(name.substr(0, name.rfind('.')));
}

struct Query {
  std::string_view text;
  Origin origin;
  std::string_view path;
  plan::OpPtr input;
  std::vector<std::string> columns;
};

struct Lowered {
  plan::OpPtr plan;
  plan::RuleKind kind = plan::RuleKind::kQuery;
  std::vector<plan::Stage> stages;
};

OrFailed<Lowered> lower_query(const Query& q, const ReadOptions& options, Diagnostics& diag) {
  MacroTables tables;
  if (options.macros) {
    tables.push_back(&options.macros->user);
    if (!q.path.empty()) tables.push_back(&options.macros->beside(q.path));
    tables.push_back(&options.macros->builtin);
  }
  POSTERN_TRY(const Expansion expanded, expand(q.text, tables, q.origin, diag));
  if (trim(expanded.text()).empty()) {
    const uint32_t at = q.origin(0);
    diag.error("spl-empty", "there is no search here", {at, at});
    return Failed{};
  }
  POSTERN_TRY(const Pipeline pipeline,
              Parser(expanded, diag).parse(q.input ? Start::kCommand : Start::kImplicitSearch));
  lint(pipeline, diag);
  Lowered out;
  Lowering::FindLookup lookups;
  if (options.lookups)
    lookups = [&](const std::string& name) { return options.lookups->find(name, q.path); };
  POSTERN_TRY(out.plan, Lowering(diag, lookups).lower(pipeline, q.input, q.columns));
  const bool events =
      std::all_of(pipeline.commands.begin(), pipeline.commands.end(), [](const Command& c) {
        return std::holds_alternative<SearchCommand>(c.body) ||
               std::holds_alternative<WhereCommand>(c.body) ||
               std::holds_alternative<RegexCommand>(c.body);
      });
  if (events) out.kind = plan::RuleKind::kEvent;
  if (expanded.any_macro())
    out.stages.push_back({"macros expanded", [text = expanded.text()] { return text; }});
  out.stages.push_back({"parsed", [text = to_text(pipeline)] { return text; }});
  return out;
}

std::vector<std::string> texts(const adapt::YamlNode* node) {
  std::vector<std::string> out;
  if (!node) return out;
  if (node->is_scalar() && !node->is_null() && !node->text.empty()) out.push_back(node->text);
  if (node->is_sequence())
    for (const adapt::YamlNode& item : node->items)
      if (item.is_scalar()) out.push_back(item.text);
  return out;
}

std::optional<double> number(const adapt::YamlNode* node) {
  return node && node->is_scalar() ? parse_real(trim(node->text)) : std::nullopt;
}

/// Risk score: as given (`tags.risk_score`, the highest of `rba.risk_objects`), or confidence times
/// impact.
double risk_score(const adapt::YamlNode& doc) {
  double score = 0;
  if (const adapt::YamlNode* rba = doc.find("rba"); rba && rba->is_mapping()) {
    if (const adapt::YamlNode* objects = rba->find("risk_objects");
        objects && objects->is_sequence())
      for (const adapt::YamlNode& o : objects->items)
        if (o.is_mapping()) score = std::max(score, number(o.find("score")).value_or(0));
  }
  const adapt::YamlNode* tags = doc.find("tags");
  if (score > 0 || !tags || !tags->is_mapping()) return score;
  if (const auto given = number(tags->find("risk_score"))) return *given;
  return number(tags->find("confidence")).value_or(0) * number(tags->find("impact")).value_or(0) /
         100;
}

std::string level(std::string_view type, double score) {
  if (equal_ignore_case(type, "Hunting")) return "informational";
  if (equal_ignore_case(type, "Anomaly")) return "low";
  if (equal_ignore_case(type, "Correlation")) return "high";
  if (equal_ignore_case(type, "TTP")) return score >= 50 ? "high" : "medium";
  return "";
}

plan::RuleInfo info_of(const adapt::YamlNode& doc, const Source& file) {
  plan::RuleInfo info;
  info.language = "spl";
  info.path = file.name;
  info.title = doc.get("name");
  info.id = doc.get("id");
  info.status = doc.get("status");
  info.version = doc.get("version");
  info.author = doc.get("author");
  info.description = trim(doc.get("description"));
  info.references = texts(doc.find("references"));
  info.false_positives = texts(doc.find("known_false_positives"));
  if (info.title.empty()) info.title = stem(file.name);
  if (info.id.empty()) info.id = std::string(file.name) + "#" + info.title;
  info.level = level(doc.get("type"), risk_score(doc));
  if (const adapt::YamlNode* tags = doc.find("tags"); tags && tags->is_mapping()) {
    for (std::string id : texts(tags->find("mitre_attack_id"))) {
      for (char& c : id)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
      info.attack.push_back(std::move(id));
    }
    for (const char* key : {"analytic_story", "asset_type", "security_domain", "cve"})
      for (std::string& t : texts(tags->find(key)))
        info.tags.push_back(std::move(t));
  }
  return info;
}

void read_detection(const adapt::YamlNode& doc,
                    const Source& file,
                    const ReadOptions& options,
                    Diagnostics& diag,
                    std::vector<plan::Rule>& out) {
  const adapt::YamlNode* search = doc.find("search");
  if (!search || !search->is_scalar()) {
    diag.error("spl-no-search", "a detection needs a `search` text",
               search ? search->span : doc.span);
    return;
  }
  Query q;
  q.text = search->text;
  q.origin = origin_of(*search, file.text);
  q.path = file.name;
  auto lowered = lower_query(q, options, diag);
  if (!lowered) return;
  plan::Rule rule;
  rule.info = info_of(doc, file);
  rule.kind = (*lowered).kind;
  rule.plan = (*lowered).plan;
  rule.vocabulary = "spl";
  rule.stages = std::move((*lowered).stages);
  out.push_back(std::move(rule));
}

}  // namespace

bool recognises(const Source& file) {
  if (file.name.ends_with(".spl")) return true;
  return (file.name.ends_with(".yml") || file.name.ends_with(".yaml")) && is_detection(file.text);
}

std::vector<plan::Rule> read(const Source& file, const ReadOptions& options, Diagnostics& diag) {
  std::vector<plan::Rule> out;
  if (is_detection(file.text)) {
    const std::vector<adapt::YamlNode> documents = adapt::parse_yaml(file, diag);
    for (const adapt::YamlNode& doc : documents)
      if (doc.is_mapping()) read_detection(doc, file, options, diag, out);
    return out;
  }
  Query q;
  q.text = file.text;
  q.origin = [](size_t at) { return static_cast<uint32_t>(at); };
  q.path = file.name;
  auto lowered = lower_query(q, options, diag);
  if (!lowered) return out;
  plan::Rule rule;
  rule.info.language = "spl";
  rule.info.path = file.name;
  rule.info.title = stem(file.name);
  rule.info.id = std::string(file.name) + "#" + rule.info.title;
  rule.kind = (*lowered).kind;
  rule.plan = (*lowered).plan;
  rule.vocabulary = "spl";
  rule.stages = std::move((*lowered).stages);
  out.push_back(std::move(rule));
  return out;
}

OrFailed<plan::OpPtr> read_query(const Source& query,
                                 const ReadOptions& options,
                                 Diagnostics& diag,
                                 plan::OpPtr input,
                                 std::vector<std::string> columns) {
  Query q;
  q.text = query.text;
  q.origin = [](size_t at) { return static_cast<uint32_t>(at); };
  q.path = query.name;
  q.input = std::move(input);
  q.columns = std::move(columns);
  POSTERN_TRY(Lowered lowered, lower_query(q, options, diag));
  return lowered.plan;
}

}  // namespace postern::lang::spl
