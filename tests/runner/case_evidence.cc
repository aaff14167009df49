#include "case_evidence.h"

#include <set>

#include "adapt/json.h"
#include "base/text.h"
#include "base/time.h"
#include "data/dynamic.h"

namespace postern::tests {

using adapt::JsonNode;
using data::Type;
using data::Value;

namespace {

Type type_of(const JsonNode& v) {
  switch (v.kind) {
    case JsonNode::Kind::kBool:
      return Type::kBool;
    case JsonNode::Kind::kNumber:
      return parse_int(v.text) ? Type::kLong : Type::kReal;
    case JsonNode::Kind::kArray:
    case JsonNode::Kind::kObject:
      return Type::kDynamic;
    case JsonNode::Kind::kString:
      return v.text.size() >= 19 && v.text[4] == '-' && parse_rfc3339(v.text) ? Type::kDatetime
                                                                              : Type::kString;
    default:
      return Type::kString;
  }
}

std::string json_text(const JsonNode& v) {
  switch (v.kind) {
    case JsonNode::Kind::kNull:
      return "null";
    case JsonNode::Kind::kBool:
      return v.boolean ? "true" : "false";
    case JsonNode::Kind::kNumber:
      return v.text;
    case JsonNode::Kind::kString:
      return data::json_string(v.text);
    case JsonNode::Kind::kArray: {
      std::string out = "[";
      for (const JsonNode& i : v.items)
        out += (out.size() > 1 ? "," : "") + json_text(i);
      return out + "]";
    }
    case JsonNode::Kind::kObject: {
      std::string out = "{";
      for (const auto& [k, i] : v.entries)
        out += (out.size() > 1 ? "," : "") + data::json_string(k) + ":" + json_text(i);
      return out + "}";
    }
  }
  return "";
}

Value value_of(const JsonNode& v) {
  switch (v.kind) {
    case JsonNode::Kind::kNull:
      return Value();
    case JsonNode::Kind::kBool:
      return Value::boolean(v.boolean);
    case JsonNode::Kind::kNumber:
      if (const auto i = parse_int(v.text)) return Value::integer(*i);
      return Value::real(parse_real(v.text).value_or(0));
    case JsonNode::Kind::kString:
      return Value::string(v.text);
    default:
      return Value::dynamic(data::dynamic_from_json(json_text(v)).value_or(""));
  }
}

struct Resolved {
  std::string table;
  std::string id_column;
  std::optional<int64_t> id;  ///< set in rows that do not state it
};

// `EventID == 1` of a view: what an event must have to be seen through it.
std::optional<int64_t> required_id(const plan::ExprPtr& where, const std::string& column) {
  if (!where) return std::nullopt;
  for (const plan::ExprPtr& c : plan::conjuncts(where)) {
    const bool named = !c->args.empty() && c->args[0]->is_column() && c->args[0]->name == column;
    if (named && c->args.size() >= 2 && c->args[1]->is_literal())
      return parse_int(c->args[1]->literal.text());
  }
  return std::nullopt;
}

class Maker {
 public:
  Maker(const CaseFile& file, const engine::Setup& base)
      : file_(file), setup_(std::make_shared<engine::Setup>(base)) {}

  Result<CaseEvidence> run() {
    CaseEvidence out;
    for (const EventsBlock& block : file_.events) {
      std::vector<JsonNode> events;
      for (const std::string& line : block.lines) {
        POSTERN_TRY(JsonNode node, adapt::parse_json(line));
        events.push_back(std::move(node));
      }
      Resolved r = resolve(block.table, events);
      out.feeds.push_back([r, events](input::DecodeContext& context) { feed(r, events, context); });
    }
    for (const ContentBlock& block : file_.contents) {
      out.feeds.push_back([block](input::DecodeContext& context) {
        if (!context.scanner) return;
        match::ContentOrigin origin;
        origin.view = block.view;
        if (const auto scanned = context.scanner->scan(origin, block.text); !scanned)
          context.anomalies.add("yara-scan-failed", "content", 0, scanned.error().message);
      });
    }
    out.setup = setup_;
    return out;
  }

 private:
  Resolved resolve(const std::string& name, const std::vector<JsonNode>& events) {
    const plan::Catalog& c = setup_->catalog;
    if (const plan::TableDef* t = c.table(name)) return {t->name, "", std::nullopt};
    if (const size_t slash = name.find('/'); slash != std::string::npos) {
      const std::string product = name.substr(0, slash);
      const std::string kind = name.substr(slash + 1);
      for (const char* key : {"category", "service"}) {
        const auto tables = c.sigma_tables({{"product", product}, {key, kind}});
        for (const plan::VocabularyTable* t : tables) {
          if (t->views.empty()) continue;
          const plan::View& v = t->views.front();
          const plan::TableDef* native = c.table(v.from);
          return {v.from, native->event_id, required_id(v.where, native->event_id)};
        }
      }
    }
    for (const auto& [vocabulary, v] : c.vocabularies()) {
      const plan::VocabularyTable* t =
          vocabulary == "sigma" ? nullptr : c.vocabulary_table(vocabulary, name);
      if (!t || name.empty()) continue;
      for (const plan::View& view : t->views)
        if (view.passthrough && (view.map.empty() || view.from.ends_with("." + t->name)))
          return {view.from, "", std::nullopt};
    }
    return invent(name, events);
  }

  // A table that only this case knows: columns and types as its events have them.
  Resolved invent(const std::string& name, const std::vector<JsonNode>& events) {
    const std::string native = "case." + name;
    if (setup_->catalog.table(native)) return {native, "", std::nullopt};
    std::vector<std::pair<std::string, Type>> columns;
    for (const JsonNode& e : events) {
      for (const auto& [key, value] : e.entries) {
        bool known = false;
        for (auto& [n, t] : columns) {
          if (n != key) continue;
          known = true;
          if (t == Type::kLong && type_of(value) == Type::kReal) t = Type::kReal;
        }
        if (!known && value.kind != JsonNode::Kind::kNull)
          columns.emplace_back(key, type_of(value));
      }
    }
    std::string fields;
    for (const auto& [n, t] : columns)
      fields +=
          "  - { name: " + data::json_string(n) + ", type: " + std::string(type_name(t)) + " }\n";
    std::string text = "table: " + data::json_string(native) + "\nopen: true\n" +
                       (fields.empty() ? "" : "fields:\n" + fields);
    for (const char* vocabulary : {"kql", "spl"}) {
      text += std::string("---\nvocabulary: ") + vocabulary +
              "\ntables:\n- table: " + data::json_string(name) + "\n";
      if (!fields.empty()) text += "  fields:\n" + indented(fields);
      text += "  views:\n  - { from: " + data::json_string(native) + ", passthrough: true }\n";
    }
    Diagnostics diag;
    const Source source{"case-table.yml", text};
    setup_->catalog.add(source, diag);
    for (const Diagnostic& d : diag.all())
      std::fprintf(stderr, "%s", render(source, d).c_str());
    return {native, "", std::nullopt};
  }

  static std::string indented(const std::string& text) {
    std::string out;
    for (const std::string_view line : split(text, '\n'))
      if (!line.empty()) out += "  " + std::string(line) + "\n";
    return out;
  }

  static void feed(const Resolved& r,
                   const std::vector<JsonNode>& events,
                   input::DecodeContext& context) {
    const data::Layout* layout = context.layout(r.table);
    if (!layout) return context.sink.skipped(r.table, events.size());
    data::BatchBuilder b(*layout, context.sink, context.anomalies, "events");
    // A finding shows the whole event, as a decoder's would.
    auto rows = std::make_shared<std::vector<JsonNode>>();

    class Reader final : public data::RecordReader {
     public:
      explicit Reader(std::vector<JsonNode> rows) : rows_(std::move(rows)) {}

      void read(uint32_t row, data::FieldVisitor& out) const override {
        for (const auto& [key, value] : rows_[row].entries)
          if (key != "_time" && value.kind != JsonNode::Kind::kNull)
            out.field(key, value_of(value));
      }

     private:
      std::vector<JsonNode> rows_;
    };

    b.set_reader_factory([rows]() -> std::shared_ptr<const data::RecordReader> {
      auto reader = std::make_shared<Reader>(std::move(*rows));
      rows->clear();
      return reader;
    });
    for (size_t i = 0; i < events.size(); ++i) {
      b.begin({i, i + 1});
      for (const char* name : {"_time", "TimeGenerated", "Timestamp", "ts"})
        if (const JsonNode* t = events[i].find(name))
          if (const auto ticks = parse_rfc3339(t->text)) {
            b.set_time(*ticks);
            break;
          }
      bool has_id = false;
      for (const auto& [key, value] : events[i].entries) {
        if (key == "_raw" && value.is_string()) {
          b.raw(value.text);
          continue;
        }
        if (key == "_time" || value.kind == JsonNode::Kind::kNull) continue;
        has_id = has_id || key == r.id_column;
        if (value.is_string())
          b.field(key, std::string_view(value.text));
        else
          b.field(key, value_of(value));
      }
      if (r.id && !has_id) b.field(r.id_column, Value::integer(*r.id));
      rows->push_back(events[i]);
      b.end();
    }
    b.flush();
  }

  const CaseFile& file_;
  std::shared_ptr<engine::Setup> setup_;
};

}  // namespace

Result<CaseEvidence> make_evidence(const CaseFile& file, const engine::Setup& base) {
  return Maker(file, base).run();
}

}  // namespace postern::tests
