#include "base/text.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "base/hex_digit.h"

namespace postern {
namespace {

constexpr size_t kNone = std::string_view::npos;

std::string utf8(char32_t c) {
  std::string s;
  append_utf8(s, c);
  return s;
}

/// Where `needle` begins in `s`, by folding both and comparing at every boundary: the oracle.
size_t find_slowly(std::string_view s, std::string_view needle, size_t from) {
  const std::string wanted = fold(needle);
  for (size_t at = from; at <= s.size();) {
    if (fold(s.substr(at)).starts_with(wanted)) return at;
    if (at == s.size()) break;
    next_code_point(s, at);
  }
  return kNone;
}

TEST(Utf8, DecodesEveryLength) {
  const std::string s = "a\u00e9\u20ac\U0001F600";
  size_t at = 0;
  EXPECT_EQ(next_code_point(s, at), U'a');
  EXPECT_EQ(next_code_point(s, at), U'\u00e9');
  EXPECT_EQ(next_code_point(s, at), U'\u20ac');
  EXPECT_EQ(next_code_point(s, at), U'\U0001F600');
  EXPECT_EQ(at, s.size());
}

TEST(Utf8, MalformedBytesBecomeOneReplacementEach) {
  // A stray continuation, an overlong slash, a surrogate, beyond Unicode, a cut sequence.
  for (const std::string_view bad : {"\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(valid_utf8(bad)) << hex(bad);
    std::string expected;
    for (size_t i = 0; i < bad.size(); ++i)
      expected += "\uFFFD";
    EXPECT_EQ(repair_utf8(bad), expected) << hex(bad);
  }
  EXPECT_EQ(repair_utf8("ab\xFFzz\u20ac"), "ab\uFFFDzz\u20ac");
}

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const std::string s = utf8(c);
    size_t at = 0;
    ASSERT_EQ(next_code_point(s, at), c);
    ASSERT_EQ(at, s.size());
    ASSERT_TRUE(valid_utf8(s));
  }
}

TEST(Utf8, Utf16PairsAndLoneSurrogates) {
  std::string out;
  append_utf16le(out, std::string_view("a\0\xE9\0\x3D\xD8\x00\xDE", 8));
  EXPECT_EQ(out, "a\u00e9\U0001F600");
  out.clear();
  append_utf16le(out, std::string_view("\x3D\xD8"
                                       "b\0\x00\xDE"
                                       "c",
                                       7));
  EXPECT_EQ(out,
            "\uFFFD"
            "b\uFFFD\uFFFD");
}

TEST(Utf8, AsciiIsSeenAtEveryLength) {
  for (size_t n = 0; n < 40; ++n) {
    std::string s(n, 'x');
    EXPECT_TRUE(is_ascii(s));
    for (size_t i = 0; i < n; ++i) {
      s[i] = '\x80';
      EXPECT_FALSE(is_ascii(s));
      s[i] = 'x';
    }
  }
}

TEST(Fold, FollowsSimpleCaseFolding) {
  EXPECT_EQ(fold(U'A'), U'a');
  EXPECT_EQ(fold(U'\u00C4'), U'\u00E4');  // Latin-1
  EXPECT_EQ(fold(U'\u0141'), U'\u0142');  // Latin Extended
  EXPECT_EQ(fold(U'\u0178'), U'\u00FF');  // out of its block
  EXPECT_EQ(fold(U'\u03A3'), U'\u03C3');  // capital sigma
  EXPECT_EQ(fold(U'\u03C2'), U'\u03C3');  // final sigma
  EXPECT_EQ(fold(U'\u042F'), U'\u044F');  // Cyrillic
  EXPECT_EQ(fold(U'\u0531'), U'\u0561');  // Armenian
  EXPECT_EQ(fold(U'\u10A0'), U'\u2D00');  // Georgian
  EXPECT_EQ(fold(U'\uFF21'), U'\uFF41');  // full-width
  EXPECT_EQ(fold(U'\u212A'), U'k');       // Kelvin sign
  EXPECT_EQ(fold(U'\u017F'), U's');       // long s
  EXPECT_EQ(fold(U'\u1E9E'), U'\u00DF');  // capital sharp s: status S
  EXPECT_EQ(fold(U'\U00010400'), U'\U00010428');
  EXPECT_EQ(fold(U'\u00DF'), U'\u00DF');  // only its full folding is "ss"
  EXPECT_EQ(fold(U'\u0130'), U'\u0130');  // dotted capital I: no simple folding
  EXPECT_EQ(fold(U'\u0131'), U'\u0131');  // dotless i
  EXPECT_EQ(fold(U'\u4E2D'), U'\u4E2D');
}

TEST(Fold, IsIdempotentAndNeverLeavesUnicode) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    ASSERT_EQ(fold(fold(c)), fold(c)) << static_cast<uint32_t>(c);
    ASSERT_LE(fold(c), 0x10FFFFU);
  }
}

TEST(Fold, OnlyLongSAndKelvinFoldIntoAscii) {
  // find_ignore_case relies on it.
  for (char32_t c = 0x80; c <= 0x10FFFF; ++c)
    EXPECT_EQ(fold(c) < 0x80, c == 0x17F || c == 0x212A) << static_cast<uint32_t>(c);
}

TEST(Fold, KeepsMalformedBytes) {
  EXPECT_EQ(fold("A\xFF\xC4Z"), "a\xFF\xC4z");
}

TEST(Alnum, LettersAndDecimalDigits) {
  for (const char32_t c : {U'a', U'Z', U'0', U'\u00e9', U'\u0416', U'\u4E2D', U'\u0663', U'\u00AA'})
    EXPECT_TRUE(is_alnum(c)) << static_cast<uint32_t>(c);
  for (const char32_t c : {U'_', U'-', U' ', U'\u00B2', U'\u2160', U'\u20AC', U'\uFFFD', U'\u0301'})
    EXPECT_FALSE(is_alnum(c)) << static_cast<uint32_t>(c);
}

TEST(IgnoreCase, EqualAcrossLengths) {
  EXPECT_TRUE(equal_ignore_case("PowerShell.EXE", "powershell.exe"));
  EXPECT_FALSE(equal_ignore_case("powershell.exe", "powershell.ex"));
  EXPECT_FALSE(equal_ignore_case("powershell.ex", "powershell.exe"));
  EXPECT_TRUE(equal_ignore_case("\u212Aey", "KEY"));  // three bytes against one
  EXPECT_TRUE(equal_ignore_case("\u03A3\u03A3", "\u03C3\u03C2"));
  EXPECT_TRUE(equal_ignore_case("", ""));
  EXPECT_TRUE(equal_ignore_case("\xFF", "\xFF"));
  EXPECT_FALSE(equal_ignore_case("\xFF", "\xFE"));
  EXPECT_FALSE(equal_ignore_case("\xFF", "\uFFFD"));
  // Not letters, although they differ by the case bit alone.
  EXPECT_FALSE(equal_ignore_case("[", "{"));
  EXPECT_FALSE(equal_ignore_case("@", "`"));
}

TEST(IgnoreCase, EveryAsciiByteFoldsAlikeAloneAndAmongEight) {
  for (int a = 0; a < 128; ++a) {
    const std::string eight(8, static_cast<char>(a));
    EXPECT_EQ(fold(eight), std::string(8, ascii_lower(static_cast<char>(a)))) << a;
    for (int b = 0; b < 128; ++b) {
      const bool same = ascii_lower(static_cast<char>(a)) == ascii_lower(static_cast<char>(b));
      EXPECT_EQ(equal_ignore_case(eight, std::string(8, static_cast<char>(b))), same) << a << b;
    }
  }
}

TEST(IgnoreCase, PrefixAndSuffix) {
  EXPECT_TRUE(starts_with_ignore_case("C:\\Windows", "c:\\"));
  EXPECT_FALSE(starts_with_ignore_case("C:", "c:\\"));
  EXPECT_TRUE(starts_with_ignore_case("\u00C4rger", "\u00E4"));
  EXPECT_TRUE(ends_with_ignore_case("a\\CMD.EXE", "\\cmd.exe"));
  EXPECT_FALSE(ends_with_ignore_case("exe", "\\cmd.exe"));
  EXPECT_TRUE(ends_with_ignore_case("mil\u212A", "K"));
  EXPECT_TRUE(ends_with_ignore_case("milk", "\u212A"));
  EXPECT_TRUE(ends_with_ignore_case("\u041C\u0418\u0420", "\u0438\u0440"));
  EXPECT_FALSE(ends_with_ignore_case("\u20AC", "\xAC"));  // half a letter is no suffix
  EXPECT_TRUE(ends_with_ignore_case("x\xAC", "\xAC"));
  EXPECT_TRUE(ends_with_ignore_case("x", ""));
}

TEST(IgnoreCase, FindsAtEveryPlace) {
  // Around the sixteen positions that one step looks at.
  for (size_t length = 1; length < 40; ++length) {
    for (size_t at = 0; at < 40; ++at) {
      std::string s(at, 'n');
      s += "N" + std::string(length - 1, 'E');
      s += "nnn";
      const std::string needle = "n" + std::string(length - 1, 'e');
      const size_t expected = length == 1 ? 0 : at;
      ASSERT_EQ(find_ignore_case(s, needle), expected) << length << " " << at;
    }
  }
}

TEST(IgnoreCase, FindRespectsTheStart) {
  EXPECT_EQ(find_ignore_case("abAB", "ab", 0), 0U);
  EXPECT_EQ(find_ignore_case("abAB", "ab", 1), 2U);
  EXPECT_EQ(find_ignore_case("abAB", "ab", 3), kNone);
  EXPECT_EQ(find_ignore_case("abAB", "ab", 99), kNone);
  EXPECT_EQ(find_ignore_case("abAB", "", 4), 4U);
  EXPECT_EQ(find_ignore_case("", "a"), kNone);
}

TEST(IgnoreCase, FindReportsBytesOfTheOriginal) {
  EXPECT_EQ(find_ignore_case("\u212A\u212Aabc", "ABC"), 6U);
  EXPECT_EQ(find_ignore_case("xx \u212Aey", "key"), 3U);
  EXPECT_EQ(find_ignore_case("xx key", "\u212AEY"), 3U);
  EXPECT_EQ(find_ignore_case("\u00C9t\u00C9", "\u00E9", 1), 3U);
  EXPECT_EQ(find_ignore_case("plain ascii", "\u00E9"), kNone);
}

TEST(IgnoreCase, FindAgreesWithTheOracle) {
  const std::vector<std::string> letters = {"a",      "A",      "k",      "K",    "\u212A",
                                            "s",      "\u017F", "[",      "{",    "\u00C4",
                                            "\u00E4", "\u03C2", "\u03A3", "\xFF", "\xE2"};
  std::mt19937 random(20240607);
  const auto make = [&](size_t most) {
    std::string s;
    for (size_t n = random() % (most + 1); n > 0; --n)
      s += letters[random() % letters.size()];
    return s;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string s = make(40), needle = make(3);
    size_t from = 0;
    if (!s.empty() && i % 3 == 0) next_code_point(s, from);
    ASSERT_EQ(find_ignore_case(s, needle, from), find_slowly(s, needle, from))
        << hex(s) << " " << hex(needle) << " " << from;
    ASSERT_EQ(equal_ignore_case(s, needle), fold(s) == fold(needle))
        << hex(s) << " " << hex(needle);
  }
}

TEST(Text, TrimAndSplit) {
  EXPECT_EQ(trim(" \t\r\n x y \v\f"), "x y");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
}

TEST(Number, WholeTextIntegers) {
  EXPECT_EQ(parse_int("0"), 0);
  EXPECT_EQ(parse_int("+42"), 42);
  EXPECT_EQ(parse_int("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (const std::string_view bad :
       {"", "+", "-", "+-1", "--1", " 1", "1 ", "1.0", "0x10", "9223372036854775808"})
    EXPECT_EQ(parse_int(bad), std::nullopt) << bad;
}

TEST(Number, WholeTextReals) {
  EXPECT_EQ(parse_real("1.5"), 1.5);
  EXPECT_EQ(parse_real("-1e3"), -1000);
  EXPECT_EQ(parse_real("+2"), 2);
  EXPECT_EQ(parse_real(".5"), 0.5);
  EXPECT_EQ(parse_real("1e-999"), 0);
  for (const std::string_view bad :
       {"", "-", ".", "inf", "nan", "-inf", "0x1p3", "1e", "1.5x", " 1", "1e999", "+-1"})
    EXPECT_EQ(parse_real(bad), std::nullopt) << bad;
}

TEST(Number, RealTextIsShortAndReadsBack) {
  EXPECT_EQ(real_text(1), "1");
  EXPECT_EQ(real_text(0.1), "0.1");
  EXPECT_EQ(real_text(100000), "100000");
  EXPECT_EQ(real_text(1e15), "1e+15");
  EXPECT_EQ(real_text(-0.00001), "-0.00001");
  EXPECT_EQ(real_text(std::nan("")), "NaN");
  EXPECT_EQ(real_text(-std::numeric_limits<double>::infinity()), "-Infinity");
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double v = 0;
    std::memcpy(&v, &bits, sizeof v);
    if (!std::isfinite(v)) continue;
    ASSERT_EQ(parse_real(real_text(v)), v);
  }
}

TEST(Number, HexIsLowerCase) {
  EXPECT_EQ(hex(std::string_view("\x00\xAB\xFF", 3)), "00abff");
}

TEST(Number, HexDigitsHaveValues) {
  for (int digit = 0; digit < 16; ++digit) {
    EXPECT_EQ(hex_digit("0123456789abcdef"[digit]), digit);
    EXPECT_EQ(hex_digit("0123456789ABCDEF"[digit]), digit);
  }
  for (const char c : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'})
    EXPECT_EQ(hex_digit(c), -1) << c;
}

TEST(NearestName, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string_view> names = {"contains", "startswith", "endswith", "re"};
  EXPECT_EQ(nearest_name("containz", names), "contains");
  EXPECT_EQ(nearest_name("CONTAINS", names), "contains");
  EXPECT_EQ(nearest_name("startwsith", names), "startswith");  // a swap is one mistake
  EXPECT_EQ(nearest_name("cidr", names), "");
  EXPECT_EQ(nearest_name("", names), "");
}

TEST(NearestName, OneWrongLetterIsOneMistake) {
  EXPECT_EQ(nearest_name("bat", {"cat"}), "cat");
  EXPECT_EQ(nearest_name("bat", {"cut"}), "");
}

TEST(NearestName, PrefersTheNearerThenTheFirst) {
  EXPECT_EQ(nearest_name("bat", {"cat", "rat"}), "cat");
  EXPECT_EQ(nearest_name("startswih", {"endswith", "startwith", "startswith"}), "startswith");
}

}  // namespace
}  // namespace postern
