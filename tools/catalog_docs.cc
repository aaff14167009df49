// Writes the documentation of the catalog: one page per native table and per vocabulary, and an
// index. `catalog_docs FOLDER` writes, `catalog_docs --check FOLDER` exits with 1 when a page is
// not what the catalog says (a test).
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include "base/file.h"
#include "plan/catalog.h"
#include "tools/catalog_files.h"

namespace {

using namespace postern;
using plan::Catalog;
using plan::FieldDef;
using plan::TableDef;
using plan::Vocabulary;
using plan::VocabularyTable;

using Pages = std::map<std::string, std::string>;  // file name -> text

const std::string kMark = "<!-- Made by tools/catalog_docs from catalog/; edit there. -->\n\n";

/// Text within a table of Markdown.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? "" : "`" + cell(text) + "`";
}

std::string fields_of(const std::vector<FieldDef>& fields, bool with_source) {
  if (fields.empty()) return "";
  std::string out = with_source ? "| field | type | source | what it is |\n|---|---|---|---|\n"
                                : "| column | type | what it is |\n|---|---|---|\n";
  for (const FieldDef& f : fields) {
    out += "| " + code(f.name) + " | " + std::string(data::type_name(f.type)) + " | ";
    if (with_source) out += cell(f.source) + " | ";
    out += cell(f.doc);
    if (!f.values.empty()) {
      out += out.back() == '.' ? " One of " : "one of ";
      for (size_t i = 0; i < f.values.size(); ++i)
        out += (i == 0 ? "" : ", ") + code(f.values[i]);
      out += ".";
    }
    out += " |\n";
  }
  return out + "\n";
}

/// Tables of vocabularies that read a native table.
std::map<std::string, std::set<std::string>> readers_of(const Catalog& catalog,
                                                        const std::string& native) {
  std::map<std::string, std::set<std::string>> out;
  for (const auto& [name, vocabulary] : catalog.vocabularies())
    for (const VocabularyTable& t : vocabulary.tables)
      for (const plan::View& v : t.views)
        if (v.from == native) out[name].insert(t.name.empty() ? "(all events)" : t.name);
  return out;
}

std::string table_page(const Catalog& catalog, const TableDef& t) {
  std::string out = kMark + "# " + t.name + "\n\n" + t.doc + "\n\n";
  if (t.open) out += "Fields that are not listed can be read too, as text.\n\n";
  if (!t.event_id.empty()) out += "Kinds of events are told apart by " + code(t.event_id) + ".\n\n";
  if (!t.kind.empty()) out += "Kinds of records are told apart by " + code(t.kind) + ".\n\n";
  for (const auto& [name, value] : t.constants)
    out += code(name) + " is always " + code(value) + ".\n\n";
  out += fields_of(t.fields, true);
  for (const auto& [vocabulary, tables] : readers_of(catalog, t.name)) {
    out += "Read by " + vocabulary + ":";
    size_t n = 0;
    for (const std::string& name : tables)
      out += (n++ == 0 ? " " : ", ") + name;
    out += ".\n\n";
  }
  return out;
}

std::string vocabulary_page(const Vocabulary& v) {
  std::string out = kMark + "# Vocabulary " + v.name + "\n\n";
  for (const VocabularyTable& t : v.tables) {
    out +=
        "## " + (t.name.empty() ? std::string("(all events)") : t.name) + "\n\n" + t.doc + "\n\n";
    if (!t.aliases.empty()) {
      out += "Also named";
      for (size_t i = 0; i < t.aliases.size(); ++i)
        out += (i == 0 ? " " : ", ") + code(t.aliases[i]);
      out += ".\n\n";
    }
    if (!t.query.empty()) out += "Joined from other tables by a query.\n\n";
    if (t.views.empty() && t.query.empty())
      out +=
          "No evidence format provides it yet: rules for it load and are told that they never "
          "fire.\n\n";
    if (!t.views.empty()) {
      out += "| from | where | columns |\n|---|---|---|\n";
      for (const plan::View& view : t.views) {
        out += "| " + code(view.from) + " | " +
               (view.where ? code(plan::to_text(*view.where)) : "") + " | ";
        if (view.passthrough) out += "those of the table";
        for (size_t i = 0; i < view.map.size(); ++i)
          out += (i == 0 ? (view.passthrough ? "; " : "") : ", ") + code(view.map[i].first) +
                 " = " + code(plan::to_text(*view.map[i].second));
        out += " |\n";
      }
      out += "\n";
    }
    out += fields_of(t.fields, false);
  }
  return out;
}

Pages pages_of(const Catalog& catalog) {
  Pages pages;
  std::string index =
      kMark +
      "# The catalog\n\nWhat evidence is decoded to, and the vocabularies that rules "
      "are written in.\n\n## Native tables\n\n| table | fields | what it holds |\n"
      "|---|---|---|\n";
  for (const auto& [name, t] : catalog.tables()) {
    pages["table." + name + ".md"] = table_page(catalog, t);
    index += "| [" + name + "](table." + name + ".md) | " + std::to_string(t.fields.size()) +
             (t.open ? "+" : "") + " | " + cell(t.doc) + " |\n";
  }
  index +=
      "\n## Vocabularies\n\n| vocabulary | tables | of them fed by evidence |\n|---|---|---|\n";
  for (const auto& [name, v] : catalog.vocabularies()) {
    size_t fed = 0;
    for (const VocabularyTable& t : v.tables)
      fed += t.views.empty() && t.query.empty() ? 0 : 1;
    pages["vocabulary." + name + ".md"] = vocabulary_page(v);
    index += "| [" + name + "](vocabulary." + name + ".md) | " + std::to_string(v.tables.size()) +
             " | " + std::to_string(fed) + " |\n";
  }
  pages["README.md"] = index;
  // One line end at the end of each page.
  for (auto& [name, text] : pages)
    while (text.size() > 1 && text[text.size() - 2] == '\n')
      text.pop_back();
  return pages;
}

int check(const std::string& folder, const Pages& pages) {
  size_t current = 0;
  for (const auto& [name, text] : pages) {
    const Result<std::string> there = read_text_file(folder + "/" + name);
    if (there && *there == text)
      ++current;
    else
      std::cout << name << (there ? ": differs from the catalog\n" : ": not there\n");
  }
  size_t strangers = 0;
  if (const auto files = list_files(folder))
    for (const std::string& path : *files)
      if (pages.find(path.substr(path.rfind('/') + 1)) == pages.end()) {
        ++strangers;
        std::cout << path << ": nothing in the catalog is documented there\n";
      }
  std::cout << current << " of " << pages.size() << " pages are current\n";
  if (current == pages.size() && strangers == 0) return 0;
  std::cout << "run: catalog_docs " << folder << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool only_check = argc > 2 && std::string(argv[1]) == "--check";
  if (argc < 2 || (std::string(argv[1]) == "--check" && argc < 3)) {
    std::cerr << "usage: catalog_docs [--check] FOLDER\n";
    return 2;
  }
  const std::string folder = argv[only_check ? 2 : 1];
  Catalog catalog;
  if (!read_catalog(catalog)) return 2;
  const Pages pages = pages_of(catalog);
  if (only_check) return check(folder, pages);
  for (const auto& [name, text] : pages) {
    std::ofstream out(folder + "/" + name, std::ios::binary);
    out << text;
    if (!out) return std::cerr << "cannot write " << folder << "/" << name << '\n', 2;
  }
  return 0;
}
