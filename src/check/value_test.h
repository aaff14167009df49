// What a condition asks of one field's value, so that it can be reasoned about and met.
//
// Read from the atoms of bound plans: Sigma's functions and those that the catalog's views use. A
// test has one value or several (any of them); `wanted` false asks that none of them holds. This is
// reasoning of its own beside the engine's kernels: whatever is made here is tried on the engine
// afterwards. Tests: tests/unit/check/value_test_test.cc.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "match/ip.h"
#include "match/regex.h"
#include "match/sigma_pattern.h"
#include "plan/expr.h"

namespace postern::check {

enum class TestKind : uint8_t {
  kEquals,
  kContains,
  kStartsWith,
  kEndsWith,
  kRegex,
  kCidr,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kNull,    ///< missing, or (Sigma's) empty
  kExists,  ///< there, if only empty
};

/// The parts of a test that do not change; shared by all who ask it.
struct TestValues {
  TestKind kind = TestKind::kEquals;
  bool cased = false;
  std::vector<match::SigmaPattern> patterns;  ///< text tests, without the runs of contains & co.
  std::vector<match::Wildcard> wildcards;     ///< the same, ready to match
  std::vector<std::shared_ptr<const match::Regex>> regexes;
  /// The same ignoring case, or null where that could match less (a negated class).
  std::vector<std::shared_ptr<const match::Regex>> folded_regexes;
  std::vector<std::string> texts;  ///< of regexes and networks
  std::vector<match::Cidr> networks;
  std::vector<double> numbers;

  size_t size() const;
};

struct ValueTest {
  std::shared_ptr<const TestValues> values;
  bool wanted = true;
  int chosen = -1;  ///< of several values, the one that shall hold; -1: any

  TestKind kind() const { return values->kind; }
};

/// Reads an atom: what is tested (argument 0) and how; null when it is no test of one value.
std::shared_ptr<const TestValues> read_test(const plan::Expr& atom);

/// Whether a text has what the test asks (`wanted` aside); no text: the field is missing.
bool holds(const ValueTest& test, const std::optional<std::string>& text);

/// True when no single value can meet both: certain, never guessed. `multivalued`: the field may
/// hold several values, each test another one.
bool contradict(const ValueTest& a, const ValueTest& b, bool multivalued);

/// True when every value that has what `a` asks (wanted) has what `b` asks (wanted): certain.
bool implies(const ValueTest& a, const ValueTest& b);

/// A value that meets all tests.
struct MadeValue {
  bool found = false;
  std::optional<std::string> text;  ///< nullopt: the field is left out
};

/// `number`: the column holds whole numbers. `filler` is put where anything may stand.
MadeValue make_value(const std::vector<ValueTest>& tests, bool number, const std::string& filler);

}  // namespace postern::check
