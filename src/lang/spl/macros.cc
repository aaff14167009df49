#include "lang/spl/macros.h"

#include "adapt/yaml.h"
#include "base/file.h"
#include "base/text.h"

namespace postern::lang::spl {
namespace {

std::string_view line_of(std::string_view text, size_t at) {
  const size_t end = text.find('\n', at);
  std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::vector<std::string> argument_names(std::string_view list) {
  std::vector<std::string> names;
  for (const std::string_view part : split(list, ',')) {
    std::string_view name = trim(part);
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
      name = name.substr(1, name.size() - 2);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

/// True when the text looks like a .conf file: its first meaningful line is a stanza header.
bool is_conf(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const std::string_view whole = line_of(text, at);
    const std::string_view line = trim(whole);
    if (!line.empty() && line[0] != '#') return line.front() == '[' && line.back() == ']';
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  return false;
}

/// Stanzas `[name]` or `[name(n)]` with `key = value` lines; a backslash at the end of a line goes
/// on.
class ConfReader {
 public:
  ConfReader(const Source& file, MacroTable& table, Diagnostics& diag)
      : file_(file), table_(table), diag_(diag) {}

  bool read() {
    const std::string_view text = file_.text;
    for (size_t at = 0; at < text.size();) {
      const size_t line_begin = at;
      std::string line(line_of(text, at));
      at = next_line(at);
      while (!line.empty() && line.back() == '\\' && at < text.size()) {
        line.back() = '\n';
        line += line_of(text, at);
        at = next_line(at);
      }
      take(trim(line), Span{static_cast<uint32_t>(line_begin), static_cast<uint32_t>(at)});
    }
    finish();
    return found_;
  }

 private:
  size_t next_line(size_t at) const {
    const size_t end = file_.text.find('\n', at);
    return end == std::string_view::npos ? file_.text.size() : end + 1;
  }

  void take(std::string_view line, Span span) {
    if (line.empty() || line[0] == '#') return;
    if (line.front() == '[' && line.back() == ']') {
      finish();
      begin(line.substr(1, line.size() - 2), span);
      return;
    }
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || !open_) return;
    const std::string_view key = trim(line.substr(0, equals));
    const std::string_view value = trim(line.substr(equals + 1));
    if (key == "definition") {
      current_.definition = value;
      has_definition_ = true;
    } else if (key == "args") {
      current_.arguments = argument_names(value);
    } else if (key == "iseval") {
      current_.is_eval = value == "1" || equal_ignore_case(value, "true");
    }
  }

  void begin(std::string_view header, Span span) {
    current_ = {};
    current_.path = file_.name;
    has_definition_ = false;
    declared_arity_ = 0;
    span_ = span;
    const size_t paren = header.find('(');
    if (paren != std::string_view::npos && header.back() == ')') {
      const auto n = parse_int(header.substr(paren + 1, header.size() - paren - 2));
      declared_arity_ = n && *n >= 0 && *n < 100 ? static_cast<size_t>(*n) : 0;
      header = header.substr(0, paren);
    }
    current_.name = trim(header);
    open_ = !current_.name.empty();
  }

  void finish() {
    if (!open_) return;
    open_ = false;
    // A stanza without a definition only sets permissions or the like ([default]).
    if (!has_definition_) return;
    if (current_.arguments.size() != declared_arity_) {
      diag_.error("spl-macro-arguments",
                  "macro " + current_.name + " declares " + std::to_string(declared_arity_) +
                      " arguments but names " + std::to_string(current_.arguments.size()),
                  span_, "", "name(n) and args must agree");
      return;
    }
    found_ = true;
    table_.add(std::move(current_));
    current_ = {};
  }

  const Source& file_;
  MacroTable& table_;
  Diagnostics& diag_;
  Macro current_;
  Span span_;
  size_t declared_arity_ = 0;
  bool open_ = false;
  bool has_definition_ = false;
  bool found_ = false;
};

/// Whether `key` stands where a mapping's key can: first in its line, or behind a bracket.
bool may_have_key(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const size_t before =
        at == 0 ? std::string_view::npos : text.find_last_not_of(" \t\"'", at - 1);
    const size_t after = text.find_first_not_of(" \t\"'", at + key.size());
    const bool begins = before == std::string_view::npos || text[before] == '\n' ||
                        text[before] == '{' || text[before] == ',' || text[before] == '?' ||
                        text[before] == '\xbf';
    if (begins && after != std::string_view::npos && (text[after] == ':' || text[after] == '\n'))
      return true;
  }
  return false;
}

bool add_yaml(const Source& file, MacroTable& table, Diagnostics& diag) {
  // Rule packs mix other YAML into the same folders, so that a file without the two keys is no
  // error. Most have not even the words.
  if (!may_have_key(file.text, "definition") || !may_have_key(file.text, "name")) return false;
  Diagnostics syntax;
  const std::vector<adapt::YamlNode> documents = adapt::parse_yaml(file, syntax);
  for (const Diagnostic& d : syntax.all())
    diag.add(d);
  bool found = false;
  for (const adapt::YamlNode& doc : documents) {
    const adapt::YamlNode* definition = doc.find("definition");
    const std::string_view name = trim(doc.get("name"));
    if (name.empty() || !definition || !definition->is_scalar() || doc.find("search")) continue;
    Macro m;
    m.path = file.name;
    m.definition = trim(definition->text);
    m.name = name;
    if (const adapt::YamlNode* arguments = doc.find("arguments")) {
      if (arguments->is_sequence()) {
        for (const adapt::YamlNode& a : arguments->items)
          if (a.is_scalar()) m.arguments.push_back(a.text);
      } else if (arguments->is_scalar()) {
        m.arguments = argument_names(arguments->text);
      }
    }
    // "name(1)" is how Splunk itself writes the arity; some packs keep it in the YAML name.
    const size_t paren = m.name.find('(');
    if (paren != std::string::npos) m.name.resize(paren);
    table.add(std::move(m));
    found = true;
  }
  return found;
}

}  // namespace

void MacroTable::add(Macro macro) {
  auto key = std::make_pair(macro.name, macro.arguments.size());
  macros_.insert_or_assign(std::move(key), std::move(macro));
}

bool MacroTable::add(const Source& file, Diagnostics& diag) {
  if (is_conf(file.text)) return ConfReader(file, *this, diag).read();
  return add_yaml(file, *this, diag);
}

const Macro* MacroTable::find(std::string_view name, size_t num_arguments) const {
  const auto it = macros_.find(std::make_pair(std::string(name), num_arguments));
  return it == macros_.end() ? nullptr : &it->second;
}

std::vector<size_t> MacroTable::arities(std::string_view name) const {
  std::vector<size_t> out;
  for (auto it = macros_.lower_bound(std::make_pair(std::string(name), size_t{0}));
       it != macros_.end() && it->first.first == name; ++it)
    out.push_back(it->first.second);
  return out;
}

std::vector<std::string_view> MacroTable::names() const {
  std::vector<std::string_view> out;
  for (const auto& [key, macro] : macros_)
    if (out.empty() || out.back() != macro.name) out.push_back(macro.name);
  return out;
}

size_t MacroLibrary::add_path(const std::string& path, MacroTable& table, Diagnostics& diag) {
  const auto files = list_files(path);
  if (!files) return 0;
  size_t count = 0;
  for (const std::string& file : *files) {
    const bool yaml = file.ends_with(".yml") || file.ends_with(".yaml");
    if (!yaml && !file.ends_with(".conf")) continue;
    const auto text = read_text_file(file);
    if (!text) {
      diag.warning("spl-macro-file", "cannot read macros: " + text.error().message, {});
      continue;
    }
    Diagnostics own;
    if (table.add(Source{file, *text}, own)) ++count;
    // The spans are of the macro's file, not of the rule's: the place goes into the message.
    for (const Diagnostic& d : own.all()) {
      const LineColumn at = line_column(*text, d.primary.begin);
      diag.warning(d.code, file + ":" + std::to_string(at.line) + ": " + d.message, {}, "", d.hint);
    }
  }
  return count;
}

const MacroTable& MacroLibrary::beside(std::string_view rule_path) const {
  return beside_.beside(rule_path, [](const std::string& folder, MacroTable& table) {
    Diagnostics ignored;
    for (const char* place :
         {"/default/macros.conf", "/local/macros.conf", "/macros.conf", "/macros"})
      add_path(folder + place, table, ignored);
  });
}

}  // namespace postern::lang::spl
