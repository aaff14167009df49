#include <functional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "input/json/document.h"

namespace postern::input::json {
namespace {

ParseStatus parse(std::string_view text, Document& d) {
  static Parser parser;
  return parser.parse(text, d);
}

TEST(JsonDocument, KeepsEveryMemberInOrderWithItsTextAsWritten) {
  Document d;
  ASSERT_EQ(parse(R"({"a": 1.50, "b" : "x\ny" ,"c":{"d":[true,null,[]],"e":{}}, "f":-0})", d),
            ParseStatus::kOk);
  ASSERT_EQ(d.size(), 10u);
  EXPECT_TRUE(d[0].is_object());
  EXPECT_EQ(d[0].next, 10u);
  EXPECT_EQ(d[1].key, "a");
  EXPECT_EQ(d[1].text, "1.50");
  EXPECT_EQ(d[2].key, "b");
  EXPECT_EQ(d[2].text, "x\\ny");
  EXPECT_EQ(d[3].key, "c");
  EXPECT_EQ(d[3].text, R"({"d":[true,null,[]],"e":{}})");
  EXPECT_EQ(d[3].next, 9u);
  EXPECT_EQ(d[4].text, "[true,null,[]]");
  EXPECT_EQ(d[4].next, 8u);
  EXPECT_EQ(d[5].kind, Kind::kTrue);
  EXPECT_EQ(d[6].kind, Kind::kNull);
  EXPECT_EQ(d[7].text, "[]");
  EXPECT_EQ(d[8].key, "e");
  EXPECT_EQ(d[9].text, "-0");
}

TEST(JsonDocument, FindsTheLastOfARepeatedKey) {
  Document d;
  ASSERT_EQ(parse(R"({"a":1,"b":{"a":9},"a":2})", d), ParseStatus::kOk);
  EXPECT_EQ(d[d.find(0, "a")].text, "2");
  EXPECT_EQ(d.find(0, "c"), 0u);
}

TEST(JsonDocument, UnescapesKeys) {
  Document d;
  ASSERT_EQ(parse(R"({"\u0061\/b":1})", d), ParseStatus::kOk);
  EXPECT_EQ(d[1].key, "a/b");
}

TEST(JsonDocument, RefusesWhatIsNotJson) {
  Document d;
  for (const char* text : {"",
                           "{",
                           "{\"a\"",
                           "{\"a\":",
                           "{\"a\":1",
                           "{\"a\":1,",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\" 1}",
                           "{a:1}",
                           "[1,]",
                           "[1 2]",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":1e}",
                           "{\"a\":+1}",
                           "{\"a\":tru}",
                           "{\"a\":nan}",
                           "{\"a\":\"x}",
                           "{\"a\":\"x\"y}",
                           "{\"a\":\"tab\tinside\"}",
                           "{\"a\":1]",
                           "]",
                           "}",
                           "{\"a\":\"b\" \"c\"}",
                           "{1:2}",
                           "{\"a\":- 1}"})
    EXPECT_EQ(parse(text, d), ParseStatus::kMalformed) << text;
}

TEST(JsonDocument, SaysWhenMoreTextFollows) {
  Document d;
  EXPECT_EQ(parse("{\"a\":1}{\"b\":2}", d), ParseStatus::kTrailing);
  EXPECT_EQ(parse("{\"a\":1} ,", d), ParseStatus::kTrailing);
}

TEST(JsonDocument, SaysWhenBytesAreNotUtf8) {
  Document d;
  EXPECT_EQ(parse("{\"a\":\"\xC3\x28\"}", d), ParseStatus::kBadUtf8);
}

TEST(JsonDocument, BoundsTheNesting) {
  Document d;
  const std::string deep = std::string(128, '[') + std::string(128, ']');
  EXPECT_EQ(parse(deep, d), ParseStatus::kOk);
  EXPECT_EQ(parse("[" + deep + "]", d), ParseStatus::kTooDeep);
}

TEST(JsonDocument, IsNotDisturbedByTheDocumentBefore) {
  Document d;
  std::string large = "{";
  for (int i = 0; i < 5000; ++i)
    large += "\"k" + std::to_string(i) + "\":[1,2,3],";
  large.back() = '}';
  ASSERT_EQ(parse(large, d), ParseStatus::kOk);
  EXPECT_EQ(d.size(), 20001u);
  ASSERT_EQ(parse("{\"a\":1}", d), ParseStatus::kOk);
  EXPECT_EQ(d.size(), 2u);
}

std::string plain(std::string_view raw) {
  std::string out;
  append_unescaped(out, raw);
  return out;
}

TEST(JsonUnescape, ResolvesEveryEscape) {
  EXPECT_EQ(plain(R"(a\"b\\c\/d\be\ff\ng\rh\ti)"), "a\"b\\c/d\be\ff\ng\rh\ti");
  EXPECT_EQ(plain(R"(\u0041\u00e9\u20AC\ud83d\ude00)"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(plain(R"(C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe)"),
            R"(C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe)");
}

TEST(JsonUnescape, RepairsSurrogatesAndKeepsBrokenEscapes) {
  EXPECT_EQ(plain(R"(x\ud83dy)"), "x\xEF\xBF\xBDy");
  EXPECT_EQ(plain(R"(\ude00\ud83d\ud83d\ude00)"), "\xEF\xBF\xBD\xEF\xBF\xBD\xF0\x9F\x98\x80");
  EXPECT_EQ(plain(R"(a\qb\u12)"), R"(a\qb\u12)");
  EXPECT_EQ(plain("tail\\"), "tail\\");
}

TEST(JsonUnescape, AgreesWithACharacterByCharacterReading) {
  // The fast path copies eight bytes at a time; every position of a backslash is tried.
  for (size_t n = 0; n < 40; ++n)
    for (size_t at = 0; at + 1 < n; ++at) {
      std::string raw(n, 'x');
      raw[at] = '\\';
      raw[at + 1] = 'n';
      std::string expected(n - 1, 'x');
      expected[at] = '\n';
      EXPECT_EQ(plain(raw), expected) << n << " " << at;
    }
}

TEST(TextPool, KeepsViewsValidUntilCleared) {
  TextPool pool;
  std::vector<std::string_view> views;
  for (int i = 0; i < 2000; ++i)
    views.push_back(pool.copy(std::string(100, static_cast<char>('a' + i % 26))));
  for (int i = 0; i < 2000; ++i)
    EXPECT_EQ(views[static_cast<size_t>(i)], std::string(100, static_cast<char>('a' + i % 26)));
}

/// A document of few keys, some of them written in odd ways; broken now and then.
std::string random_document(std::mt19937& random) {
  const auto pick = [&](std::initializer_list<const char*> of) {
    return std::string(of.begin()[random() % of.size()]);
  };
  const std::function<std::string(int)> value = [&](int depth) -> std::string {
    if (depth < 3 && random() % 8 == 0) {
      std::string s = "[";
      for (size_t i = random() % 3; i > 0; --i)
        s += value(depth + 1) + (i > 1 ? "," : "");
      return s + "]";
    }
    if (depth < 3 && random() % 5 == 0) {
      std::string s = "{";
      for (size_t i = random() % 6; i > 0; --i)
        s += pick({"\"Image\"", "\"CommandLine\"", "\"Id\"", "\"\"", "\"I\\u0064\"", "\"Id\" ",
                   "\"ImageLoaded\"", "\"a longer key than most, with blanks\""}) +
             pick({":", ":", ":", " : "}) + value(depth + 1) +
             (i > 1 ? pick({",", ",", ",", " ,\n"}) : "");
      return s + "}";
    }
    return pick({"\"\"", "\"C:\\\\Windows\"", "\"x\" ", "12", "12 ", "0", "-1", "01", "1.5e3", "1x",
                 "true", "null", "nul", "\"open", "4294967296"});
  };
  std::string text = "{\"EventID\":" + value(0) + ",\"Image\":" + value(0) + "}";
  if (random() % 8 == 0 && !text.empty()) text.erase(random() % text.size(), 1 + random() % 3);
  return text;
}

TEST(JsonDocument, IsTheSameWithAndWithoutIdsOfKeys) {
  std::mt19937 random(3);
  KeyIds ids;
  Parser with(&ids);
  Parser without;
  Document a;
  Document b;
  int num_good = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_document(random);
    const ParseStatus status = without.parse(text, b);
    ASSERT_EQ(with.parse(text, a), status) << text;
    if (status != ParseStatus::kOk) continue;
    ++num_good;
    ASSERT_EQ(a.size(), b.size()) << text;
    for (uint32_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].key, b[i].key) << text;
      ASSERT_EQ(a[i].hash, b[i].hash) << text;
      ASSERT_EQ(a[i].text, b[i].text) << text;
      ASSERT_EQ(a[i].next, b[i].next) << text;
      ASSERT_EQ(a[i].kind, b[i].kind) << text;
      if (a[i].id == kNoKeyId) continue;
      const KeyIds::Key& key = ids[a[i].id];
      ASSERT_EQ(std::string_view(key.quoted + 1, key.size - 2), a[i].key) << text;
    }
  }
  EXPECT_GT(num_good, 5000);
}

TEST(JsonDocument, GivesNoMoreIdsThanItHas) {
  KeyIds ids;
  Parser parser(&ids);
  Document d;
  KeyNumbers numbers;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "key" + std::to_string(i % 2500);
    const std::string text = "{\"" + key + "\":1,\"last\":2}";
    ASSERT_EQ(parser.parse(text, d), ParseStatus::kOk);
    ASSERT_EQ(d[1].key, key);
    ASSERT_EQ(d[2].key, "last");
    ASSERT_LT(d[1].id, kMaxKeyIds);
    ASSERT_NE(d[2].id, kNoKeyId);
    ASSERT_EQ(numbers.get(d[1].id, [&] { return i % 2500; }), i % 2500);
  }
  EXPECT_EQ(d[1].id, kNoKeyId);
}

}  // namespace
}  // namespace postern::input::json
