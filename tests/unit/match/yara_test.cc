#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "match/content_scanner.h"

namespace postern::match {
namespace {

struct Compiled {
  std::shared_ptr<const YaraRules> rules;
  std::vector<Diagnostics> diagnostics;

  std::string summary(size_t i) const {
    std::string out;
    for (const Diagnostic& d : diagnostics.at(i).all()) {
      if (!out.empty()) out += "; ";
      out += d.code + "@" + std::to_string(d.primary.begin) + "-" + std::to_string(d.primary.end) +
             ": " + d.message + (d.hint.empty() ? "" : " (" + d.hint + ")");
    }
    return out;
  }

  /// Identifiers of the rules that hit, in the order of the rules.
  std::string hits(std::string_view content, const ContentOrigin& origin = {}) const {
    std::string out;
    const auto scanner = rules->scanner([&](const ContentOrigin&, const ContentHit& hit) {
      out += (out.empty() ? "" : " ") + rules->rules().at(hit.rule).identifier;
    });
    const auto count = scanner->scan(origin, content);
    EXPECT_TRUE(count) << count.error().message;
    return out;
  }
};

Compiled compile(std::vector<YaraRules::SourceText> sources) {
  Compiled c;
  c.rules = YaraRules::compile(sources, c.diagnostics);
  return c;
}

Compiled compile(std::string text) {
  return compile({{"test", "", std::move(text)}});
}

TEST(Yara, RuleMetadataIsRead) {
  const Compiled c = compile(R"(
rule first : tag_a tag_b {
  meta: author = "x" score = 75 live = true
  strings: $a = "abc" $b = { 01 02 03 04 ?? 05 } $c = /abcd+efgh/ nocase
  condition: any of them
}
private rule second { condition: filesize > 3 })");
  ASSERT_EQ(c.summary(0), "");
  ASSERT_EQ(c.rules->rules().size(), 2u);
  const YaraRuleInfo& first = c.rules->rules()[0];
  EXPECT_EQ(first.identifier, "first");
  EXPECT_EQ(first.name_space, "test");
  EXPECT_EQ(first.tags, (std::vector<std::string>{"tag_a", "tag_b"}));
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(first.meta, (Pairs{{"author", "x"}, {"score", "75"}, {"live", "true"}}));
  EXPECT_EQ(
      first.strings,
      (Pairs{{"$a", "\"abc\""}, {"$b", "{ 01 02 03 04 ?? 05 }"}, {"$c", "/abcd+efgh/ nocase"}}));
  EXPECT_FALSE(first.is_private);
  EXPECT_TRUE(c.rules->rules()[1].is_private);
}

TEST(Yara, StringsAreShownAsWritten) {
  const Compiled c = compile(R"(
// rule commented { strings: $a = "no" condition: $a }
rule r {
  strings:
    $ = "a\" b /* $x = " wide ascii  // remark
    $ = { 01 /* } */ 02 03 04 [2-4] 03
          04 } private
    $re = /ab\/c"d{2}efgh/is fullword
    $long = { 01 02 03 04 [300] 05 06 07 08 }
  condition: all of them and "a" matches /x "y/
}
rule s { strings: $a = "rule t { strings: $b = 1" condition: $a and 4 \ 2 == 2 })");
  ASSERT_EQ(c.summary(0), "");
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(c.rules->rules()[0].strings,
            (Pairs{{"$", "\"a\\\" b /* $x = \" wide ascii"},
                   {"$", "{ 01 /* } */ 02 03 04 [2-4] 03\n          04 } private"},
                   {"$re", "/ab\\/c\"d{2}efgh/is fullword"},
                   {"$long", "{ 01 02 03 04 [300] 05 06 07 08 }"}}));
  EXPECT_EQ(c.rules->rules()[1].strings, (Pairs{{"$a", "\"rule t { strings: $b = 1\""}}));
}

TEST(Yara, HitsCarryTheirStrings) {
  const Compiled c = compile(R"(rule r { strings: $a = "needle" $_private = "hay" private
                                 condition: $a and $_private })");
  ContentOrigin origin;
  origin.path = "evidence.bin";
  std::vector<ContentHit> hits;
  const auto scanner = c.rules->scanner([&](const ContentOrigin& o, const ContentHit& hit) {
    EXPECT_EQ(o.path, "evidence.bin");
    hits.push_back(hit);
  });
  ASSERT_EQ(*scanner->scan(origin, "hay needle hay needle"), 1u);
  ASSERT_EQ(hits.size(), 1u);
  ASSERT_EQ(hits[0].strings.size(), 2u);
  EXPECT_EQ(hits[0].strings[0].identifier, "$a");
  EXPECT_EQ(hits[0].strings[0].offset, 4u);
  EXPECT_EQ(hits[0].strings[1].offset, 15u);
  EXPECT_EQ(hits[0].strings[1].data, "needle");
}

TEST(Yara, StringsOfAHitAreCapped) {
  const Compiled c =
      compile(R"(rule r { strings: $a = /x[^;]*;/ $b = "z" condition: any of them })");
  std::vector<ContentHit> hits;
  const auto scanner =
      c.rules->scanner([&](const ContentOrigin&, const ContentHit& hit) { hits.push_back(hit); });
  std::string content;
  for (int i = 0; i < 1'000; ++i)
    content += "x" + std::string(100, 'y') + ";";
  ASSERT_EQ(*scanner->scan({}, content + "z"), 1u);
  EXPECT_EQ(hits[0].strings.size(), 64u);
  EXPECT_EQ(hits[0].strings[0].data.size(), 64u);
}

TEST(Yara, PrivateRulesAreNotReported) {
  EXPECT_EQ(compile("private rule a { condition: true } rule b { condition: a }").hits("x"), "b");
}

TEST(Yara, AScannerServesManyContents) {
  const Compiled c = compile(R"(rule r { strings: $a = "abc" condition: $a })");
  int hits = 0;
  const auto scanner = c.rules->scanner([&](const ContentOrigin&, const ContentHit&) { ++hits; });
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(scanner->scan({}, i % 2 == 0 ? "xabcx" : "x"));
  EXPECT_EQ(hits, 5);
  EXPECT_EQ(*scanner->scan({}, std::string_view()), 0u);
}

TEST(Yara, ThreadsShareRules) {
  const Compiled c = compile(R"(rule r { strings: $a = /ab+c/ condition: #a == 2 })");
  std::atomic<int> hits{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      const auto scanner =
          c.rules->scanner([&](const ContentOrigin&, const ContentHit&) { ++hits; });
      for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(scanner->scan({}, "abc abbbc"));
    });
  for (std::thread& t : threads)
    t.join();
  EXPECT_EQ(hits, 200);
}

TEST(Yara, EqualRuleNamesInTwoFilesDoNotClash) {
  const Compiled c = compile({{"a", "", "rule r { condition: filesize == 1 }"},
                              {"b", "", "rule r { condition: filesize == 2 }"}});
  EXPECT_EQ(c.summary(0) + c.summary(1), "");
  ASSERT_EQ(c.rules->rules().size(), 2u);
  EXPECT_EQ(c.rules->rules()[1].name_space, "b");
  EXPECT_EQ(c.hits("xx"), "r");
}

TEST(Yara, AFaultySourceIsLeftOutWithItsLine) {
  const std::string bad = "rule x {\n  condition:\n    nothing_here \n}\n";
  const Compiled c = compile({{"a", "", "rule a { condition: true }"},
                              {"bad", "", bad},
                              {"c", "", "rule c { condition: true }"}});
  EXPECT_EQ(c.summary(0), "");
  EXPECT_EQ(c.summary(1), "yara-compile@26-38: undefined identifier \"nothing_here\"");
  EXPECT_EQ(c.summary(2), "");
  EXPECT_EQ(c.hits("x"), "a c");
}

TEST(Yara, DivisionFaultsOfLibyaraAreErrors) {
  const Compiled bad = compile({{"a", "", "rule a { condition: true }"},
                                {"b", "", "rule b {\n condition: ~9223372036854775807 \\ -1\n}"}});
  EXPECT_EQ(bad.summary(1).substr(0, 18), "yara-compile@10-46") << bad.summary(1);
  EXPECT_EQ(bad.hits("x"), "a");
  EXPECT_TRUE(compile("rule r { condition: (1 << 63) % -1 == 0 }").diagnostics[0].has_errors());
  // libyara's scanner looks before it divides.
  EXPECT_EQ(compile("rule r { condition: (filesize << 63) \\ (0 - filesize) == 0 }").hits("x"), "");
}

TEST(Yara, WarningsDoNotLeaveASourceOut) {
  const Compiled c = compile(
      "rule slow {\n  strings:\n    $a = /a.*b.*c/\n    $b = \"X\"\n"
      "  condition: $b or 2 of them at 0 }");
  ASSERT_FALSE(c.diagnostics[0].all().empty());
  EXPECT_FALSE(c.diagnostics[0].has_errors());
  EXPECT_EQ(c.diagnostics[0].all()[0].code, "yara-warning");
  EXPECT_EQ(c.hits("X"), "slow");
}

TEST(Yara, NoSourcesAndOnlyFaultyOnesGiveEmptyRules) {
  EXPECT_TRUE(compile(std::vector<YaraRules::SourceText>{}).rules->rules().empty());
  const Compiled c = compile("rule {");
  EXPECT_TRUE(c.diagnostics[0].has_errors());
  EXPECT_TRUE(c.rules->rules().empty());
  EXPECT_EQ(c.hits("x"), "");
  EXPECT_TRUE(compile("").rules->rules().empty());
}

TEST(Yara, ModulesWork) {
  EXPECT_EQ(compile("import \"hash\" rule r { condition: hash.md5(0, filesize) == "
                    "\"900150983cd24fb0d6963f7d28e17f72\" }")
                .hits("abc"),
            "r");
  EXPECT_EQ(
      compile("import \"math\" rule r { condition: math.entropy(0, filesize) > 7 }").hits("abc"),
      "");
}

TEST(Yara, ExternalsComeFromTheOrigin) {
  const Compiled c = compile(R"(
rule file { condition: filename == "a.EXE" and extension == ".EXE" and filepath == "/evidence/x/" }
rule attachment { condition: name == "inv.pdf.js" and filename == "inv.pdf.js" and extension == ".js"
                             and filepath == "" }
rule mail { condition: sender contains "@evil" and recipient == "b@c" and subject icontains "invoice" }
rule flow { condition: direction == "outbound" and protocol == "smtp" }
rule seen { condition: view == "mail.attachment" })");
  ASSERT_EQ(c.summary(0), "");
  ContentOrigin file;
  file.view = "file";
  file.path = "/evidence/x/a.EXE";
  EXPECT_EQ(c.hits("x", file), "file");
  ContentOrigin attachment;
  attachment.view = "mail.attachment";
  attachment.path = "/evidence/x/a.pcap";
  attachment.name = "inv.pdf.js";
  attachment.fields = {{"MailFrom", "x@evil.example"},
                       {"RcptTo", "b@c"},
                       {"Subject", "Your INVOICE"},
                       {"Direction", "outbound"},
                       {"Protocol", "smtp"}};
  EXPECT_EQ(c.hits("x", attachment), "attachment mail flow seen");
  // Values do not stay from one content to the next.
  EXPECT_EQ(c.hits("x"), "");
}

TEST(Yara, ExternalsDoNotTakeNamesFromRules) {
  const Compiled c =
      compile({{"a", "", "rule subject { condition: true }"},
               {"b", "", "rule direct { condition: for any name in (1, 2) : (name == 2) }"},
               {"c", "", "rule ext { condition: sender == \"\" }"}});
  EXPECT_EQ(c.summary(0) + c.summary(1) + c.summary(2), "");
  EXPECT_EQ(c.hits("x"), "subject direct ext");
}

class YaraIncludes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "postern_yara_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directories(folder_ / "sub");
  }

  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
  }

  Compiled compile_main(std::string text) {
    return compile({{"main", (folder_ / "main.yar").string(), std::move(text)}});
  }

  std::filesystem::path folder_;
};

TEST_F(YaraIncludes, AreFoundBesideTheFileThatAsks) {
  write("sub/a.yar", "include \"b.yar\"\nrule a { condition: b }\n");
  write("sub/b.yar", "rule b { condition: true }\n");
  const Compiled c = compile_main("include \"./sub/a.yar\"\nrule main { condition: a }\n");
  EXPECT_EQ(c.summary(0), "");
  EXPECT_EQ(c.hits("x"), "b a main");
}

TEST_F(YaraIncludes, ThatAreNotThereAreErrorsAtTheirLine) {
  const Compiled c = compile_main("// x\ninclude \"gone.yar\"\nrule main { condition: true }\n");
  ASSERT_TRUE(c.diagnostics[0].has_errors());
  EXPECT_EQ(c.diagnostics[0].all()[0].primary.begin, 5u);
  EXPECT_FALSE(c.diagnostics[0].all()[0].hint.empty());
  EXPECT_TRUE(compile_main("include \"/etc/passwd\"\n").diagnostics[0].has_errors());
  EXPECT_TRUE(compile("include \"a.yar\"\n").diagnostics[0].has_errors());
}

TEST_F(YaraIncludes, ErrorsInsideShowAtTheIncludeWithTheirOwnPlace) {
  write("sub/a.yar", "\nrule a { condition: nope }\n");
  const Compiled c = compile_main("rule x { condition: true }\ninclude \"sub/a.yar\"\n");
  EXPECT_EQ(c.summary(0), "yara-compile@27-46: sub/a.yar:2: undefined identifier \"nope\"");
}

TEST_F(YaraIncludes, ThatGoInCirclesAreErrors) {
  write("a.yar", "include \"a.yar\"\n");
  EXPECT_TRUE(compile_main("include \"a.yar\"\n").diagnostics[0].has_errors());
}

}  // namespace
}  // namespace postern::match
