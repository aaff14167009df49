// Compares our flows and mails with the logs that Zeek's own tests expect for the same captures.
//
//   check_zeek_cases [--at-least LOG=N]... [FOLDER [CASE]]
//
// FOLDER holds one folder per case: captures, and expected/*.log; without it
// $POSTERN_SHARED/evidence/mail/zeek-cases. Rows are compared column by column, in any order of
// rows; ids and times are masked in the expected logs. Each difference must be explained in
// tests/golden/zeek_differences.txt: lines of case, log, columns that differ ("missing" for a row,
// "extra" for rows of ours that Zeek does not have, "*" for any), and the reason. Prints every row
// that differs, and "N of M equal rows" for each log. Exit 0; 1 when a difference is not explained,
// an explanation is not needed, or a log has fewer equal rows than --at-least says; 77 when there
// is no folder.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "data/dynamic.h"
#include "tests/support/decoded_rows.h"

namespace {

namespace fs = std::filesystem;
using postern::test::Decoded;
using postern::test::TextRow;

struct Log {
  std::vector<std::string> fields;
  std::vector<std::vector<std::string>> rows;
};

Log read_log(const fs::path& path) {
  Log log;
  const auto text = postern::read_text_file(path.string());
  if (!text.ok()) return log;
  for (const std::string_view line : postern::split(*text, '\n')) {
    if (line.empty() || line.rfind("###", 0) == 0) continue;
    if (line[0] == '#') {
      if (line.rfind("#fields\t", 0) == 0)
        for (const std::string_view f : postern::split(line.substr(8), '\t'))
          log.fields.emplace_back(f);
      continue;
    }
    std::vector<std::string> cells;
    for (const std::string_view c : postern::split(line, '\t'))
      cells.emplace_back(c);
    // zeek-cut writes the names as a plain first line.
    if (log.fields.empty()) {
      log.fields = cells;
    } else {
      log.rows.push_back(std::move(cells));
    }
  }
  return log;
}

/// A cell of ours the way Zeek writes it.
std::string zeek_text(const TextRow& row, const std::string& field) {
  const auto it = row.find(field);
  if (it == row.end()) return "-";
  if (field == "duration") {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.6f", std::stod(it->second));
    return buffer;
  }
  if (it->second == "true") return "T";
  if (it->second == "false") return "F";
  if (!it->second.empty() && it->second[0] == '[') {
    const auto encoded = postern::data::dynamic_from_json(it->second);
    if (!encoded) return it->second;
    const postern::data::Dynamic d(*encoded);
    if (!d.is_array()) return it->second;
    std::string out;
    for (uint32_t i = 0; i < d.size(); ++i)
      out += (i ? "," : "") + d.at(i).text();
    return out;
  }
  return it->second;
}

/// Sets have no order.
std::string canonical(const std::string& field, std::string text) {
  if (field != "rcptto" && field != "to" && field != "cc" && field != "service") return text;
  std::set<std::string> parts;
  for (const std::string_view p : postern::split(text, ','))
    parts.emplace(p);
  std::string out;
  for (const std::string& p : parts)
    out += p + ",";
  return out;
}

bool compared(const std::string& field) {
  static const std::set<std::string> kSkipped = {
      "ts", "uid", "fuids", "tunnel_parents", "orig_l2_addr", "resp_l2_addr", "inner_vlan"};
  return kSkipped.count(field) == 0;
}

struct Score {
  int equal = 0;
  int total = 0;
  std::string text;  ///< what differs, for people
  /// Columns of each difference, or "missing" or "extra".
  std::vector<std::set<std::string>> differences;
};

/// tests/golden/zeek_differences.txt.
class Explanations {
 public:
  explicit Explanations(const std::string& path) {
    const auto text = postern::read_text_file(path);
    if (!text.ok()) return;
    for (const std::string_view line : postern::split(*text, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream words{std::string(line)};
      Line l;
      std::string columns;
      words >> l.name >> l.log >> columns;
      for (const std::string_view c : postern::split(columns, ','))
        l.columns.emplace(c);
      std::getline(words >> std::ws, l.reason);
      lines_.push_back(std::move(l));
    }
  }

  /// The reason for a difference, or "".
  std::string reason(const std::string& name,
                     const std::string& log,
                     const std::set<std::string>& columns) {
    for (Line& l : lines_) {
      if (l.name != name || l.log != log) continue;
      if (l.columns.count("*") == 0 &&
          !std::includes(l.columns.begin(), l.columns.end(), columns.begin(), columns.end()))
        continue;
      l.used = true;
      return l.reason;
    }
    return "";
  }

  /// Lines that no difference asked for.
  std::vector<std::string> unused() const {
    std::vector<std::string> out;
    for (const Line& l : lines_)
      if (!l.used) out.push_back(l.name + " " + l.log);
    return out;
  }

 private:
  struct Line {
    std::string name, log;
    std::set<std::string> columns;
    std::string reason;
    bool used = false;
  };

  std::vector<Line> lines_;
};

Score compare(const Log& expected, std::vector<TextRow> ours) {
  Score s;
  for (const auto& row : expected.rows) {
    ++s.total;
    size_t best = ours.size();
    std::map<std::string, std::string> best_differences;
    for (size_t i = 0; i < ours.size(); ++i) {
      std::map<std::string, std::string> differences;
      for (size_t f = 0; f < expected.fields.size() && f < row.size(); ++f) {
        const std::string& field = expected.fields[f];
        if (!compared(field)) continue;
        const std::string mine = zeek_text(ours[i], field);
        if (canonical(field, mine) == canonical(field, row[f])) continue;
        differences[field] = "zeek " + row[f] + " | ours " + mine;
      }
      if (best == ours.size() || differences.size() < best_differences.size()) {
        best = i;
        best_differences = std::move(differences);
      }
    }
    if (best < ours.size() && best_differences.empty()) {
      ++s.equal;
      ours.erase(ours.begin() + static_cast<std::ptrdiff_t>(best));
      continue;
    }
    for (size_t f = 0; f < expected.fields.size() && f < row.size(); ++f)
      if (expected.fields[f].rfind("id.", 0) == 0) s.text += row[f] + " ";
    s.text += "\n";
    std::set<std::string> columns;
    if (best == ours.size()) columns.insert("missing");
    for (const auto& [field, text] : best_differences) {
      columns.insert(field);
      s.text += "    " + field + ": " + text + "\n";
    }
    // The row that comes nearest is not one of those that Zeek does not have.
    if (best < ours.size()) ours.erase(ours.begin() + static_cast<std::ptrdiff_t>(best));
    s.differences.push_back(std::move(columns));
  }
  if (ours.empty()) return s;
  s.text += std::to_string(ours.size()) + " rows of ours that Zeek does not have\n";
  for (const TextRow& row : ours) {
    s.text += "   ";
    for (const char* field :
         {"id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "history"})
      s.text += " " + zeek_text(row, field);
    s.text += "\n";
  }
  s.differences.push_back({"extra"});
  return s;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, int> at_least;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--at-least" && i + 1 < argc) {
      const std::string bound = argv[++i];
      const size_t equals = std::min(bound.find('='), bound.size() - 1);
      at_least[bound.substr(0, equals)] = std::atoi(bound.c_str() + equals + 1);
    } else {
      words.push_back(word);
    }
  }
  if (words.empty()) {
    const char* root = std::getenv("POSTERN_SHARED");
    words.push_back(std::string(root ? root : "../shared") + "/evidence/mail/zeek-cases");
  }
  if (!fs::is_directory(words[0])) {
    std::printf("skipped: no %s\n", words[0].c_str());
    return 77;
  }
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(words[0]))
    if (entry.is_directory() &&
        (words.size() < 2 || entry.path().filename().string().find(words[1]) != std::string::npos))
      cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  Explanations explanations("tests/golden/zeek_differences.txt");
  int num_unexplained = 0;
  std::map<std::string, Score> total;
  for (const fs::path& c : cases) {
    std::vector<fs::path> captures;
    for (const auto& entry : fs::directory_iterator(c)) {
      const std::string ext = entry.path().extension().string();
      if (ext == ".pcap" || ext == ".pcapng" || ext == ".trace") captures.push_back(entry.path());
    }
    std::sort(captures.begin(), captures.end());
    for (const auto& dir : fs::directory_iterator(c)) {
      if (!dir.is_directory()) continue;
      for (const auto& file : fs::directory_iterator(dir.path())) {
        const std::string log_name = file.path().filename().string();
        const bool conn = log_name.rfind("conn", 0) == 0;
        if (!conn && log_name != "smtp.log") continue;
        const Log expected = read_log(file.path());
        // Where a case has several captures its logs are numbered in their order.
        Score best;
        best.total = static_cast<int>(expected.rows.size());
        for (const fs::path& capture : captures) {
          if (captures.size() > 1 && log_name.find("-1") != std::string::npos &&
              capture != captures[0])
            continue;
          if (captures.size() > 1 && log_name.find("-2") != std::string::npos &&
              capture != captures[1])
            continue;
          const auto bytes = postern::FileBytes::open(capture.string());
          if (!bytes.ok()) continue;
          const Decoded d =
              postern::test::decode_rows((*bytes)->view(), {"net.flow", "mail.message"});
          Score score = compare(expected, d.rows(conn ? "net.flow" : "mail.message"));
          if (best.text.empty() || score.equal > best.equal) best = std::move(score);
        }
        const std::string name = c.filename().string();
        for (const auto& columns : best.differences) {
          const std::string reason = explanations.reason(name, log_name, columns);
          if (reason.empty()) ++num_unexplained;
          std::printf("  %s/%s: %s\n", name.c_str(), log_name.c_str(),
                      reason.empty() ? "NOT EXPLAINED" : reason.c_str());
        }
        if (!best.text.empty()) std::printf("%s", best.text.c_str());
        Score& sum = total[conn ? "conn.log" : "smtp.log"];
        sum.equal += best.equal;
        sum.total += best.total;
      }
    }
  }
  for (const auto& entry : total)
    std::printf("%s: %d of %d equal rows\n", entry.first.c_str(), entry.second.equal,
                entry.second.total);
  bool good = num_unexplained == 0;
  if (!good) std::printf("%d differences are not explained\n", num_unexplained);
  if (words.size() < 2)
    for (const std::string& line : explanations.unused()) {
      std::printf("explained, but no difference: %s\n", line.c_str());
      good = false;
    }
  for (const auto& [log, least] : at_least)
    good = good && total[log].equal >= least;
  return good ? 0 : 1;
}
