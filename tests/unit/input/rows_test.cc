#include "input/rows.h"

#include <gtest/gtest.h>

#include "decoded.h"
#include "input/name_hash.h"

namespace postern::input {
namespace {

TEST(NameTable, FindsEveryNameAndNoOther) {
  NameTable table;
  std::vector<std::string> names = {"",
                                    "a",
                                    "ab",
                                    "abc",
                                    "abcd",
                                    "InitiatingProcessVersionInfoInternalFileName",
                                    "InitiatingProcessVersionInfoOriginalFileName"};
  for (int i = 0; i < 1000; ++i)
    names.push_back("field_" + std::to_string(i));
  for (size_t i = 0; i < names.size(); ++i)
    table.add(names[i], static_cast<int>(i));
  for (size_t i = 0; i < names.size(); ++i)
    EXPECT_EQ(table.find(names[i]), static_cast<int>(i)) << names[i];
  for (const char* other : {"b", "abcde", "field_", "field_1000", "Field_1"})
    EXPECT_EQ(table.find(other), -1) << other;
  table.add("a", 77);
  EXPECT_EQ(table.find("a"), 1);
}

TEST(NameHash, TellsNamesOfEqualLengthApart) {
  EXPECT_NE(name_hash("InitiatingProcessVersionInfoInternalFileName"),
            name_hash("InitiatingProcessVersionInfoOriginalFileName"));
  EXPECT_NE(name_hash("SourcePort"), name_hash("SourceHost"));
  EXPECT_NE(name_hash("a0"), name_hash("a1"));
}

/// Reads a row through the batch's reader, and writes it through a Row.
struct Harness {
  explicit Harness(const Columns& columns) {
    data::Layout layout("t");
    for (const auto& [name, type] : columns)
      layout.add(name, type);
    layouts.emplace("t", std::move(layout));
  }

  data::Layouts layouts;
  data::Anomalies anomalies;
  Decoded sink{{}};
  Input input{"path", "", nullptr};
};

TEST(Row, WritesOnlyWhatSomebodyReads) {
  Harness h({{"a", kString},
             {"n", kLong},
             {"r", kReal},
             {"b", kBool},
             {"t", kDatetime},
             {"d", kDynamic}});
  DecodeContext context{h.layouts, h.sink, h.anomalies};
  TableSet tables(h.input, context, [](const RecordRef& ref, data::FieldVisitor& v) {
    Row row(v);
    row.text("again", ref.text);
  });
  EXPECT_EQ(tables.event("other"), nullptr);
  TableRows* rows = tables.event("t");
  ASSERT_NE(rows, nullptr);
  rows->begin({7, 1}, {"the record", 0});
  Row row(*rows);
  EXPECT_EQ(row.target("nobody"), Row::kUnread);
  row.text("a", "x");
  row.text("nobody", "y");
  row.literal(row.target("n"), "n", "12.0");
  row.literal(row.target("r"), "r", "1e3");
  row.boolean("b", true);
  row.datetime("t", 0);
  row.dynamic("d", *data::dynamic_from_json("[1]"));
  rows->end();
  tables.flush();
  EXPECT_EQ(h.sink.row("t"), (Fields{{"a", "x"},
                                     {"n", "12"},
                                     {"r", "1000"},
                                     {"b", "true"},
                                     {"t", "0001-01-01T00:00:00Z"},
                                     {"d", "[1]"}}));
  EXPECT_EQ(h.sink.rows("t")[0].all, (Fields{{"again", "the record"}}));
  EXPECT_EQ(h.sink.num_skipped("other"), 1u);
  EXPECT_TRUE(h.anomalies.all().empty());
}

TEST(Row, NamesALiteralThatDoesNotFit) {
  Harness h({{"n", kLong}});
  DecodeContext context{h.layouts, h.sink, h.anomalies};
  TableSet tables(h.input, context, [](const RecordRef&, data::FieldVisitor&) {});
  TableRows* rows = tables.event("t");
  rows->begin({}, {"", 0});
  Row row(*rows);
  row.literal(row.target("n"), "n", "1.5");
  rows->end();
  tables.flush();
  EXPECT_EQ(h.anomalies.all().at("bad-value").count, 1u);
}

TEST(TableSet, BoundsTheNamesThatEvidenceMakesUp) {
  Harness h({});
  DecodeContext context{h.layouts, h.sink, h.anomalies};
  TableSet tables(h.input, context, [](const RecordRef&, data::FieldVisitor&) {});
  for (int i = 0; i < 5000; ++i)
    EXPECT_EQ(tables.event("zeek.x" + std::to_string(i)), nullptr);
  tables.flush();
  EXPECT_EQ(h.sink.num_skipped("zeek.x4999"), 1u);
  EXPECT_EQ(h.sink.num_skipped("zeek.x0"), 1u);
}

}  // namespace
}  // namespace postern::input
