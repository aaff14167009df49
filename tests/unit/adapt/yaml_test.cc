// What a rule reader leans on: exact places, quoting kept, and refusals instead of surprises.
#include "adapt/yaml.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace postern::adapt {
namespace {

using std::string_view_literals::operator""sv;

struct Parsed {
  std::string text;
  Diagnostics diag;
  std::vector<YamlNode> documents;
  std::vector<Span> broken;

  const YamlNode& only() const { return documents.at(0); }

  std::string_view source_of(const YamlNode& n) const {
    return std::string_view(text).substr(n.span.begin, n.span.end - n.span.begin);
  }

  /// "code@begin-end" of each diagnostic.
  std::string summary() const {
    std::string out;
    for (const Diagnostic& d : diag.all()) {
      if (!out.empty()) out += " ";
      out += d.code + "@" + std::to_string(d.primary.begin) + "-" + std::to_string(d.primary.end);
    }
    return out;
  }
};

Parsed parse(std::string text) {
  Parsed p;
  p.text = std::move(text);
  p.documents = parse_yaml({"test.yml", p.text}, p.diag, &p.broken);
  return p;
}

/// Counts scalars whose bytes do not map back to equal bytes of the source.
size_t count_wrong_places(const YamlNode& n, std::string_view source) {
  size_t wrong = 0;
  if (n.block || n.text_begin != YamlNode::kNoPosition) {
    for (size_t i = 0; i < n.text.size(); ++i) {
      const uint32_t at = n.source_position(i);
      const char there = at < source.size() ? source[at] : '\n';
      // Line ends are normalised; a last one may stand for the end of the text.
      const bool line_end = n.text[i] == '\n';
      if (line_end ? there != '\n' && there != '\r' && there != ' ' : there != n.text[i]) ++wrong;
    }
  }
  for (const YamlNode& item : n.items)
    wrong += count_wrong_places(item, source);
  for (const YamlNode::Entry& e : n.entries)
    wrong += count_wrong_places(e.key, source) + count_wrong_places(e.value, source);
  return wrong;
}

TEST(Yaml, KeepsTextAndWhetherItWasQuoted) {
  const Parsed p = parse("a: 25\nb: '25'\nc: \"25\"\nd: |\n  25\ne: >-\n  25\n");
  ASSERT_EQ(p.summary(), "");
  const YamlNode& m = p.only();
  for (const char* key : {"a", "b", "c", "e"})
    EXPECT_EQ(m.get(key), "25") << key;
  EXPECT_EQ(m.get("d"), "25\n");
  EXPECT_TRUE(m.find("a")->plain);
  for (const char* key : {"b", "c", "d", "e"})
    EXPECT_FALSE(m.find(key)->plain) << key;
  EXPECT_TRUE(m.find("d")->block);
  EXPECT_FALSE(m.find("e")->block);
}

TEST(Yaml, NullIsPlainOnly) {
  const Parsed p = parse("[~, null, Null, NULL, '', 'null', nULL, \"~\"]\n");
  std::string nulls;
  for (const YamlNode& n : p.only().items)
    nulls += n.is_null() ? 'y' : 'n';
  EXPECT_EQ(nulls, "yyyynnnn");
  EXPECT_TRUE(parse("a:\n").only().find("a")->is_null());
}

TEST(Yaml, SpansCoverTheTokenWithItsQuotes) {
  const Parsed p =
      parse("\xef\xbb\xbf# c\ntitle: \xc3\x9c n # x\nk: 'it''s'\nl: \"a\\tb\"\nm: [1, {x: y}]\n");
  ASSERT_EQ(p.summary(), "");
  const YamlNode& m = p.only();
  EXPECT_EQ(p.source_of(*m.find("title")), "\xc3\x9c n");
  EXPECT_EQ(p.source_of(*m.find("k")), "'it''s'");
  EXPECT_EQ(p.source_of(*m.find("l")), "\"a\\tb\"");
  EXPECT_EQ(p.source_of(*m.find("m")), "[1, {x: y}]");
  EXPECT_EQ(p.source_of(m.find("m")->items[1]), "{x: y}");
  EXPECT_EQ(p.source_of(m).substr(0, 5), "title");
  EXPECT_EQ(p.source_of(m.entries[3].key), "m");
}

TEST(Yaml, AbsentValueStandsAfterItsIndicator) {
  const Parsed p = parse("a:\nb :\nc:\n  -\n  - x\n");
  EXPECT_EQ(p.only().find("a")->span.begin, 2u);
  EXPECT_EQ(p.only().find("b")->span.begin, 6u);
  EXPECT_EQ(p.only().find("c")->items[0].span.begin, 13u);
}

TEST(Yaml, EmptyInputHasNoDocumentAndEmptyDocumentsAreNull) {
  EXPECT_TRUE(parse("").documents.empty());
  EXPECT_TRUE(parse("# only a comment\n").documents.empty());
  const Parsed p = parse("---\n---\nx\n---\n");
  ASSERT_EQ(p.documents.size(), 3u);
  EXPECT_TRUE(p.documents[0].is_null());
  EXPECT_EQ(p.documents[1].text, "x");
}

TEST(Yaml, SpansCountFromTheStartOfAllDocuments) {
  const Parsed p = parse("a: 1\n---\nb: two\n...\n---\nc: 3\n");
  ASSERT_EQ(p.documents.size(), 3u);
  EXPECT_EQ(p.source_of(*p.documents[1].find("b")), "two");
  EXPECT_EQ(p.source_of(*p.documents[2].find("c")), "3");
}

TEST(Yaml, LiteralBlockMapsBackToTheSource) {
  const Parsed p = parse(
      "x:\n  search: |\n    index=main \xc3\xa4\n      | stats count\n\n    | table a\n  next: "
      "1\n");
  const YamlNode& search = *p.only().find("x")->find("search");
  EXPECT_EQ(search.text, "index=main \xc3\xa4\n  | stats count\n\n| table a\n");
  EXPECT_EQ(search.block_indent, 4u);
  EXPECT_EQ(p.text.substr(search.block_begin, 5), "index");
  for (const char* word : {"index", "\xc3\xa4", "| stats", "count", "| table", "a\n"}) {
    const uint32_t at = search.source_position(search.text.find(word));
    EXPECT_EQ(p.text.substr(at, std::string_view(word).size()), word);
  }
  EXPECT_EQ(count_wrong_places(p.only(), p.text), 0u);
  EXPECT_EQ(search.source_position(search.text.size()), search.span.end);
}

TEST(Yaml, LiteralBlockWithCrlfAndExplicitIndentation) {
  const Parsed crlf = parse("s: |\r\n  one\r\n\r\n   two\r\nn: x\r\n");
  EXPECT_EQ(crlf.only().get("s"), "one\n\n two\n");
  EXPECT_EQ(crlf.only().get("n"), "x");
  EXPECT_EQ(count_wrong_places(crlf.only(), crlf.text), 0u);
  const Parsed indented = parse("s: |2\n    deep\n  flat\n");
  EXPECT_EQ(indented.only().get("s"), "  deep\nflat\n");
  EXPECT_EQ(indented.only().find("s")->block_indent, 2u);
  EXPECT_EQ(count_wrong_places(indented.only(), indented.text), 0u);
}

TEST(Yaml, FlowScalarsMapBackWhereTheyHaveNoEscapes) {
  const Parsed p = parse(
      "a: plain\nb: 'single'\nc: \"double\"\nd: \"e\\\"s\"\ne: two\n  lines\nf: >\n  fo\n  ld\n");
  const YamlNode& m = p.only();
  EXPECT_EQ(m.find("a")->source_position(2), 5u);
  EXPECT_EQ(p.text.substr(m.find("b")->source_position(3), 3), "gle");
  EXPECT_EQ(p.text.substr(m.find("c")->source_position(3), 3), "ble");
  for (const char* key : {"d", "e", "f"})
    EXPECT_EQ(m.find(key)->source_position(3), m.find(key)->span.begin) << key;
}

TEST(Yaml, DuplicateKeyIsAnErrorAtTheSecondKey) {
  const Parsed p = parse("a: 1\nb: 2\na: 3\n");
  EXPECT_EQ(p.summary(), "yaml-duplicate-key@10-11");
  ASSERT_EQ(p.documents.size(), 1u);
  EXPECT_EQ(p.only().get("a"), "1");
  EXPECT_EQ(p.only().entries.size(), 2u);
}

TEST(Yaml, DuplicateKeysAreFoundInLargeMappings) {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "k" + std::to_string(i) + ": v\n";
  const auto at = text.size();
  text += "k17: v\n'k39': v\n";
  EXPECT_EQ(parse(text).summary(), "yaml-duplicate-key@" + std::to_string(at) + "-" +
                                       std::to_string(at + 3) + " yaml-duplicate-key@" +
                                       std::to_string(at + 7) + "-" + std::to_string(at + 12));
}

TEST(Yaml, SyntaxErrorKeepsTheOtherDocuments) {
  const Parsed p = parse("a: 1\n---\nb: \"\xc3\xa9\\q\"\n---\nc: 3\n");
  ASSERT_EQ(p.documents.size(), 2u);
  EXPECT_EQ(p.documents[0].get("a"), "1");
  EXPECT_EQ(p.documents[1].get("c"), "3");
  EXPECT_EQ(p.source_of(*p.documents[1].find("c")), "3");
  EXPECT_EQ(p.summary(), "yaml-syntax@15-16");
  EXPECT_NE(p.diag.all()[0].message.find("escape"), std::string::npos);
}

TEST(Yaml, EachBrokenDocumentHasItsOwnErrorAndPlace) {
  // What is open at the end of a document takes nothing of the next one.
  const Parsed p = parse(
      "%YAML 1.2\n---\na: [1, 2\n---\nb: 'x\n---\nc: 3\nc: 4\n...\n# between\n---\nd: |\n"
      "  --- \n  e\n--- # comment\n\tf: 1\n---\ng: \xff\n---\nh: 8\n");
  ASSERT_EQ(p.documents.size(), 3u);
  EXPECT_EQ(p.documents[0].get("c"), "3");
  EXPECT_EQ(p.documents[1].get("d"), "--- \ne\n");
  EXPECT_EQ(p.documents[2].get("h"), "8");
  std::vector<std::string> codes;
  for (const Diagnostic& d : p.diag.all())
    codes.push_back(d.code + " " + std::to_string(line_column(p.text, d.primary.begin).line));
  EXPECT_EQ(codes,
            (std::vector<std::string>{"yaml-syntax 3", "yaml-syntax 5", "yaml-duplicate-key 8",
                                      "yaml-syntax 16", "yaml-syntax 18"}));
  EXPECT_EQ(p.diag.all()[0].hint, "the `[` of line 3, column 4 is still open");
  ASSERT_EQ(p.broken.size(), 4u);
  EXPECT_EQ(p.text.substr(p.broken[1].begin, p.broken[1].end - p.broken[1].begin), "---\nb: 'x\n");
}

TEST(Yaml, DocumentsAreCutAtTheirMarks) {
  const auto cut = [](std::string_view text) {
    std::vector<std::string> out;
    for (const Span& s : yaml_documents(text))
      out.emplace_back(text.substr(s.begin, s.end - s.begin));
    return out;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(cut("a: 1\n"), (Texts{"a: 1\n"}));
  EXPECT_EQ(cut("# c\n---\na: 1\n---\r\nb: |\n  ---\n---x: 1\n"),
            (Texts{"# c\n---\na: 1\n", "---\r\nb: |\n  ---\n---x: 1\n"}));
  EXPECT_EQ(cut("a: 1\n...\n%TAG ! x\n---\nb: 1"), (Texts{"a: 1\n...\n", "%TAG ! x\n---\nb: 1"}));
  EXPECT_EQ(cut("---\n---\n"), (Texts{"---\n", "---\n"}));
  EXPECT_EQ(cut(""), Texts{});
}

TEST(Yaml, UnclosedBracketSaysWhereItWasOpened) {
  const Parsed p = parse("a: b\nc: [1, 2\nd: e\n");
  ASSERT_EQ(p.diag.all().size(), 1u);
  EXPECT_EQ(p.diag.all()[0].code, "yaml-syntax");
  EXPECT_EQ(p.diag.all()[0].hint, "the `[` of line 2, column 4 is still open");
  EXPECT_TRUE(p.documents.empty());
}

TEST(Yaml, TabIndentationIsRefused) {
  EXPECT_EQ(parse("a:\n\tb: 1\n").summary().substr(0, 11), "yaml-syntax");
  EXPECT_EQ(parse("a:\t1\n").only().get("a"), "1");
}

TEST(Yaml, BytesThatAreNotTextAreRefusedWithTheirPlace) {
  EXPECT_EQ(parse("a: \xff\n").summary(), "yaml-syntax@3-4");
  EXPECT_EQ(parse(std::string("a\0b: c\n", 7)).summary(), "yaml-syntax@1-2");
  // A written replacement character is text.
  EXPECT_EQ(parse("a: \xef\xbf\xbd\n").summary(), "");
}

TEST(Yaml, QuotedTextMayContinueAtColumnZero) {
  const Parsed p = parse("search: 'one\n| two'\nname: x\n");
  ASSERT_EQ(p.summary(), "");
  EXPECT_EQ(p.only().get("search"), "one | two");
  EXPECT_EQ(p.only().get("name"), "x");
}

TEST(Yaml, SingleQuotedTextFoldsItsLines) {
  const auto text = [](const std::string& raw) {
    return std::string(parse("k: '" + raw + "'\n").only().get("k"));
  };
  EXPECT_EQ(text("a  \n   b"), "a b");
  EXPECT_EQ(text("a\n\n \n b"), "a\n\nb");
  EXPECT_EQ(text(" a \r\n\r\n b "), " a\nb ");
  EXPECT_EQ(text("\n"), " ");
  EXPECT_EQ(text("a''\n''b"), "a' 'b");
}

TEST(Yaml, EscapedLineEndsJoinLines) {
  const Parsed p = parse("a: \"reg \\\\\\\n  sec\\\n\n  x \\\n  y\"\n");
  EXPECT_EQ(p.only().get("a"), "reg \\sec\nx y");
}

TEST(Yaml, DoubleQuotedEscapesAreRead) {
  const Parsed p =
      parse(R"(a: "\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P\x41\u00e9\U0001F600\uD83D\uDE00")");
  ASSERT_EQ(p.summary(), "");
  EXPECT_EQ(p.only().get("a"),
            "\0\a\b\t\n\v\f\r\x1b \"/\\\xc2\x85\xc2\xa0\xe2\x80\xa8\xe2\x80\xa9"
            "A\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98\x80"sv);
}

TEST(Yaml, FoldedBlocksJoinLinesAndKeepIndentedOnes) {
  const auto text = [](const std::string& raw) {
    return std::string(parse("k: " + raw).only().get("k"));
  };
  EXPECT_EQ(text("> # c\n  a\n  b\n\n  c\n   d\n    e\n\n  f\n"), "a b\nc\n d\n  e\n\nf\n");
  EXPECT_EQ(text(">-\n  a\n\n\n"), "a");
  EXPECT_EQ(text(">+\n  a\n\n\nn: 1\n"), "a\n\n\n");
}

TEST(Yaml, LastLineEndOfABlockFollowsItsHeader) {
  const auto text = [](const std::string& raw) {
    return std::string(parse("k: " + raw).only().get("k"));
  };
  EXPECT_EQ(text("|\n  x\n\n\n"), "x\n");
  EXPECT_EQ(text("|-\n  x\n\n\n"), "x");
  EXPECT_EQ(text("|+\n  x\n\n\n"), "x\n\n\n");
  EXPECT_EQ(text("|\n  x"), "x");
  EXPECT_EQ(text("|\n   "), "");
  EXPECT_EQ(text("|+ # +\n\n\nn: 1\n"), "\n\n");
  EXPECT_EQ(text("!!str &a |-\n  x\n"), "x");
}

TEST(Yaml, BlockIndentationCountsFromItsCollection) {
  const Parsed p = parse("a:\n  b: |1\n     x\n  c:\n  - |1\n     y\n");
  EXPECT_EQ(p.only().find("a")->get("b"), "  x\n");
  EXPECT_EQ(p.only().find("a")->find("c")->items[0].text, "  y\n");
}

TEST(Yaml, AliasesAreCopiesOfTheirAnchor) {
  const Parsed p = parse("a: &x {k: [1, 2]}\nb: *x\nc: &s text\nd: *s\n");
  ASSERT_EQ(p.summary(), "");
  EXPECT_EQ(p.only().find("b")->find("k")->items.size(), 2u);
  EXPECT_EQ(p.only().get("d"), "text");
  EXPECT_EQ(p.source_of(*p.only().find("d")), "text");
}

TEST(Yaml, KeysByAliasStandWhereTheyAreUsed) {
  const Parsed p = parse("- &k key\n- *k : 1\n- {key: 1, *k : 2}\n");
  EXPECT_EQ(p.only().items[1].get("key"), "1");
  EXPECT_EQ(p.source_of(p.only().items[1].entries[0].key), "*k");
  EXPECT_EQ(p.summary(), "yaml-duplicate-key@29-31");
}

TEST(Yaml, UnknownAliasIsAnErrorAndReadingGoesOn) {
  const Parsed p = parse("a: &name x\nb: *nmae\nc: &y [*y]\n");
  EXPECT_EQ(p.summary(), "yaml-unknown-alias@14-19 yaml-unknown-alias@27-29");
  EXPECT_EQ(p.diag.all()[0].hint, "did you mean *name?");
  EXPECT_EQ(p.documents.size(), 1u);
}

TEST(Yaml, AnchorsDoNotCrossDocuments) {
  EXPECT_EQ(parse("a: &x 1\n---\nb: *x\n").summary(), "yaml-unknown-alias@15-17");
}

TEST(Yaml, MergeKeysFillWhatIsNotWritten) {
  const Parsed p =
      parse("a: &a {p: 1, q: 2}\nb: &b {q: 3, r: 4}\nc:\n  q: 0\n  <<: [*a, *b]\n  s: 5\n");
  ASSERT_EQ(p.summary(), "");
  std::string got;
  for (const YamlNode::Entry& e : p.only().find("c")->entries)
    got += e.key.text + e.value.text + " ";
  EXPECT_EQ(got, "q0 p1 r4 s5 ");
  EXPECT_EQ(parse("d:\n  <<: 7\n").summary(), "yaml-bad-merge@5-7");
  // Quoted, it is a key like any other.
  EXPECT_EQ(parse("'<<': 7\n").only().get("<<"), "7");
}

TEST(Yaml, ManyDoubledQuotesLeakNothing) {  // seen by LeakSanitizer only
  std::string quotes;
  for (int i = 0; i < 500; ++i)
    quotes += "''";
  EXPECT_EQ(parse("a: '" + quotes + "'\n").only().get("a"), std::string(500, '\''));
}

TEST(Yaml, AliasExpansionIsBounded) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      text += before + (j < 9 ? "," : "]\n");
  }
  const Parsed p = parse(text);
  ASSERT_EQ(p.diag.all().size(), 1u);
  EXPECT_EQ(p.diag.all()[0].code, "yaml-too-large");
  EXPECT_EQ(p.diag.all()[0].message, "aliases expand to more than 100000 nodes");
}

TEST(Yaml, DepthIsBoundedAlsoThroughAliases) {
  EXPECT_EQ(parse(std::string(100'000, '[')).summary(), "yaml-too-deep@200-201");
  EXPECT_EQ(parse(std::string(150, '[') + std::string(150, ']') + "\n").summary(), "");
  const std::string open(120, '[');
  const std::string close(120, ']');
  const Parsed p = parse("a: &a " + open + close + "\nb: " + open + "*a" + close + "\n");
  ASSERT_EQ(p.diag.all().size(), 1u);
  EXPECT_EQ(p.diag.all()[0].code, "yaml-too-deep");
}

TEST(Yaml, TagsThatChangeNothingAreTakenAndOthersWarned) {
  const Parsed p = parse("a: !!str 25\nb: !!int 5\nc: !include x.yml\nd: ! 7\n");
  EXPECT_EQ(p.summary(), "yaml-tag-ignored@26-34");
  EXPECT_FALSE(p.diag.has_errors());
  EXPECT_FALSE(p.only().find("a")->plain);
  EXPECT_TRUE(p.only().find("b")->plain);
  EXPECT_FALSE(p.only().find("d")->plain);
  EXPECT_EQ(p.only().find("a")->source_position(1), 10u);
}

/// Parses every YAML file below a folder of the shared corpora; returns how many there were.
size_t parse_folder(const std::string& below) {
  const char* shared = std::getenv("POSTERN_SHARED");
  const std::filesystem::path root = std::filesystem::path(shared ? shared : "../shared") / below;
  if (!std::filesystem::is_directory(root)) return 0;
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".yml" && extension != ".yaml") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    const Parsed p = parse(bytes.str());
    ++files;
    for (const Diagnostic& d : p.diag.all())
      ADD_FAILURE() << render({entry.path().string(), p.text}, d);
    for (const YamlNode& document : p.documents)
      EXPECT_EQ(count_wrong_places(document, p.text), 0u) << entry.path();
  }
  return files;
}

TEST(YamlCorpus, EverySigmaRuleParsesWithExactPlaces) {
  const size_t files = parse_folder("corpora/sigma");
  if (files == 0) GTEST_SKIP() << "POSTERN_SHARED has no corpora/sigma";
  EXPECT_GT(files, 3'700u);
}

TEST(YamlCorpus, EverySplunkDetectionAndMacroParsesWithExactPlaces) {
  const size_t files = parse_folder("corpora/spl/detections") + parse_folder("corpora/spl/macros");
  if (files == 0) GTEST_SKIP() << "POSTERN_SHARED has no corpora/spl";
  EXPECT_GT(files, 1'500u);
}

}  // namespace
}  // namespace postern::adapt
