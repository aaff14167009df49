#include "input/mailfile/mailfile.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "tests/support/decoded_rows.h"

namespace postern::input::mailfile {
namespace {

using test::decode_rows;
using test::Decoded;
using test::get;
using test::TextRow;

const std::vector<std::string> kTables = {"mail.message", "mail.attachment"};

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

/// A zip with one stored file; `flags` 1: it asks for a password.
std::string zip_of(const std::string& name, const std::string& content, int flags = 0) {
  const auto l16 = [](size_t v) {
    return std::string{static_cast<char>(v & 255), static_cast<char>(v >> 8 & 255)};
  };
  const auto l32 = [&](size_t v) { return l16(v & 0xffff) + l16(v >> 16); };
  uint32_t crc = 0xffffffff;
  for (const char c : content) {
    crc ^= static_cast<uint8_t>(c);
    for (int k = 0; k < 8; ++k)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  crc = ~crc;
  const std::string common = l16(20) + l16(static_cast<size_t>(flags)) + l16(0) + l32(0) +
                             l32(crc) + l32(content.size()) + l32(content.size()) +
                             l16(name.size()) + l16(0);
  const std::string local = "PK\3\4" + common + name + content;
  const std::string entry =
      "PK\1\2" + l16(20) + common + l16(0) + l16(0) + l16(0) + l32(0) + l32(0) + name;
  return local + entry + "PK\5\6" + l32(0) + l16(1) + l16(1) + l32(entry.size()) +
         l32(local.size()) + l16(0);
}

std::string mail_with(const std::string& attachment) {
  return "From: a@x\nSubject: s\nMessage-ID: <1@x>\nContent-Type: application/zip; name=a.zip\n\n" +
         attachment;
}

TEST(MailFile, LooksIntoAttachedArchives) {
  struct Scanner final : match::ContentScanner {
    Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
      if (o.view == "mail.member") members[o.name] = std::string(content);
      return uint32_t{0};
    }

    std::map<std::string, std::string> members;
  } scanner;

  const std::string inner = zip_of("deep.txt", "loot");
  const Decoded d = decode_rows(mail_with(zip_of("../in.zip", inner)), kTables, &scanner);
  ASSERT_EQ(d.rows("mail.attachment").size(), 1u);
  const TextRow& a = d.rows("mail.attachment")[0];
  EXPECT_EQ(get(a, "num_members"), "1");
  EXPECT_EQ(get(a, "member_names"), R"(["../in.zip"])");
  EXPECT_EQ(get(a, "encrypted"), "false");
  EXPECT_EQ(scanner.members["a.zip!../in.zip"], inner);
  EXPECT_EQ(scanner.members["a.zip!../in.zip!deep.txt"], "loot");
}

TEST(MailFile, NamesArchivesThatItCannotRead) {
  struct Scanner final : match::ContentScanner {
    Result<uint32_t> scan(const match::ContentOrigin&, std::string_view) override {
      return uint32_t{0};
    }
  } scanner;

  const Decoded locked =
      decode_rows(mail_with(zip_of("a.txt", "0123456789abcdef", 1)), kTables, &scanner);
  EXPECT_EQ(locked.num_anomalies("archive-encrypted"), 1u);
  EXPECT_EQ(get(locked.rows("mail.attachment").at(0), "encrypted"), "true");
  std::string nested = "end";
  for (int i = 0; i < 7; ++i)
    nested = zip_of("x.zip", nested);
  EXPECT_EQ(decode_rows(mail_with(nested), kTables, &scanner).num_anomalies("archive-too-deep"),
            1u);
  // Blocks of zstd that say 128 KiB of one byte in four bytes (RFC 8878, 3.1.1.2).
  std::string bomb("\x28\xb5\x2f\xfd\x00\x38", 6);
  for (int i = 0; i < 600; ++i) {
    const unsigned header = 131'072u << 3 | 1u << 1 | (i == 599 ? 1u : 0u);
    for (int shift = 0; shift < 24; shift += 8)
      bomb += static_cast<char>(header >> shift & 0xff);
    bomb += 'x';
  }
  EXPECT_EQ(decode_rows(mail_with(bomb), kTables, &scanner).num_anomalies("archive-too-large"), 1u);
}

TEST(MailFile, KeepsHeadersOfAttachedMessagesApart) {
  const Decoded d = decode_rows(
      "From: outer@x\nTo: b@y\nSubject: outer\nMessage-ID: <1@x>\n"
      "Content-Type: multipart/mixed; boundary=b\n\n"
      "--b\nContent-Type: message/rfc822\n\n"
      "From: inner@x\nSubject: inner\nMessage-ID: <2@x>\n\nbody\n--b--\n",
      kTables);
  ASSERT_EQ(d.rows("mail.message").size(), 1u);
  EXPECT_EQ(get(d.rows("mail.message")[0], "subject"), "outer");
  EXPECT_EQ(get(d.rows("mail.message")[0], "msg_id"), "<1@x>");
}

TEST(MailFile, GivesADigestOfEveryAttachment) {
  const Decoded d = decode_rows(
      "From: a@x\nTo: b@y\nContent-Type: multipart/mixed; boundary=b\n\n"
      "--b\nContent-Disposition: attachment; filename=1\n\na\n"
      "--b\nContent-Disposition: attachment; filename=2\n\nb\n--b--\n",
      kTables);
  ASSERT_EQ(d.rows("mail.attachment").size(), 2u);
  EXPECT_EQ(get(d.rows("mail.attachment")[0], "md5"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(get(d.rows("mail.attachment")[1], "md5"), "92eb5ffee6ae2fec3ad71c777531578f");
}

TEST(MailFile, ShowsBothReadingsOfAnAttachment) {
  struct Scanner final : match::ContentScanner {
    Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
      if (o.view == "mail.attachment" || o.view == "mail.body") seen.emplace_back(content);
      return uint32_t{0};
    }

    bool has(std::string_view text) const {
      return std::find(seen.begin(), seen.end(), text) != seen.end();
    }

    std::vector<std::string> seen;
  } scanner;

  const Decoded d = decode_rows(
      "From: a@x\nTo: b@y\nContent-Type: application/pdf; name=a.pdf\n"
      "Content-Disposition: attachment; filename=b.exe\n"
      "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\nTVpoaQ==\n",
      kTables, &scanner);
  const auto& rows = d.rows("mail.attachment");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(get(rows[0], "reading"), "-");
  EXPECT_EQ(get(rows[0], "other_filename"), "a.pdf");
  EXPECT_EQ(get(rows[1], "reading"), "base64");
  EXPECT_EQ(get(rows[1], "size"), "4");
  EXPECT_EQ(get(d.rows("mail.message")[0], "num_attachments"), "1");
  EXPECT_TRUE(scanner.has("TVpoaQ==\n"));
  EXPECT_TRUE(scanner.has("MZhi"));

  decode_rows(
      "From: a@x\nTo: b@y\nContent-Type: text/plain; charset=utf-8; charset=koi8-r\n\n\xc1\n",
      kTables, &scanner);
  EXPECT_TRUE(scanner.has("\xd0\xb0\n")) << "the second charset";
}

TEST(MailFile, LooksIntoWhatOutlookPacked) {
  const auto number = [](uint64_t v, int n) {
    std::string out;
    for (int i = 0; i < n; ++i)
      out += static_cast<char>(v >> (8 * i) & 0xff);
    return out;
  };
  const auto attribute = [&](uint32_t id, const std::string& data) {
    return number(2, 1) + number(id, 4) + number(data.size(), 4) + data + number(0, 2);
  };
  const std::string tnef =
      number(0x223e9f78, 4) + number(1, 2) + attribute(0x00069002, std::string(14, '\0')) +
      attribute(0x00018010, std::string("run.exe\0", 8)) + attribute(0x0006800f, "MZ packed");
  const std::string mail =
      "From: a@x\nTo: b@y\nContent-Type: application/ms-tnef; name=winmail.dat\n\n";
  const Decoded d = decode_rows(mail + tnef, kTables);
  const auto& rows = d.rows("mail.attachment");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(get(rows[1], "filename"), "run.exe");
  EXPECT_EQ(get(rows[1], "container"), "winmail.dat");
  EXPECT_EQ(get(rows[1], "size"), "9");
  EXPECT_EQ(d.num_anomalies("tnef-damaged"), 0u);
  EXPECT_EQ(
      decode_rows(mail + tnef.substr(0, tnef.size() - 5), kTables).num_anomalies("tnef-damaged"),
      1u);
}

TEST(MailFile, CutsWhatIsTooLarge) {
  struct Scanner final : match::ContentScanner {
    Result<uint32_t> scan(const match::ContentOrigin& o, std::string_view content) override {
      if (o.view == "mail.attachment") size = content.size();
      return uint32_t{0};
    }

    size_t size = 0;
  } scanner;

  // 33 MiB in lines; the limit for one content is 32.
  std::string body;
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 33 * 1024; ++i)
    body += line;
  const Decoded d =
      decode_rows("From: a@x\nTo: b@y\nContent-Disposition: attachment; filename=big\n\n" + body,
                  kTables, &scanner);
  EXPECT_EQ(d.num_anomalies("mail-part-too-large"), 1u);
  EXPECT_EQ(d.num_anomalies("mail-too-large"), 1u);
  EXPECT_LE(scanner.size, size_t{32} << 20);
  const TextRow& a = d.rows("mail.attachment").at(0);
  EXPECT_EQ(get(a, "size"), std::to_string(body.size())) << "all of it is counted";
  EXPECT_EQ(get(a, "md5"), "-") << "no digest of a part";
}

}  // namespace
}  // namespace postern::input::mailfile
