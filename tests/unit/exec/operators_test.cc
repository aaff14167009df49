// Operators on small chunks: what `.case` files cannot reach (ports, notes, evidence, order).
#include "exec/operators/operators.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include "data/dynamic.h"
#include "exec/run.h"

namespace postern::exec {
namespace {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::Op;
using plan::OpKind;
using plan::OpPtr;

ColumnBuilder strings(const std::vector<const char*>& values) {
  ColumnBuilder b(Type::kString);
  for (const char* v : values)
    v ? b.append_copy(v) : b.append_null();
  return b;
}

ColumnBuilder longs(const std::vector<int64_t>& values) {
  ColumnBuilder b(Type::kLong);
  for (const int64_t v : values)
    b.append(v);
  return b;
}

Chunk chunk(std::vector<Column> columns, uint32_t first_ref = 0) {
  Chunk c;
  c.num_rows = columns[0].num_rows();
  c.columns = std::move(columns);
  for (uint32_t r = 0; r < c.num_rows; ++r) {
    c.times.push_back(1000 + r);
    const uint32_t id = first_ref + r;
    c.refs.add_row(&id, 1);
  }
  return c;
}

OpPtr scan_of(const plan::Schema& schema) {
  auto op = std::make_shared<Op>(*plan::scan("native", "t"));
  op->schema = schema;
  return op;
}

plan::ExprPtr typed_column(const std::string& name, Type t) {
  auto e = std::make_shared<plan::Expr>(*plan::column(name));
  e->type = t;
  return e;
}

struct Rows {
  RowCollector sink;
  std::unique_ptr<Run> run;

  explicit Rows(const OpPtr& plan) {
    Result<std::shared_ptr<const CompiledPlan>> compiled = CompiledPlan::make(plan);
    EXPECT_TRUE(compiled);
    run = Run::start(*compiled, {}, sink);
  }

  std::string text() const {
    std::string out;
    for (const auto& row : sink.rows) {
      for (size_t i = 0; i < row.size(); ++i)
        out += (i > 0 ? "," : "") + (row[i].is_null() ? "null" : row[i].text());
      out += ";";
    }
    return out;
  }
};

std::shared_ptr<Op> join_of(plan::JoinKind kind,
                            const OpPtr& left,
                            const OpPtr& right,
                            plan::Schema schema) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kJoin;
  op->join_kind = kind;
  op->inputs = {left, right};
  op->keys.push_back({"k", typed_column("k", Type::kString), {}});
  op->right_keys.push_back(typed_column("k", Type::kString));
  op->schema = std::move(schema);
  return op;
}

std::string join_text(plan::JoinKind kind, plan::Schema schema) {
  const OpPtr left = scan_of({{"k", Type::kString}, {"a", Type::kLong}});
  const OpPtr right = scan_of({{"k", Type::kString}, {"b", Type::kLong}});
  Rows rows(join_of(kind, left, right, std::move(schema)));
  // The right side comes first: order of arrival must not matter.
  rows.run->push(1, chunk({strings({"x", "y", "x"}).finish(), longs({10, 20, 30}).finish()}));
  rows.run->push(0,
                 chunk({strings({"x", "z", "x", nullptr}).finish(), longs({1, 2, 3, 4}).finish()}));
  rows.run->finish();
  return rows.text();
}

TEST(Join, KindsFollowKusto) {
  const plan::Schema both = {
      {"k", Type::kString}, {"a", Type::kLong}, {"k1", Type::kString}, {"b", Type::kLong}};
  EXPECT_EQ(join_text(plan::JoinKind::kInner, both), "x,1,x,10;x,1,x,30;x,3,x,10;x,3,x,30;");
  EXPECT_EQ(join_text(plan::JoinKind::kInnerUnique, both), "x,1,x,10;x,1,x,30;");
  EXPECT_EQ(join_text(plan::JoinKind::kLeftOuter, both),
            "x,1,x,10;x,1,x,30;z,2,,null;x,3,x,10;x,3,x,30;null,4,,null;");
  EXPECT_EQ(join_text(plan::JoinKind::kRightOuter, both),
            "x,1,x,10;x,1,x,30;x,3,x,10;x,3,x,30;,null,y,20;");
  const plan::Schema left = {{"k", Type::kString}, {"a", Type::kLong}};
  EXPECT_EQ(join_text(plan::JoinKind::kLeftSemi, left), "x,1;x,3;");
  EXPECT_EQ(join_text(plan::JoinKind::kLeftAnti, left), "z,2;null,4;");
  const plan::Schema right = {{"k", Type::kString}, {"b", Type::kLong}};
  EXPECT_EQ(join_text(plan::JoinKind::kRightSemi, right), "x,10;x,30;");
  EXPECT_EQ(join_text(plan::JoinKind::kRightAnti, right), "y,20;");
}

std::shared_ptr<Op> sort_of(const OpPtr& input,
                            bool descending,
                            bool nulls_first,
                            std::optional<int64_t> limit) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kSort;
  op->inputs = {input};
  op->schema = input->schema;
  op->sort_keys.push_back({typed_column("k", Type::kString), descending, nulls_first, false});
  op->limit = limit;
  return op;
}

TEST(Sort, PutsNullsWhereAskedAndKeepsTies) {
  const OpPtr input = scan_of({{"k", Type::kString}, {"a", Type::kLong}});
  Rows rows(sort_of(input, true, false, std::nullopt));
  rows.run->push(0, chunk({strings({"a", nullptr, "b"}).finish(), longs({1, 2, 3}).finish()}));
  rows.run->push(0, chunk({strings({}).finish(), longs({}).finish()}));
  rows.run->push(0, chunk({strings({"b", "c"}).finish(), longs({4, 5}).finish()}));
  rows.run->finish();
  EXPECT_EQ(rows.text(), "c,5;b,3;b,4;a,1;null,2;");
}

TEST(Sort, TopKeepsOnlyTheFirst) {
  const OpPtr input = scan_of({{"k", Type::kString}, {"a", Type::kLong}});
  Rows rows(sort_of(input, false, true, 2));
  rows.run->push(0, chunk({strings({"b", "a", nullptr}).finish(), longs({1, 2, 3}).finish()}));
  rows.run->finish();
  EXPECT_EQ(rows.text(), "null,3;a,2;");
}

/// The values of one column in ascending order, ties as they came.
std::string sorted(Column values, bool spl_order, std::optional<int64_t> limit = std::nullopt) {
  const OpPtr input = scan_of({{"k", values.type()}});
  const std::shared_ptr<Op> op = sort_of(input, false, false, limit);
  op->sort_keys[0].expr = typed_column("k", values.type());
  op->sort_keys[0].spl_order = spl_order;
  Rows rows(op);
  rows.run->push(0, chunk({std::move(values)}));
  rows.run->finish();
  return rows.text();
}

TEST(Sort, ComparesTextByAllOfItsBytes) {
  EXPECT_EQ(
      sorted(strings({"abcdefgh2", "abcdefg", "", "abcdefgh", "abcdefgh1", "\xff", "B", "abcdefg1"})
                 .finish(),
             false),
      ";B;abcdefg;abcdefg1;abcdefgh;abcdefgh1;abcdefgh2;\xff;");
}

TEST(Sort, SplTakesNumbersByValueAndBeforeText) {
  const auto values = [] {
    return strings({"10", "x", "9", "1e3", "-3", "", nullptr, "09", "0x1", "-0", "0", "9.0"})
        .finish();
  };
  EXPECT_EQ(sorted(values(), true), "-3;-0;0;9;09;9.0;10;1e3;;0x1;x;null;");
  EXPECT_EQ(sorted(values(), true, 5), "-3;-0;0;9;09;") << "ties keep their order";
  EXPECT_EQ(sorted(values(), false), ";-0;-3;0;09;0x1;10;1e3;9;9.0;x;null;");
}

TEST(Sort, ComparesValuesOfAllTypes) {
  ColumnBuilder reals(Type::kReal);
  for (const double v : {1.5, -0.0, -2.25, std::nan(""), 0.0, 1e300, -1e300})
    reals.append(v);
  EXPECT_EQ(sorted(reals.finish(), false), "NaN;-1e+300;-2.25;-0;0;1.5;1e+300;");
  EXPECT_EQ(sorted(longs({5, -1, INT64_MIN, INT64_MAX, 0}).finish(), true),
            "-9223372036854775808;-1;0;5;9223372036854775807;");
  ColumnBuilder any(Type::kDynamic);
  for (const int64_t v : {10, 9}) {
    data::DynamicWriter w;
    w.integer(v);
    any.append_copy(w.take());
  }
  data::DynamicWriter w;
  w.string("1z");
  any.append_copy(w.take());
  const Column cells = any.finish();
  EXPECT_EQ(sorted(cells, false), "10;1z;9;");
  EXPECT_EQ(sorted(cells, true), "9;10;1z;");
}

std::shared_ptr<Op> group_of(const OpPtr& input, bool drop_nulls) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kAggregate;
  op->inputs = {input};
  op->keys.push_back({"k", typed_column("k", input->schema[0].type), {}});
  op->schema = {{"k", input->schema[0].type}};
  op->drop_null_keys = drop_nulls;
  return op;
}

/// Result rows of an aggregate by one column.
std::string groups(Column keys) {
  const OpPtr input = scan_of({{"k", keys.type()}});
  Rows rows(group_of(input, false));
  rows.run->push(0, chunk({std::move(keys)}));
  rows.run->finish();
  return rows.text();
}

TEST(Aggregate, GivesKeysBackAsTheyCame) {
  EXPECT_EQ(groups(strings({"b", "", nullptr, "b", "a", nullptr, ""}).finish()), "b;;null;a;");
  EXPECT_EQ(groups(longs({5, INT64_MIN, 5, -1}).finish()), "5;-9223372036854775808;-1;");
  ColumnBuilder reals(Type::kReal);
  for (const double v : {-0.0, 1.5, 0.0, 1.5})
    reals.append(v);
  EXPECT_EQ(groups(reals.finish()), "-0;1.5;") << "equal keys, and the first one is shown";
  ColumnBuilder bools(Type::kBool);
  for (const bool v : {true, false, true})
    bools.append(v);
  bools.append_null();
  EXPECT_EQ(groups(bools.finish()), "true;false;null;");
}

/// Evidence ids of each result row.
std::string evidence(const RowCollector& sink) {
  std::string out;
  for (const auto& refs : sink.refs) {
    for (const uint32_t id : refs)
      out += std::to_string(id) + ",";
    out += ";";
  }
  return out;
}

TEST(Aggregate, KeepsTheFirstEvidenceOfEachGroup) {
  const OpPtr input = scan_of({{"k", Type::kString}});
  Rows rows(group_of(input, false));
  rows.run->push(0, chunk({strings({"a", "b", "a"}).finish()}, 10));
  rows.run->push(0, chunk({strings({"b", "a"}).finish()}, 20));
  rows.run->push(0, chunk({strings(std::vector<const char*>(100, "b")).finish()}, 100));
  rows.run->finish();
  EXPECT_EQ(evidence(rows.sink),
            "10,12,21,;11,20,100,101,102,103,104,105,106,107,108,109,110,111,"
            "112,113,;");
}

/// Counts what it is pushed, and whether it was asked for.
struct Counter final : ChunkSink {
  void push(Chunk&& c, int) override { rows += c.num_rows; }

  void finish(int) override { ++ends; }

  bool wants_rows(int) const override { return wants; }

  bool wants = true;
  uint32_t rows = 0;
  int ends = 0;
};

/// What comes out of a plan over two rows.
uint32_t rows_for(const OpPtr& plan, bool wants) {
  Counter sink;
  sink.wants = wants;
  Result<std::shared_ptr<const CompiledPlan>> compiled = CompiledPlan::make(plan);
  EXPECT_TRUE(compiled);
  const std::unique_ptr<Run> run = Run::start(*compiled, {}, sink);
  run->push(0, chunk({strings({"a", "b"}).finish(), longs({1, 2}).finish()}));
  run->finish();
  EXPECT_EQ(sink.ends, 1);
  return sink.rows;
}

// Operators that hold rows until the end give none that nobody wants.
TEST(Operators, HeldRowsComeOnlyWhereTheyAreWanted) {
  const OpPtr input = scan_of({{"k", Type::kString}, {"a", Type::kLong}});
  const OpPtr sort = sort_of(input, false, false, std::nullopt);
  const auto limit = std::make_shared<Op>(*plan::limit(sort, 100));
  limit->schema = input->schema;
  for (const OpPtr& plan : {sort, OpPtr(group_of(input, false)), OpPtr(limit)}) {
    EXPECT_EQ(rows_for(plan, true), 2U);
    EXPECT_EQ(rows_for(plan, false), 0U);
  }
}

// A side of a join that has ended without a row makes the other's rows useless, but not in the
// kinds that keep them.
TEST(Join, AnEmptySideLeavesWhatItsKindSays) {
  const plan::Schema both = {
      {"k", Type::kString}, {"a", Type::kLong}, {"k1", Type::kString}, {"b", Type::kLong}};
  const OpPtr left = scan_of({{"k", Type::kString}, {"a", Type::kLong}});
  const OpPtr right = scan_of({{"k", Type::kString}, {"b", Type::kLong}});
  for (const auto& [kind, left_alone, right_alone] :
       std::vector<std::tuple<plan::JoinKind, const char*, const char*>>{
           {plan::JoinKind::kInner, "", ""},
           {plan::JoinKind::kInnerUnique, "", ""},
           {plan::JoinKind::kLeftOuter, "x,1,,null;", ""},
           {plan::JoinKind::kRightOuter, "", ",null,x,1;"},
           {plan::JoinKind::kFullOuter, "x,1,,null;", ",null,x,1;"}}) {
    for (const size_t side : {size_t{0}, size_t{1}}) {
      Rows rows(join_of(kind, sort_of(left, false, false, std::nullopt),
                        sort_of(right, false, false, std::nullopt), both));
      rows.run->push(side, chunk({strings({"x"}).finish(), longs({1}).finish()}));
      rows.run->finish();
      EXPECT_EQ(rows.text(), side == 0 ? left_alone : right_alone);
    }
  }
}

TEST(Aggregate, CountsRowsThatNullKeysDrop) {
  const OpPtr input = scan_of({{"k", Type::kString}});
  Rows rows(group_of(input, true));
  rows.run->push(0, chunk({strings({"a", nullptr, "a", nullptr}).finish()}));
  rows.run->finish();
  EXPECT_EQ(rows.text(), "a;");
  EXPECT_EQ(rows.run->notes().rows_dropped, 2u);
  EXPECT_EQ(rows.run->notes().null_key_rows.at("k"), 2u);
}

TEST(Aggregate, KeepsNullGroupsInKusto) {
  const OpPtr input = scan_of({{"k", Type::kString}});
  Rows rows(group_of(input, false));
  rows.run->push(0, chunk({strings({"a", nullptr, "a"}).finish()}));
  rows.run->finish();
  EXPECT_EQ(rows.text(), "a;null;");
}

TEST(Aggregate, PutsAMultivalueKeyIntoOneGroupPerValue) {
  const OpPtr input = scan_of({{"k", Type::kDynamic}});
  ColumnBuilder k(Type::kDynamic);
  data::DynamicWriter w;
  w.begin_array();
  w.string("x");
  w.string("y");
  w.end();
  k.append_copy(w.take());
  w.string("y");
  k.append_copy(w.take());
  Rows rows(group_of(input, true));
  rows.run->push(0, chunk({k.finish()}));
  rows.run->finish();
  ASSERT_EQ(rows.sink.rows.size(), 2u);
  EXPECT_EQ(rows.sink.refs[0], (std::vector<uint32_t>{0}));
  EXPECT_EQ(rows.sink.refs[1], (std::vector<uint32_t>{0, 1}));
}

TEST(Aggregate, KeepsEvidenceAndTheFirstTime) {
  const OpPtr input = scan_of({{"k", Type::kString}});
  Rows rows(group_of(input, false));
  rows.run->push(0, chunk({strings({"a", "b"}).finish()}, 7));
  rows.run->push(0, chunk({strings({"a"}).finish()}, 40));
  rows.run->finish();
  ASSERT_EQ(rows.sink.refs.size(), 2u);
  EXPECT_EQ(rows.sink.refs[0], (std::vector<uint32_t>{7, 40}));
  EXPECT_EQ(rows.sink.times[0], 1000);
}

OpPtr latest_of(const OpPtr& input) {
  auto op = std::make_shared<Op>();
  op->kind = OpKind::kAggregate;
  op->inputs = {input};
  op->keys.push_back({"k", typed_column("k", Type::kString), {}});
  op->schema = {{"k", Type::kString}};
  for (const char* name : {"t", "s", "n"}) {
    const Type type = plan::find_column(input->schema, name)->type;
    op->aggregates.push_back({name,
                              "kql.arg_max",
                              {typed_column("t", Type::kLong), typed_column(name, type)},
                              false,
                              {}});
    op->schema.push_back({name, type});
  }
  return op;
}

TEST(Aggregate, TakesAllColumnsFromTheChosenRow) {
  const plan::Schema schema = {
      {"k", Type::kString}, {"t", Type::kLong}, {"s", Type::kString}, {"n", Type::kLong}};
  Rows rows(latest_of(scan_of(schema)));
  rows.run->push(0,
                 chunk({strings({"a", "b", "a"}).finish(), longs({5, 9, 6}).finish(),
                        strings({"early", "only", "late"}).finish(), longs({1, 2, 3}).finish()}));
  // A later row, whose table has no `s` and no `n` there.
  ColumnBuilder none(Type::kLong);
  none.append_null();
  none.append_null();
  rows.run->push(0, chunk({strings({"a", "b"}).finish(), longs({7, 8}).finish(),
                           Column::nulls(Type::kNull, 2), none.finish()}));
  rows.run->finish();
  EXPECT_EQ(rows.text(), "a,7,,null;b,9,only,2;");
}

TEST(Aggregate, CountsTheTextsThatItKeeps) {
  const plan::Schema schema = {
      {"k", Type::kString}, {"t", Type::kLong}, {"s", Type::kString}, {"n", Type::kLong}};
  const auto plan = CompiledPlan::make(latest_of(scan_of(schema)));
  ASSERT_TRUE(plan);
  MemoryBudget budget(1'000'000);
  RowCollector sink;
  auto run = Run::start(*plan, {}, sink, &budget);
  const std::string text(100'000, 'x');
  const std::string shorter(10, 'x');
  const auto push = [&](int64_t t, const std::string& s) {
    run->push(0, chunk({strings({"a"}).finish(), longs({t}).finish(), strings({s.c_str()}).finish(),
                        longs({1}).finish()}));
  };
  push(1, text);
  const uint64_t one = budget.used();
  EXPECT_GT(one, text.size());
  EXPECT_LT(one, text.size() + 1000);
  push(3, shorter);
  push(2, text);
  EXPECT_LE(budget.used(), one) << "the text that was given up is not counted again";
  run.reset();
  EXPECT_EQ(budget.used(), 0U);
}

// Which evidence is kept does not depend on the order in which the rows come.
TEST(Aggregate, KeepsTheFirstEvidenceInWhateverOrderItComes) {
  std::vector<uint32_t> order(40);
  for (uint32_t i = 0; i < order.size(); ++i)
    order[i] = i * 27 % 40;
  for (int round = 0; round < 3; ++round) {
    Rows rows(group_of(scan_of({{"k", Type::kString}}), false));
    for (const uint32_t id : order) {
      rows.run->push(0, chunk({strings({"a"}).finish()}, id));
      rows.run->push(0, chunk({strings({"a", "b"}).finish()}, id));
    }
    rows.run->finish();
    ASSERT_EQ(rows.sink.refs.size(), 2u);
    std::vector<uint32_t> first(16);
    for (uint32_t i = 0; i < first.size(); ++i)
      first[i] = i;
    EXPECT_EQ(rows.sink.refs[0], first);
    for (uint32_t& id : first)
      ++id;
    EXPECT_EQ(rows.sink.refs[1], first);
    std::sort(order.begin(), order.end());
    if (round == 1) std::reverse(order.begin(), order.end());
  }
}

// A row may have come together from several, of which others have the same.
TEST(Aggregate, KeepsTheEvidenceOfARowTogether) {
  const auto row = [](std::vector<uint32_t> refs) {
    Chunk c = chunk({strings({"a"}).finish()});
    c.refs = {};
    c.refs.add_row(refs.data(), refs.size());
    return c;
  };
  Rows rows(group_of(scan_of({{"k", Type::kString}}), false));
  rows.run->push(0, row({50, 90}));
  for (uint32_t id = 20; id < 40; ++id)
    rows.run->push(0, row({id}));
  rows.run->push(0, row({10, 99, 90}));
  rows.run->push(0, row({9, 22}));
  rows.run->push(0, row({10, 99, 91}));
  rows.run->finish();
  EXPECT_EQ(rows.sink.refs[0],
            (std::vector<uint32_t>{9, 22, 10, 99, 90, 91, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30}));
}

TEST(Aggregate, GivesMoreGroupsThanFitABatch) {
  const OpPtr input = scan_of({{"k", Type::kLong}});
  Rows rows(group_of(input, false));
  for (int64_t at = 0; at < 5000; at += 1000) {
    ColumnBuilder b(Type::kLong);
    for (int64_t i = 0; i < 1000; ++i)
      b.append(at + i);
    rows.run->push(0, chunk({b.finish()}));
  }
  rows.run->finish();
  EXPECT_EQ(rows.sink.rows.size(), 5000u);
}

// Small chunks become one, columns that are null throughout cost nothing, and rows keep their
// order.
TEST(ChunkCollector, JoinsSmallChunks) {
  MemoryBudget budget(uint64_t{1} << 30);
  ChunkCollector sink(&budget);
  const Column nothing = Column::nulls(Type::kString, 1);
  sink.push(chunk({strings({"a"}).finish(), nothing, longs({1}).finish()}, 1), 0);
  sink.push(chunk({strings({nullptr}).finish(), nothing, longs({2}).finish()}, 2), 0);
  sink.push(chunk({strings({"c", "d"}).finish(), Column::nulls(Type::kString, 2),
                   Column::nulls(Type::kLong, 2)},
                  3),
            0);
  const std::vector<int64_t> many(300, 7);
  sink.push(chunk({strings(std::vector<const char*>(300, "x")).finish(),
                   strings(std::vector<const char*>(300, "y")).finish(), longs(many).finish()},
                  10),
            0);
  sink.push(chunk({strings({"z"}).finish(), nothing, longs({3}).finish()}, 400), 0);
  EXPECT_EQ(sink.num_rows(), 305U);
  std::string text;
  size_t before = 0;
  const std::vector<Chunk> chunks = sink.take();
  for (const Chunk& c : chunks) {
    for (uint32_t r = 0; r < c.num_rows; ++r) {
      if (c.num_rows >= 300 && r > 0) continue;
      for (const Column& column : c.columns)
        text += column.value(r).text() + ",";
      text += std::to_string(c.refs.ids[c.refs.begin[r]]) + ";";
    }
    before += c.num_rows;
  }
  EXPECT_EQ(chunks.size(), 3U);
  EXPECT_EQ(before, 305U);
  EXPECT_EQ(text, "a,,1,1;,,2,2;c,,,3;d,,,4;x,y,7,10;z,,3,400;");
  EXPECT_EQ(chunks[0].columns[1].memory_bytes(), Column::nulls(Type::kString, 4).memory_bytes());
  EXPECT_TRUE(sink.take().empty());
  EXPECT_EQ(sink.num_rows(), 0U);
}

// A few rows that were chosen from many do not hold the others.
TEST(ChunkCollector, KeepsNoMoreThanItsRows) {
  MemoryBudget budget(uint64_t{1} << 30);
  ChunkCollector sink(&budget);
  const std::string large(1000, 'x');
  const Chunk all = chunk({strings(std::vector<const char*>(2000, large.c_str())).finish()});
  for (int i = 0; i < 100; ++i)
    sink.push(gather(all, data::Rows(data::kIdentityRows).first(1)), 0);
  sink.push(gather(all, data::Rows(data::kIdentityRows).first(300)), 0);
  size_t bytes = 0;
  for (const Chunk& c : sink.take())
    bytes += memory_bytes(c);
  EXPECT_LT(bytes, 500U * large.size());
}

TEST(ChunkCollector, GivesNothingBeyondTheBudget) {
  MemoryBudget budget(10'000);
  ChunkCollector sink(&budget);
  const std::string large(1000, 'x');
  for (int i = 0; i < 20; ++i)
    sink.push(chunk({strings({large.c_str()}).finish()}), 0);
  EXPECT_TRUE(sink.over_budget);
  EXPECT_TRUE(sink.take().empty());
  EXPECT_EQ(budget.used(), 0U);
}

}  // namespace
}  // namespace postern::exec
