// Tables for terminals: columns as wide as they need, the last one cut to the terminal's width.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/time.h"
#include "output/finding_output.h"

namespace postern::output {

using engine::Finding;

namespace {

/// Control characters would move the cursor or recolour the screen: evidence is not to be trusted.
std::string printable(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == '\n' || c == '\r' || c == '\t')
      out += ' ';
    else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
             (c >= 0x2066 && c <= 0x2069))
      out += "\xef\xbf\xbd";
    else
      append_utf8(out, c);
  }
  return out;
}

size_t display_width(std::string_view text) {
  size_t n = 0;
  for (size_t at = 0; at < text.size(); ++n)
    next_code_point(text, at);
  return n;
}

std::string cut(const std::string& text, size_t width) {
  if (display_width(text) <= width) return text;
  if (width == 0) return "";
  std::string out;
  size_t at = 0;
  for (size_t n = 0; n + 1 < width; ++n) {
    const char32_t c = next_code_point(text, at);
    append_utf8(out, c);
  }
  return out + "\xe2\x80\xa6";
}

void pad(std::ostream& out, const std::string& text, size_t width) {
  out << text;
  for (size_t n = display_width(text); n < width; ++n)
    out << ' ';
}

const char* level_colour(std::string_view level) {
  if (level == "critical") return "\x1b[1;31m";
  if (level == "high") return "\x1b[31m";
  if (level == "medium") return "\x1b[33m";
  return "\x1b[36m";
}

/// The row in one line: what the rule looked at first, then the rest, without what the other
/// columns say; the place, where a rule tells of nothing but a file.
std::string summary_line(const Finding& f) {
  std::vector<std::pair<std::string, std::string>> cells;
  auto add = [&](const std::string& name) {
    for (const auto& [known, value] : cells)
      if (known == name) return;
    for (const auto& [key, value] : f.row) {
      if (key != name || value.is_null()) continue;
      std::string text = value.text();
      const bool told = (!f.host.empty() && text == f.host) ||
                        (value.type() == data::Type::kDatetime && value.as_int() == f.time);
      if (!told && text != "[]") cells.emplace_back(key, printable(text));
    }
  };
  for (const engine::Reason& r : f.why)
    add(r.field);
  // Facts that tell the story of an event, whatever the rule asked for.
  static constexpr std::array<std::string_view, 12> kTelling = {
      "Image",           "CommandLine",  "DestinationIp",
      "DestinationPort", "process_name", "InitiatingProcessFileName",
      "RemoteIP",        "SrcIp",        "SrcPort",
      "DstIp",           "DstPort",      "MailFrom"};
  for (const std::string_view name : kTelling)
    add(std::string(name));
  const bool event = !f.why.empty();
  for (const auto& [key, value] : f.row) {
    if (event && cells.size() >= 6) break;
    if (!event) add(key);
  }
  std::string out;
  for (const auto& [name, value] : cells)
    if (!value.empty()) out += (out.empty() ? "" : "  ") + name + "=" + value;
  if (out.empty() && !f.evidence.empty()) out = printable(f.evidence.front().path);
  return out;
}

/// What stands in front of the last column.
using Cells = std::array<std::string, 4>;

Cells cells_of(const Finding& f) {
  std::string time = f.time == 0 ? "-" : format_rfc3339(f.time).substr(0, 19);
  std::replace(time.begin(), time.end(), 'T', ' ');
  std::string rule = printable(f.rule->title);
  if (f.rule->language == "strategy") rule = f.rule->id + " " + rule;
  if (f.degraded) rule += " *";
  return {time, f.rule->level.empty() ? "-" : printable(f.rule->level),
          f.host.empty() ? "-" : printable(f.host), cut(rule, 44)};
}

std::string row_cell(const data::Value& value, const TableStyle& style) {
  return cut(printable(value.text()), std::max<size_t>(style.width / 2, 20));
}

}  // namespace

void write_table(std::ostream& out, const engine::FindingList& findings, const TableStyle& style) {
  if (findings.empty()) return;
  size_t widths[4] = {10, 5, 4, 4};
  for (const Finding& f : findings) {
    const Cells cells = cells_of(f);
    for (size_t i = 0; i < 4; ++i)
      widths[i] = std::max(widths[i], display_width(cells[i]));
  }
  const char* const titles[] = {"TIME (UTC)", "LEVEL", "HOST", "RULE", "WHAT"};
  size_t used = 0;
  for (size_t i = 0; i < 4; ++i) {
    pad(out, titles[i], widths[i] + 2);
    used += widths[i] + 2;
  }
  out << titles[4] << '\n';
  const size_t left = style.width > used + 20 ? style.width - used : 60;
  for (const Finding& f : findings) {
    const Cells cells = cells_of(f);
    for (size_t i = 0; i < 4; ++i) {
      if (i == 1 && style.colour) out << level_colour(cells[1]);
      pad(out, cells[i], widths[i]);
      if (i == 1 && style.colour) out << "\x1b[0m";
      out << "  ";
    }
    out << cut(summary_line(f), left) << '\n';
  }
}

void write_rows_table(std::ostream& out,
                      const plan::Schema& schema,
                      const RowSource& rows,
                      const TableStyle& style) {
  std::vector<size_t> widths;
  for (const plan::ColumnInfo& c : schema)
    widths.push_back(display_width(c.name));
  rows([&](const Row& row) {
    for (size_t i = 0; i < schema.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row_cell(row[i], style)));
  });
  for (size_t i = 0; i < schema.size(); ++i) {
    if (i + 1 < schema.size())
      pad(out, printable(schema[i].name), widths[i] + 2);
    else
      out << printable(schema[i].name);
  }
  out << '\n';
  rows([&](const Row& row) {
    for (size_t i = 0; i < schema.size(); ++i) {
      if (i + 1 < schema.size())
        pad(out, row_cell(row[i], style), widths[i] + 2);
      else
        out << row_cell(row[i], style);
    }
    out << '\n';
  });
}

}  // namespace postern::output
