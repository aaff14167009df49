#include "data/value.h"

#include <cmath>

#include <gtest/gtest.h>

#include "data/dynamic.h"

namespace postern::data {
namespace {

std::string encoded(const char* json) {
  return *dynamic_from_json(json);
}

TEST(Value, TextOfEveryType) {
  EXPECT_EQ(Value().text(), "");
  EXPECT_EQ(Value::null(Type::kLong).text(), "");
  EXPECT_EQ(Value::boolean(true).text(), "true");
  EXPECT_EQ(Value::integer(-3, Type::kInt).text(), "-3");
  EXPECT_EQ(Value::real(1.0).text(), "1");
  EXPECT_EQ(Value::real(0.25).text(), "0.25");
  EXPECT_EQ(Value::datetime(0).text(), "0001-01-01T00:00:00Z");
  EXPECT_EQ(Value::timespan(15'000'000).text(), "00:00:01.5000000");
  EXPECT_EQ(Value::string("a\"b").text(), "a\"b");
  EXPECT_EQ(Value::dynamic(encoded(R"({"a":[1,2.0]})")).text(), R"({"a":[1,2.0]})");
}

TEST(Value, JsonOfEveryType) {
  EXPECT_EQ(Value().json(), "null");
  EXPECT_EQ(Value::boolean(false).json(), "false");
  EXPECT_EQ(Value::integer(12).json(), "12");
  EXPECT_EQ(Value::real(2.5).json(), "2.5");
  EXPECT_EQ(Value::real(std::nan("")).json(), "\"NaN\"");
  EXPECT_EQ(Value::datetime(0).json(), "\"0001-01-01T00:00:00Z\"");
  EXPECT_EQ(Value::timespan(0).json(), "\"00:00:00\"");
  EXPECT_EQ(Value::string("a\"b").json(), "\"a\\\"b\"");
  EXPECT_EQ(Value::dynamic(encoded("[true]")).json(), "[true]");
}

TEST(Value, JsonStringEscapesAndRepairs) {
  EXPECT_EQ(json_string("\\ \n\r\t\b\f\x01\x7f /"), "\"\\\\ \\n\\r\\t\\b\\f\\u0001\\u007f /\"");
  EXPECT_EQ(json_string("\u00e9\U0001F600"), "\"\u00e9\U0001F600\"");
  EXPECT_EQ(json_string("a\xFF"), "\"a\uFFFD\"");
}

TEST(Value, EqualityNeedsTypeAndValue) {
  EXPECT_EQ(Value::integer(1), Value::integer(1));
  EXPECT_FALSE(Value::integer(1) == Value::integer(1, Type::kInt));
  EXPECT_FALSE(Value::integer(0) == Value::null(Type::kLong));
  EXPECT_EQ(Value::null(Type::kLong), Value::null(Type::kLong));
  EXPECT_FALSE(Value::null(Type::kLong) == Value::null(Type::kReal));
  EXPECT_EQ(Value::real(std::nan("")), Value::real(std::nan("")));
  EXPECT_FALSE(Value::string("a") == Value::string("b"));
}

TEST(Value, NumberWhateverItsType) {
  EXPECT_EQ(Value::integer(3).number(), 3.0);
  EXPECT_EQ(Value::real(3.5).number(), 3.5);
  EXPECT_EQ(Value::string("3").number(), 0.0);
}

}  // namespace
}  // namespace postern::data
