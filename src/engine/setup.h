// What every verb needs before it can do anything: the catalog, the functions, our own data files.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/catalog.h"
#include "plan/function.h"

namespace postern::engine {

inline constexpr std::string_view kRuleTestSuffix = ".test.yml";

struct DataFile {
  std::string path;
  std::string text;
};

/// Immutable once made; shared by everything that runs.
struct Setup {
  plan::Catalog catalog;
  const plan::FunctionCatalog* functions = nullptr;
  std::vector<DataFile> rules;  ///< rules/**: built-in rules, strategy bindings, macros
};

/// `NAME.test.yml` beside a rule is a test of it (docs/rule-tests.md), never a rule.
inline bool rule_test_file(std::string_view path) {
  return path.ends_with(kRuleTestSuffix);
}

/// Reads the data files of the program (or of the folder in `$POSTERN_DATA`). Error: a data file is
/// wrong; the message holds its diagnostics.
Result<std::shared_ptr<const Setup>> make_setup();

}  // namespace postern::engine
