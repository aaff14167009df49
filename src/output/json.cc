#include "base/time.h"
#include "output/finding_output.h"

namespace postern::output {

using data::json_string;

namespace {

/// Writes `,"key":` before each member but the first.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }

  ~Object() { out_ += '}'; }

  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += json_string(name);
    out_ += ':';
    return out_;
  }

  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) key(name) += json_string(value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace

std::string finding_json(const engine::Finding& f) {
  std::string out;
  {
    Object o(out);
    if (f.time != 0) o.text("time", format_rfc3339(f.time));
    {
      Object rule(o.key("rule"));
      rule.text("id", f.rule->id);
      rule.text("title", f.rule->title);
      rule.text("language", f.rule->language);
      rule.text("level", f.rule->level);
      rule.text("version", f.rule->version);
      rule.text("path", f.rule->path);
      if (f.degraded) rule.key("degraded") += "true";
    }
    if (!f.rule->attack.empty()) {
      std::string& s = o.key("attack");
      s += '[';
      for (size_t i = 0; i < f.rule->attack.size(); ++i)
        s += (i > 0 ? "," : "") + json_string(f.rule->attack[i]);
      s += ']';
    }
    o.text("host", f.host);
    o.text("user", f.user);
    {
      Object row(o.key("row"));
      for (const auto& [name, value] : f.row)
        if (!value.is_null()) row.key(name) += value.json();
    }
    if (!f.why.empty()) {
      std::string& s = o.key("why");
      s += '[';
      for (size_t i = 0; i < f.why.size(); ++i) {
        if (i > 0) s += ',';
        Object reason(s);
        reason.text("field", f.why[i].field);
        reason.text("op", f.why[i].op);
        if (!f.why[i].value.is_null()) reason.key("value") += f.why[i].value.json();
      }
      s += ']';
    }
    if (f.window) {
      Object window(o.key("window"));
      window.text("from", format_rfc3339(f.window->from));
      window.text("to", format_rfc3339(f.window->to));
    }
    if (!f.evidence.empty()) {
      std::string& s = o.key("evidence");
      s += '[';
      for (size_t i = 0; i < f.evidence.size(); ++i) {
        if (i > 0) s += ',';
        Object e(s);
        e.text("table", f.evidence[i].table);
        e.text("path", f.evidence[i].path);
        e.key("offset") += std::to_string(f.evidence[i].offset);
        if (f.evidence[i].record != 0) e.key("record") += std::to_string(f.evidence[i].record);
      }
      s += ']';
    }
  }
  return out;
}

void write_rows_jsonl(std::ostream& out, const plan::Schema& schema, const RowSource& rows) {
  rows([&](const Row& row) {
    std::string line;
    {
      Object o(line);
      for (size_t i = 0; i < schema.size(); ++i)
        o.key(schema[i].name) += row[i].json();
    }
    out << line << '\n';
  });
}

}  // namespace postern::output
