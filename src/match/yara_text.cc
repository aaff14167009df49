// A scanner for the tokens of YARA, as far as they tell where a string's definition begins and
// ends. The texts are known to be right, so nothing here reports errors; it only must not run away.
// Source: libyara's lexer (yara.readthedocs.io, writing rules). Tests:
// tests/unit/match/yara_test.cc.
#include "match/yara_text.h"

#include <algorithm>

#include "base/text.h"

namespace postern::match {
namespace {

class Tokens {
 public:
  explicit Tokens(std::string_view source) : s_(source) {}

  /// Moves to the next token; false at the end.
  bool next() {
    before_ = text();
    skip_blank();
    begin_ = at_;
    if (at_ >= s_.size()) return false;
    const char c = s_[at_];
    if (c == '"') {
      skip_quoted('"');
    } else if (c == '/' && regex_may_begin()) {
      skip_quoted('/');
      skip_word();
    } else if (c == '{' && before_ == "=") {
      skip_hex_string();
    } else if (word(c) || c == '$') {
      ++at_;
      skip_word();
    } else {
      ++at_;
    }
    return true;
  }

  std::string_view text() const { return s_.substr(begin_, at_ - begin_); }

  size_t begin() const { return begin_; }

  size_t end() const { return at_; }

 private:
  static bool word(char c) { return ascii_alpha(c) || ascii_digit(c) || c == '_'; }

  /// After these a slash is no division.
  bool regex_may_begin() const {
    return before_ == "=" || before_ == "matches" || before_ == "(" || before_ == ",";
  }

  void skip_word() {
    while (at_ < s_.size() && word(s_[at_]))
      ++at_;
  }

  void skip_to(std::string_view end, size_t from) {
    const size_t found = s_.find(end, std::min(from, s_.size()));
    at_ = found == std::string_view::npos ? s_.size() : found + end.size();
  }

  void skip_blank() {
    while (at_ < s_.size()) {
      if (ascii_space(s_[at_]))
        ++at_;
      else if (s_.substr(at_, 2) == "//")
        skip_to("\n", at_);
      else if (s_.substr(at_, 2) == "/*")
        skip_to("*/", at_ + 2);
      else
        return;
    }
  }

  void skip_quoted(char quote) {
    for (++at_; at_ < s_.size() && s_[at_] != quote; ++at_)
      if (s_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, s_.size());
  }

  void skip_hex_string() {
    for (++at_; at_ < s_.size() && s_[at_] != '}';) {
      if (s_.substr(at_, 2) == "//")
        skip_to("\n", at_);
      else if (s_.substr(at_, 2) == "/*")
        skip_to("*/", at_ + 2);
      else
        ++at_;
    }
    at_ = std::min(at_ + 1, s_.size());
  }

  std::string_view s_;
  size_t at_ = 0;
  size_t begin_ = 0;
  std::string_view before_;
};

}  // namespace

void collect_yara_strings(std::string_view source,
                          std::map<std::string, YaraStringTexts>& by_rule) {
  Tokens tokens(source);
  std::string_view before;
  YaraStringTexts ignored;
  YaraStringTexts* rule = &ignored;
  bool in_strings = false;
  size_t begin = 0;  // of the definition being read, 0 when there is none
  size_t end = 0;
  const auto finish = [&] {
    if (begin != 0 && !rule->empty()) rule->back().second = source.substr(begin, end - begin);
    begin = 0;
  };
  while (tokens.next()) {
    const std::string_view token = tokens.text();
    if (before == "rule" && !in_strings) {
      const auto [at, is_new] = by_rule.try_emplace(std::string(token));
      rule = is_new ? &at->second : &ignored;
    } else if (token == ":" && (before == "strings" || before == "condition")) {
      finish();
      in_strings = before == "strings";
    } else if (in_strings && token[0] == '$') {
      finish();
      rule->emplace_back(token, "");
    } else if (in_strings && token != "condition") {
      if (before == "=") begin = tokens.begin();
      end = tokens.end();
    }
    before = token;
  }
}

}  // namespace postern::match
