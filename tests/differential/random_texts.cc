#include "random_texts.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace postern::differential {
namespace {

const std::vector<std::string> kWords = {
    "cmd",    "powershell", "whoami", "svchost", "Kelvin", "system32", "Temp",  "update",
    "secret", "a",          "ab",     "abc",     "net",    "user",     "admin", "script",
    "k",      "s",          "-enc",   "/c",      "kiss",   "mimi",     "run",   "dump"};

/// What case folding, wildcards, escapes and quoting stumble over.
const std::vector<std::string> kOdd = {
    "\xC3\xA9t\xC3\xA9",         // été
    "\xC4\xB0stanbul",           // with a dotted capital I
    "d\xC4\xB1r",                // dotless i
    "\xCE\xA3\xCE\x91\xCE\xA3",  // ΣΑΣ
    "\xCF\x83\xCE\xB1\xCF\x82",  // σας
    "\xC5\xBF\x65\x63ret",       // long s, folds to s
    "\xE2\x84\xAA\x65lvin",      // Kelvin sign, folds to k
    "\xEF\xBC\xA1\xEF\xBD\x81",  // full-width A and a
    "stra\xC3\x9F\x65",          // straße
    "\xF0\x9F\x90\x9Fx",         // beyond the basic plane
    "\xEF\xBF\xBD",              // U+FFFD, as which bytes that are no UTF-8 are shown
    "a\xEF\xBF\xBDz",
    std::string("nu\0l", 4),
    "*",
    "?",
    "a*b",
    "50%_x",
    "\\",
    "\\\\",
    "end\\",
    "\\*",
    "\\u0041",
    "\"quoted\"",
    "it's",
    "{x}",
    "[a]",
    "a|b",
    "x/y",
    "\t",
    "\r\n",
    " ",
    "  two ",
    "$ref",
    "(.*)",
    "7",
    "007",
    "7.0",
    "1e1",
    "-0",
    "0x7",
    "9007199254740993",
    "true",
    "null",
    "-",
    "(empty)",
};

const std::vector<std::string> kNumbers = {"0",  "1",   "7",    "10",   "80",
                                           "99", "443", "4444", "8080", "9007199254740993"};

std::string word(Random& random) {
  return random.one_in(8) ? random.pick(kOdd) : random.pick(kWords);
}

std::string words(Random& random, size_t most, const char* between) {
  std::string out = word(random);
  for (uint64_t n = random.below(most); n > 0; --n)
    out += between + word(random);
  return out;
}

std::string hex_digits(Random& random, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i)
    out.push_back("0123456789ABCDEF"[random.below(16)]);
  return out;
}

}  // namespace

TextPool::TextPool(Random& random, TextKind kind, uint64_t unique_in)
    : kind_(kind), unique_in_(unique_in) {
  // Few such values fill what may be remembered of a column.
  const bool is_text = kind == TextKind::kWords || kind == TextKind::kName;
  if (is_text && random.one_in(20)) padding_ = 800 + random.below(1300);
  const uint64_t size = random.one_in(3) ? 3 + random.below(5) : 10 + random.below(150);
  for (uint64_t i = 0; i < size; ++i)
    pool_.push_back(fresh(random));
  if (kind == TextKind::kNumber || kind == TextKind::kAddress || kind == TextKind::kGuid) return;
  pool_.emplace_back("");
  pool_.emplace_back("x");
  // Longer than what is remembered of a text, and than one block of anything.
  if (random.one_in(4)) pool_.push_back(pool_[0] + std::string(3000, 'q') + word(random));
  for (int i = 0; i < 4; ++i)
    pool_.push_back(random.pick(kOdd));
}

std::string TextPool::fresh(Random& random) const {
  switch (kind_) {
    case TextKind::kPath:
      return (random.one_in(3) ? "C:\\Windows\\" : "C:\\Users\\") + words(random, 4, "\\") +
             (random.one_in(3) ? ".dll" : ".exe");
    case TextKind::kWords:
      return words(random, 8, " ");
    case TextKind::kNumber:
      return random.pick(kNumbers);
    case TextKind::kAddress:
      if (random.one_in(10)) return "fe80::" + std::to_string(random.below(9));
      return "10." + std::to_string(random.below(3)) + "." + std::to_string(random.below(3)) + "." +
             std::to_string(random.below(256));
    case TextKind::kName:
      return words(random, 2, "-");
    case TextKind::kGuid:
      return "{" + hex_digits(random, 8) + "-" + hex_digits(random, 4) + "-" +
             hex_digits(random, 4) + "-" + hex_digits(random, 4) + "-" + hex_digits(random, 12) +
             "}";
  }
  return "";
}

std::string TextPool::value(Random& random) const {
  if (unique_in_ > 0 && random.one_in(unique_in_)) {
    if (kind_ == TextKind::kNumber) return std::to_string(random.below(100'000));
    if (kind_ == TextKind::kAddress || kind_ == TextKind::kGuid) return fresh(random);
    return random.pick(pool_) + std::string(padding_, 'p') + " " +
           hex_digits(random, 8 + random.below(12));
  }
  if (kind_ == TextKind::kGuid) return random.pick(pool_);
  return random.one_in(20) ? other_case(random, random.pick(pool_)) : random.pick(pool_);
}

std::string TextPool::literal(Random& random, size_t least) const {
  std::vector<std::string> all = characters(random.pick(pool_));
  if (all.size() > 200) all.erase(all.begin(), all.end() - 40);
  least = std::min(least, all.size());
  size_t size = all.size();
  if (!random.one_in(4)) size = least + random.below(all.size() - least + 1);
  if (random.one_in(3)) size = std::min(size, least + random.below(5));
  const size_t begin = random.below(all.size() - size + 1);
  std::string out;
  for (size_t i = begin; i < begin + size; ++i)
    out += all[i];
  if (out.size() < least) out += word(random);
  if (random.one_in(12) && !out.empty()) out.back() = 'z';
  return repair_utf8(random.one_in(3) ? other_case(random, out) : out);
}

std::string TextPool::whole(Random& random) const {
  const std::string& text = random.pick(pool_);
  return random.one_in(3) ? other_case(random, text) : text;
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t from = at;
    next_code_point(text, at);
    out.emplace_back(text.substr(from, at - from));
  }
  return out;
}

std::string other_case(Random& random, std::string_view text) {
  static const std::vector<std::pair<std::string, std::string>> kPairs = {
      {"\xC3\xA9", "\xC3\x89"},  // é É
      {"\xCF\x83", "\xCE\xA3"},  // σ Σ
      {"\xCF\x82", "\xCE\xA3"},  // ς Σ
      {"\xC5\xBF", "s"},         // long s
      {"\xE2\x84\xAA", "k"},     // Kelvin
      {"\xEF\xBC\xA1", "\xEF\xBD\x81"},
      {"k", "\xE2\x84\xAA"},
      {"s", "\xC5\xBF"},
      {"i", "\xC4\xB0"},
      {"I", "\xC4\xB1"},
  };
  const bool all = random.one_in(3);
  std::string out;
  for (std::string& c : characters(text)) {
    if (!all && !random.one_in(3)) {
      out += c;
    } else if (c.size() == 1 && ascii_alpha(c[0]) && !random.one_in(12)) {
      out.push_back(static_cast<char>(c[0] ^ 32));
    } else {
      const auto pair =
          std::find_if(kPairs.begin(), kPairs.end(), [&](const auto& p) { return p.first == c; });
      out += pair == kPairs.end() ? c : pair->second;
    }
  }
  return out;
}

}  // namespace postern::differential
