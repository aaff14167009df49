#include "plan/catalog.h"

#include <algorithm>
#include <utility>

#include "adapt/yaml.h"
#include "base/text.h"

namespace postern::plan {

using adapt::YamlNode;
using data::Type;

const FieldDef* TableDef::find(std::string_view field) const {
  for (const FieldDef& f : fields)
    if (f.name == field) return &f;
  return nullptr;
}

const ExprPtr* View::find(std::string_view column) const {
  for (const auto& [name, expr] : map)
    if (name == column) return &expr;
  return nullptr;
}

const FieldDef* VocabularyTable::find(std::string_view field) const {
  for (const FieldDef& f : fields)
    if (f.name == field) return &f;
  return nullptr;
}

namespace {

/// Reads catalog documents; every unknown key is an error, so that a typing mistake is seen.
class Reader {
 public:
  Reader(const Source& source, Diagnostics& diag) : source_(source), diag_(diag) {}

  void known_keys(const YamlNode& map, std::initializer_list<std::string_view> keys) {
    for (const YamlNode::Entry& e : map.entries) {
      bool known = false;
      for (const std::string_view k : keys)
        known = known || e.key.text == k;
      if (known) continue;
      const std::string near = nearest_name(e.key.text, std::vector<std::string_view>(keys));
      diag_.error("catalog-unknown-key", "unknown key: " + e.key.text, e.key.span, "",
                  near.empty() ? "" : "did you mean `" + near + "`?");
    }
  }

  bool flag(const YamlNode& map, std::string_view key) { return map.get(key) == "true"; }

  std::vector<std::string> strings(const YamlNode* list) {
    std::vector<std::string> out;
    if (!list) return out;
    for (const YamlNode& item : list->items)
      out.push_back(item.text);
    return out;
  }

  std::vector<FieldDef> fields(const YamlNode* list) {
    std::vector<FieldDef> out;
    if (!list) return out;
    for (const YamlNode& item : list->items) {
      FieldDef f;
      std::string_view type;
      if (item.is_scalar()) {  // `EventID int`, or a name alone: a string
        const std::string_view text = item.text;
        const size_t blank = text.find(' ');
        f.name = text.substr(0, blank);
        if (blank != std::string_view::npos) type = trim(text.substr(blank));
      } else {
        known_keys(item, {"name", "type", "doc", "source", "values"});
        f.name = item.get("name");
        f.doc = item.get("doc");
        f.source = item.get("source");
        f.values = strings(item.find("values"));
        type = item.get("type");
      }
      if (!type.empty() && !data::type_from_name(type, f.type))
        diag_.error("catalog-unknown-type", "unknown type: " + std::string(type), item.span);
      if (f.name.empty()) diag_.error("catalog-field", "a field needs a name", item.span);
      out.push_back(std::move(f));
    }
    return out;
  }

  ExprPtr expression(const YamlNode& node) {
    Diagnostics inner;
    const Source text{source_.name, node.text};
    OrFailed<ExprPtr> e = parse_expr_text(text, inner);
    for (Diagnostic d : inner.all()) {
      d.primary = {node.source_position(d.primary.begin), node.source_position(d.primary.end)};
      diag_.add(std::move(d));
    }
    return e ? *e : nullptr;
  }

  View view(const YamlNode& node) {
    known_keys(node, {"from", "where", "map", "passthrough"});
    View v;
    v.from = node.get("from");
    v.passthrough = flag(node, "passthrough");
    if (v.from.empty()) diag_.error("catalog-view", "a view needs `from`", node.span);
    if (const YamlNode* where = node.find("where")) v.where = expression(*where);
    if (const YamlNode* map = node.find("map"))
      for (const YamlNode::Entry& e : map->entries)
        if (ExprPtr expr = expression(e.value)) v.map.emplace_back(e.key.text, std::move(expr));
    return v;
  }

  TableDef table(const YamlNode& doc) {
    known_keys(doc, {"table", "doc", "open", "event_id", "kind", "constants", "events", "fields",
                     "source"});
    TableDef t;
    t.name = doc.get("table");
    t.doc = doc.get("doc");
    t.open = flag(doc, "open");
    t.event_id = doc.get("event_id");
    t.kind = doc.get("kind");
    if (const YamlNode* constants = doc.find("constants"))
      for (const YamlNode::Entry& e : constants->entries)
        t.constants.emplace_back(e.key.text, e.value.text);
    if (const YamlNode* events = doc.find("events"))
      for (const YamlNode::Entry& e : events->entries)
        if (const auto id = parse_int(e.key.text)) t.events[*id] = strings(&e.value);
    t.fields = fields(doc.find("fields"));
    return t;
  }

  VocabularyTable vocabulary_table(const YamlNode& node) {
    known_keys(
        node, {"table", "aliases", "doc", "open", "time", "fields", "views", "query", "logsource"});
    VocabularyTable t;
    t.name = node.get("table");
    t.aliases = strings(node.find("aliases"));
    t.doc = node.get("doc");
    t.open = flag(node, "open");
    t.time = node.get("time");
    t.query = node.get("query");
    t.fields = fields(node.find("fields"));
    if (const YamlNode* views = node.find("views"))
      for (const YamlNode& v : views->items)
        t.views.push_back(view(v));
    if (const YamlNode* logsource = node.find("logsource"))
      for (const YamlNode::Entry& e : logsource->entries)
        t.logsource[e.key.text] = e.value.text;
    return t;
  }

 private:
  const Source& source_;
  Diagnostics& diag_;
};

}  // namespace

bool Catalog::add(const Source& source, Diagnostics& diag) {
  Reader reader(source, diag);
  for (const YamlNode& doc : adapt::parse_yaml(source, diag)) {
    if (doc.find("table")) {
      TableDef t = reader.table(doc);
      std::string name = t.name;
      if (!tables_.emplace(std::move(name), std::move(t)).second)
        diag.error("catalog-duplicate", "table defined twice: " + std::string(doc.get("table")),
                   doc.span);
    } else if (doc.find("vocabulary")) {
      reader.known_keys(doc, {"vocabulary", "doc", "tables"});
      Vocabulary& v = vocabularies_[std::string(doc.get("vocabulary"))];
      v.name = doc.get("vocabulary");
      if (const YamlNode* tables = doc.find("tables"))
        for (const YamlNode& t : tables->items)
          v.tables.push_back(reader.vocabulary_table(t));
    } else {
      diag.error("catalog-document", "neither a `table` nor a `vocabulary`", doc.span);
    }
  }
  return !diag.has_errors();
}

const TableDef* Catalog::table(std::string_view name) const {
  const auto it = tables_.find(name);
  return it == tables_.end() ? nullptr : &it->second;
}

const VocabularyTable* Catalog::vocabulary_table(std::string_view vocabulary,
                                                 std::string_view name) const {
  // Schemas without a language of their own are tables of KQL.
  if (vocabulary == "kql")
    for (const std::string_view schema : {"ecs", "ocsf", "eve"})
      if (name.starts_with(schema) && name.substr(schema.size()).starts_with('_'))
        return vocabulary_table(schema, name);
  const auto it = vocabularies_.find(vocabulary);
  if (it == vocabularies_.end()) return nullptr;
  // A table that is defined again replaces the one before.
  const std::vector<VocabularyTable>& tables = it->second.tables;
  const auto exact = std::find_if(tables.rbegin(), tables.rend(),
                                  [&](const VocabularyTable& t) { return t.name == name; });
  if (exact != tables.rend()) return &*exact;
  const VocabularyTable* near = nullptr;
  for (const VocabularyTable& t : tables) {
    if (equal_ignore_case(t.name, name)) near = &t;
    for (const std::string& alias : t.aliases)
      if (equal_ignore_case(alias, name)) near = near ? near : &t;
  }
  return near;
}

std::vector<const VocabularyTable*> Catalog::sigma_tables(
    const std::map<std::string, std::string>& logsource) const {
  std::vector<const VocabularyTable*> exact;
  std::vector<const VocabularyTable*> wider;
  const auto it = vocabularies_.find("sigma");
  if (it == vocabularies_.end()) return exact;
  for (const VocabularyTable& t : it->second.tables) {
    bool fits = true;
    for (const auto& [key, value] : logsource) {
      const auto own = t.logsource.find(key);
      fits = fits && own != t.logsource.end() && own->second == value;
    }
    if (!fits) continue;
    (t.logsource.size() == logsource.size() ? exact : wider).push_back(&t);
  }
  return exact.empty() ? wider : exact;
}

std::vector<std::string_view> Catalog::table_names(std::string_view vocabulary) const {
  std::vector<std::string_view> out;
  const auto it = vocabularies_.find(vocabulary);
  if (it == vocabularies_.end()) return out;
  for (const VocabularyTable& t : it->second.tables)
    out.push_back(t.name);
  return out;
}

}  // namespace postern::plan
