// What views compute becomes a column where enough tests look at it, and means the same.
#include "engine/derived_columns.h"

#include <gtest/gtest.h>

#include "engine/scan_program.h"

namespace postern::engine {
namespace {

using data::Column;

constexpr int64_t kProcessCreated = 1;
constexpr int64_t kConnection = 3;
constexpr int64_t kOther = 22;

std::unique_ptr<RuleSet> load(const std::vector<std::string>& queries) {
  static const auto setup = make_setup();
  EXPECT_TRUE(setup.ok());
  RuleOptions options;
  options.builtin = false;
  for (const std::string& q : queries)
    options.texts.push_back({q, q, "kql"});
  return RuleSet::load(*setup, options);
}

const std::vector<std::string> kThreeTests = {
    "DeviceProcessEvents | where FileName =~ \"cmd.exe\"",
    "DeviceProcessEvents | where FileName endswith \"shell.exe\" or FileName has \"net\"",
    "DeviceProcessEvents | where isnotempty(FileName) and not(FileName contains \"a\")"};

/// The table's columns with one text in `Image`.
std::vector<Column> columns_of(const TableProgram& table, const std::vector<std::string>& images) {
  std::vector<Column> out;
  const auto n = static_cast<uint32_t>(images.size());
  for (const data::Layout::Field& f : table.layout->fields()) {
    data::ColumnBuilder b(f.type, n);
    for (uint32_t i = 0; f.name == "Image" && i < n; ++i)
      b.set_copy(i, images[i]);
    out.push_back(b.finish());
  }
  out.push_back(Column::nulls(data::Type::kDatetime, n));
  return out;
}

TEST(DerivedColumns, WhatEnoughTestsComputeIsAColumnBehindTheOthers) {
  const auto rules = load(kThreeTests);
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const TableProgram& table = *(*programs)->table("windows.sysmon");
  const size_t own = table.layout->fields().size() + 1;
  ASSERT_EQ(table.schema.size(), own + 1);
  EXPECT_EQ(table.schema[own].name, "basename(Image)");
  for (const BranchProgram& b : table.branches)
    EXPECT_NE(b.where, b.plain);
  size_t filed = 0;
  for (uint32_t p = 0; p < table.filter->num_predicates(); ++p)
    filed += table.filter->predicate_text(p).find("basename(Image)") != std::string::npos ? 1 : 0;
  EXPECT_EQ(filed, 4U);
}

TEST(DerivedColumns, FewTestsComputeByThemselves) {
  const auto rules = load({kThreeTests[0], kThreeTests[2]});
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const TableProgram& table = *(*programs)->table("windows.sysmon");
  EXPECT_EQ(table.schema.size(), table.layout->fields().size() + 1);
  for (const BranchProgram& b : table.branches)
    EXPECT_EQ(b.where, b.plain);
}

TEST(DerivedColumns, FiltersSayTheSameAsThePlainOnes) {
  const auto rules = load(kThreeTests);
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const TableProgram& table = *(*programs)->table("windows.sysmon");
  const std::vector<std::string> images = {"C:\\Windows\\cmd.exe", "C:\\a\\PowerShell.exe", "",
                                           "C:\\net\\bin.exe", "D:\\x\\net.exe"};
  std::vector<Column> columns = columns_of(table, images);
  const std::vector<Column> own = columns;
  const std::vector<uint32_t> all = {0, 1, 2, 3, 4};
  table.derived.add_to(columns, {{kProcessCreated, all}}, 5);
  ASSERT_EQ(columns.size(), own.size() + 1);
  EXPECT_EQ(columns.back().value(0).text(), "cmd.exe");
  const plan::RunContext none;
  for (const BranchProgram& b : table.branches) {
    std::vector<uint32_t> derived;
    std::vector<uint32_t> plain;
    b.where->get().select(columns, all, 5, none, derived);
    b.plain->get().select(own, all, 5, none, plain);
    EXPECT_EQ(derived, plain);
  }
}

// Rules of several kinds of events look at the same column.
TEST(DerivedColumns, RowsOfAllKindsThatAreAskedForAreComputed) {
  const auto rules = load({"DeviceProcessEvents | where FileName =~ \"cmd.exe\"",
                           "DeviceNetworkEvents | where InitiatingProcessFileName has \"net\"",
                           "DeviceProcessEvents | where FileName has \"net\"",
                           "DeviceNetworkEvents | where InitiatingProcessFileName =~ \"cmd.exe\"",
                           "DeviceProcessEvents | where FileName endswith \"shell.exe\""});
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const TableProgram& table = *(*programs)->table("windows.sysmon");
  std::vector<Column> columns = columns_of(table, {"C:\\a.exe", "C:\\b.exe", "C:\\c.exe"});
  const size_t own = columns.size();
  table.derived.add_to(columns, {{kProcessCreated, {1}}, {kConnection, {0}}, {kOther, {2}}}, 3);
  ASSERT_EQ(columns.size(), own + 1);
  EXPECT_EQ(columns.back().value(0).text(), "a.exe");
  EXPECT_EQ(columns.back().value(1).text(), "b.exe");
  EXPECT_FALSE(columns.back().valid(2));
}

TEST(DerivedColumns, RowsOfOtherKindsAreNotComputed) {
  const auto rules = load(kThreeTests);
  const auto programs = ScanPrograms::make(*rules);
  ASSERT_TRUE(programs.ok());
  const TableProgram& table = *(*programs)->table("windows.sysmon");
  std::vector<Column> columns = columns_of(table, {"C:\\a.exe", "C:\\b.exe"});
  table.derived.add_to(columns, {{kProcessCreated, {1}}, {kConnection, {0}}}, 2);
  EXPECT_FALSE(columns.back().valid(0));
  EXPECT_EQ(columns.back().value(1).text(), "b.exe");
  std::vector<Column> others = columns_of(table, {"C:\\a.exe"});
  table.derived.add_to(others, {{kConnection, {0}}}, 1);
  EXPECT_FALSE(others.back().valid(0));
}

}  // namespace
}  // namespace postern::engine
