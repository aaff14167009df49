#include "data/dynamic.h"

#include <limits>

#include <gtest/gtest.h>

namespace postern::data {
namespace {

std::string through(std::string_view json) {
  const std::optional<std::string> e = dynamic_from_json(json);
  return e ? Dynamic(*e).json() : "refused";
}

TEST(Dynamic, EmptyViewIsNull) {
  const Dynamic d;
  EXPECT_TRUE(d.is_null());
  EXPECT_EQ(d.size(), 0U);
  EXPECT_EQ(d.json(), "null");
  EXPECT_EQ(d.text(), "");
  EXPECT_TRUE(d.at(0).is_null());
  EXPECT_TRUE(d.find("a").is_null());
}

TEST(Dynamic, ScalarsKeepTheirKind) {
  DynamicWriter w;
  w.begin_array();
  w.null();
  w.boolean(true);
  w.integer(std::numeric_limits<int64_t>::min());
  w.real(1.0);
  w.string("s");
  w.datetime(0);
  w.timespan(10'000'000);
  w.end();
  const std::string bytes = w.take();
  const Dynamic d(bytes);
  ASSERT_EQ(d.size(), 7U);
  EXPECT_TRUE(d.at(0).is_null());
  EXPECT_TRUE(d.at(1).as_bool());
  EXPECT_EQ(d.at(2).as_long(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(d.at(3).as_real(), 1.0);
  EXPECT_EQ(d.at(3).as_long(), 1);
  EXPECT_EQ(d.at(4).as_string(), "s");
  EXPECT_EQ(d.at(5).kind(), Dynamic::Kind::kDatetime);
  EXPECT_EQ(d.json(),
            "[null,true,-9223372036854775808,1.0,\"s\",\"0001-01-01T00:00:00Z\",\"00:00:01\"]");
  EXPECT_EQ(d.at(3).text(), "1");
  EXPECT_EQ(d.at(4).text(), "s");
}

TEST(Dynamic, LongOfARealIsCutAndStaysInRange) {
  DynamicWriter w;
  w.real(-2.9);
  std::string bytes = w.take();
  EXPECT_EQ(Dynamic(bytes).as_long(), -2);
  w.real(1e300);
  bytes = w.take();
  EXPECT_EQ(Dynamic(bytes).as_long(), std::numeric_limits<int64_t>::max());
}

TEST(Dynamic, ObjectsKeepOrderAndFindTheLast) {
  const std::string bytes = *dynamic_from_json(R"({"b":1,"a":{"c":[]},"b":"two","":3})");
  const Dynamic d(bytes);
  EXPECT_EQ(d.size(), 4U);
  EXPECT_EQ(d.key_at(0), "b");
  EXPECT_EQ(d.key_at(3), "");
  EXPECT_EQ(d.find("b").as_string(), "two");
  EXPECT_EQ(d.find("").as_long(), 3);
  EXPECT_TRUE(d.find("a").find("c").is_array());
  EXPECT_TRUE(d.find("z").is_null());
  EXPECT_EQ(d.json(), R"({"b":1,"a":{"c":[]},"b":"two","":3})");
}

TEST(Dynamic, ElementsAreValuesOfTheirOwn) {
  const std::string bytes = *dynamic_from_json(R"([[1,[2]],{"k":[3]},"x"])");
  const Dynamic d(bytes);
  const std::string inner(d.at(0).encoded());
  EXPECT_EQ(Dynamic(inner).json(), "[1,[2]]");
  DynamicWriter w;
  w.begin_object();
  w.key("copy");
  w.value(d.at(1));
  w.key("none");
  w.value(Dynamic());
  w.end();
  EXPECT_EQ(Dynamic(w.encoded()).json(), R"({"copy":{"k":[3]},"none":null})");
}

TEST(Dynamic, WriterIsReusable) {
  DynamicWriter w;
  for (int i = 0; i < 3; ++i) {
    w.begin_array();
    w.begin_array();
    w.integer(i);
    w.end();
    w.end();
    EXPECT_EQ(Dynamic(w.encoded()).json(), "[[" + std::to_string(i) + "]]");
    w.clear();
  }
}

TEST(Dynamic, BytesThatAreNoEncodingAreNeverReadBeyond) {
  const std::string whole = *dynamic_from_json(R"({"a":[1,"text",{"b":2.5}],"c":"d"})");
  for (size_t n = 0; n < whole.size(); ++n) {
    const std::string cut = whole.substr(0, n);  // its own allocation: a sanitizer sees overreads
    Dynamic(cut).json();
    Dynamic(cut).find("a");
  }
  for (int tag = 0; tag < 256; ++tag) {
    std::string junk(20, '\xFF');
    junk[0] = static_cast<char>(tag);
    Dynamic(junk).json();
  }
}

TEST(DynamicJson, ReadsEveryForm) {
  EXPECT_EQ(through(" {\"a\" : [ 1 , true,false ,null, \"x\" ] }\n"),
            R"({"a":[1,true,false,null,"x"]})");
  EXPECT_EQ(through("[]"), "[]");
  EXPECT_EQ(through("{}"), "{}");
  EXPECT_EQ(through("\"text\""), "\"text\"");
  EXPECT_EQ(through("-0"), "0");
}

TEST(DynamicJson, NumbersKeepTheirKind) {
  EXPECT_EQ(through("1"), "1");
  EXPECT_EQ(through("1.0"), "1.0");
  EXPECT_EQ(through("1e2"), "100.0");
  EXPECT_EQ(through("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(through("9223372036854775808"), "9.223372036854776e+18");
  EXPECT_EQ(through("1e999"), "1.7976931348623157e+308");
  EXPECT_EQ(through("-1e999"), "-1.7976931348623157e+308");
  EXPECT_EQ(through("1e-999"), "0.0");
}

TEST(DynamicJson, EscapesAndSurrogates) {
  EXPECT_EQ(through(R"("\"\\\/\b\f\n\r\t\u0041\u00e9")"), "\"\\\"\\\\/\\b\\f\\n\\r\\tA\u00e9\"");
  EXPECT_EQ(through(R"("\ud83d\uDE00")"), "\"\U0001F600\"");
  EXPECT_EQ(through(R"("\ud83d")"), "\"\uFFFD\"");
  EXPECT_EQ(through(R"("\ud83d\u0041\ude00")"),
            "\"\uFFFD"
            "A\uFFFD\"");
  EXPECT_EQ(through("\"a\xFFz\""), "\"a\uFFFDz\"");
  EXPECT_EQ(through(R"({"\u0061":1})"), R"({"a":1})");
}

TEST(DynamicJson, RefusesWhatIsNoJson) {
  for (const std::string_view bad : {"",
                                     " ",
                                     "{",
                                     "[",
                                     "[1",
                                     "[1,",
                                     "[1,]",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "{\"a\":1,}",
                                     "{a:1}",
                                     "{'a':1}",
                                     "nul",
                                     "truex",
                                     "01",
                                     "-",
                                     "1.",
                                     ".5",
                                     "1e",
                                     "+1",
                                     "\"",
                                     "\"\\\"",
                                     "\"\\x41\"",
                                     "\"\\u12\"",
                                     "\"\\u12g4\"",
                                     "\"\\u-123\"",
                                     "\"a\nb\"",
                                     "1 2",
                                     "[1]]",
                                     "NaN",
                                     "\xEF\xBB\xBF"
                                     "1"})
    EXPECT_EQ(through(bad), "refused") << bad;
}

TEST(DynamicJson, NestsTo128) {
  EXPECT_NE(through(std::string(128, '[') + std::string(128, ']')), "refused");
  EXPECT_EQ(through(std::string(129, '[') + std::string(129, ']')), "refused");
  EXPECT_EQ(through(std::string(1000000, '[')), "refused");
  std::string objects;
  for (int i = 0; i < 129; ++i)
    objects += "{\"a\":";
  EXPECT_EQ(through(objects + "1" + std::string(129, '}')), "refused");
}

TEST(DynamicJson, PrintedTextReadsBackTheSame) {
  const std::string_view json =
      R"({"a":[1,1.5,1e300,-0.001,"\u0001\"",{}],"b":null,"a":[[],[[0.1]]]})";
  const std::string once = *dynamic_from_json(json);
  EXPECT_EQ(*dynamic_from_json(Dynamic(once).json()), once);
}

}  // namespace
}  // namespace postern::data
