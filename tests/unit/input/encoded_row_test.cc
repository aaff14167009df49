#include "input/encoded_row.h"

#include <map>

#include <gtest/gtest.h>

namespace postern::input {
namespace {

struct Sink final : data::BatchSink {
  bool push(data::Batch&& b) override {
    batches.push_back(std::move(b));
    return true;
  }

  void skipped(std::string_view table, uint64_t n) override { counts[std::string(table)] += n; }

  std::vector<data::Batch> batches;
  std::map<std::string, uint64_t> counts;
};

struct Visitor final : data::FieldVisitor {
  void field(std::string_view name, const data::Value& v) override {
    fields[std::string(name)] = v.json();
  }

  std::map<std::string, std::string> fields;
};

EncodedRow sample() {
  EncodedRow row;
  row.text("name", "x\xff");
  row.text("empty", "");
  row.integer("port", 25);
  row.real("seconds", 1.5);
  row.boolean("tls", true);
  row.texts("to", {"a@b", "c@d"});
  row.texts("none", {});
  row.count("huge", UINT64_MAX);
  return row;
}

TEST(EncodedRow, FillsColumnsAndShowsTheWholeRecord) {
  data::Layouts layouts;
  data::Layout layout("t");
  layout.add("port", data::Type::kInt);
  layout.add("to", data::Type::kDynamic);
  layout.add("tls", data::Type::kBool);
  layouts.emplace("t", layout);
  Sink sink;
  data::Anomalies anomalies;
  const Input input{"f", "", nullptr};
  DecodeContext context{layouts, sink, anomalies};
  TableSet tables(input, context, read_encoded_row);
  sample().write(tables, "t", {7, 3}, 1'000'000);
  sample().write(tables, "t", {8, 4}, std::nullopt);
  tables.flush();
  ASSERT_EQ(sink.batches.size(), 1u);
  const data::Batch& b = sink.batches[0];
  ASSERT_EQ(b.num_rows, 2u);
  EXPECT_EQ(b.columns[0].value(1).as_int(), 25);
  EXPECT_EQ(b.columns[1].value(0).json(), R"(["a@b","c@d"])");
  EXPECT_TRUE(b.columns[2].value(0).as_bool());
  EXPECT_EQ(b.time.value(0).as_int(), 1'000'000);
  EXPECT_FALSE(b.time.valid(1));
  EXPECT_EQ(b.positions[1].offset, 8u);
  Visitor v;
  b.records->read(1, v);
  const std::map<std::string, std::string> expected = {{"name", "\"x\xef\xbf\xbd\""},
                                                       {"port", "25"},
                                                       {"seconds", "1.5"},
                                                       {"tls", "true"},
                                                       {"to", R"(["a@b","c@d"])"},
                                                       {"huge", "9223372036854775807"}};
  EXPECT_EQ(v.fields, expected);
  EXPECT_TRUE(anomalies.all().empty());
}

TEST(EncodedRow, IsOnlyCountedWhenNobodyReadsItsTable) {
  const data::Layouts layouts;
  Sink sink;
  data::Anomalies anomalies;
  const Input input{"f", "", nullptr};
  DecodeContext context{layouts, sink, anomalies};
  TableSet tables(input, context, read_encoded_row);
  sample().write(tables, "t", {}, 1);
  tables.flush();
  EXPECT_TRUE(sink.batches.empty());
  EXPECT_EQ(sink.counts["t"], 1u);
}

}  // namespace
}  // namespace postern::input
