#include "lang/spl/lexer.h"

#include <gtest/gtest.h>

namespace postern::lang::spl {
namespace {

Expansion plain(std::string_view text) {
  Diagnostics diag;
  auto e = expand(
      text, {}, [](size_t at) { return static_cast<uint32_t>(at); }, diag);
  EXPECT_TRUE(static_cast<bool>(e));
  return e ? *std::move(e) : Expansion();
}

TEST(LexerTest, OnlyQuoteBackslashAndPipeAreEscapesOfSearchValues) {
  EXPECT_EQ(unescape(R"(C:\\Windows\\*)"), R"(C:\Windows\*)");
  EXPECT_EQ(unescape(R"(say \"hi\" \| x)"), R"(say "hi" | x)");
  EXPECT_EQ(unescape(R"(*\sam *)"), R"(*\sam *)");
  EXPECT_EQ(unescape(R"(\(x86\))"), R"(\(x86\))");
  EXPECT_EQ(unescape(R"(ends with \)"), R"(ends with \)");
  EXPECT_EQ(unescape(R"(\\\\host\\share)"), R"(\\host\share)");
}

TEST(LexerTest, EvalStringsAlsoKnowControlCharacters) {
  EXPECT_EQ(unescape_eval(R"(a\tb\n)"), "a\tb\n");
  EXPECT_EQ(unescape_eval(R"(^\d+\.)"), R"(^\d+\.)");
  EXPECT_EQ(unescape_eval(R"(a\|b)"), R"(a\|b)");
}

TEST(LexerTest, AWordEndsWhereItsPlaceSays) {
  const Expansion e = plain(R"(dest_port!=25 url=http://x/?a=b a\|b "q\"q" x<=5)");
  Lexer lex(e);
  EXPECT_EQ(lex.next(Words::kTerm).text, "dest_port");
  EXPECT_TRUE(lex.next(Words::kTerm).is_symbol("!="));
  EXPECT_EQ(lex.next(Words::kValue).text, "25");
  EXPECT_EQ(lex.next(Words::kTerm).text, "url");
  EXPECT_TRUE(lex.next(Words::kTerm).is_symbol("="));
  EXPECT_EQ(lex.next(Words::kValue).text, "http://x/?a=b");
  EXPECT_EQ(lex.next(Words::kTerm).text, R"(a\|b)");
  const Token quoted = lex.next(Words::kTerm);
  EXPECT_EQ(quoted.kind, TokenKind::kString);
  EXPECT_EQ(quoted.text, R"(q\"q)");
  EXPECT_EQ(lex.next(Words::kTerm).text, "x");
  EXPECT_TRUE(lex.next(Words::kTerm).is_symbol("<="));
}

TEST(LexerTest, EvalNumbersAndNames) {
  const Expansion e = plain("1.5e3+.5-4688x'a b'.n");
  Lexer lex(e);
  EXPECT_EQ(lex.next(Words::kEval).text, "1.5e3");
  EXPECT_EQ(lex.next(Words::kEval).text, "+");
  EXPECT_EQ(lex.next(Words::kEval).text, ".5");
  EXPECT_EQ(lex.next(Words::kEval).text, "-");
  EXPECT_EQ(lex.next(Words::kEval).text, "4688x");
  const Token field = lex.next(Words::kEval);
  EXPECT_EQ(field.kind, TokenKind::kString);
  EXPECT_EQ(field.text, "a b");
  EXPECT_EQ(lex.next(Words::kEval).text, ".");
  EXPECT_EQ(lex.next(Words::kEval).text, "n");
}

TEST(LexerTest, SkippingACommandHonoursQuotesAndBrackets) {
  const Expansion e = plain(R"(map search="a | b" [ search x | y ] \| z | next)");
  Lexer lex(e);
  lex.skip_command();
  EXPECT_TRUE(lex.take('|'));
  EXPECT_EQ(lex.next(Words::kTerm).text, "next");
}

TEST(LexerTest, StrayEscapesAreThoseThatNoPathExplains) {
  EXPECT_EQ(stray_escapes(R"(C:\\Program Files \(x86\)\\*)"), (std::vector<size_t>{18, 23}));
  EXPECT_EQ(stray_escapes(R"(*\.txt)"), std::vector<size_t>{1});
  EXPECT_EQ(stray_escapes(R"(\d+)"), std::vector<size_t>{0});
  EXPECT_EQ(stray_escapes(R"(Action\=\"Deny\")"), std::vector<size_t>{6});
  // Separators written singly, a command of mysql, a backslash before a wildcard.
  EXPECT_TRUE(stray_escapes(R"(*\sam *)").empty());
  EXPECT_TRUE(stray_escapes(R"(*\Users\*\.ssh\*)").empty());
  EXPECT_TRUE(stray_escapes(R"(*\!*)").empty());
  EXPECT_TRUE(stray_escapes(R"(*\*)").empty());
  EXPECT_TRUE(stray_escapes(R"(*\\temp\\*)").empty());
}

}  // namespace
}  // namespace postern::lang::spl
