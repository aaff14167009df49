#include "exec/shared_filter.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "data/dynamic.h"
#include "exec/functions/functions.h"

namespace postern::exec {
namespace {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::ExprPtr;

const plan::Schema kSchema = {
    {"a", Type::kString}, {"b", Type::kString}, {"n", Type::kLong}, {"m", Type::kDynamic}};

/// A random filter over the schema, bound as the binder would.
class RandomFilter {
 public:
  explicit RandomFilter(uint32_t seed) : random_(seed) {}

  ExprPtr filter(int depth) {
    if (depth == 0 || random_() % 4 == 0) return test();
    if (random_() % 5 == 0) return call("not", {filter(depth - 1)});
    std::vector<ExprPtr> args;
    for (size_t n = 1 + random_() % 3; n > 0; --n)
      args.push_back(filter(depth - 1));
    return call(random_() % 2 ? "and" : "or", std::move(args));
  }

  std::string word() {
    static constexpr const char* kWords[] = {"",     "x",   "ab",   "AB",  "abc", "xabcx",
                                             "cab",  "c:a", "7",    "7.0", " 7",  "70",
                                             "bcab", "é",   "\xff", "K",   "true"};
    return kWords[random_() % std::size(kWords)];
  }

  int64_t number() { return static_cast<int64_t>(random_() % 3) * 7; }

  /// A test that the number `n` is one of these.
  ExprPtr number_in(const std::string& name, const std::vector<int64_t>& numbers) {
    std::vector<ExprPtr> args = {column(2)};
    for (const int64_t n : numbers)
      args.push_back(plan::literal(Value::integer(n, Type::kLong)));
    return call(name, std::move(args));
  }

  ExprPtr call(const std::string& name, std::vector<ExprPtr> args) {
    auto e = std::make_shared<plan::Expr>(*plan::call(name, std::move(args)));
    e->function = all_functions().function(name);
    EXPECT_NE(e->function, nullptr) << name;
    e->type = Type::kBool;
    return e;
  }

  ExprPtr column(size_t i) {
    auto e = std::make_shared<plan::Expr>(*plan::column(kSchema[i].name));
    e->type = kSchema[i].type;
    return e;
  }

 private:
  ExprPtr test() {
    static constexpr const char* kTests[] = {
        "sigma.equals",   "sigma.contains",     "sigma.startswith",
        "sigma.endswith", "sigma.equals_cased", "sigma.contains_cased",
        "sigma.re",       "sigma.re_i",         "spl.search_eq",
        "kql.has",        "kql.eq_ci",          "kql.contains_cs",
        "kql.startswith", "kql.endswith",       "spl.like",
        "spl.match"};
    const std::string name = kTests[random_() % std::size(kTests)];
    if (random_() % 10 == 0) return number_in("==", {number()});
    if (random_() % 10 == 0) return number_in("in", {number(), number()});
    const bool sigma = name.starts_with("sigma");
    const size_t slot = random_() % (sigma ? 4 : name == "spl.search_eq" ? 3 : 2);
    if (random_() % 10 == 0)
      return call("sigma.keyword",
                  {column(3), column(0), plan::literal(Value::string("a" + word()))});
    std::vector<ExprPtr> args = {column(slot)};
    const bool many = sigma || name == "spl.search_eq";
    for (size_t n = many ? 1 + random_() % 6 : 1; n > 0; --n) {
      std::string text = word();
      if (name.starts_with("sigma.re") || name == "spl.match") {
        static constexpr const char* kRegexes[] = {"ab+", "a.c", "^x", "(a|b)c", "b?cab", "k"};
        text = kRegexes[random_() % std::size(kRegexes)];
      } else if (many && random_() % 3 == 0) {
        text.insert(random_() % 2 ? 0 : text.size(), "*");
      }
      if (name == "spl.search_eq" && text.empty()) text = "x";
      if (name == "spl.like")
        text.insert(random_() % 2 ? 0 : text.size(), random_() % 3 ? "%" : "_");
      const bool as_number = name == "sigma.equals" && random_() % 4 == 0;
      args.push_back(
          plan::literal(as_number ? Value::integer(number(), Type::kLong) : Value::string(text)));
    }
    return call(name, std::move(args));
  }

  std::mt19937 random_;
};

/// Filters together, held against each on its own.
class Compared {
 public:
  explicit Compared(std::vector<ExprPtr> filters, std::shared_ptr<MemoBudget> memos = nullptr)
      : filters_(std::move(filters)) {
    std::vector<uint32_t> all;
    for (uint32_t i = 0; i < filters_.size(); ++i) {
      plain_.push_back(filters_[i] ? *compile(filters_[i], kSchema) : nullptr);
      all.push_back(i);
    }
    shared_ = SharedFilter::make(filters_, kSchema);
    state_ = shared_->start(std::move(memos));
    state_->add_group(0, all);
    state_->set_profiling();
  }

  void run(const std::vector<Column>& columns, const std::vector<uint32_t>& rows) {
    const uint32_t num_rows = rows.back() + 1;
    std::vector<Survivors> out(filters_.size());
    std::vector<uint32_t> touched;
    state_->run(0, columns, rows, out, touched);
    const plan::RunContext none;
    for (uint32_t f = 0; f < filters_.size(); ++f) {
      if (!filters_[f]) {
        EXPECT_EQ(out[f].sure, rows) << "a filter that is not there holds";
        continue;
      }
      std::vector<uint32_t> expected;
      plain_[f]->select(columns, rows, num_rows, none, expected);
      std::vector<uint32_t> got = out[f].sure;
      for (const uint32_t r : got)
        EXPECT_TRUE(std::binary_search(expected.begin(), expected.end(), r))
            << plan::to_text(*filters_[f]) << " row " << r;
      std::vector<uint32_t> asked;
      plain_[f]->select(columns, out[f].maybe, num_rows, none, asked);
      state_->learn(f, asked);
      got.insert(got.end(), asked.begin(), asked.end());
      std::sort(got.begin(), got.end());
      ASSERT_EQ(got, expected) << plan::to_text(*filters_[f]);
    }
  }

  /// Texts of a column that were looked up so far, by index.
  std::vector<uint64_t> looked_up(size_t slot) {
    std::vector<uint64_t> texts;
    for (const FilterProfile::Column& c : state_->profile().columns)
      if (c.slot == slot) texts.push_back(c.texts);
    return texts;
  }

 private:
  std::vector<ExprPtr> filters_;
  std::vector<std::shared_ptr<const CompiledExpr>> plain_;
  std::shared_ptr<const SharedFilter> shared_;
  std::unique_ptr<SharedFilter::State> state_;
};

/// A batch of random words; `a` is `often` but for one row of `one_in`.
std::vector<Column> random_columns(RandomFilter& random,
                                   uint32_t num_rows,
                                   const std::string& often = "",
                                   uint32_t one_in = 1) {
  ColumnBuilder a(Type::kString);
  ColumnBuilder b(Type::kString);
  ColumnBuilder n(Type::kLong);
  ColumnBuilder m(Type::kDynamic);
  for (uint32_t r = 0; r < num_rows; ++r) {
    for (ColumnBuilder* c : {&a, &b}) {
      const std::string w = c == &a && r % one_in != 0 ? often : random.word();
      if (w == "x")
        c->append_null();
      else
        c->append_copy(w);
    }
    if (random.number() == 0)
      n.append_null();
    else
      n.append(random.number());
    data::DynamicWriter members;
    const int64_t kind = random.number();
    if (kind == 0) members.begin_array();
    members.string(random.word());
    if (kind == 0) {
      members.integer(random.number());
      members.null();
      members.string(random.word());
      members.end();
    }
    m.append_copy(members.take());
  }
  return {a.finish(), b.finish(), n.finish(), m.finish()};
}

/// All rows but every fifth.
std::vector<uint32_t> most_rows(uint32_t num_rows) {
  std::vector<uint32_t> rows;
  for (uint32_t r = 0; r < num_rows; ++r)
    if (r % 5 != 4) rows.push_back(r);
  return rows;
}

TEST(SharedFilter, AgreesWithEachFilterOnItsOwn) {
  constexpr uint32_t kRows = 60;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomFilter random(seed);
    std::vector<ExprPtr> filters;
    for (uint32_t i = 0; i < 11; ++i)
      filters.push_back(random.filter(3));
    filters.push_back(nullptr);
    Compared compared(std::move(filters));
    for (int batch = 0; batch < 5; ++batch)
      compared.run(random_columns(random, kRows), most_rows(kRows));
  }
}

TEST(SharedFilter, AgreesWhereItOftenForgets) {
  constexpr uint32_t kRows = 700;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    RandomFilter random(seed);
    std::vector<ExprPtr> filters;
    for (uint32_t i = 0; i < 11; ++i)
      filters.push_back(random.filter(3));
    const auto memos = std::make_shared<MemoBudget>(20'000);
    Compared compared(std::move(filters), memos);
    for (int batch = 0; batch < 12; ++batch)
      compared.run(random_columns(random, kRows), most_rows(kRows));
    EXPECT_GT(memos->peak(), memos->limit() / 2) << "else nothing was forgotten";
  }
}

// Where every filter needs something rare of one column, the others wait.
TEST(SharedFilter, LooksUpColumnsWhereTheyMatter) {
  constexpr uint32_t kRows = 500;
  for (uint32_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    RandomFilter random(seed);
    const auto test = [&](const char* name, size_t column, const char* text) {
      return random.call(name, {random.column(column), plan::literal(Value::string(text))});
    };
    std::vector<ExprPtr> filters;
    for (const char* word : {"ab", "cab", "70", "bcab", "abc", "AB"})
      filters.push_back(random.call("and", {test("sigma.equals", 0, word), random.filter(2)}));
    filters.push_back(random.call("and", {test("sigma.contains", 1, "b"), test("sigma.re", 1, "a"),
                                          test("sigma.equals", 0, "ab")}));
    Compared compared(std::move(filters));
    const auto looked_up = [&](int num_batches, const char* often) {
      const uint64_t before = compared.looked_up(1).at(0);
      for (int batch = 0; batch < num_batches; ++batch)
        compared.run(random_columns(random, kRows, often, 50), most_rows(kRows));
      return static_cast<double>(compared.looked_up(1).at(0) - before) /
             static_cast<double>(num_batches) / static_cast<double>(most_rows(kRows).size());
    };
    EXPECT_EQ(looked_up(6, "often"), 1) << "until it is known what is rare";
    EXPECT_LT(looked_up(6, "often"), 0.1);
    EXPECT_GT(looked_up(40, "ab"), 0.9) << "what was rare is rare no more";
    EXPECT_EQ(looked_up(1, "often"), 1) << "and does not count as rare again";
  }
}

// Where many filters look for a few bytes, and need something rare too, the bytes have an index of
// their own.
TEST(SharedFilter, LooksForShortTextsWhereTheyMatter) {
  constexpr uint32_t kRows = 400;
  RandomFilter random(7);
  const auto test = [&](const char* name, size_t column, const std::string& text) {
    return random.call(name, {random.column(column), plan::literal(Value::string(text))});
  };
  std::vector<ExprPtr> filters = {test("sigma.contains", 1, "a long text that is rare"),
                                  test("sigma.contains", 1, "cab")};  // which needs nothing else
  for (const char* first : {"a", "b", "c", "x", "7", " ", ".", "0", ":"})
    for (const char* second : {"a", "b", "c", "x", "7", " ", ".", "0", ":"})
      filters.push_back(random.call(
          "and", {test("sigma.contains", 1, std::string(first) + second),
                  test("sigma.endswith", 0, std::string("another rare text") + second)}));
  filters.push_back(random.call(
      "and", {test("sigma.contains", 1, "b"), random.call("not", {test("sigma.contains", 1, "cc")}),
              test("sigma.endswith", 0, "another rare text")}));
  Compared compared(std::move(filters));
  const auto batch = [&] {
    ColumnBuilder a(Type::kString);
    ColumnBuilder b(Type::kString);
    for (uint32_t r = 0; r < kRows; ++r) {
      a.append_copy(r % 40 == 0 ? "another rare text" + random.word() : random.word());
      b.append_copy(random.word() + random.word());
    }
    compared.run({a.finish(), b.finish(), Column::nulls(Type::kLong, kRows),
                  Column::nulls(Type::kDynamic, kRows)},
                 most_rows(kRows));
  };
  for (int i = 0; i < 20; ++i)
    batch();
  const std::vector<uint64_t> learning = compared.looked_up(1);
  ASSERT_EQ(learning.size(), 2u);
  for (int i = 0; i < 20; ++i)
    batch();
  std::vector<uint64_t> later = compared.looked_up(1);
  for (size_t i = 0; i < later.size(); ++i)
    later[i] -= learning[i];
  std::sort(later.begin(), later.end());
  EXPECT_LT(later[0], most_rows(kRows).size()) << "short texts: seldom";
  EXPECT_EQ(later[1], 20 * most_rows(kRows).size());
}

// Which event id a rule wants is part of nearly every filter: it must not leave them open.
TEST(SharedFilter, KnowsANumberThatIsTested) {
  RandomFilter make(1);
  const ExprPtr is_seven = make.number_in("==", {7});
  const auto shared = SharedFilter::make(
      {is_seven, make.number_in("in", {7, 14}), make.call("not", {is_seven})}, kSchema);
  EXPECT_TRUE(shared->decides(0));
  EXPECT_TRUE(shared->decides(1));
  EXPECT_FALSE(shared->decides(2)) << "where the number is null, so is its negation";
}

TEST(SharedFilter, AsksOnceForEqualValues) {
  RandomFilter make(1);
  const ExprPtr regex =
      make.call("sigma.re", {make.column(0), plan::literal(Value::string("^[a-z]b$"))});
  const auto shared = SharedFilter::make(
      {make.call("and", {make.number_in("==", {7}), regex}),
       make.call("sigma.contains", {make.column(0), plan::literal(Value::string("abc"))})},
      kSchema);
  const auto state = shared->start();
  state->add_group(0, {0, 1});
  const auto asked_of = [&](const char* text) {
    ColumnBuilder a(Type::kString);
    ColumnBuilder n(Type::kLong);
    a.append_copy(text);
    n.append(int64_t{7});
    const std::vector<Column> columns = {a.finish(), Column::nulls(Type::kString, 1), n.finish(),
                                         Column::nulls(Type::kDynamic, 1)};
    std::vector<Survivors> out(2);
    std::vector<uint32_t> touched;
    state->run(0, columns, std::vector<uint32_t>{0}, out, touched);
    state->learn(0, out[0].maybe);
    return out[0].maybe.size();
  };
  EXPECT_EQ(asked_of("ab"), 1u);
  EXPECT_EQ(asked_of("ab"), 0u);
  EXPECT_EQ(asked_of("xb"), 1u) << "another value";
}

TEST(SharedFilter, FilesEqualTestsOnce) {
  RandomFilter random(1);
  const ExprPtr f = random.filter(0);
  const auto shared = SharedFilter::make({f, f, f}, kSchema);
  EXPECT_LE(shared->num_predicates(), 1u);
}

}  // namespace
}  // namespace postern::exec
