#include "input/mailfile/mailfile.h"

#include <gtest/gtest.h>

#include "tests/support/decoded_rows.h"

namespace postern::input::mailfile {
namespace {

using test::decode_rows;
using test::Decoded;
using test::TextRow;

const std::vector<std::string> kTables = {"mail.message", "mail.attachment"};

std::string get(const TextRow& row, const std::string& name) {
  const auto it = row.find(name);
  return it == row.end() ? "-" : it->second;
}

constexpr std::string_view kMessage =
    "Return-Path: <bounce@evil.example>\n"
    "Delivered-To: bob@corp.example\n"
    "From: a@evil.example\n"
    "Subject: hello\n"
    "Date: Mon, 5 Oct 2009 11:36:07 +0530\n"
    "Content-Type: application/pdf; name=x.pdf\n"
    "\n"
    "%PDF-1.4\n";

TEST(MailFile, ReadsASingleMessage) {
  EXPECT_TRUE(detect_message(kMessage));
  const Decoded d = decode_rows(kMessage, kTables);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  const TextRow& m = d.rows("mail.message")[0];
  EXPECT_EQ(get(m, "protocol"), "eml");
  EXPECT_EQ(get(m, "ts"), "2009-10-05T06:06:07Z");
  EXPECT_EQ(get(m, "mailfrom"), "bounce@evil.example");
  EXPECT_EQ(get(m, "rcptto"), R"(["bob@corp.example"])");
  EXPECT_EQ(get(m, "uid"), "-");
  ASSERT_EQ(d.rows("mail.attachment").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.attachment")[0], "real_type"), "application/pdf");
  EXPECT_EQ(get(d.rows("mail.attachment")[0], "mailfrom"), "bounce@evil.example");
}

TEST(MailFile, ReadsAnArchive) {
  const std::string mbox =
      "From x@y Thu Mar  4 01:40:18 2021\n" + std::string(kMessage) +
      "\nFrom me, with love\n>From you\n>>From all\n\n"
      "From z@y Fri Mar  5 01:40:18 2021\nFrom: z@y\nSubject: second\n\nbody\n";
  EXPECT_TRUE(detect_mbox(mbox));

  struct Scanner final : match::ContentScanner {
    Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
      if (o.view == "mail.raw") raw.emplace_back(content);
      return uint32_t{0};
    }

    std::vector<std::string> raw;
  } scanner;

  const Decoded d = decode_rows(mbox, kTables, &scanner);
  ASSERT_EQ(d.rows("mail.message").size(), 2u);
  EXPECT_EQ(get(d.rows("mail.message")[0], "protocol"), "mbox");
  EXPECT_EQ(get(d.rows("mail.message")[1], "subject"), "second");
  EXPECT_EQ(get(d.rows("mail.message")[1], "ts"), "2021-03-05T01:40:18Z")
      << "no Date: that of the separator";
  ASSERT_EQ(scanner.raw.size(), 2u);
  EXPECT_NE(scanner.raw[0].find("\nFrom me, with love\nFrom you\n>From all\n"), std::string::npos);
}

TEST(MailFile, RecognisesOnlyMail) {
  EXPECT_FALSE(detect_message(""));
  EXPECT_FALSE(detect_message("just some words\nand more\n"));
  EXPECT_FALSE(detect_message("Note: one thing\nAnother: thing\n\ntext"));
  EXPECT_FALSE(detect_message("{\"From\": 1}\n"));
  EXPECT_FALSE(detect_message(" From: folded\nTo: x\n"));
  EXPECT_FALSE(detect_mbox("From me to you\nSubject: x\nTo: y\n"));
  EXPECT_FALSE(detect_mbox(kMessage));
  EXPECT_TRUE(detect_message("MIME-Version: 1.0\nFrom: a@b\nTo: c@d\n\nx"));
}

}  // namespace
}  // namespace postern::input::mailfile
