#include "lang/spl/lookups.h"

#include <algorithm>

#include "adapt/yaml.h"
#include "base/file.h"
#include "base/text.h"

namespace postern::lang::spl {
namespace {

constexpr size_t kMaxCsvBytes = size_t{64} << 20;

using Match = LookupDefinition::Match;

std::string_view file_name(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

/// "WILDCARD(process), CIDR(ip)"
void add_match_types(std::string_view list, LookupDefinition& d) {
  for (const std::string_view part : split(list, ',')) {
    const std::string_view item = trim(part);
    const size_t open = item.find('(');
    if (open == std::string_view::npos || item.back() != ')') continue;
    const std::string kind = fold(trim(item.substr(0, open)));
    const std::string_view column = trim(item.substr(open + 1, item.size() - open - 2));
    if (kind == "wildcard") d.match_types.emplace_back(column, Match::kWildcard);
    if (kind == "cidr") d.match_types.emplace_back(column, Match::kCidr);
  }
}

/// One attribute of a definition, as both written forms call it.
void set_attribute(LookupDefinition& d, std::string_view key, std::string_view value) {
  const auto truth = [&] { return equal_ignore_case(value, "true") || value == "1"; };
  if (key == "filename")
    d.filename = value;
  else if (key == "collection")
    d.collection = true;
  else if (key == "external_cmd" || key == "external_type")
    d.external = d.external || key == "external_cmd" || equal_ignore_case(value, "geo");
  else if (key == "match_type")
    add_match_types(value, d);
  else if (key == "case_sensitive_match")
    d.case_sensitive = truth();
  else if (key == "max_matches")
    d.max_matches = std::clamp<int64_t>(parse_int(value).value_or(100), 1, 1000);
  else if (key == "min_matches")
    d.min_matches = std::clamp<int64_t>(parse_int(value).value_or(0), 0, 1000);
  else if (key == "default_match")
    d.default_match = value;
}

bool is_csv(std::string_view path) {
  return path.size() > 4 && equal_ignore_case(path.substr(path.size() - 4), ".csv");
}

}  // namespace

size_t CsvTable::find(std::string_view column) const {
  return static_cast<size_t>(std::find(columns.begin(), columns.end(), column) - columns.begin());
}

Result<CsvTable> parse_csv(std::string_view text) {
  if (text.size() > kMaxCsvBytes)
    return Error{Code::kLimit, "a lookup file may have 64 MiB at most"};
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  CsvTable out;
  std::vector<std::string> row;
  std::string cell;
  const auto end_row = [&] {
    row.push_back(std::move(cell));
    cell.clear();
    const bool blank = row.size() == 1 && row[0].empty();
    if (out.columns.empty()) {
      for (std::string& c : row)
        out.columns.emplace_back(trim(c));
    } else if (!blank) {
      row.resize(out.columns.size());
      out.rows.push_back(std::move(row));
    }
    row.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && cell.empty()) {
      for (++i;; ++i) {
        if (i >= text.size()) return Error{Code::kInvalid, "a quote is never closed"};
        if (text[i] == '"' && i + 1 < text.size() && text[i + 1] == '"')
          cell += text[i++];
        else if (text[i] == '"')
          break;
        else
          cell += text[i];
      }
    } else if (c == ',') {
      row.push_back(std::move(cell));
      cell.clear();
    } else if (c == '\n') {
      end_row();
    } else if (c != '\r') {
      cell += c;
    }
  }
  if (!cell.empty() || !row.empty()) end_row();
  if (out.columns.empty()) return Error{Code::kInvalid, "no header line"};
  return out;
}

LookupDefinition::Match LookupDefinition::match_of(std::string_view column) const {
  for (const auto& [of, match] : match_types)
    if (of == column) return match;
  return Match::kExact;
}

void LookupTables::add_definition(LookupDefinition d) {
  std::string name = d.name;
  definitions_.insert_or_assign(std::move(name), std::move(d));
}

bool LookupTables::add(const Source& file, Diagnostics& diag) {
  if (is_csv(file.name)) {
    auto table = parse_csv(file.text);
    if (!table) {
      diag.warning("spl-lookup-file", "not a lookup file: " + table.error().message, {});
      return false;
    }
    files_.insert_or_assign(std::string(file_name(file.name)),
                            std::make_shared<const CsvTable>(*std::move(table)));
    return true;
  }
  if (file.name.ends_with(".conf")) {
    LookupDefinition d;
    bool any = false;
    const auto done = [&] {
      if (!d.name.empty() && (!d.filename.empty() || d.collection || d.external)) {
        add_definition(std::move(d));
        any = true;
      }
      d = {};
    };
    for (const std::string_view line : split(file.text, '\n')) {
      const std::string_view t = trim(line);
      if (t.size() > 2 && t.front() == '[' && t.back() == ']') {
        done();
        d.name = trim(t.substr(1, t.size() - 2));
      } else if (const size_t equals = t.find('=');
                 equals != std::string_view::npos && t.front() != '#') {
        set_attribute(d, trim(t.substr(0, equals)), trim(t.substr(equals + 1)));
      }
    }
    done();
    return any;
  }
  const bool names_one = file.text.find("filename:") != std::string_view::npos ||
                         file.text.find("collection:") != std::string_view::npos;
  if (!names_one) return false;
  Diagnostics syntax;
  bool any = false;
  for (const adapt::YamlNode& doc : adapt::parse_yaml(file, syntax)) {
    if (!doc.is_mapping() || doc.find("search") || doc.find("detection")) continue;
    LookupDefinition d;
    d.name = trim(doc.get("name"));
    for (const char* key :
         {"filename", "collection", "external_cmd", "external_type", "match_type",
          "case_sensitive_match", "max_matches", "min_matches", "default_match"}) {
      const adapt::YamlNode* v = doc.find(key);
      if (v && v->is_scalar() && !v->is_null()) set_attribute(d, key, v->text);
      if (v && v->is_sequence())
        for (const adapt::YamlNode& item : v->items)
          set_attribute(d, key, item.text);
    }
    if (d.name.empty() || (d.filename.empty() && !d.collection)) continue;
    add_definition(std::move(d));
    any = true;
  }
  return any;
}

const LookupDefinition* LookupTables::definition(std::string_view name) const {
  const auto it = definitions_.find(name);
  return it == definitions_.end() ? nullptr : &it->second;
}

std::shared_ptr<const CsvTable> LookupTables::shared_file(std::string_view name) const {
  const auto it = files_.find(name);
  return it == files_.end() ? nullptr : it->second;
}

const CsvTable* LookupTables::file(std::string_view name) const {
  return shared_file(name).get();
}

std::vector<std::string_view> LookupTables::names() const {
  std::vector<std::string_view> out;
  for (const auto& [name, d] : definitions_)
    out.push_back(name);
  for (const auto& [name, f] : files_)
    out.push_back(name);
  return out;
}

const LookupTables& LookupLibrary::beside(std::string_view rule_path) const {
  return beside_.beside(rule_path, [](const std::string& folder, LookupTables& tables) {
    Diagnostics ignored;
    for (const char* place :
         {"/default/transforms.conf", "/local/transforms.conf", "/transforms.conf", "/lookups"}) {
      const auto files = list_files(folder + place);
      if (!files) continue;
      for (const std::string& path : *files) {
        if (!is_csv(path) && !path.ends_with(".yml") && !path.ends_with(".conf")) continue;
        if (const auto text = read_text_file(path)) tables.add(Source{path, *text}, ignored);
      }
    }
  });
}

LookupLibrary::Found LookupLibrary::find(std::string_view name, std::string_view rule_path) const {
  static const LookupTables none;
  const LookupTables* places[] = {&user, rule_path.empty() ? &none : &beside(rule_path)};
  Found out;
  auto lookup = std::make_shared<Lookup>();
  lookup->definition.name = name;
  lookup->definition.filename = name;
  for (const LookupTables* t : places)
    if (const LookupDefinition* d = t->definition(name)) {
      lookup->definition = *d;
      break;
    }
  const LookupDefinition& d = lookup->definition;
  const std::string by_name = std::string(name) + ".csv";
  for (const LookupTables* t : places) {
    // A file of the lookup's name stands in for a collection, whose rows are elsewhere.
    for (const std::string& file : {d.filename, by_name})
      if (!lookup->table) lookup->table = t->shared_file(file);
  }
  if (lookup->table) {
    out.lookup = std::move(lookup);
    return out;
  }
  out.hint = "give its rows as lookups/" + by_name + " beside the rule";
  if (d.collection) {
    out.problem = "lookup " + d.name + " is a collection that other searches fill";
  } else if (d.external) {
    out.problem = "lookup " + d.name + " is answered by a program";
  } else if (!d.filename.empty() && d.filename != name) {
    out.problem = "lookup " + d.name + " has no file: " + d.filename;
  } else {
    std::vector<std::string_view> names;
    for (const LookupTables* t : places)
      for (const std::string_view n : t->names())
        names.push_back(n);
    const std::string near = nearest_name(name, names);
    out.problem = "unknown lookup: " + std::string(name);
    if (!near.empty()) out.hint = "did you mean `" + near + "`?";
  }
  return out;
}

}  // namespace postern::lang::spl
