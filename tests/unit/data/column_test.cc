#include "data/column.h"

#include <gtest/gtest.h>

namespace postern::data {
namespace {

std::string texts(const Column& c) {
  std::string out;
  for (uint32_t i = 0; i < c.num_rows(); ++i)
    out += (i ? "," : "") + (c.valid(i) ? c.value(i).text() : std::string("null"));
  return out;
}

Column strings(const std::vector<std::string>& values) {
  ColumnBuilder b(Type::kString);
  for (const std::string& v : values)
    b.append_copy(v);
  return b.finish();
}

Column longs(uint32_t n) {
  ColumnBuilder b(Type::kLong);
  for (uint32_t i = 0; i < n; ++i) {
    if (i % 3 == 2)
      b.append_null();
    else
      b.append(int64_t{i});
  }
  return b.finish();
}

TEST(ColumnBuilder, AppendsEveryPhysicalType) {
  ColumnBuilder bools(Type::kBool), reals(Type::kReal), times(Type::kDatetime);
  bools.append(true);
  bools.append_null();
  reals.append(1.5);
  reals.append(int64_t{2});
  times.append(int64_t{0});
  EXPECT_EQ(texts(bools.finish()), "true,null");
  EXPECT_EQ(texts(reals.finish()), "1.5,2");
  EXPECT_EQ(texts(times.finish()), "0001-01-01T00:00:00Z");
}

TEST(ColumnBuilder, PresetRowsAreNullUntilSet) {
  ColumnBuilder b(Type::kString, 70);
  b.set_copy(69, "last");
  b.set_copy(3, "gone");
  b.set_null(3);
  const Column c = b.finish();
  EXPECT_EQ(c.num_rows(), 70U);
  EXPECT_FALSE(c.valid(0));
  EXPECT_FALSE(c.valid(3));
  EXPECT_TRUE(c.valid(69));
  EXPECT_EQ(c.view<std::string_view>()[3], "");  // the value under a null
}

TEST(ColumnBuilder, WithoutNullsThereAreNoValidityBits) {
  ColumnBuilder b(Type::kLong, 2);
  b.set(0, int64_t{1});
  b.set(0, int64_t{2});  // twice counts once
  b.set(1, int64_t{3});
  const Column c = b.finish();
  EXPECT_EQ(c.view<int64_t>().validity, nullptr);
  EXPECT_EQ(texts(c), "2,3");
}

TEST(ColumnBuilder, CoercesNumbers) {
  ColumnBuilder b(Type::kLong);
  b.append(Value::real(2.9));
  b.append(Value::real(1e300));
  b.append(Value::boolean(true));
  b.append(Value::null(Type::kString));
  EXPECT_EQ(texts(b.finish()), "2,null,1,null");
  ColumnBuilder flags(Type::kBool);
  flags.append(Value::integer(7));
  flags.append(Value::real(0.0));
  EXPECT_EQ(texts(flags.finish()), "true,false");
}

TEST(ColumnBuilder, IsEmptyAndUsableAfterFinish) {
  ColumnBuilder b(Type::kString);
  b.append_copy("one");
  const Column first = b.finish();
  EXPECT_EQ(b.size(), 0U);
  EXPECT_EQ(b.finish().num_rows(), 0U);
  b.append_copy("two");
  EXPECT_EQ(texts(b.finish()), "two");
  EXPECT_EQ(texts(first), "one");
}

TEST(ColumnBuilder, TellsWhatWasWritten) {
  ColumnBuilder b(Type::kString);
  b.append_copy("x");
  b.append_null();
  EXPECT_TRUE(b.is_set(0));
  EXPECT_FALSE(b.is_set(1));
  EXPECT_FALSE(b.is_set(2));
  EXPECT_EQ(b.bytes_at(0), "x");
}

TEST(ColumnBuilder, BorrowedStringsLiveWithTheColumn) {
  Column c;
  {
    auto owner = std::make_shared<std::string>("a text that is too long to lie inside the object");
    ColumnBuilder b(Type::kString);
    b.append_borrowed(*owner);
    b.keep(owner);
    const std::weak_ptr<std::string> watch = owner;
    owner.reset();
    c = b.finish();
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_EQ(texts(c), "a text that is too long to lie inside the object");
}

TEST(Column, ConstantHasOneValueBehindAllRows) {
  const Column c = Column::constant(Value::string("x"), 3);
  EXPECT_TRUE(c.is_constant());
  EXPECT_EQ(c.num_values(), 1U);
  EXPECT_EQ(texts(c), "x,x,x");
  EXPECT_EQ(texts(Column::nulls(Type::kReal, 2)), "null,null");
  EXPECT_EQ(Column::constant(Value::integer(1), 0).num_rows(), 0U);
}

TEST(Column, ConstantBeyondABatchIsFlat) {
  const uint32_t n = kBatchRows + 5;
  for (const Column& c : {Column::constant(Value::string("x"), n), Column::nulls(Type::kLong, n)}) {
    EXPECT_TRUE(c.is_flat());
    EXPECT_EQ(c.num_rows(), n);
    EXPECT_EQ(c.value(n - 1), c.value(0));
  }
}

TEST(Column, GatherSelectsRepeatsAndComposes) {
  const Column c = longs(10);
  const std::vector<uint32_t> rows = {9, 2, 4, 4}, again = {2, 0, 1};
  const Column g = c.gather(rows);
  EXPECT_EQ(texts(g), "9,null,4,4");
  EXPECT_EQ(g.num_values(), 10U);
  EXPECT_FALSE(g.is_flat());
  EXPECT_EQ(texts(g.gather(again)), "4,9,null");
  EXPECT_EQ(c.gather({}).num_rows(), 0U);
}

TEST(Column, GatherOfAConstantIsConstant) {
  const std::vector<uint32_t> rows = {4, 4, 1}, many(kBatchRows + 1, 0);
  const Column c = Column::constant(Value::integer(7), 5);
  EXPECT_TRUE(c.gather(rows).is_constant());
  EXPECT_EQ(texts(c.gather(rows)), "7,7,7");
  EXPECT_FALSE(c.gather(many).is_constant());  // its index must reach every row
  EXPECT_EQ(c.gather(many).value(kBatchRows).as_int(), 7);
}

TEST(Column, ViewReadsEveryEncodingAlike) {
  const Column flat = longs(6);
  const Column constant = Column::constant(Value::integer(5), 6);
  const std::vector<uint32_t> rows = {5, 4, 3, 2, 1, 0};
  for (const Column& c : {flat, constant, flat.gather(rows)}) {
    const auto view = c.view<int64_t>();
    for (uint32_t i = 0; i < 6; ++i) {
      ASSERT_EQ(view.valid(i), c.valid(i));
      const int64_t seen = view.valid(i) ? view[i] : 0;
      EXPECT_EQ(seen, c.value(i).as_int());
    }
  }
}

TEST(Column, CompactOwnsItsStringsAndIsFlat) {
  std::weak_ptr<std::string> watch;
  Column compact;
  {
    const auto owner = std::make_shared<std::string>("0123456789 0123456789 0123456789");
    watch = owner;
    ColumnBuilder b(Type::kString);
    b.append_borrowed(std::string_view(*owner).substr(3, 4));
    b.append_null();
    b.append_borrowed("");
    b.append_borrowed(std::string_view(*owner).substr(0, 2));
    b.keep(owner);
    const std::vector<uint32_t> rows = {3, 3, 0, 1, 2};
    compact = b.finish().gather(rows).compact();
  }
  EXPECT_TRUE(watch.expired());
  EXPECT_TRUE(compact.is_flat());
  EXPECT_EQ(compact.num_values(), 5U);
  EXPECT_EQ(texts(compact), "01,01,3456,null,");
}

TEST(Column, CompactOfEveryPhysicalType) {
  EXPECT_EQ(texts(longs(4).compact()), "0,1,null,3");
  EXPECT_EQ(texts(Column::constant(Value::real(1.5), 2).compact()), "1.5,1.5");
  EXPECT_EQ(texts(Column::constant(Value::boolean(true), 2).compact()), "true,true");
  EXPECT_EQ(texts(Column::constant(Value::string("ab"), 3).compact()), "ab,ab,ab");
  EXPECT_EQ(Column().compact().num_rows(), 0U);
}

TEST(Column, CopiesShareTheirValues) {
  const Column a = strings({"x", "y"});
  const Column b = a;  // NOLINT: the copy is what is tested
  EXPECT_EQ(a.view<std::string_view>().values, b.view<std::string_view>().values);
}

}  // namespace
}  // namespace postern::data
