#include "oracle_event.h"

#include "base/text.h"

namespace postern::differential {
namespace {

Cell text(std::string s) {
  return Field{std::move(s)};
}

Cell truth(bool b) {
  return text(b ? "true" : "false");
}

bool is_true(const Cell& c) {
  return c && c->size() == 1 && (*c)[0] == "true";
}

bool same_text(const std::string& a, const std::string& b) {
  return fold(a) == fold(b);
}

}  // namespace

const std::u32string& OracleEvent::characters(const std::string& text, bool cased) const {
  const auto [it, added] = characters_[cased ? 1 : 0].try_emplace(text);
  const std::string folded = added && !cased ? fold(text) : std::string();
  const std::string& read = cased ? text : folded;
  if (added)
    for (size_t at = 0; at < read.size();)
      it->second += next_code_point(read, at);
  return it->second;
}

Cell evaluate(const plan::Expr& e,
              const plan::TableDef& table,
              const OracleEvent& event,
              bool& unknown) {
  if (e.is_literal()) {
    if (e.literal.is_null()) return std::nullopt;
    return text(e.literal.text());
  }
  if (e.is_column()) {
    for (const auto& [name, value] : table.constants)
      if (name == e.name) return text(value);
    const auto it = event.fields.find(e.name);
    if (it == event.fields.end() || it->second.empty()) return std::nullopt;
    return it->second;
  }
  const auto arg = [&](size_t i) { return evaluate(*e.args[i], table, event, unknown); };
  const auto first = [&](size_t i) -> std::optional<std::string> {
    const Cell c = arg(i);
    if (!c || c->empty()) return std::nullopt;
    return (*c)[0];
  };
  const std::string& f = e.name;
  if (f == "and" || f == "or") {
    for (size_t i = 0; i < e.args.size(); ++i)
      if (is_true(arg(i)) != (f == "and")) return truth(f == "or");
    return truth(f == "and");
  }
  if (f == "not") {
    const Cell c = arg(0);
    return c ? truth(!is_true(c)) : std::nullopt;
  }
  if (f == "is_null") return truth(!arg(0));
  if (f == "==" || f == "in" || f == "sigma.equals") {
    const auto a = first(0);
    if (!a) return f == "sigma.equals" ? truth(false) : std::nullopt;
    for (size_t i = 1; i < e.args.size(); ++i) {
      const auto b = first(i);
      if (b && (f == "sigma.equals" ? same_text(*a, *b) : *a == *b)) return truth(true);
    }
    return truth(false);
  }
  if (f == "startswith" || f == "sigma.startswith" || f == "endswith" || f == "contains") {
    const auto a = first(0);
    const auto b = first(1);
    if (!a || !b) return f == "sigma.startswith" ? truth(false) : std::nullopt;
    const std::string x = fold(*a);
    const std::string y = fold(*b);
    if (f == "contains") return truth(x.find(y) != std::string::npos);
    if (f == "endswith")
      return truth(x.size() >= y.size() && x.compare(x.size() - y.size(), y.size(), y) == 0);
    return truth(x.compare(0, y.size(), y) == 0);
  }
  if (f == "coalesce") {
    for (size_t i = 0; i < e.args.size(); ++i)
      if (Cell c = arg(i)) return c;
    return std::nullopt;
  }
  if (f == "if" || f == "case") {
    for (size_t i = 0; i + 1 < e.args.size(); i += 2)
      if (is_true(arg(i))) return arg(i + 1);
    return e.args.size() % 2 == 1 ? arg(e.args.size() - 1) : std::nullopt;
  }
  if (f == "strcat") {
    std::string out;
    for (size_t i = 0; i < e.args.size(); ++i) {
      const auto part = first(i);
      if (!part) return std::nullopt;
      out += *part;
    }
    return text(out);
  }
  if (f == "none_if_dash") {
    const auto a = first(0);
    if (!a || a->empty() || *a == "-") return std::nullopt;
    return text(*a);
  }
  if (f == "hash_part") {
    const auto hashes = first(0);
    const auto name = first(1);
    if (!hashes || !name) return std::nullopt;
    size_t begin = 0;
    while (begin <= hashes->size()) {
      const size_t end = std::min(hashes->find(',', begin), hashes->size());
      const std::string part = hashes->substr(begin, end - begin);
      const size_t eq = part.find('=');
      if (eq != std::string::npos && same_text(part.substr(0, eq), *name))
        return text(part.substr(eq + 1));
      begin = end + 1;
    }
    return std::nullopt;
  }
  if (f == "tostring" || f == "tolong" || f == "toint") return arg(0);
  unknown = true;
  return std::nullopt;
}

bool takes(const plan::View& view,
           const plan::TableDef& table,
           const OracleEvent& event,
           bool& unknown) {
  return view.from == event.table &&
         (!view.where || is_true(evaluate(*view.where, table, event, unknown)));
}

Cell field_of(const plan::View& view,
              const plan::TableDef& table,
              const OracleEvent& event,
              const std::string& name,
              bool& unknown) {
  if (const plan::ExprPtr* mapped = view.find(name))
    return evaluate(**mapped, table, event, unknown);
  if (!view.passthrough) return std::nullopt;
  return evaluate(*plan::column(name), table, event, unknown);
}

}  // namespace postern::differential
