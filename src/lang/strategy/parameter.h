// Parameters of a binding: one typed value for each mutable element of an analytic.
//
// A type says how a value is written in a binding and in --set, and what the query sees:
//
//   strings    .zip, .7z           dynamic array of strings
//   ints       25, 587             dynamic array of integers
//   cidrs      10.0.0.0/8          dynamic array of strings, each an address or a range
//   size       5MB, 512KiB, 900    long, bytes
//   duration   90s, 2h, 1.02:00:00 timespan
//   real       2.5                 real
//   hours      20:00-06:00+01:00   two timespans since midnight UTC, <name>From and <name>To
//   regex      ^(mailx|s-nail)$    string
//
// Tests: tests/unit/lang/strategy/parameter_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapt/yaml.h"
#include "base/result.h"
#include "data/value.h"

namespace postern::lang::strategy {

enum class ParameterType : uint8_t {
  kStrings,
  kInts,
  kCidrs,
  kSize,
  kDuration,
  kReal,
  kHours,
  kRegex
};

bool parameter_type_from_name(std::string_view name, ParameterType& out);
std::string_view parameter_type_name(ParameterType t);
std::vector<std::string_view> parameter_type_names();

/// What the query gets: one value, or two for kHours.
using ParameterValues = std::vector<std::pair<std::string, data::Value>>;

/// From a list of texts; types that are no lists take exactly one. Error: what is wrong, in words.
Result<ParameterValues> parameter_values(const std::string& name,
                                         ParameterType type,
                                         const std::vector<std::string>& texts);
/// From `--set`: lists are separated by commas.
Result<ParameterValues> parameter_from_setting(const std::string& name,
                                               ParameterType type,
                                               std::string_view text);
/// How a value of this type is written, for hints.
std::string_view parameter_example(ParameterType t);

/// The value as a KQL literal, and its type there.
std::string kql_literal(const data::Value& v);
std::string_view kql_type(const data::Value& v);

}  // namespace postern::lang::strategy
