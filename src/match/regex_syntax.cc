// Scans a pattern token by token: escapes, classes, groups; everything else is copied.
//
// Kusto's language is that of the Rust regex crate: `\d \w \s \b` are Unicode, there are no
// look-arounds and back-references. RE2 knows these classes over ASCII only, so they are written
// out; a negated class with `\W` inside cannot be, and Unicode `\b` has no words in RE2 (PCRE2 does
// those). Sigma and Splunk mean PCRE, where `\s` includes VT, `\v` is a class, and `$` may stand
// before a last line end. Sources: docs.rs/regex (syntax), github.com/google/re2/wiki/Syntax,
// pcre2pattern(3). Tests: tests/unit/match/regex_test.cc.
#include "match/regex_syntax.h"

#include <algorithm>

#include "base/text.h"

namespace postern::match {
namespace {

// Members of classes, without brackets. Unicode White_Space, and its complement.
constexpr std::string_view kUnicodeSpace = "\\t-\\r\\x{85}\\p{Z}";
constexpr std::string_view kUnicodeNoSpace =
    "\\x00-\\x08\\x0E-\\x1F!-\\x{84}\\x{86}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}"
    "\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}"
    "\\x{3001}-\\x{10FFFF}";
// Alphabetic, marks, decimal digits, connectors, join controls; the ranges are the circled and
// squared letters, which are alphabetic symbols.
constexpr std::string_view kUnicodeWord =
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200C}\\x{200D}\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}"
    "\\x{1F150}-\\x{1F169}\\x{1F170}-\\x{1F189}";
constexpr std::string_view kAsciiSpace = "\\t-\\r ";
constexpr std::string_view kAsciiNoSpace = "\\x00-\\x08\\x0E-\\x1F!-\\x{10FFFF}";

class Scanner {
 public:
  Scanner(std::string_view pattern, RegexDialect dialect)
      : p_(pattern), kusto_(dialect == RegexDialect::kKusto) {}

  RegexSyntax scan() {
    while (at_ < p_.size()) {
      const char c = p_[at_];
      if (c == '\\')
        escape();
      else if (c == '[')
        bracket();
      else if (c == '(' && p_.substr(at_, 2) == "(?")
        group();
      else if (c == '(' && p_.substr(at_, 2) == "(*" && !kusto_)
        s_.needs_pcre = true, copy(2);  // verbs such as (*UCP)
      else
        s_.line_anchor = s_.line_anchor || c == '$' || c == '^', copy(1);
    }
    return std::move(s_);
  }

 private:
  void copy(size_t n) { put_all(p_.substr(at_, n), n); }

  void put_all(std::string_view text, size_t n) {
    s_.ascii += text;
    s_.unicode += text;
    s_.pcre += text;
    at_ += std::min(n, p_.size() - at_);
  }

  void put(std::string_view ascii, std::string_view unicode, std::string_view pcre, size_t n) {
    s_.ascii += ascii;
    s_.unicode += unicode;
    s_.pcre += pcre;
    s_.unicode_differs = s_.unicode_differs || ascii != unicode;
    at_ += n;
  }

  void refuse(std::string what) {
    if (!s_.refused.empty()) return;
    s_.refused = std::move(what);
    s_.refused_at = at_;
  }

  char next() const { return at_ + 1 < p_.size() ? p_[at_ + 1] : '\0'; }

  static std::string in_brackets(std::string_view members, bool negated = false) {
    return std::string(negated ? "[^" : "[").append(members).append("]");
  }

  /// The escape of Rust that names a character by number, in braces.
  bool code_point_escape() {
    const char c = next();
    size_t digits = c == 'u' ? 4 : 8;
    size_t begin = at_ + 2;
    size_t end = begin + digits;
    if (begin < p_.size() && p_[begin] == '{') {
      ++begin;
      end = p_.find('}', begin);
      if (end == std::string_view::npos) return false;
    }
    if (end > p_.size() || begin == end) return false;
    const std::string_view number = p_.substr(begin, end - begin);
    if (number.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return false;
    const size_t stop = p_[begin - 1] == '{' ? end + 1 : end;
    put_all("\\x{" + std::string(number) + "}", stop - at_);
    return true;
  }

  void quote() {
    const size_t end = p_.find("\\E", at_ + 2);
    copy(end == std::string_view::npos ? p_.size() - at_ : end + 2 - at_);
  }

  void escape() {
    const char c = next();
    if (c == 'Q' && !kusto_) return quote();
    if (c == 's' || c == 'S') {
      const bool negated = c == 'S';
      const std::string ascii = in_brackets(kAsciiSpace, negated);
      if (!kusto_) return put(ascii, ascii, p_.substr(at_, 2), 2);
      const std::string unicode = in_brackets(kUnicodeSpace, negated);
      return put(ascii, unicode, unicode, 2);
    }
    if (kusto_) return kusto_escape(c);
    // RE2 finds \B between the bytes of a character.
    if (c == 'B') s_.unicode_differs = s_.unicode_needs_pcre = true;
    // RE2 reads \v as VT and \C as a byte; the others it does not know, and says so.
    if (c == 'v' || c == 'C') s_.needs_pcre = true;
    copy(2);
  }

  void kusto_escape(char c) {
    switch (c) {
      case 'd':
        return put("\\d", "\\p{Nd}", "\\p{Nd}", 2);
      case 'D':
        return put("\\D", "\\P{Nd}", "\\P{Nd}", 2);
      case 'w':
        return put("\\w", in_brackets(kUnicodeWord), in_brackets(kUnicodeWord), 2);
      case 'W':
        return put("\\W", in_brackets(kUnicodeWord, true), in_brackets(kUnicodeWord, true), 2);
      case 'b':
      case 'B':
        s_.unicode_differs = s_.unicode_needs_pcre = true;
        return copy(2);
      case 'v':
        return put_all("\\x0B", 2);
      case 'u':
      case 'U':
        if (code_point_escape()) return;
        return copy(2);
      case 'C':
        refuse("\\C is not in Kusto's syntax");
        return copy(2);
      case 'Q':
        refuse("\\Q is not in Kusto's syntax");
        return copy(2);
      default:
        if (c >= '1' && c <= '9') refuse("Kusto has no back-references");
        return copy(2);
    }
  }

  void group() {
    const std::string_view rest = p_.substr(at_ + 2);
    const auto starts = [&](std::string_view s) { return rest.substr(0, s.size()) == s; };
    if (starts("=") || starts("!") || starts("<=") || starts("<!")) {
      if (kusto_) refuse("Kusto has no look-arounds");
      s_.needs_pcre = true;
      return copy(3);
    }
    if (starts("<")) {
      // RE2 of 2022 knows Python's spelling of a name only.
      return put("(?P<", "(?P<", "(?<", 3);
    }
    const size_t stop = rest.find_first_not_of("imsxUuRJ^-");
    const bool flags =
        stop != std::string_view::npos && stop > 0 && (rest[stop] == ')' || rest[stop] == ':');
    if (flags && rest.substr(0, stop).find_first_of("x^JRu") != std::string_view::npos) {
      // Comments and blanks of (?x) would be misread from here on, so RE2 cannot have it.
      s_.needs_pcre = true;
      if (kusto_ && rest.substr(0, stop).find_first_of("^JRu") != std::string_view::npos)
        refuse("the flags R and u are not supported");
    }
    copy(2);
  }

  /// One class. RE2 takes no class for `\W` inside of brackets, so with it `[\Wab]` becomes an
  /// alternation, which is exact as long as the class is not negated.
  void bracket() {
    const size_t begin = at_;
    const bool negated = next() == '^';
    std::string ascii;
    std::string unicode;
    std::string pcre;
    bool not_word = false;
    size_t at = at_ + (negated ? 2 : 1);
    const size_t first = at;
    for (; at < p_.size() && (p_[at] != ']' || at == first);) {
      size_t n = 1;
      std::string_view a = p_.substr(at, 1);
      std::string_view u = a;
      std::string_view q = a;
      if (p_.substr(at, 2) == "[:") {
        const size_t end = p_.find(":]", at + 2);
        n = end == std::string_view::npos ? 2 : end + 2 - at;
        a = u = q = p_.substr(at, n);
      } else if (p_[at] == '\\' && at + 1 < p_.size()) {
        n = 2;
        a = u = q = p_.substr(at, 2);
        class_escape(p_[at + 1], a, u, q, not_word);
      } else if (kusto_ && at + 1 < p_.size() && p_[at] == p_[at + 1] &&
                 (p_[at] == '&' || p_[at] == '~')) {
        at_ = at;
        refuse("class operators (&&, --, ~~) are not supported");
        at_ = begin;
      }
      ascii += a;
      unicode += u;
      pcre += q;
      at += n;
    }
    if (at == p_.size()) {
      copy(p_.size() - begin);  // not closed: the engine says so
      return;
    }
    const std::string_view head = negated ? "[^" : "[";
    const auto whole = [&](const std::string& body) {
      return std::string(head).append(body).append("]");
    };
    std::string unicode_class = whole(unicode);
    if (not_word && negated) s_.unicode_needs_pcre = true;
    if (not_word && !negated) {
      unicode_class = "(?:" + in_brackets(kUnicodeWord, true);
      if (!unicode.empty()) unicode_class += "|" + whole(unicode);
      unicode_class += ")";
    }
    if (not_word) s_.unicode_differs = true;
    put(whole(ascii), unicode_class, whole(pcre), at + 1 - begin);
  }

  void class_escape(char c,
                    std::string_view& ascii,
                    std::string_view& unicode,
                    std::string_view& pcre,
                    bool& not_word) {
    if (c == 's' || c == 'S') {
      ascii = unicode = c == 's' ? kAsciiSpace : kAsciiNoSpace;
      if (kusto_) unicode = pcre = c == 's' ? kUnicodeSpace : kUnicodeNoSpace;
    } else if (!kusto_) {
      // \Q in a class, and \v and \h as classes, are PCRE's alone.
      if (c == 'v' || c == 'Q' || c == 'b') s_.needs_pcre = true;
    } else if (c == 'd') {
      unicode = pcre = "\\p{Nd}";
    } else if (c == 'D') {
      unicode = pcre = "\\P{Nd}";
    } else if (c == 'w') {
      unicode = pcre = kUnicodeWord;
    } else if (c == 'W') {
      not_word = true;
      unicode = "";  // stands beside the class
    } else if (c == 'v') {
      ascii = unicode = pcre = "\\x0B";
    }
  }

  std::string_view p_;
  bool kusto_;
  size_t at_ = 0;
  RegexSyntax s_;
};

}  // namespace

RegexSyntax scan_regex(std::string_view pattern, RegexDialect dialect) {
  return Scanner(pattern, dialect).scan();
}

}  // namespace postern::match
