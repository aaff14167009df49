#include "input/zeek/zeek.h"

#include <algorithm>
#include <iostream>

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/json/json.h"
#include "input/zeek/header.h"

namespace postern::input {
namespace {

constexpr std::string_view kHead =
    "#separator "
    "\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tsmtp\n#open\t2026-03-"
    "10-00-00-00\n"
    "#fields\tts\tuid\tid.orig_h\tid.resp_p\tmailfrom\trcptto\tsubject\ttls\tpath\ttimes\tn\n"
    "#types\ttime\tstring\taddr\tport\tstring\tset[string]\tstring\tbool\tvector[addr]\tvector["
    "interval]\tcount\n";

const std::map<std::string, Columns> kWanted = {{"zeek.smtp",
                                                 {{"ts", kDatetime},
                                                  {"id.orig_h", kString},
                                                  {"id.resp_p", kInt},
                                                  {"mailfrom", kString},
                                                  {"rcptto", kDynamic},
                                                  {"subject", kString},
                                                  {"tls", kBool},
                                                  {"path", kDynamic},
                                                  {"times", kDynamic},
                                                  {"n", kLong}}}};

Decoded decode(std::string text, const std::map<std::string, Columns>& wanted = kWanted) {
  Decoded d(wanted);
  d.run(zeek::decode, std::move(text));
  return d;
}

TEST(ZeekTsv, ReadsTypesFromTheHeader) {
  Decoded d = decode(std::string(kHead) +
                     "1773133330.418299\tC1\t10.20.1.15\t587\tbob@corp.example\ta@b,c@"
                     "d\tscreens\tT\t(empty)\t0.5,-,2\t3\n"
                     "#close\t2026-03-10-01-00-00\n");
  ASSERT_EQ(d.rows("zeek.smtp").size(), 1u);
  EXPECT_EQ(d.row("zeek.smtp"), (Fields{{"ts", "2026-03-10T09:02:10.4182990Z"},
                                        {"_time", "2026-03-10T09:02:10.4182990Z"},
                                        {"id.orig_h", "10.20.1.15"},
                                        {"id.resp_p", "587"},
                                        {"mailfrom", "bob@corp.example"},
                                        {"rcptto", R"(["a@b","c@d"])"},
                                        {"subject", "screens"},
                                        {"tls", "true"},
                                        {"path", "[]"},
                                        {"times", "[0.5,null,2.0]"},
                                        {"n", "3"}}));
  EXPECT_EQ(d.rows("zeek.smtp")[0].all.at("uid"), "C1");
  EXPECT_EQ(d.rows("zeek.smtp")[0].position.record, 9u);
  EXPECT_TRUE(d.anomalies().all().empty());
}

TEST(ZeekTsv, TellsUnsetFromEmptyAndFromTheirText) {
  Decoded d = decode(std::string(kHead) +
                     "1773133330\tC1\t-\t-\t-\t-\t(empty)\tF\t-\t-\t-\n"
                     "1773133331\tC2\t-\t-\t\\x2d\t\\x2d\t\\x28empty)\t-\t-\t-\t-\n");
  EXPECT_EQ(d.row("zeek.smtp", 0), (Fields{{"ts", "2026-03-10T09:02:10Z"},
                                           {"_time", "2026-03-10T09:02:10Z"},
                                           {"subject", ""},
                                           {"tls", "false"}}));
  EXPECT_EQ(d.row("zeek.smtp", 1), (Fields{{"ts", "2026-03-10T09:02:11Z"},
                                           {"_time", "2026-03-10T09:02:11Z"},
                                           {"mailfrom", "-"},
                                           {"rcptto", R"(["-"])"},
                                           {"subject", "(empty)"}}));
}

TEST(ZeekTsv, ResolvesEscapes) {
  Decoded d =
      decode(std::string(kHead) +
             "1773133330\tC1\t-\t-\ta\\x09b\\\\c\tx\\x2cy,z\t\\xc3\\xa9t\\xc3\\xa9\t-\t-\t-\t-\n"
             "1773133330\tC1\t-\t-\t\\xff\\xc3\\xa9\\x01\\x0a\t-\t-\t-\t-\t-\t-\n");
  EXPECT_EQ(d.row("zeek.smtp", 0).at("mailfrom"), "a\tb\\c");
  EXPECT_EQ(d.row("zeek.smtp", 0).at("rcptto"), R"(["x,y","z"])");
  EXPECT_EQ(d.row("zeek.smtp", 0).at("subject"), "\xC3\xA9t\xC3\xA9");
  // What is no text keeps its escaped form, as in Zeek's JSON.
  EXPECT_EQ(d.row("zeek.smtp", 1).at("mailfrom"), "\\xff\xC3\xA9\\x01\n");
}

TEST(ZeekTsv, ReadsOtherSeparatorsAndMarks) {
  Decoded d = decode(
      "#separator ,\n#set_separator,;\n#empty_field,EMPTY\n#unset_field,~\n#path,smtp\n"
      "#fields,ts,rcptto,subject,mailfrom\n#types,time,set[string],string,string\n1773133330,a;b,"
      "EMPTY,~\n");
  EXPECT_EQ(d.row("zeek.smtp").at("rcptto"), R"(["a","b"])");
  EXPECT_EQ(d.row("zeek.smtp").at("subject"), "");
  EXPECT_EQ(d.row("zeek.smtp").count("mailfrom"), 0u);
}

TEST(ZeekTsv, ReadsLogsOneAfterTheOther) {
  const std::string one =
      std::string(kHead) + "1773133330\tC1\t-\t25\t-\t-\t-\t-\t-\t-\t-\n#close\tx\n";
  const std::string other =
      "#separator "
      "\\x09\n#path\tweird\n#fields\tname\tts\n#types\tstring\ttime\nbad_HTTP\t1773133331.5\n";
  std::map<std::string, Columns> wanted = kWanted;
  wanted["zeek.weird"] = {{"name", kString}};
  Decoded d = decode(one + one + other + one, wanted);
  EXPECT_EQ(d.rows("zeek.smtp").size(), 3u);
  EXPECT_EQ(d.row("zeek.weird"),
            (Fields{{"name", "bad_HTTP"}, {"_time", "2026-03-10T09:02:11.500Z"}}));
  EXPECT_EQ(d.rows("zeek.weird")[0].all.at("name"), "bad_HTTP");
}

TEST(ZeekTsv, NamesBadData) {
  Decoded d = decode("#separator \\x09\nearly\n" + std::string(kHead) +
                     "1773133330\tC1\n"
                     "1773133330\tC1\t-\tport\t-\t-\ta\xFF"
                     "b\t-\t-\t-\t-\n#path\t../x\nz\t1\n");
  EXPECT_EQ(d.anomaly("zeek-no-header"), 1u);
  EXPECT_EQ(d.anomaly("zeek-short-line"), 1u);
  EXPECT_EQ(d.anomaly("zeek-bad-utf8"), 1u);
  EXPECT_EQ(d.anomaly("bad-value"), 1u);
  EXPECT_EQ(d.anomaly("zeek-bad-path"), 1u);
  EXPECT_EQ(d.row("zeek.smtp", 1).at("subject"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(ZeekTsv, CountsALogThatNobodyReads) {
  Decoded d = decode(std::string(kHead) + "1773133330\tC1\n1773133331\tC2\n", {});
  EXPECT_EQ(d.num_skipped("zeek.smtp"), 2u);
}

TEST(ZeekTsv, IsDetectedByContent) {
  EXPECT_TRUE(zeek::detect(kHead));
  EXPECT_TRUE(zeek::detect("### taken from sensor 3\n# by hand\n" + std::string(kHead)));
  EXPECT_FALSE(zeek::detect("#fields\tts"));
  EXPECT_FALSE(zeek::detect("# a script\nx = 1\n" + std::string(kHead)));
}

}  // namespace
}  // namespace postern::input
