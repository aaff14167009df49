#include "case_file.h"

#include "base/text.h"

namespace postern::tests {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  for (const std::string_view w : split(line, ' '))
    if (!w.empty()) out.emplace_back(w);
  return out;
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, ','))
    if (!trim(part).empty()) out.emplace_back(trim(part));
  return out;
}

void strip_blank_tail(std::vector<std::string>& lines) {
  while (!lines.empty() && trim(lines.back()).empty())
    lines.pop_back();
}

bool starts(std::string_view line, std::string_view word) {
  return line.substr(0, word.size()) == word &&
         (line.size() == word.size() || line[word.size()] == ' ');
}

}  // namespace

Result<CaseFile> read_case(const std::string& path, const std::string& text) {
  CaseFile out;
  out.path = path;
  out.name = path;
  enum class In { kNothing, kRule, kEvents, kContent, kExpect } in = In::kNothing;
  size_t number = 0;
  auto wrong = [&](const std::string& what) {
    return Error{Code::kInvalid, path + ":" + std::to_string(number) + ": " + what};
  };
  for (const std::string_view line_view : split(text, '\n')) {
    ++number;
    const std::string line(line_view);
    if (starts(line, "rule") && words_of(line).size() == 2 && line.find(':') == std::string::npos) {
      out.rules.push_back({words_of(line)[1], ""});
      in = In::kRule;
    } else if (starts(line, "rule-file") && words_of(line).size() == 2) {
      out.rule_files.push_back(words_of(line)[1]);
      in = In::kNothing;
    } else if (in != In::kRule && starts(line, "content") && words_of(line).size() == 2) {
      out.contents.push_back({words_of(line)[1], ""});
      in = In::kContent;
    } else if (starts(line, "events") && words_of(line).size() == 4 && words_of(line)[2] == "as") {
      out.events.push_back({words_of(line)[1], words_of(line)[3], {}});
      in = In::kEvents;
    } else if (starts(line, "expect") && words_of(line).size() >= 2) {
      Expectation e;
      std::string_view rest = trim(std::string_view(line).substr(6));
      e.kind = std::string(rest.substr(0, rest.find(' ')));
      rest = trim(rest.substr(e.kind.size()));
      if (starts(rest, "any-order")) {
        e.any_order = true;
        rest = trim(rest.substr(9));
      }
      e.columns = list_of(rest);
      e.first_line = number + 1;
      out.expectations.push_back(std::move(e));
      in = In::kExpect;
    } else if (in != In::kRule && starts(line, "set") && words_of(line).size() >= 2) {
      std::string_view rest = trim(std::string_view(line).substr(3));
      const size_t comment = rest.find(" #");
      rest = trim(rest.substr(0, comment));
      const size_t space = rest.find(' ');
      out.settings.emplace_back(
          std::string(rest.substr(0, space)),
          space == std::string_view::npos ? "" : std::string(trim(rest.substr(space))));
      in = In::kNothing;
    } else if (in == In::kRule) {
      out.rules.back().text += line + "\n";
    } else if (in == In::kEvents) {
      if (!trim(line).empty() && line[0] != '#') out.events.back().lines.push_back(line);
    } else if (in == In::kContent) {
      if (!line.empty() || !out.contents.back().text.empty())
        out.contents.back().text += line + "\r\n";
    } else if (in == In::kExpect) {
      out.expectations.back().lines.push_back(line);
    } else if (starts(line, "# name:")) {
      out.name = std::string(trim(std::string_view(line).substr(7)));
    } else if (!trim(line).empty() && line[0] != '#') {
      return wrong("neither a directive (rule, events, set, expect) nor part of one: " + line);
    }
  }
  for (RuleBlock& r : out.rules)
    while (r.text.size() >= 2 && r.text.ends_with("\n\n"))
      r.text.pop_back();
  for (Expectation& e : out.expectations)
    strip_blank_tail(e.lines);
  if (out.rules.empty() && out.rule_files.empty()) return wrong("a case needs a `rule` block");
  if (out.expectations.empty()) return wrong("a case needs an `expect` block");
  return out;
}

}  // namespace postern::tests
