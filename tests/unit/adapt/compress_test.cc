// Small archives are written here as hex; what packed them is of no matter.
#include "adapt/compress.h"

#include <gtest/gtest.h>

namespace postern::adapt {
namespace {

std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

constexpr std::string_view kGzip = "1f8b0800000000000203cb48cdc9c9e7020020303a3606000000";
constexpr std::string_view kEmptyGzip = "1f8b080000000000020303000000000000000000";
constexpr std::string_view kBzip2 =
    "425a6839314159265359c1c080e2000001410000100244a00030cd00c3462997177245385090c1c080e2";
constexpr std::string_view kXz =
    "fd377a585a0000016922de36020021010c0000008f98419c01000568656c6c6f0a00000020303a3600011a06c5eac8"
    "799042990d010000000001595a";
constexpr std::string_view kZstd = "28b52ffd045831000068656c6c6f0a5388bd91";
constexpr std::string_view kLz4 = "04224d186470b9070000006068656c6c6f0a00000000f95b6b94";
constexpr std::string_view k7z =
    "377abcaf271c0003da3703250c0000000000000053000000000000007b1dd37a68656c6c6f0a776f726c640a010406"
    "000209060600070b02000101000101000c060600080a0120303a36a86138dd00000502111d0061002e007400780074"
    "00000064002f00e4002e007400780074000000150a01002080a4812080a4810000";
constexpr std::string_view kZip =
    "504b03041400000000000000210020303a36060000000600000005000000612e74787468656c6c6f0a504b03041400"
    "0008000000002100a86138dd060000000600000008000000642fc3a42e747874776f726c640a504b03041400000000"
    "000000210000000000000000000000000002000000642f504b010214031400000000000000210020303a3606000000"
    "06000000050000000000000000000000800100000000612e747874504b0102140314000008000000002100a86138dd"
    "0600000006000000080000000000000000000000800129000000642fc3a42e747874504b0102140314000000000000"
    "002100000000000000000000000000020000000000000000000000800155000000642f504b05060000000003000300"
    "99000000750000000000";
constexpr std::string_view kEncryptedZip =
    "504b03041400090008000000210000000000000000000600000005001400612e747874555401000075780b00010400"
    "00000004000000004a404363cdd34b5f5b377e753db5f3875b7b0c7b504b070820303a361400000006000000504b03"
    "041400090808000000210000000000000000000600000008001400642fc3a42e747874555401000075780b00010400"
    "000000040000000014df51ff37bacb5cb9ced65d7fc0189a37917244504b0708a86138dd1400000006000000504b01"
    "0214031400090008000000210020303a361400000006000000050014000000000000000000a48100000000612e7478"
    "74555401000075780b000104000000000400000000504b0102140314000908080000002100a86138dd140000000600"
    "0000080014000000000000000000a4815b000000642fc3a42e747874555401000075780b0001040000000004000000"
    "00504b0506000000000200020091000000b90000000000";

std::string tar_entry(const std::string& name, std::string_view content, char type = '0') {
  std::string h(512, '\0');
  h.replace(0, name.size(), name);
  h.replace(100, 7, "0000644");
  char size[12];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  h.replace(124, 11, size);
  h.replace(148, 8, "        ");
  h[156] = type;
  h.replace(257, 8,
            std::string("ustar\0"
                        "00",
                        8));
  unsigned sum = 0;
  for (const char c : h)
    sum += static_cast<unsigned char>(c);
  char checksum[8];
  std::snprintf(checksum, sizeof checksum, "%06o", sum);
  h.replace(148, 7, std::string(checksum, 7));
  std::string body(content);
  body.resize((content.size() + 511) / 512 * 512);
  return h + body;
}

std::string tar(const std::string& entries) {
  return entries + std::string(1024, '\0');
}

struct Unpacked {
  std::string members;  ///< "name=bytes;" of each
  std::string result;   ///< how many, or the error
  Code code = Code::kInvalid;
};

Unpacked unpack(std::string_view archive, const ArchiveLimits& limits = {}, int most = 1'000'000) {
  Unpacked u;
  const auto count =
      for_each_member(archive, limits, [&](const std::string& name, std::string bytes) {
        u.members += name + "=" + (bytes.size() > 100 ? std::to_string(bytes.size()) : bytes) + ";";
        return --most > 0;
      });
  u.result = count ? std::to_string(*count) : count.error().message;
  if (!count) u.code = count.error().code;
  return u;
}

bool fails_with(const Unpacked& u, Code code) {
  return u.code == code && u.result.find_first_not_of("0123456789") != std::string::npos;
}

TEST(Compress, KindsAreToldByTheirFirstBytes) {
  EXPECT_EQ(archive_kind(from_hex(kGzip)), "gzip");
  EXPECT_EQ(archive_kind(from_hex(kBzip2)), "bzip2");
  EXPECT_EQ(archive_kind(from_hex(kXz)), "xz");
  EXPECT_EQ(archive_kind(from_hex(kZstd)), "zstd");
  EXPECT_EQ(archive_kind(from_hex(kLz4)), "lz4");
  EXPECT_EQ(archive_kind(from_hex(k7z)), "7z");
  EXPECT_EQ(archive_kind(from_hex(kZip)), "zip");
  EXPECT_EQ(archive_kind(tar(tar_entry("a", "x"))), "tar");
  EXPECT_EQ(archive_kind(std::string("PK\x05\x06", 4) + std::string(18, '\0')), "zip");
  for (const char* text : {"", "P", "hello", "BZh9 is text", "PK", "{\"a\": 1}"})
    EXPECT_EQ(archive_kind(text), "") << text;
  EXPECT_EQ(archive_kind(std::string(1024, 'a')), "");
  EXPECT_EQ(archive_kind(std::string(1024, '\0')), "");
}

TEST(Compress, BareCompressedFilesAreOneMemberWithoutName) {
  for (const std::string_view file : {kGzip, kBzip2, kXz, kZstd, kLz4}) {
    const Unpacked u = unpack(from_hex(file));
    EXPECT_EQ(u.members, "=hello\n;") << file;
    EXPECT_EQ(u.result, "1");
  }
  EXPECT_EQ(unpack(from_hex(kEmptyGzip)).members, "=;");
}

TEST(Compress, ConcatenatedGzipMembersAreOneFile) {
  EXPECT_EQ(unpack(from_hex(kGzip) + from_hex(kGzip)).members, "=hello\nhello\n;");
}

TEST(Compress, ArchivesGiveTheirFilesInOrder) {
  EXPECT_EQ(unpack(from_hex(kZip)).members, "a.txt=hello\n;d/\xc3\xa4.txt=world\n;");
  EXPECT_EQ(unpack(from_hex(kZip)).result, "2");
  EXPECT_EQ(unpack(from_hex(k7z)).members, "a.txt=hello\n;d/\xc3\xa4.txt=world\n;");
  const std::string entries = tar_entry("a.txt", "hello\n") + tar_entry("link", "", '2') +
                              tar_entry("d", "", '5') + tar_entry("../b", std::string(3000, 'x'));
  EXPECT_EQ(unpack(tar(entries)).members, "a.txt=hello\n;../b=3000;");
}

TEST(Compress, ATarInsideACompressedFileIsAnArchiveOthersAreNot) {
  constexpr std::string_view kTarGzip =
      "1f8b0800000000000203edd6b10ec22010c6f19b7d0a9ec01642e9f35469a29158d362eae34b9d4c17ed4017febf"
      "e52e30dc40be0bdd31bea2e45527ceda4f4dd675b9fdea9773d71a23aa961d3ca7d88d69a494e9d287301c0485f2"
      "d529fb06d89eff565b47fef7300f63f0e4bf58e17abfe59ef13bffab5ea70f801665aa3e9eab47374db327ffb9f6"
      "7ffe199bdfbf76da35a21af63f00000000000000000000fced0d5101994300280000";
  EXPECT_EQ(unpack(from_hex(kTarGzip)).members, "a.txt=hello\n;d/b.txt=world\n;");
  // A zstd frame of one raw block that holds a 7z (RFC 8878 section 3.1.1.2).
  const std::string inner = from_hex(k7z);
  const size_t block = inner.size() << 3 | 1;
  std::string frame = from_hex("28b52ffd0038");
  for (int shift = 0; shift < 24; shift += 8)
    frame += static_cast<char>(block >> shift & 0xFF);
  EXPECT_EQ(unpack(frame + inner).members, "=" + std::to_string(inner.size()) + ";");
}

TEST(Compress, NamesThatAreNotUtf8AreRepaired) {
  EXPECT_EQ(unpack(tar(tar_entry("a\xff.txt", "x"))).members, "a\xef\xbf\xbd.txt=x;");
}

TEST(Compress, TheReceiverCanStop) {
  const Unpacked u = unpack(from_hex(kZip), {}, 1);
  EXPECT_EQ(u.members, "a.txt=hello\n;");
  EXPECT_EQ(u.result, "1");
}

TEST(Compress, WhatIsNotPackedIsUnsupported) {
  EXPECT_TRUE(fails_with(unpack("just some text"), Code::kUnsupported));
  EXPECT_TRUE(fails_with(unpack(""), Code::kUnsupported));
  EXPECT_TRUE(fails_with(unpack(std::string_view()), Code::kUnsupported));
}

TEST(Compress, EncryptedMembersAreNamed) {
  const Unpacked u = unpack(from_hex(kEncryptedZip));
  EXPECT_TRUE(fails_with(u, Code::kUnsupported)) << u.result;
  EXPECT_NE(u.result.find("2 encrypted members"), std::string::npos) << u.result;
  EXPECT_NE(u.result.find("a.txt"), std::string::npos) << u.result;
  EXPECT_EQ(u.members, "");
}

TEST(Compress, TruncatedFilesGiveWhatThereIs) {
  // Stored, so that the bytes before the break are all there.
  const std::string whole = tar(tar_entry("a", std::string(5000, 'x')));
  const Unpacked u = unpack(whole.substr(0, 3000));
  EXPECT_TRUE(fails_with(u, Code::kTruncated)) << u.result;
  EXPECT_EQ(u.members, "a=2488;");
  const Unpacked gzip = unpack(from_hex(kGzip.substr(0, 40)));
  EXPECT_TRUE(fails_with(gzip, Code::kTruncated)) << gzip.result;
  for (const std::string_view file : {kGzip, kBzip2, kXz, kZstd, kLz4}) {
    const std::string bytes = from_hex(file);
    // lz4's end mark alone may be missing.
    const std::string most = bytes.substr(0, bytes.size() - 9);
    EXPECT_TRUE(fails_with(unpack(most), Code::kTruncated)) << file << unpack(most).result;
  }
}

TEST(Compress, DamageIsCorrupt) {
  std::string zip = from_hex(kZip);
  zip[zip.find("hello")] = 'j';
  const Unpacked u = unpack(zip);
  EXPECT_TRUE(fails_with(u, Code::kCorrupt)) << u.result;
  std::string zstd = from_hex(kZstd);
  zstd[8] = '\xff';
  EXPECT_TRUE(fails_with(unpack(zstd), Code::kCorrupt)) << unpack(zstd).result;
}

/// A zstd frame of `blocks` times 128 KiB of one byte, 4 bytes each (RFC 8878 section 3.1.1.2).
std::string zstd_bomb(int blocks) {
  std::string out = from_hex("28b52ffd0038");
  for (int i = 0; i < blocks; ++i) {
    const unsigned header = (131'072U << 3) | (1U << 1) | (i + 1 == blocks ? 1U : 0U);
    for (int shift = 0; shift < 24; shift += 8)
      out += static_cast<char>(header >> shift & 0xFF);
    out += 'x';
  }
  return out;
}

TEST(Compress, LimitsAreKeptWhileBytesComeOut) {
  EXPECT_EQ(unpack(zstd_bomb(8)).members, "=1048576;");  // below 64 MiB no ratio is suspicious
  EXPECT_TRUE(fails_with(unpack(zstd_bomb(600)), Code::kLimit)) << unpack(zstd_bomb(600)).result;
  ArchiveLimits loose;
  loose.max_ratio = 1e6;
  EXPECT_EQ(unpack(zstd_bomb(600), loose).result, "1");
  ArchiveLimits small;
  small.max_bytes = 11;
  EXPECT_TRUE(fails_with(unpack(from_hex(kZip), small), Code::kLimit));
  small.max_bytes = 12;
  EXPECT_EQ(unpack(from_hex(kZip), small).result, "2");
  ArchiveLimits few;
  few.max_members = 1;
  EXPECT_TRUE(fails_with(unpack(from_hex(kZip), few), Code::kLimit));
  few.max_members = 3;  // two files and a folder
  EXPECT_EQ(unpack(from_hex(kZip), few).result, "2");
}

}  // namespace
}  // namespace postern::adapt
