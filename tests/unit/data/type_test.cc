#include "data/type.h"

#include <gtest/gtest.h>

namespace postern::data {
namespace {

TEST(Type, NamesReadBack) {
  for (int i = 0; i <= static_cast<int>(Type::kDynamic); ++i) {
    Type t = Type::kNull;
    ASSERT_TRUE(type_from_name(type_name(static_cast<Type>(i)), t));
    EXPECT_EQ(static_cast<int>(t), i);
  }
}

TEST(Type, OtherSpellingsOfKusto) {
  Type t = Type::kNull;
  EXPECT_TRUE(type_from_name("double", t) && t == Type::kReal);
  EXPECT_TRUE(type_from_name("date", t) && t == Type::kDatetime);
  EXPECT_TRUE(type_from_name("time", t) && t == Type::kTimespan);
  EXPECT_TRUE(type_from_name("boolean", t) && t == Type::kBool);
  EXPECT_FALSE(type_from_name("String", t));
  EXPECT_FALSE(type_from_name("", t));
}

}  // namespace
}  // namespace postern::data
