#include "output/inventory_output.h"

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "base/time.h"
#include "data/value.h"

namespace postern::output {

using data::json_string;
using engine::FedTable;
using engine::FieldSeen;
using engine::FileInventory;
using engine::TableSeen;

namespace {

constexpr size_t kFieldWidth = 28;
constexpr size_t kShownKinds = 12;

std::string rate_text(double rate) {
  char text[16];
  // A field that is sometimes there is neither 0 % nor 100 %.
  if (rate > 0 && rate < 0.001)
    std::snprintf(text, sizeof text, "<0.1%%");
  else if (rate < 1 && rate > 0.999)
    std::snprintf(text, sizeof text, "99.9%%");
  else
    std::snprintf(text, sizeof text, rate >= 1 ? "%.0f%%" : "%.1f%%", rate * 100);
  return text;
}

std::string join_json(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& t : texts)
    out += (out.size() > 1 ? "," : "") + json_string(t);
  return out + "]";
}

template <class Set>
std::string set_json(const Set& texts) {
  return join_json({texts.begin(), texts.end()});
}

/// Kinds by frequency, the most frequent first.
std::vector<std::pair<int64_t, uint64_t>> kinds_of(const TableSeen& t) {
  std::vector<std::pair<int64_t, uint64_t>> kinds;
  for (const auto& [id, k] : t.kinds)
    kinds.emplace_back(id, k.events);
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return kinds;
}

/// Tables without event ids have one kind, 0.
bool has_kinds(const TableSeen& t) {
  return t.kinds.size() > 1 || (t.kinds.size() == 1 && t.kinds.begin()->first != 0);
}

std::string table_json(const std::string& name, const TableSeen& t) {
  std::string out = "{\"table\":" + json_string(name) + ",\"events\":" + std::to_string(t.events);
  if (t.first != 0)
    out += ",\"first\":\"" + format_rfc3339(t.first) + "\",\"last\":\"" + format_rfc3339(t.last) +
           "\"";
  if (has_kinds(t)) {
    out += ",\"kinds\":[";
    bool first = true;
    for (const auto& [id, events] : kinds_of(t)) {
      out += std::string(first ? "" : ",") + "{\"id\":" + std::to_string(id) +
             ",\"events\":" + std::to_string(events) + "}";
      first = false;
    }
    out += "]";
  }
  out += ",\"fields\":[";
  bool first = true;
  for (const auto& [field, seen] : t.fields) {
    char fill[32];
    std::snprintf(fill, sizeof fill, "%.4g", seen.fill());
    out += std::string(first ? "" : ",") + "{\"field\":" + json_string(field) +
           ",\"rows\":" + std::to_string(seen.rows) + ",\"of\":" + std::to_string(seen.of_rows) +
           ",\"fill\":" + fill + ",\"examples\":" + join_json(seen.examples) + "}";
    first = false;
  }
  out += "]";
  if (t.fields_left_out > 0) out += ",\"fields_left_out\":" + std::to_string(t.fields_left_out);
  return out + "}";
}

/// Cuts text to the terminal; evidence may hold what moves the cursor.
std::string shown(std::string_view text, size_t width) {
  std::string out;
  size_t n = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (width > 0 && ++n >= width && at < text.size()) return out + "…";
    if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
        (c >= 0x2066 && c <= 0x2069))
      out += c == '\n' || c == '\r' || c == '\t' ? " " : "\xef\xbf\xbd";
    else
      append_utf8(out, c);
  }
  return out;
}

void write_fields(std::ostream& out, const TableSeen& t, const TableStyle& style) {
  for (const auto& [name, seen] : t.fields) {
    std::string line = "    " + name;
    line.resize(std::max(line.size() + 1, kFieldWidth + 4), ' ');
    std::string rate = rate_text(seen.fill());
    rate.insert(0, rate.size() < 6 ? 6 - rate.size() : 0, ' ');
    line += rate + "  ";
    for (size_t i = 0; i < seen.examples.size(); ++i)
      line += (i == 0 ? "" : " | ") + seen.examples[i];
    out << shown(line, style.width) << '\n';
  }
  if (t.fields_left_out > 0) out << "    and more fields than are kept apart\n";
}

void write_table(std::ostream& out,
                 const std::string& name,
                 const TableSeen& t,
                 bool with_fields,
                 const TableStyle& style) {
  out << "  " << name << ": " << t.events << (t.events == 1 ? " event" : " events");
  if (t.first != 0) out << ", " << format_rfc3339(t.first) << " to " << format_rfc3339(t.last);
  out << '\n';
  if (has_kinds(t)) {
    std::string line = "    kinds:";
    size_t n = 0;
    for (const auto& [id, events] : kinds_of(t)) {
      if (n++ == kShownKinds) {
        line += ", and " + std::to_string(t.kinds.size() - kShownKinds) + " more";
        break;
      }
      line += std::string(n == 1 ? " " : ", ") + std::to_string(id) + " (" +
              std::to_string(events) + ")";
    }
    out << shown(line, 0) << '\n';
  }
  if (with_fields) write_fields(out, t, style);
}

}  // namespace

void write_file_json(std::ostream& out, const FileInventory& file) {
  out << "{\"path\":" << json_string(file.path)
      << ",\"format\":" << json_string(file.format.empty() ? "unknown" : file.format)
      << ",\"bytes\":" << file.bytes << ",\"tables\":[";
  bool first = true;
  for (const auto& [name, t] : file.tables) {
    out << (first ? "" : ",") << table_json(name, t);
    first = false;
  }
  out << "],\"anomalies\":[";
  first = true;
  for (const auto& [name, a] : file.anomalies.all()) {
    out << (first ? "" : ",") << "{\"name\":" << json_string(name) << ",\"count\":" << a.count
        << ",\"path\":" << json_string(a.first_path) << ",\"offset\":" << a.first_offset;
    if (!a.detail.empty()) out << ",\"detail\":" << json_string(a.detail);
    out << "}";
    first = false;
  }
  out << "]}\n";
}

void write_fed_json(std::ostream& out, const FedTable& fed) {
  out << "{\"vocabulary\":" << json_string(fed.vocabulary)
      << ",\"table\":" << json_string(fed.table) << ",\"from\":" << set_json(fed.from)
      << ",\"events\":" << fed.events << ",\"columns\":" << set_json(fed.columns)
      << ",\"empty\":" << set_json(fed.empty) << "}\n";
}

void write_file_text(std::ostream& out,
                     const FileInventory& file,
                     bool with_fields,
                     const TableStyle& style) {
  out << shown(file.path, 0) << ": " << (file.format.empty() ? "unknown format" : file.format)
      << ", " << bytes_text(file.bytes) << '\n';
  for (const auto& [name, t] : file.tables)
    write_table(out, name, t, with_fields, style);
  for (const auto& [name, a] : file.anomalies.all()) {
    std::string line = "  anomaly " + name + ": " + std::to_string(a.count) + ", first ";
    if (a.first_path != file.path) line += "in " + a.first_path + " ";
    line += "at byte " + std::to_string(a.first_offset);
    if (!a.detail.empty()) line += ": " + a.detail;
    out << shown(line, 0) << '\n';
  }
}

void write_inventory_text(std::ostream& out,
                          const engine::Inventory& all,
                          bool with_fields,
                          const TableStyle& style) {
  for (const auto& [name, t] : all)
    write_table(out, name, t, with_fields, style);
}

void write_fed_text(std::ostream& out,
                    const std::vector<FedTable>& fed,
                    const plan::Catalog& catalog,
                    bool with_columns,
                    const TableStyle& style) {
  for (const auto& [name, vocabulary] : catalog.vocabularies()) {
    size_t n = 0;
    for (const FedTable& f : fed)
      n += f.vocabulary == name ? 1 : 0;
    out << "vocabulary " << name << ": " << n << " of " << vocabulary.tables.size()
        << " tables can be fed\n";
    for (const FedTable& f : fed) {
      if (f.vocabulary != name) continue;
      std::string line = "  " + (f.table.empty() ? std::string("(all events)") : f.table) + ": " +
                         std::to_string(f.columns.size());
      if (!f.empty.empty()) line += " of " + std::to_string(f.columns.size() + f.empty.size());
      line += " columns, from ";
      size_t i = 0;
      for (const std::string& t : f.from)
        line += (i++ == 0 ? "" : ", ") + t;
      out << shown(line, style.width) << '\n';
      if (!with_columns) continue;
      line = "    ";
      for (const std::string& c : f.columns)
        line += (line.size() == 4 ? "" : ", ") + c;
      out << shown(line, 0) << '\n';
    }
  }
}

}  // namespace postern::output
