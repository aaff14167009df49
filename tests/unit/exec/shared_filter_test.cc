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
    static constexpr const char* kWords[] = {"",     "x",   "ab",   "AB",  "abc",  "xabcx",
                                             "cab",  "c:a", "7",    "7.0", " 7",   "70",
                                             "bcab", "é",   "\xff", "K",   "true", "nul"};
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
      return call(random_() % 2 ? "sigma.keyword" : "sigma.keyword_cased",
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
  /// `num_groups`: rows are of so many kinds in turn, to which the same filters apply.
  explicit Compared(std::vector<ExprPtr> filters,
                    std::shared_ptr<MemoBudget> memos = nullptr,
                    uint32_t num_groups = 1)
      : filters_(std::move(filters)), rows_of_(num_groups) {
    std::vector<uint32_t> all;
    for (uint32_t i = 0; i < filters_.size(); ++i) {
      plain_.push_back(filters_[i] ? *compile(filters_[i], kSchema) : nullptr);
      all.push_back(i);
    }
    shared_ = SharedFilter::make(filters_, kSchema);
    state_ = shared_->start(std::move(memos));
    for (uint32_t g = 0; g < num_groups; ++g)
      state_->add_group(g, all);
    state_->set_profiling();
  }

  void run(const std::vector<Column>& columns, const std::vector<uint32_t>& rows) {
    const uint32_t num_rows = rows.back() + 1;
    std::vector<Survivors> out(filters_.size());
    std::vector<uint32_t> touched;
    for (std::vector<uint32_t>& some : rows_of_)
      some.clear();
    for (const uint32_t r : rows)
      rows_of_[r % rows_of_.size()].push_back(r);
    for (uint32_t g = 0; g < rows_of_.size(); ++g)
      state_->run(g, columns, rows_of_[g], out, touched);
    const plan::RunContext none;
    for (uint32_t f = 0; f < filters_.size(); ++f) {
      std::sort(out[f].sure.begin(), out[f].sure.end());
      std::sort(out[f].maybe.begin(), out[f].maybe.end());
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
  std::vector<std::vector<uint32_t>> rows_of_;  // by group, of the batch at hand
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
    Compared compared(std::move(filters), memos, 3);
    for (int batch = 0; batch < 12; ++batch)
      compared.run(random_columns(random, kRows), most_rows(kRows));
    EXPECT_GT(memos->peak(), memos->limit() / 2) << "else nothing was forgotten";
  }
}

// Texts that never come again are not kept for ever.
TEST(SharedFilter, StaysNearWhatItMayRemember) {
  constexpr uint32_t kRows = 700;
  RandomFilter random(1);
  const auto memos = std::make_shared<MemoBudget>(200'000);
  Compared compared(
      {random.call("sigma.contains", {random.column(0), plan::literal(Value::string("7"))}),
       random.call("sigma.re", {random.column(1), plan::literal(Value::string("7$"))})},
      memos);
  for (uint32_t batch = 0; batch < 60; ++batch) {
    std::vector<Column> columns = random_columns(random, kRows);
    for (size_t c = 0; c < 2; ++c) {
      ColumnBuilder b(Type::kString);
      for (uint32_t r = 0; r < kRows; ++r)
        b.append_copy("text number " + std::to_string(batch * kRows + r));
      columns[c] = b.finish();
    }
    compared.run(columns, most_rows(kRows));
  }
  EXPECT_GT(memos->peak(), memos->limit() / 2);
  EXPECT_LT(memos->peak(), memos->limit() * 2);
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

// What filters said of rows of a kind is forgotten when kinds get other numbers.
TEST(SharedFilter, AsksAnewWhenKindsAreOthers) {
  constexpr uint32_t kRows = 500;
  for (uint32_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    RandomFilter random(seed);
    const auto test = [&](const char* name, size_t column, const std::string& text) {
      return random.call(name, {random.column(column), plan::literal(Value::string(text))});
    };
    // Of two parts, each with something that is asked, one must hold.
    std::vector<ExprPtr> filters;
    for (const char* word : {"ab", "cab", "70"}) {
      std::vector<ExprPtr> parts;
      for (size_t i = 0; i < 3; ++i)
        parts.push_back(
            random.call("and", {test("sigma.contains", i == 0 ? 3 : 1, random.word() + "b"),
                                test("sigma.re", 1,
                                     i == 0   ? "^."
                                     : i == 1 ? "b$"
                                              : "^a"),
                                random.number_in("in", {random.number(), random.number()})}));
      filters.push_back(
          random.call("and", {test("sigma.equals", 0, word), random.call("or", std::move(parts))}));
    }
    Compared compared(std::move(filters));
    for (int batch = 0; batch < 12; ++batch) {
      std::vector<Column> columns = random_columns(random, kRows);
      ColumnBuilder a(Type::kString);
      for (uint32_t r = 0; r < kRows; ++r)
        a.append_copy(r % 3 == 0 ? random.word() == "7" ? "cab" : "ab" : "often");
      columns[0] = a.finish();
      compared.run(columns, most_rows(kRows));
    }
  }
}

// A column may be late before another one is: what was known of rows without the second is known no
// more.
TEST(SharedFilter, ForgetsWhenMoreColumnsAreLate) {
  constexpr uint32_t kRows = 800;
  RandomFilter random(11);
  const auto test = [&](const char* name, size_t column, const char* text) {
    return random.call(name, {random.column(column), plan::literal(Value::string(text))});
  };
  std::vector<ExprPtr> filters = {
      random.call("and", {test("sigma.equals", 0, "rare one"), test("sigma.re", 1, "^a")}),
      random.call("and",
                  {test("sigma.equals", 0, "often at first"), test("sigma.contains", 3, "ab")})};
  Compared compared(std::move(filters));
  for (int batch = 0; batch < 60; ++batch) {
    ColumnBuilder a(Type::kString);
    ColumnBuilder m(Type::kDynamic);
    for (uint32_t r = 0; r < kRows; ++r) {
      a.append_copy(batch < 6 && r % 2 == 0 ? "often at first"
                    : r % 50 == 0           ? "rare one"
                    : r % 51 == 0           ? "often at first"
                                            : "nothing");
      data::DynamicWriter members;
      members.string(batch < 6 ? "no" : random.word());
      m.append_copy(members.take());
    }
    std::vector<Column> columns = random_columns(random, kRows);
    columns[0] = a.finish();
    columns[3] = m.finish();
    compared.run(columns, most_rows(kRows));
  }
  const auto share = [&](size_t slot) {
    return static_cast<double>(compared.looked_up(slot).at(0)) /
           static_cast<double>(60 * most_rows(kRows).size());
  };
  EXPECT_LT(share(1), 0.2) << "late";
  EXPECT_GT(share(3), 0.2);
  EXPECT_LT(share(3), 0.7) << "late, too";
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
  EXPECT_FALSE(SharedFilter::make({make.number_in("==", {9007199254740993})}, kSchema)->decides(0))
      << "no double of its own";
}

// Of a number only the whole is known, of an array only what looks at each member.
TEST(SharedFilter, FilesNoTestUnderAColumnThatCannotTell) {
  RandomFilter make(1);
  const auto files = [&](const char* name, size_t column) {
    const ExprPtr test =
        make.call(name, {make.column(column), plan::literal(Value::string("abc"))});
    return SharedFilter::make({test}, kSchema)->num_predicates() > 0;
  };
  EXPECT_TRUE(files("sigma.equals", 2));
  EXPECT_FALSE(files("sigma.contains", 2));
  EXPECT_TRUE(files("sigma.contains", 3));
  EXPECT_FALSE(files("kql.has", 3));
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

/// One filter over texts of the first column, asked row by row as a hunt would ask it.
class Asked {
 public:
  explicit Asked(const ExprPtr& filter)
      : shared_(SharedFilter::make({filter}, kSchema)),
        state_(shared_->start()),
        plain_(*compile(filter, kSchema)) {
    state_->add_group(0, {0});
  }

  /// Whether the filter itself was asked of this text; it must say what the plain one says.
  bool is_asked(const std::string& text, bool learns = true) {
    ColumnBuilder a(Type::kString);
    a.append_copy(text);
    const std::vector<Column> columns = {a.finish(), Column::nulls(Type::kString, 1),
                                         Column::nulls(Type::kLong, 1),
                                         Column::nulls(Type::kDynamic, 1)};
    const std::vector<uint32_t> row = {0};
    std::vector<Survivors> out(1);
    std::vector<uint32_t> touched;
    state_->run(0, columns, row, out, touched);
    std::vector<uint32_t> passed;
    plain_->select(columns, row, 1, {}, passed);
    const bool asked = !out[0].maybe.empty();
    if (asked && learns) state_->learn(0, passed);
    EXPECT_TRUE(asked || out[0].sure == passed) << text.substr(0, 20);
    return asked;
  }

 private:
  std::shared_ptr<const SharedFilter> shared_;
  std::unique_ptr<SharedFilter::State> state_;
  std::shared_ptr<const CompiledExpr> plain_;
};

TEST(SharedFilter, AsksOfEachTextThatIsTooLongToRemember) {
  RandomFilter make(1);
  const auto test = [&](size_t column, const char* regex) {
    return make.call("sigma.re", {make.column(column), plan::literal(Value::string(regex))});
  };
  const std::string head(4000, 'x');
  Asked one(test(0, "ab$"));
  for (const char* tail : {"ab", "abc", "cab", "bab"})
    EXPECT_TRUE(one.is_asked(head + tail));
  Asked two(make.call("or", {test(0, "ab$"), test(1, "ab$")}));
  for (const char* tail : {"ab", "abc", "cab", "bab"})
    EXPECT_TRUE(two.is_asked(head + tail));
}

// A batch whose answers nobody tells leaves nothing behind.
TEST(SharedFilter, LearnsNothingOfABatchBefore) {
  RandomFilter make(1);
  Asked asked(make.call("sigma.re", {make.column(0), plan::literal(Value::string("^[a-z]b$"))}));
  EXPECT_TRUE(asked.is_asked("ab", false));
  EXPECT_TRUE(asked.is_asked("9b")) << "the same row of the next batch, of which it says no";
  EXPECT_TRUE(asked.is_asked("ab"));
  EXPECT_FALSE(asked.is_asked("ab"));
}

TEST(SharedFilter, AsksAgainWhatMayDiffer) {
  RandomFilter make(1);
  const ExprPtr test =
      make.call("sigma.re", {make.column(0), plan::literal(Value::string("^[a-z]b$"))});
  plan::FunctionDef moody = *test->function;
  moody.deterministic = false;
  auto copy = std::make_shared<plan::Expr>(*test);
  copy->function = &moody;
  Asked asked(copy);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(asked.is_asked("ab"));
}

// Where a few long literals are looked for in every text, a number is one too.
TEST(SharedFilter, KnowsNumbersAmongLongTexts) {
  RandomFilter make(3);
  const auto test = [&](const char* name, size_t column, const Value& value) {
    return make.call(name, {make.column(column), plan::literal(value)});
  };
  const Value shell = Value::string("powershell");
  std::vector<ExprPtr> filters = {
      test("sigma.equals", 0, Value::integer(7, Type::kLong)), test("sigma.contains", 0, shell),
      test("sigma.contains", 1, shell), test("sigma.re", 1, Value::string("^[a-c]")),
      make.call("and", {test("sigma.contains", 1, Value::string("mimikatz")),
                        test("sigma.re", 1, Value::string("^[a-c]"))})};
  Compared compared(std::move(filters));
  for (int i = 0; i < 20; ++i) {
    ColumnBuilder a(Type::kString);
    ColumnBuilder b(Type::kString);
    for (uint32_t r = 0; r < 60; ++r) {
      a.append_copy(r % 7 == 0 ? "a PowerShell" : make.word());
      b.append_copy(make.word() + (r % 5 == 0 ? " MimiKatz" : r % 3 == 0 ? " powershell" : ""));
    }
    compared.run(
        {a.finish(), b.finish(), Column::nulls(Type::kLong, 60), Column::nulls(Type::kDynamic, 60)},
        most_rows(60));
  }
}

// Rows of a kind are told about the filters of that kind alone, also of one that is met late.
TEST(SharedFilter, EachGroupHasItsOwnFilters) {
  constexpr uint32_t kRows = 800;
  RandomFilter random(5);
  std::vector<ExprPtr> filters;
  std::vector<std::shared_ptr<const CompiledExpr>> plain;
  for (uint32_t i = 0; i < 20; ++i) {
    filters.push_back(random.filter(2));
    plain.push_back(*compile(filters.back(), kSchema));
  }
  const auto shared = SharedFilter::make(filters, kSchema);
  const auto state = shared->start();
  for (int batch = 0; batch < 12; ++batch) {
    const int64_t key = batch < 8 ? batch % 2 : batch % 4;
    const auto is_member = [&](uint32_t f) { return f % 4 != static_cast<uint32_t>(key); };
    if (!state->has_group(key)) {
      std::vector<uint32_t> members;
      for (uint32_t f = 0; f < filters.size(); ++f)
        if (is_member(f)) members.push_back(f);
      state->add_group(key, members);
    }
    const std::vector<Column> columns = random_columns(random, kRows);
    const std::vector<uint32_t> rows = most_rows(kRows);
    std::vector<Survivors> out(filters.size());
    std::vector<uint32_t> touched;
    state->run(key, columns, rows, out, touched);
    for (uint32_t f = 0; f < filters.size(); ++f) {
      std::vector<uint32_t> expected;
      if (is_member(f)) plain[f]->select(columns, rows, kRows, {}, expected);
      std::vector<uint32_t> got;
      plain[f]->select(columns, out[f].maybe, kRows, {}, got);
      EXPECT_TRUE(is_member(f) || out[f].maybe.empty());
      got.insert(got.end(), out[f].sure.begin(), out[f].sure.end());
      std::sort(got.begin(), got.end());
      ASSERT_EQ(got, expected) << f << " of group " << key;
    }
  }
}

TEST(SharedFilter, FilesEqualTestsOnce) {
  RandomFilter random(1);
  const ExprPtr f = random.filter(0);
  const auto shared = SharedFilter::make({f, f, f}, kSchema);
  EXPECT_LE(shared->num_predicates(), 1u);
}

}  // namespace
}  // namespace postern::exec
