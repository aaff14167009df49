// Prints the catalog as JSON lines, for checks that are written in Python (tools/check_catalog.py):
// first one object for each native table and each table of a vocabulary, then one for each line of
// the standard input, which names a log source of Sigma as `category=…,product=…,service=…`: the
// tables it is resolved to. Run where the folder `catalog` is.
#include <iostream>
#include <set>
#include <string>

#include "base/text.h"
#include "plan/catalog.h"
#include "tools/catalog_files.h"

namespace {

using namespace postern;
using plan::Catalog;

std::string quoted(std::string_view text) {
  return data::Value::string(std::string(text)).json();
}

template <class List, class Item>
std::string list(const List& items, const Item& item) {
  std::string out = "[";
  for (const auto& i : items)
    out += (out.size() > 1 ? "," : "") + item(i);
  return out + "]";
}

std::string fields(const std::vector<plan::FieldDef>& all) {
  std::string out = "{";
  for (const plan::FieldDef& f : all)
    out += (out.size() > 1 ? "," : "") + quoted(f.name) + ":" +
           quoted(std::string(data::type_name(f.type)));
  return out + "}";
}

std::string columns(const plan::ExprPtr& e) {
  std::set<std::string> names;
  if (e) plan::collect_columns(e, names);
  return list(names, quoted);
}

std::string view(const plan::View& v) {
  std::string out = "{\"from\":" + quoted(v.from) +
                    ",\"where\":" + (v.where ? quoted(plan::to_text(*v.where)) : "null") +
                    ",\"asks\":" + columns(v.where) +
                    ",\"passthrough\":" + (v.passthrough ? "true" : "false") + ",\"map\":{";
  for (size_t i = 0; i < v.map.size(); ++i)
    out += (i > 0 ? "," : "") + quoted(v.map[i].first) +
           ":{\"text\":" + quoted(plan::to_text(*v.map[i].second)) +
           ",\"columns\":" + columns(v.map[i].second) + "}";
  return out + "}}";
}

}  // namespace

int main() {
  Catalog catalog;
  if (!read_catalog(catalog)) return 2;
  for (const auto& [name, t] : catalog.tables()) {
    std::cout << "{\"native\":" << quoted(name) << ",\"open\":" << (t.open ? "true" : "false")
              << ",\"constants\":{";
    for (size_t i = 0; i < t.constants.size(); ++i)
      std::cout << (i > 0 ? "," : "") << quoted(t.constants[i].first) << ':'
                << quoted(t.constants[i].second);
    std::cout << "},\"fields\":" << fields(t.fields) << "}\n";
  }
  for (const auto& [name, v] : catalog.vocabularies())
    for (const plan::VocabularyTable& t : v.tables)
      std::cout << "{\"vocabulary\":" << quoted(name) << ",\"table\":" << quoted(t.name)
                << ",\"aliases\":" << list(t.aliases, quoted)
                << ",\"open\":" << (t.open ? "true" : "false")
                << ",\"query\":" << (t.query.empty() ? "false" : "true")
                << ",\"fields\":" << fields(t.fields) << ",\"views\":" << list(t.views, view)
                << "}\n";
  for (std::string line; std::getline(std::cin, line);) {
    std::map<std::string, std::string> logsource;
    for (const std::string_view part : split(line, ','))
      if (const size_t equals = part.find('='); equals != std::string_view::npos)
        logsource[std::string(part.substr(0, equals))] = part.substr(equals + 1);
    const auto found = catalog.sigma_tables(logsource);
    std::cout << "{\"logsource\":" << quoted(line) << ",\"tables\":"
              << list(found, [](const plan::VocabularyTable* t) { return quoted(t->name); })
              << "}\n";
  }
  return 0;
}
