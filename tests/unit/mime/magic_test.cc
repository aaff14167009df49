#include "mime/magic.h"

#include <string>

#include <gtest/gtest.h>

namespace postern::mime {
namespace {

using namespace std::string_literals;

TEST(Magic, KnowsContentsByTheirBeginning) {
  EXPECT_EQ(content_type("MZ\x90\0"s), "application/x-dosexec");
  EXPECT_EQ(content_type("%PDF-1.7"), "application/pdf");
  EXPECT_EQ(content_type("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "application/x-ole-storage");
  EXPECT_EQ(content_type("PK\x03\x04" + std::string(26, '\0') + "a.txt"), "application/zip");
  EXPECT_EQ(content_type("PK\x03\x04" + std::string(26, '\0') +
                         "[Content_Types].xml...word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
  EXPECT_EQ(content_type("\x89PNG\r\n\x1a\n"), "image/png");
  EXPECT_EQ(content_type("L\0\0\0\x01\x14\x02\0"s), "application/x-ms-shortcut");
  EXPECT_EQ(content_type("\xca\xfe\xba\xbe\0\0\0\x34"s), "application/java-vm");
  EXPECT_EQ(content_type("\xca\xfe\xba\xbe\0\0\0\x02"s), "application/x-mach-binary");
  EXPECT_EQ(content_type(std::string(257, '\0') + "ustar"), "application/x-tar");
}

TEST(Magic, TellsTextFromBinary) {
  EXPECT_EQ(content_type("hello\r\n"), "text/plain");
  EXPECT_EQ(content_type("gr\xc3\xbc\xc3\x9f"
                         "e"),
            "text/plain");
  EXPECT_EQ(content_type(" <HTML><body>"), "text/html");
  EXPECT_EQ(content_type("a\0b"s), "application/octet-stream");
  EXPECT_EQ(content_type("\x01\x02\x03\x04\x05"), "application/octet-stream");
  EXPECT_EQ(content_type(""), "");
}

TEST(Magic, MeasuresEntropy) {
  ByteHistogram zeros;
  zeros.add(std::string(1000, 'a'));
  EXPECT_DOUBLE_EQ(zeros.entropy(), 0.0);
  ByteHistogram all;
  for (int i = 0; i < 256; ++i)
    all.add(std::string(3, static_cast<char>(i)));
  EXPECT_DOUBLE_EQ(all.entropy(), 8.0);
  EXPECT_DOUBLE_EQ(ByteHistogram().entropy(), 0.0);
}

}  // namespace
}  // namespace postern::mime
