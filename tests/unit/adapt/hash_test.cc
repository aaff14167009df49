#include "adapt/hash.h"

#include <gtest/gtest.h>

namespace postern::adapt {
namespace {

TEST(Hash, DigestsOfTheStandardsExamples) {
  EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, BytesAreNotText) {
  EXPECT_EQ(md5(std::string_view("\0\0", 2)), "c4103f122d27677c9db144cae1394a66");
  EXPECT_EQ(md5(std::string_view()), md5(""));
}

}  // namespace
}  // namespace postern::adapt
