// The gate against what it stands for: a record of which it says no is let through by no filter.
#include "exec/row_gate.h"

#include <random>

#include <gtest/gtest.h>

#include "base/text.h"
#include "exec/evaluate.h"
#include "searched_exprs.h"

namespace postern::exec {
namespace {

using data::Type;
using data::Value;
using plan::ExprPtr;

constexpr const char* kColumns[] = {"type", "a0", "a1", "name"};

constexpr const char* kTexts[] = {"id",  "who",         "Tar",  "/.",         "33",
                                  "-c*", "/etc/shells", "*.sh", "insmod",     "kmod",
                                  "26",  "/bin/sh",     "w",    "history -c", "a?c"};
constexpr const char* kValues[] = {"ID",  "who",         "whoami",  "tar",      "/home/.x",
                                   "33",  "33.0",        "/a/b.sh", "insmod",   "/bin/sh",
                                   "abc", "-cx",         "26",      "x26",      "kmods",
                                   "w",   "/etc/shells", "3.3e1",   "\u212Amod"};
/// A path of more bytes than most.
const std::string kLongPath = "/home/" + std::string(200, 'D') + "/A.SH";
constexpr const char* kTests[] = {"equals", "contains", "startswith", "endswith"};

data::Layout layout() {
  data::Layout out("linux.auditd.record");
  for (const char* name : kColumns)
    out.add(name, Type::kString);
  out.add(std::string(data::kValuesColumn), Type::kDynamic);
  out.add(std::string(data::kTextColumn), Type::kString);
  return out;
}

ExprPtr test(const std::string& name, const char* of, Value value) {
  return bound("sigma." + name, {column(of), plan::literal(std::move(value))});
}

ExprPtr test(const std::string& name, const char* of, const char* text) {
  return test(name, of, Value::string(text));
}

const KnownTexts kExecve = {"type", [](std::string_view text) { return text == "execve"; }};

ExprPtr keyword(const char* text) {
  return bound("sigma.keyword", {column(data::kValuesColumn), column(data::kTextColumn),
                                 plan::literal(Value::string(text))});
}

/// What the gate says of a record with these values, by column; "": none.
bool may_pass(const data::RowGate& gate, const std::vector<std::string>& values) {
  std::string text;
  data::RowGate::Touched touched = gate.start();
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;
    text += " " + std::string(kColumns[i]) + "=\"" + values[i] + "\"";
    if (gate.asks(static_cast<int>(i))) touched.add(gate.touched(static_cast<int>(i), values[i]));
  }
  return gate.may_hold(text) || touched.any();
}

TEST(RowGate, NeverSaysNoOfARecordThatAFilterLetsThrough) {
  std::mt19937 random(20261121);
  const data::Layout columns = layout();
  plan::Schema schema;
  for (const data::Layout::Field& f : columns.fields())
    schema.push_back({f.name, f.type});
  const auto random_filter = [&](int depth, const auto& self) -> ExprPtr {
    if (depth == 0 || random() % 4 == 0) {
      const char* of = kColumns[1 + random() % 3];
      if (random() % 6 == 0) return keyword(kTexts[random() % std::size(kTexts)]);
      if (random() % 6 == 0) return test("equals", of, Value::integer(random() % 2 ? 33 : 26));
      return test(kTests[random() % 4], of, kTexts[random() % std::size(kTexts)]);
    }
    if (random() % 6 == 0) return bound("not", {self(depth - 1, self)});
    std::vector<ExprPtr> args;
    for (size_t n = 1 + random() % 3; n > 0; --n)
      args.push_back(self(depth - 1, self));
    return bound(random() % 3 ? "and" : "or", std::move(args));
  };
  size_t num_gates = 0;
  size_t num_no = 0;
  size_t num_passed = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<ExprPtr> filters;
    // Sometimes more than there are bits.
    for (size_t n = 1 + (random() % 8 == 0 ? 80 : random() % 4); n > 0; --n)
      filters.push_back(random_filter(3, random_filter));
    const auto gate = row_gate(filters, columns, kExecve);
    if (!gate) continue;
    ++num_gates;
    std::vector<std::shared_ptr<const CompiledExpr>> compiled;
    for (const ExprPtr& f : filters)
      compiled.push_back(*compile(f, schema));
    for (int i = 0; i < 20; ++i) {
      std::vector<std::string> values = {"EXECVE"};
      std::string text = "type=\"EXECVE\"";
      std::vector<data::Column> row;
      for (size_t c = 0; c < std::size(kColumns); ++c) {
        if (c > 0) values.push_back(random() % 4 ? kValues[random() % std::size(kValues)] : "");
        if (c > 0 && random() % 16 == 0) values[c] = kLongPath;
        if (c > 0 && !values[c].empty())
          text += " " + std::string(kColumns[c]) + "=\"" + values[c] + "\"";
        row.push_back(values[c].empty() ? data::Column::nulls(Type::kString, 1)
                                        : data::Column::constant(Value::string(values[c]), 1));
      }
      row.push_back(data::Column::nulls(Type::kDynamic, 1));
      row.push_back(data::Column::constant(Value::string(text), 1));
      const bool may = may_pass(*gate, values);
      num_no += !may;
      for (size_t f = 0; f < compiled.size(); ++f) {
        std::vector<uint32_t> passed;
        const std::vector<uint32_t> rows = {0};
        compiled[f]->select(row, rows, 1, {}, passed);
        num_passed += !passed.empty();
        ASSERT_TRUE(may || passed.empty()) << plan::to_text(*filters[f]) << " on " << text;
      }
    }
  }
  EXPECT_GT(num_gates, 500u);
  EXPECT_GT(num_no, 2000u);
  EXPECT_GT(num_passed, 1000u);
}

TEST(RowGate, ChoosesWhatIsSeldomAndPairsValues) {
  const data::Layout columns = layout();
  const ExprPtr kind = test("equals", "type", "EXECVE");
  const auto gate = row_gate(
      {bound("and", {kind, test("equals", "a0", "tar"), test("equals", "a1", Value::integer(33))}),
       bound("and", {test("contains", "name", "/etc/shadow"), test("equals", "a0", "cp")})},
      columns, kExecve);
  ASSERT_NE(gate, nullptr);
  EXPECT_FALSE(may_pass(*gate, {"EXECVE", "tar"})) << "one of two";
  EXPECT_FALSE(may_pass(*gate, {"EXECVE", "x", "33"}));
  EXPECT_TRUE(may_pass(*gate, {"EXECVE", "TAR", " 33.0"}));
  EXPECT_FALSE(may_pass(*gate, {"EXECVE", "cp", "", "/etc/passwd"}));
  EXPECT_TRUE(may_pass(*gate, {"EXECVE", "x", "", "/ETC/SHADOW"})) << "wherever it is";
}

// Which of many values is needed is told by a bit; those that no bit is left for share the last
// one.
TEST(RowGate, LetsThroughEveryOneOfMoreValuesThanThereAreBits) {
  const auto value = [](size_t i) { return "v" + std::to_string(i); };
  std::vector<ExprPtr> filters;
  for (size_t i = 0; i < 100; ++i)
    filters.push_back(bound("and", {test("equals", "a0", value(i).c_str()),
                                    test("equals", "a1", i % 2 == 0 ? "even" : "odd")}));
  const auto gate = row_gate(filters, layout(), kExecve);
  ASSERT_NE(gate, nullptr);
  for (size_t i = 0; i < 100; ++i)
    EXPECT_TRUE(may_pass(*gate, {"EXECVE", value(i), i % 2 == 0 ? "even" : "odd"})) << i;
  EXPECT_FALSE(may_pass(*gate, {"EXECVE", value(1), "even"}));
  EXPECT_FALSE(may_pass(*gate, {"EXECVE", value(100), "even"}));
}

TEST(RowGate, IsNotThereWhereAFilterMayHoldOfAnyRecord) {
  const data::Layout columns = layout();
  const ExprPtr some = test("equals", "a0", "tar");
  const ExprPtr kind = test("equals", "type", "EXECVE");
  EXPECT_NE(row_gate({some}, columns, kExecve), nullptr);
  EXPECT_EQ(row_gate({some, nullptr}, columns, kExecve), nullptr);
  EXPECT_EQ(row_gate({some, kind}, columns, kExecve), nullptr) << "which they all have";
  EXPECT_EQ(row_gate({bound("not", {some})}, columns, kExecve), nullptr);
  EXPECT_EQ(row_gate({keyword("ab")}, columns, kExecve), nullptr) << "too short";
  EXPECT_EQ(row_gate({test("equals", "nobody", "x")}, columns, kExecve), nullptr);
  EXPECT_NE(
      row_gate({bound("and", {kind, bound("or", {some, keyword("word")})})}, columns, kExecve),
      nullptr);
  EXPECT_EQ(row_gate({bound("or", {some, bound("not", {kind})})}, columns, kExecve), nullptr);
  EXPECT_NE(row_gate({bound("or", {some, test("equals", "type", "TTY")})}, columns, kExecve),
            nullptr)
      << "which none of them has";
  EXPECT_EQ(row_gate({test("contains", "type", "T")}, columns, kExecve), nullptr);
}

}  // namespace
}  // namespace postern::exec
