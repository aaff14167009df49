#include "data/batch.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "data/dynamic.h"

namespace postern::data {
namespace {

struct Collect : BatchSink {
  bool push(Batch&& batch) override {
    batches.push_back(std::move(batch));
    return batches.size() < stop_after;
  }

  void skipped(std::string_view, uint64_t) override {}

  std::vector<Batch> batches;
  size_t stop_after = SIZE_MAX;
};

/// As text, but a dynamic as JSON, which tells "2" from 2.
std::string shown(const Value& v) {
  return v.type() == Type::kDynamic ? v.json() : v.text();
}

class BatchTest : public ::testing::Test {
 protected:
  /// Adds a column and returns its slot; all are added before the builder is made.
  int add(const std::string& name, Type t) { return layout_.add(name, t); }

  BatchBuilder& builder() {
    if (!builder_)
      builder_ = std::make_unique<BatchBuilder>(layout_, sink_, anomalies_, "file.log");
    return *builder_;
  }

  void row() { builder().begin({next_ * 100, next_}), ++next_; }

  /// The cell of the only batch, or "null".
  std::string cell(int slot, uint32_t r = 0) {
    builder().flush();
    const Column& c = sink_.batches.back().columns[static_cast<size_t>(slot)];
    return c.valid(r) ? shown(c.value(r)) : "null";
  }

  /// What text in a column of type `t` becomes.
  std::string convert(Type t, std::string_view text) {
    Layout layout("t");
    layout.add("x", t);
    Collect sink;
    BatchBuilder b(layout, sink, anomalies_, "file.log");
    b.begin({});
    b.text(0, text);
    b.end();
    b.flush();
    const Column& c = sink.batches.at(0).columns.at(0);
    return c.valid(0) ? shown(c.value(0)) : "null";
  }

  std::string convert(Type t, const Value& v) {
    Layout layout("t");
    layout.add("x", t);
    Collect sink;
    BatchBuilder b(layout, sink, anomalies_, "file.log");
    b.begin({});
    b.value(0, v);
    b.end();
    b.flush();
    const Column& c = sink.batches.at(0).columns.at(0);
    return c.valid(0) ? shown(c.value(0)) : "null";
  }

  uint64_t bad_values() const {
    const auto at = anomalies_.all().find("bad-value");
    return at == anomalies_.all().end() ? 0 : at->second.count;
  }

  Layout layout_{"table"};
  Collect sink_;
  Anomalies anomalies_;
  uint64_t next_ = 0;
  std::unique_ptr<BatchBuilder> builder_;
};

Value dynamic(const char* json) {
  return Value::dynamic(*dynamic_from_json(json));
}

TEST(Layout, AddsAFieldOnce) {
  Layout l("t");
  EXPECT_EQ(l.add("a", Type::kLong), 0);
  EXPECT_EQ(l.add("b", Type::kString), 1);
  EXPECT_EQ(l.add("a", Type::kString), 0);
  EXPECT_EQ(l.fields()[0].type, Type::kLong);
  EXPECT_EQ(l.slot("b"), 1);
  EXPECT_EQ(l.slot("B"), -1);
  EXPECT_EQ(l.raw_slot(), -1);
  l.add("_raw", Type::kString);
  l.add("_values", Type::kDynamic);
  EXPECT_EQ(l.raw_slot(), 2);
  EXPECT_EQ(l.values_slot(), 3);
}

TEST(Anomalies, CountAndKeepTheFirstPlace) {
  Anomalies a, b;
  a.add("cut", "one", 5, "detail");
  a.add("cut", "two", 1);
  b.add("cut", "three", 0, "", 10);
  b.add("other", "three", 7);
  a.merge(b);
  EXPECT_EQ(a.all().at("cut").count, 12U);
  EXPECT_EQ(a.all().at("cut").first_path, "one");
  EXPECT_EQ(a.all().at("cut").first_offset, 5U);
  EXPECT_EQ(a.all().at("cut").detail, "detail");
  EXPECT_EQ(a.all().at("other").first_offset, 7U);
}

TEST_F(BatchTest, RowsBecomeColumnsInLayoutOrder) {
  const int port = add("port", Type::kInt), name = add("name", Type::kString);
  const int never = add("never", Type::kReal);
  row();
  builder().set_time(kUnixEpochTicks);
  builder().text(port, "587");
  builder().text(name, "mail");
  builder().end();
  row();
  builder().text(-1, "nobody reads it");
  builder().end();
  row();
  builder().text(name, "late");
  builder().end();
  builder().flush();
  ASSERT_EQ(sink_.batches.size(), 1U);
  const Batch& b = sink_.batches[0];
  EXPECT_EQ(b.table, "table");
  EXPECT_EQ(b.num_rows, 3U);
  ASSERT_EQ(b.columns.size(), 3U);
  for (const Column& c : b.columns)
    EXPECT_EQ(c.num_rows(), 3U);
  EXPECT_EQ(b.columns[0].value(0).as_int(), 587);
  EXPECT_FALSE(b.columns[0].valid(2));
  EXPECT_EQ(b.columns[1].value(2).text(), "late");
  EXPECT_TRUE(b.columns[static_cast<size_t>(never)].is_constant());
  EXPECT_FALSE(b.columns[static_cast<size_t>(never)].valid(1));
  EXPECT_EQ(b.time.value(0).as_int(), kUnixEpochTicks);
  EXPECT_FALSE(b.time.valid(1));
  ASSERT_EQ(b.positions.size(), 3U);
  EXPECT_EQ(b.positions[2].offset, 200U);
  EXPECT_EQ(b.positions[2].record, 2U);
}

TEST_F(BatchTest, TextConvertsToTheColumn) {
  EXPECT_EQ(convert(Type::kLong, " 42 "), "42");
  EXPECT_EQ(convert(Type::kLong, "0xC000006D"), "3221225581");
  EXPECT_EQ(convert(Type::kLong, "0xFFFFFFFFFFFFFFFF"), "-1");
  EXPECT_EQ(convert(Type::kInt, "-2147483648"), "-2147483648");
  EXPECT_EQ(convert(Type::kReal, "1e3"), "1000");
  EXPECT_EQ(convert(Type::kBool, "TRUE"), "true");
  EXPECT_EQ(convert(Type::kBool, "0"), "false");
  EXPECT_EQ(convert(Type::kDatetime, "2020-01-01 10:00:00"), "2020-01-01T10:00:00Z");
  EXPECT_EQ(convert(Type::kTimespan, "1.00:00:00"), "1.00:00:00");
  EXPECT_EQ(convert(Type::kString, " as is "), " as is ");
  EXPECT_EQ(convert(Type::kString, "-"), "-");
  EXPECT_EQ(convert(Type::kString, ""), "");
  EXPECT_EQ(convert(Type::kDynamic, "{\"a\":1}"), "\"{\\\"a\\\":1}\"");  // text is a string
  EXPECT_EQ(bad_values(), 0U);
}

TEST_F(BatchTest, NoValueIsNullWithoutAnAnomaly) {
  for (const Type t : {Type::kBool, Type::kInt, Type::kLong, Type::kReal, Type::kDatetime,
                       Type::kTimespan, Type::kDynamic}) {
    EXPECT_EQ(convert(t, ""), "null");
    EXPECT_EQ(convert(t, "-"), "null");
  }
  EXPECT_EQ(bad_values(), 0U);
}

TEST_F(BatchTest, TextThatDoesNotFitIsNullAndCounted) {
  uint64_t n = 0;
  for (const std::string_view bad : {"abc", "1.5", "0x", "0xZ", "0x10000000000000000", "1 2"}) {
    EXPECT_EQ(convert(Type::kLong, bad), "null") << bad;
    EXPECT_EQ(bad_values(), ++n) << bad;
  }
  EXPECT_EQ(convert(Type::kInt, "2147483648"), "null");
  EXPECT_EQ(convert(Type::kBool, "yes"), "null");
  EXPECT_EQ(convert(Type::kReal, "nan"), "null");
  EXPECT_EQ(convert(Type::kDatetime, "yesterday"), "null");
  EXPECT_EQ(convert(Type::kTimespan, "5"), "null");
  EXPECT_EQ(bad_values(), n + 5);
}

TEST_F(BatchTest, AnomalyTellsFieldPlaceAndText) {
  const int port = add("port", Type::kInt);
  row();
  builder().end();
  row();
  builder().text(port, "ab\xFF" + std::string(500, 'x'));
  builder().end();
  const Anomalies::Entry& e = anomalies_.all().at("bad-value");
  EXPECT_EQ(e.first_path, "file.log");
  EXPECT_EQ(e.first_offset, 100U);
  EXPECT_TRUE(e.detail.starts_with("field port: ab\uFFFDxxx")) << e.detail;
  EXPECT_TRUE(e.detail.ends_with(" is no int")) << e.detail;
  EXPECT_LT(e.detail.size(), 120U);
}

TEST_F(BatchTest, TypedValuesConvertWhereNothingIsLost) {
  EXPECT_EQ(convert(Type::kString, Value::integer(5)), "5");
  EXPECT_EQ(convert(Type::kString, Value::real(5)), "5");
  EXPECT_EQ(convert(Type::kLong, Value::real(5)), "5");
  EXPECT_EQ(convert(Type::kReal, Value::integer(5)), "5");
  EXPECT_EQ(convert(Type::kLong, Value::boolean(true)), "1");
  EXPECT_EQ(convert(Type::kBool, Value::integer(1)), "true");
  EXPECT_EQ(convert(Type::kLong, Value::string("7")), "7");
  EXPECT_EQ(convert(Type::kLong, Value::integer(7, Type::kInt)), "7");
  EXPECT_EQ(convert(Type::kDynamic, Value::integer(7)), "7");
  EXPECT_EQ(convert(Type::kDynamic, Value::string("x")), "\"x\"");
  EXPECT_EQ(convert(Type::kDynamic, dynamic("null")), "null");
  EXPECT_EQ(convert(Type::kLong, Value()), "null");
  EXPECT_EQ(convert(Type::kTimespan, Value::timespan(0)), "00:00:00");
  EXPECT_EQ(bad_values(), 0U);
  EXPECT_EQ(convert(Type::kLong, Value::real(5.5)), "null");
  EXPECT_EQ(convert(Type::kInt, Value::integer(INT64_MAX)), "null");
  EXPECT_EQ(convert(Type::kBool, Value::integer(2)), "null");
  EXPECT_EQ(convert(Type::kDatetime, Value::integer(2)), "null");
  EXPECT_EQ(bad_values(), 4U);
}

TEST_F(BatchTest, MultivaluedStringsAreTextOrJsonArray) {
  EXPECT_EQ(convert(Type::kString, dynamic("[\"one\"]")), "one");
  EXPECT_EQ(convert(Type::kString, dynamic("[\"one\",2]")), "[\"one\",2]");
  EXPECT_EQ(convert(Type::kString, dynamic("[]")), "null");
  EXPECT_EQ(convert(Type::kString, dynamic("{\"a\":1}")), "{\"a\":1}");
  EXPECT_EQ(convert(Type::kLong, dynamic("[\"3\"]")), "3");
  EXPECT_EQ(convert(Type::kReal, dynamic("2.5")), "2.5");
  EXPECT_EQ(bad_values(), 0U);
  EXPECT_EQ(convert(Type::kLong, dynamic("[1,2]")), "null");
  EXPECT_EQ(bad_values(), 1U);
}

TEST_F(BatchTest, TypedSettersTakeAnyColumn) {
  const int s = add("s", Type::kString), l = add("l", Type::kLong), t = add("t", Type::kDatetime);
  const int d = add("d", Type::kDynamic);
  row();
  builder().boolean(s, true);
  builder().real(l, 4);
  builder().datetime(t, -1);
  builder().integer(d, 9);
  builder().end();
  EXPECT_EQ(cell(s), "true");
  EXPECT_EQ(cell(l), "4");
  EXPECT_EQ(cell(t), "null");
  EXPECT_EQ(cell(d), "9");
  EXPECT_EQ(bad_values(), 1U);
}

TEST_F(BatchTest, RepeatedFieldIsLastOrArray) {
  const int s = add("s", Type::kString), d = add("d", Type::kDynamic);
  row();
  for (const char* v : {"a", "b", "", "c"}) {
    builder().field("s", std::string_view(v));
    builder().field("d", std::string_view(v));
  }
  builder().field("d", dynamic("[1,2]"));
  builder().end();
  row();
  builder().field("d", std::string_view("alone"));
  builder().end();
  EXPECT_EQ(cell(s), "c");
  EXPECT_EQ(cell(d), "[\"a\",\"b\",\"c\",1,2]");
  EXPECT_EQ(cell(d, 1), "\"alone\"");
}

TEST_F(BatchTest, BySlotTheLastValueWins) {
  const int d = add("d", Type::kDynamic), l = add("l", Type::kLong);
  row();
  for (const char* v : {"1", "2"}) {
    builder().text(d, v);
    builder().text(l, v);
  }
  builder().end();
  EXPECT_EQ(cell(d), "\"2\"");
  EXPECT_EQ(cell(l), "2");
}

TEST_F(BatchTest, ValuesHoldTheTextOfEveryField) {
  const int values = add("_values", Type::kDynamic);
  ASSERT_TRUE(builder().wants_values());
  row();
  builder().field("unread", std::string_view("text"));
  builder().field("n", Value::integer(5));
  builder().field("none", Value());
  builder().field("many", dynamic(R"(["a",{"k":true},[1.5]])"));
  builder().end();
  row();
  builder().end();
  EXPECT_EQ(cell(values), R"(["text","5","a","true","1.5"])");
  EXPECT_EQ(cell(values, 1), "[]");
}

TEST_F(BatchTest, RawIsTheText) {
  const int raw = add("_raw", Type::kString);
  row();
  builder().raw("<14>line");
  builder().end();
  EXPECT_EQ(cell(raw), "<14>line");
}

TEST_F(BatchTest, RawIsIgnoredWhenNobodyReadsIt) {
  add("x", Type::kLong);
  row();
  builder().raw("line");
  builder().end();
  EXPECT_EQ(cell(0), "null");
}

TEST_F(BatchTest, FullBatchIsFlushedByItself) {
  const int n = add("n", Type::kLong), s = add("s", Type::kString);
  for (uint32_t i = 0; i < kBatchRows + 3; ++i) {
    row();
    builder().integer(n, i);
    if (i % 5 == 0) builder().text(s, std::to_string(i));
    builder().end();
  }
  EXPECT_EQ(sink_.batches.size(), 1U);
  EXPECT_EQ(builder().rows_pending(), 3U);
  builder().flush();
  builder().flush();  // nothing left: no empty batch
  ASSERT_EQ(sink_.batches.size(), 2U);
  EXPECT_EQ(sink_.batches[0].num_rows, kBatchRows);
  EXPECT_EQ(sink_.batches[1].num_rows, 3U);
  EXPECT_EQ(sink_.batches[0].columns[1].value(2045).text(), "2045");
  EXPECT_FALSE(sink_.batches[0].columns[1].valid(2047));
  EXPECT_EQ(sink_.batches[1].columns[0].value(0).as_int(), kBatchRows);
}

TEST_F(BatchTest, LongTextsMakeSmallBatches) {
  const int s = add("s", Type::kString);
  const std::string text(kMaxCopiedBytes / 4, 'x');
  for (int i = 0; i < 9; ++i) {
    row();
    builder().text(s, text);
    builder().end();
  }
  builder().flush();
  ASSERT_EQ(sink_.batches.size(), 3U);
  EXPECT_EQ(sink_.batches[0].num_rows, 4U);
  EXPECT_EQ(sink_.batches[2].columns[0].value(0).text(), text);
}

TEST_F(BatchTest, ValueTooLongForADynamicIsNullAndCounted) {
  const int d = add("d", Type::kDynamic), values = add("_values", Type::kDynamic);
  const std::string text(size_t{256} * 1024 * 1024 + 1, 'x');
  row();
  builder().field("d", text, true);
  builder().field("d", std::string_view("short"));
  builder().field("d", text, true);
  builder().end();
  EXPECT_EQ(cell(d), "\"short\"");
  EXPECT_EQ(cell(values), "[\"short\"]");
  EXPECT_EQ(anomalies_.all().at("oversized-value").count, 4U);
}

TEST_F(BatchTest, SinkThatStopsGetsNoMore) {
  add("n", Type::kLong);
  sink_.stop_after = 1;
  for (uint32_t i = 0; i < 3 * kBatchRows; ++i) {
    row();
    builder().end();
  }
  builder().flush();
  EXPECT_FALSE(builder().ok());
  EXPECT_EQ(sink_.batches.size(), 1U);
}

TEST_F(BatchTest, TimeOutsideTheCalendarIsNullAndCounted) {
  add("n", Type::kLong);
  row();
  builder().set_time(kMaxTicks + 1);
  builder().end();
  builder().flush();
  EXPECT_FALSE(sink_.batches[0].time.valid(0));
  EXPECT_EQ(bad_values(), 1U);
}

TEST_F(BatchTest, CopiedTextOutlivesItsSource) {
  const int s = add("s", Type::kString);
  row();
  {
    const std::string text(100, 'x');
    builder().text(s, text);
  }
  builder().end();
  builder().flush();
  builder_.reset();
  EXPECT_EQ(sink_.batches[0].columns[0].value(0).text(), std::string(100, 'x'));
}

TEST_F(BatchTest, OwnersLiveUntilReleasedAndTheirBatchesAreGone) {
  const int s = add("s", Type::kString);
  auto file = std::make_shared<std::string>(64, 'f'),
       chunk = std::make_shared<std::string>(64, 'c');
  const std::weak_ptr<std::string> file_lives = file, chunk_lives = chunk;
  const auto borrow = [&](const std::string& text) {
    row();
    builder().text(s, text, true);
    builder().end();
  };
  builder().keep(file);
  builder().keep(chunk);
  borrow(*chunk);
  builder().release(chunk);  // the row above still needs it
  chunk.reset();
  borrow(*file);
  builder().release(file);
  builder().keep(file);  // needed after all
  builder().flush();
  EXPECT_EQ(sink_.batches[0].columns[0].value(0).text(), std::string(64, 'c'));
  borrow(*file);
  file.reset();
  builder().flush();
  sink_.batches.erase(sink_.batches.begin());
  EXPECT_TRUE(chunk_lives.expired());
  EXPECT_FALSE(file_lives.expired());
  EXPECT_EQ(sink_.batches[0].columns[0].value(0).text(), std::string(64, 'f'));
  const Column column = sink_.batches[0].columns[0];
  sink_.batches.clear();
  builder_.reset();
  EXPECT_EQ(column.value(0).text(), std::string(64, 'f'));  // a column lives by itself
}

TEST_F(BatchTest, EachBatchGetsItsReader) {
  struct Reader : RecordReader {
    void read(uint32_t, FieldVisitor&) const override {}
  };

  add("n", Type::kLong);
  int made = 0;
  builder().set_reader_factory([&made] {
    ++made;
    return std::make_shared<Reader>();
  });
  for (int i = 0; i < 2; ++i) {
    row();
    builder().end();
    builder().flush();
  }
  EXPECT_EQ(made, 2);
  EXPECT_NE(sink_.batches[1].records, nullptr);
}

}  // namespace
}  // namespace postern::data
