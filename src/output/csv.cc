#include "base/text.h"
#include "base/time.h"
#include "output/finding_output.h"

namespace postern::output {
namespace {

std::string cell(const std::string& text) {
  // A leading = + - @ would run as a formula in spreadsheets that open the file.
  const bool formula = !text.empty() &&
                       std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos &&
                       !parse_real(text);
  const std::string safe = formula ? "'" + text : text;
  if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

void write_csv(std::ostream& out, const engine::FindingList& findings) {
  out << "time,level,language,rule_id,rule_title,host,user,row,evidence\r\n";
  for (const engine::Finding& f : findings) {
    std::string row = "{";
    for (const auto& [name, value] : f.row)
      if (!value.is_null())
        row += (row.size() > 1 ? "," : "") + data::json_string(name) + ":" + value.json();
    row += "}";
    std::string evidence;
    for (const engine::EvidenceRef& e : f.evidence)
      evidence += (evidence.empty() ? "" : " ") + e.path + ":" + std::to_string(e.offset);
    out << (f.time == 0 ? "" : format_rfc3339(f.time)) << ',' << cell(f.rule->level) << ','
        << cell(f.rule->language) << ',' << cell(f.rule->id) << ',' << cell(f.rule->title) << ','
        << cell(f.host) << ',' << cell(f.user) << ',' << cell(row) << ',' << cell(evidence)
        << "\r\n";
  }
}

void write_rows_csv(std::ostream& out, const plan::Schema& schema, const RowSource& rows) {
  for (size_t i = 0; i < schema.size(); ++i)
    out << (i > 0 ? "," : "") << cell(schema[i].name);
  out << "\r\n";
  rows([&](const Row& row) {
    for (size_t i = 0; i < row.size(); ++i)
      out << (i > 0 ? "," : "") << cell(row[i].text());
    out << "\r\n";
  });
}

}  // namespace postern::output
