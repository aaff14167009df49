#include "base/varint.h"

#include <limits>

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Varint, ReadsBackWhatWasWritten) {
  const int64_t numbers[] = {0,
                             1,
                             -1,
                             63,
                             -64,
                             64,
                             300,
                             -70000,
                             std::numeric_limits<int64_t>::max(),
                             std::numeric_limits<int64_t>::min()};
  std::string bytes;
  for (const int64_t n : numbers) {
    put_varint(bytes, zigzag(static_cast<uint64_t>(n)));
    put_varint(bytes, static_cast<uint64_t>(n));
  }
  put_bytes(bytes, std::string("a\0b", 3));
  VarintReader in(bytes);
  for (const int64_t n : numbers) {
    EXPECT_EQ(in.number(), n);
    EXPECT_EQ(in.varint(), static_cast<uint64_t>(n));
  }
  EXPECT_EQ(in.bytes(), std::string_view("a\0b", 3));
}

TEST(Varint, SmallNumbersOfEitherSignAreOneByte) {
  std::string bytes;
  for (int64_t n = -64; n < 64; ++n)
    put_varint(bytes, zigzag(static_cast<uint64_t>(n)));
  EXPECT_EQ(bytes.size(), 128U);
}

}  // namespace
}  // namespace postern
