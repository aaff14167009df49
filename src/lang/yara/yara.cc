#include "lang/yara/yara.h"

#include <algorithm>

#include "base/text.h"

namespace postern::lang::yara {
namespace {

bool name_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_';
}

/// Words and marks of a YARA text outside comments and quoted strings.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;
  }

  /// Position behind what `next` gave last.
  size_t at() const { return at_; }

  /// The next word or single mark; "" at the end. A quoted string comes as `"`.
  std::string_view next() {
    skip();
    if (at_ >= text_.size()) return {};
    const size_t begin = at_;
    const char c = text_[at_];
    if (name_char(c)) {
      while (at_ < text_.size() && name_char(text_[at_]))
        ++at_;
      return text_.substr(begin, at_ - begin);
    }
    ++at_;
    if (c == '"') {
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n')
        at_ += text_[at_] == '\\' ? 2 : 1;
      if (at_ < text_.size()) ++at_;
    }
    return text_.substr(begin, 1);
  }

 private:
  void skip() {
    while (at_ < text_.size()) {
      if (ascii_space(text_[at_]))
        ++at_;
      else if (text_.substr(at_, 2) == "//")
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (text_.substr(at_, 2) == "/*")
        at_ = std::min(text_.find("*/", at_ + 2), text_.size() - 2) + 2;
      else
        return;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

// Technique ids anywhere in a text: T1071, T1071.003, t1071_003.
void collect_techniques(std::string_view text, std::vector<std::string>& out) {
  for (size_t i = 0; i + 5 <= text.size(); ++i) {
    if ((text[i] | 32) != 't' || (i > 0 && name_char(text[i - 1]) && text[i - 1] != '_')) continue;
    size_t n = 1;
    while (n <= 4 && i + n < text.size() && ascii_digit(text[i + n]))
      ++n;
    if (n != 5) continue;
    std::string id = "T" + std::string(text.substr(i + 1, 4));
    const std::string_view rest = text.substr(i + 5);
    if (rest.size() >= 4 && (rest[0] == '.' || rest[0] == '_') && ascii_digit(rest[1]) &&
        ascii_digit(rest[2]) && ascii_digit(rest[3]))
      id += "." + std::string(rest.substr(1, 3));
    else if (!rest.empty() && ascii_digit(rest[0]))
      continue;
    if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
  }
}

std::string level_of(std::string_view key, std::string_view value) {
  static constexpr std::string_view kLevels[] = {"informational", "low", "medium", "high",
                                                 "critical"};
  if (key == "score") {  // 0 to 100, as rule sets with scores use it
    const auto n = parse_int(value);
    if (!n) return "";
    return *n >= 90   ? "critical"
           : *n >= 70 ? "high"
           : *n >= 50 ? "medium"
           : *n > 0   ? "low"
                      : "informational";
  }
  for (const std::string_view level : kLevels)
    if (equal_ignore_case(value, level)) return std::string(level);
  return equal_ignore_case(value, "info") ? "informational" : "";
}

}  // namespace

bool recognises(const Source& file) {
  Scanner words(file.text);
  for (std::string_view w = words.next(); !w.empty(); w = words.next()) {
    if (w == "import" || w == "include") {
      if (words.next() != "\"") return false;
      continue;
    }
    if (w == "private" || w == "global") continue;
    if (w != "rule") return false;
    const std::string_view name = words.next();
    if (name.empty() || !name_char(name[0]) || ascii_digit(name[0])) return false;
    const std::string_view mark = words.next();
    return mark == "{" || mark == ":";
  }
  return false;
}

size_t count_rules(const Source& file) {
  size_t n = 0;
  Scanner words(file.text);
  for (std::string_view w = words.next(); !w.empty(); w = words.next()) {
    if (w != "rule") continue;
    const std::string_view name = words.next();
    const std::string_view mark = words.next();
    if (!name.empty() && name_char(name[0]) && (mark == "{" || mark == ":")) ++n;
  }
  return n;
}

plan::RuleInfo rule_info(const match::YaraRuleInfo& rule, const std::string& path) {
  plan::RuleInfo info;
  info.id = rule.identifier;
  info.title = rule.identifier;
  info.language = "yara";
  info.path = path;
  info.tags = rule.tags;
  for (const std::string& tag : rule.tags)
    collect_techniques(tag, info.attack);
  for (const auto& [key_text, value] : rule.meta) {
    const std::string key = fold(key_text);
    if (key == "id" || key == "uuid" || key == "rule_id")
      info.id = value;
    else if (key == "description")
      info.description = value;
    else if (key == "author")
      info.author = value;
    else if (key == "version" || key == "rule_version")
      info.version = value;
    else if (key == "status")
      info.status = value;
    else if (key == "reference" || key == "references" || key == "ref" || key == "url")
      info.references.push_back(value);
    else if (key == "level" || key == "severity" || key == "score") {
      if (const std::string level = level_of(key, value); !level.empty()) info.level = level;
    }
    if (key.find("attack") != std::string::npos || key.find("mitre") != std::string::npos ||
        key.find("technique") != std::string::npos)
      collect_techniques(upper(value), info.attack);
  }
  return info;
}

namespace {

/// The text behind `condition:` of a rule, its lines joined.
std::string condition_text(std::string_view file, std::string_view identifier) {
  Scanner words(file);
  for (std::string_view w = words.next(); !w.empty(); w = words.next())
    if (w == "rule" && words.next() == identifier) break;
  for (std::string_view w = words.next(); !w.empty(); w = words.next()) {
    if (w == "rule") return "";
    if (w != "condition" || words.next() != ":") continue;
    std::string out;
    size_t depth = 0;
    const char* end = nullptr;
    for (w = words.next(); !w.empty(); w = words.next()) {
      if (w == "}" && depth == 0) break;
      depth += w == "{" ? 1 : 0;
      depth -= w == "}" ? 1 : 0;
      if (end && w.data() != end) out += ' ';
      if (w.front() == '"')
        w = {w.data(), words.at() - static_cast<size_t>(w.data() - file.data())};
      out += w;
      end = w.data() + w.size();
    }
    return out;
  }
  return "";
}

}  // namespace

std::vector<plan::Stage> stages(const match::YaraRuleInfo& rule, std::string_view file) {
  std::vector<plan::Stage> out;
  out.push_back({"parsed", [&rule, file] {
                   std::string text;
                   for (const auto& [identifier, definition] : rule.strings)
                     text += identifier + " = " + definition + "\n";
                   return text + "condition: " + condition_text(file, rule.identifier);
                 }});
  out.push_back({"bound", [&rule] {
                   std::string text =
                       "scan file, tcp.client, tcp.server, mail.raw, mail.body, mail.attachment";
                   if (rule.is_private) text += "\nprivate: tells nothing by itself";
                   return text;
                 }});
  out.push_back({"optimized", [&rule] {
                   return std::to_string(rule.strings.size()) +
                          " strings in one automaton with those of all YARA rules";
                 }});
  return out;
}

}  // namespace postern::lang::yara
