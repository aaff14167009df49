// Expressions with parts that come more than once: evaluated once, and the same as ever.
#include "exec/evaluate.h"

#include <gtest/gtest.h>

#include "exec/functions/functions.h"

namespace postern::exec {
namespace {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::ExprPtr;

uint64_t rows_counted = 0;

/// Doubles its argument, and counts the rows that it is asked for.
Column counting_kernel(const plan::KernelCall& call) {
  ColumnBuilder out(Type::kLong, call.num_rows);
  const auto v = call.args[0].view<int64_t>();
  for (const uint32_t row : call.rows)
    if (v.valid(row)) out.set(row, v[row] * 2);
  rows_counted += call.rows.size();
  return out.finish();
}

const plan::Schema kSchema = {{"n", Type::kLong}};

ExprPtr typed(ExprPtr e, Type type, const plan::FunctionDef* function = nullptr) {
  auto copy = std::make_shared<plan::Expr>(*e);
  copy->type = type;
  copy->function = function;
  return copy;
}

class CommonPartsTest : public testing::Test {
 protected:
  CommonPartsTest() {
    twice_.name = "twice";
    twice_.kernel = counting_kernel;
    rows_counted = 0;
  }

  ExprPtr n() const { return typed(plan::column("n"), Type::kLong); }

  /// A node of its own each time.
  ExprPtr twice(ExprPtr of) const {
    return typed(plan::call("twice", {std::move(of)}), Type::kLong, &twice_);
  }

  ExprPtr call(const std::string& name, std::vector<ExprPtr> args, Type type) const {
    const plan::FunctionDef* f = all_functions().function(name);
    EXPECT_NE(f, nullptr) << name;
    return typed(plan::call(name, std::move(args)), type, f);
  }

  ExprPtr number(int64_t v) const {
    return typed(plan::literal(Value::integer(v, Type::kLong)), Type::kLong);
  }

  std::vector<uint32_t> selected(const ExprPtr& e) const {
    ColumnBuilder b(Type::kLong);
    for (int64_t i = 0; i < 6; ++i)
      b.append(i);
    const std::vector<Column> columns = {b.finish()};
    const auto program = compile(e, kSchema);
    EXPECT_TRUE(program);
    std::vector<uint32_t> out;
    (*program)->select(columns, data::Rows(data::kIdentityRows).first(6), 6, {}, out);
    return out;
  }

  plan::FunctionDef twice_;
};

TEST_F(CommonPartsTest, IsEvaluatedOnceForAllPlaces) {
  const auto test = [&](int64_t v) {
    return call("==", {twice(twice(n())), number(v)}, Type::kBool);
  };
  EXPECT_EQ(selected(call("or", {test(4), test(12), test(20)}, Type::kBool)),
            (std::vector<uint32_t>{1, 3, 5}));
  EXPECT_EQ(rows_counted, 12u) << "two nested calls over six rows";
}

TEST_F(CommonPartsTest, ThatFewerRowsNeedFirstIsEvaluatedForTheOthersToo) {
  // The second place asks for all rows, the first for those below 3 only.
  const ExprPtr few = call(
      "and",
      {call("<", {n(), number(3)}, Type::kBool), call("==", {twice(n()), number(4)}, Type::kBool)},
      Type::kBool);
  EXPECT_EQ(
      selected(call("or", {few, call("==", {twice(n()), number(10)}, Type::kBool)}, Type::kBool)),
      (std::vector<uint32_t>{2, 5}));
}

TEST_F(CommonPartsTest, ThatMayDifferIsEvaluatedEachTime) {
  twice_.deterministic = false;
  const auto test = [&](int64_t v) { return call("==", {twice(n()), number(v)}, Type::kBool); };
  selected(call("or", {test(4), test(100)}, Type::kBool));
  EXPECT_EQ(rows_counted, 11u) << "the second place lacks the row that the first decided";
}

TEST_F(CommonPartsTest, ThatMayDifferIsEvaluatedEachTimeBesideOnesThatDoNot) {
  twice_.deterministic = false;
  const auto test = [&](int64_t v) { return call("==", {twice(n()), number(v)}, Type::kBool); };
  const auto negative = [&] { return call("<", {n(), number(0)}, Type::kBool); };
  const ExprPtr never = call("and", {negative(), negative()}, Type::kBool);
  EXPECT_EQ(selected(call("or", {never, test(4), test(100)}, Type::kBool)),
            (std::vector<uint32_t>{2}));
  EXPECT_EQ(rows_counted, 11u);
  rows_counted = 0;
  const auto nested = [&](int64_t v) {
    return call("==", {call("+", {twice(n()), number(1)}, Type::kLong), number(v)}, Type::kBool);
  };
  selected(call("or", {never, nested(5), nested(100)}, Type::kBool));
  EXPECT_EQ(rows_counted, 11u) << "nor what is made of it";
}

TEST_F(CommonPartsTest, WithOtherLiteralsIsAnotherPart) {
  const auto below = [&](int64_t v) { return call("<", {twice(n()), number(v)}, Type::kBool); };
  EXPECT_EQ(selected(call("and", {call("not", {below(4)}, Type::kBool), below(8)}, Type::kBool)),
            (std::vector<uint32_t>{2, 3}));
}

}  // namespace
}  // namespace postern::exec
