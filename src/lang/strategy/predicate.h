// NSPredicate texts, as `log stream --predicate` of macOS takes them: checked, not run.
//
// The grammar is Apple's Predicate Format String Syntax: comparisons with =, ==, !=, <>, <, <=, =<,
// >, >=,
// =>, CONTAINS, BEGINSWITH, ENDSWITH, LIKE, MATCHES, IN, BETWEEN, UTI-CONFORMS-TO and UTI-EQUALS,
// with options in brackets; ANY, SOME, ALL, NONE; AND, OR, NOT, &&, ||, !; TRUEPREDICATE,
// FALSEPREDICATE; literals, key paths, variables, aggregates, functions and arithmetic. Tests:
// tests/unit/lang/strategy/predicate_test.cc, fuzz_predicate.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lang::strategy {

struct PredicateFault {
  size_t begin = 0;  ///< bytes of the predicate
  size_t end = 0;
  std::string message;
  std::string label;
};

struct PredicateCheck {
  std::vector<PredicateFault> faults;
  /// The predicate as its author meant it, where that is clear; "" otherwise.
  std::string corrected;
};

PredicateCheck check_predicate(std::string_view text);

/// The predicate of a `log stream` or `log show` command line, and where it begins in the line.
struct PredicateOption {
  std::string_view text;
  size_t begin = 0;
};

/// Nullopt when the line is no such command or names no predicate.
std::optional<PredicateOption> predicate_of_command(std::string_view command_line);

}  // namespace postern::lang::strategy
