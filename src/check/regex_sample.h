// Texts that a regular expression matches, made from the expression.
//
// The dialect is what published Sigma rules use: literals, classes, groups, alternatives, counts,
// anchors, inline flags. Look-arounds and back references are not followed. What is made is to be
// tried with the real engine: a word boundary, say, is assumed, not made. Tests:
// tests/unit/check/regex_sample_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::check {

/// Another text for another `seed`: other alternatives and members of classes. Nullopt for what is
/// not understood, or is longer than 64 KB.
std::optional<std::string> regex_sample(std::string_view pattern, uint32_t seed);

}  // namespace postern::check
