#include "mime/header.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "mime/charset.h"
#include "mime/date.h"

namespace postern::mime {
namespace {

TEST(EncodedWords, DecodesBothEncodings) {
  EXPECT_EQ(decode_words("=?utf-8?B?SsO8cmdlbg==?= <j@x>"), "J\xc3\xbcrgen <j@x>");
  EXPECT_EQ(decode_words("=?ISO-8859-1?Q?Andr=E9_P?="), "Andr\xc3\xa9 P");
  EXPECT_EQ(decode_words("plain text"), "plain text");
  EXPECT_EQ(decode_words("=?utf-8*de?q?x?="), "x");
}

TEST(EncodedWords, JoinsAdjacentWords) {
  EXPECT_EQ(decode_words("=?utf-8?q?a?= =?utf-8?q?b?="), "ab");
  EXPECT_EQ(decode_words("=?utf-8?q?a?=\r\n =?iso-8859-1?q?b?="), "ab");
  EXPECT_EQ(decode_words("=?utf-8?q?a?= x =?utf-8?q?b?="), "a x b");
  EXPECT_EQ(decode_words("=?utf-8?B?w?= =?utf-8?B?7w=?="),
            decode_words("=?utf-8?B?w?= =?utf-8?B?7w=?="));
  EXPECT_EQ(decode_words("=?utf-8?B?4oI=?= =?utf-8?B?rA==?="), "\xe2\x82\xac")
      << "a character in two words";
}

TEST(EncodedWords, LeavesWhatIsMalformed) {
  for (const char* text :
       {"=?", "=?utf-8?", "=?utf-8?x?abc?=", "=?utf-8?q?open", "=?=?=?", "a=b?c"})
    EXPECT_EQ(decode_words(text), text);
}

TEST(Structured, ReadsTokenAndParameters) {
  const StructuredValue v =
      parse_structured("Text/Plain (a comment; really); CHARSET=\"utf-8\"; format=flowed");
  EXPECT_EQ(v.token, "text/plain");
  EXPECT_EQ(v.parameter("charset"), "utf-8");
  EXPECT_EQ(v.parameter("format"), "flowed");
  EXPECT_EQ(v.parameter("none"), "");
}

TEST(Structured, ReadsFileNamesAsTheyAreWritten) {
  const auto name = [](std::string_view v) {
    return std::string(parse_structured(v).parameter("filename"));
  };
  EXPECT_EQ(name("attachment; filename=my file.txt; size=3"), "my file.txt");
  EXPECT_EQ(name("attachment; filename=\"a;b\\\"c.txt\""), "a;b\"c.txt");
  EXPECT_EQ(name("attachment; dummy=\"filename=wrong.txt\"; filename=real.exe"), "real.exe");
  EXPECT_EQ(name("attachment; filename*=utf-8'en'%e2%82%ac.txt"), "\xe2\x82\xac.txt");
  EXPECT_EQ(name("attachment; filename*0*=iso-8859-1''%e4; filename*1=\"b.\"; filename*2*=e%78e"),
            "\xc3\xa4"
            "b.exe");
  EXPECT_EQ(name("attachment; filename*1=\"exe\"; filename*0=\"loot.\""), "loot.exe")
      << "pieces in any order";
  EXPECT_EQ(name("attachment; filename=old.txt; filename*=utf-8''new.exe"), "new.exe");
  EXPECT_EQ(name("attachment; filename=\"=?utf-8?B?bG9vdC5leGU=?=\""), "loot.exe");
  EXPECT_EQ(name("attachment; filename"), "");
  EXPECT_EQ(name("attachment; filename="), "");
  EXPECT_EQ(name("attachment; filename=\"open"), "open");
}

TEST(Addresses, SplitsListsAtTheRightCommas) {
  const std::vector<std::string> expected = {"\"Doe, Jane\" <jane@x>", "bob@x (Bob, the builder)",
                                             "<@a,@b:c@d>"};
  EXPECT_EQ(split_addresses(" \"Doe, Jane\" <jane@x>,, bob@x (Bob, the builder) , <@a,@b:c@d>"),
            expected);
  EXPECT_TRUE(split_addresses("").empty());
  EXPECT_EQ(split_addresses("\"open, quote").size(), 1u);
}

TEST(Addresses, TakesTheBareAddress) {
  EXPECT_EQ(bare_address("\"A <x@y>\" <a@b>"), "a@b");
  EXPECT_EQ(bare_address("a@b"), "a@b");
  EXPECT_EQ(bare_address("<@r:a@b>"), "a@b");
  EXPECT_EQ(bare_address("<>"), "");
  EXPECT_EQ(bare_address("nobody"), "");
}

TEST(Addresses, FindsIpAddressesInText) {
  const std::vector<std::string> expected = {"10.0.0.9", "2607:f8b0::42f"};
  EXPECT_EQ(ip_addresses("from a (a.1.2.3.example [10.0.0.9]) by b [IPv6:2607:f8b0::42f]; 01:39:13 "
                         "1.2.3 999.1.1.1"),
            expected);
}

TEST(Dates, ReadsTheFormsOfMail) {
  const auto text = [](std::string_view d) {
    const auto t = parse_date(d);
    return t ? format_rfc3339(*t) : "none";
  };
  EXPECT_EQ(text("Mon, 5 Oct 2009 11:36:07 +0530"), "2009-10-05T06:06:07Z");
  EXPECT_EQ(text("4 Jun 2024 14:16:45 +0100"), "2024-06-04T13:16:45Z");
  EXPECT_EQ(text("Thu, 04 Mar 2021 01:39:13 -0800 (PST)"), "2021-03-04T09:39:13Z");
  EXPECT_EQ(text("1 Jan 99 00:00 EST"), "1999-01-01T05:00:00Z");
  EXPECT_EQ(text("Mon,5 Oct 2009 11:36:07"), "2009-10-05T11:36:07Z");
  for (const char* bad : {"", "yesterday", "32 Oct 2009 11:36:07", "5 Foo 2009 11:36:07",
                          "5 Oct 2009", "5 Oct 2009 25:00:00", "30 Feb 2009 11:00:00"})
    EXPECT_EQ(text(bad), "none") << bad;
  EXPECT_EQ(format_rfc3339(*parse_ctime("Thu Mar  4 01:41:18 2021")), "2021-03-04T01:41:18Z");
  EXPECT_FALSE(parse_ctime("me, with love"));
}

TEST(Charset, ConvertsWhatIsDeclared) {
  std::string out;
  EXPECT_TRUE(to_utf8("iso-8859-1", "\xe4", out));
  EXPECT_EQ(out, "\xc3\xa4");
  out.clear();
  EXPECT_TRUE(to_utf8("UTF-16LE", std::string_view("a\0b\0", 4), out));
  EXPECT_EQ(out, "ab");
  out.clear();
  EXPECT_TRUE(to_utf8("koi8-r", "\xf0", out));
  EXPECT_EQ(out, "\xd0\x9f");
}

TEST(Charset, GuessesWhatIsNot) {
  std::string out;
  to_utf8("", "\xc3\xa4", out);
  EXPECT_EQ(out, "\xc3\xa4");
  out.clear();
  to_utf8("", "\xe4", out);
  EXPECT_EQ(out, "\xc3\xa4");
  out.clear();
  to_utf8("", std::string_view("C\0o\0m\0p\0u\0t\0e\0r\0", 16), out);
  EXPECT_EQ(out, "Computer");
  out.clear();
  EXPECT_FALSE(to_utf8("x-no-such-charset", "abc", out));
  EXPECT_EQ(out, "abc");
  out.clear();
  EXPECT_FALSE(to_utf8("utf-8//IGNORE", "abc", out));
  EXPECT_EQ(out, "abc");
}

TEST(Charset, ReplacesWhatIsMalformed) {
  std::string out;
  to_utf8("utf-8",
          "a\xff"
          "b",
          out);
  EXPECT_EQ(out,
            "a\xef\xbf\xbd"
            "b");
  out.clear();
  to_utf8("utf-16le", std::string_view("a\0b", 3), out);
  EXPECT_EQ(out, "a\xef\xbf\xbd");
}

}  // namespace
}  // namespace postern::mime
