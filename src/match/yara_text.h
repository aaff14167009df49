// What libyara does not keep of a rule's text: its strings as they were written.
// Tests: tests/unit/match/yara_test.cc.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::match {

/// Identifier (`$a`) and definition (`"abc" nocase wide`, `{ 01 ?? }`, `/x+/i`) in order.
using YaraStringTexts = std::vector<std::pair<std::string, std::string>>;

/// Adds the strings of each rule of `source`, a text that libyara has accepted; the first of two
/// rules with one name stays.
void collect_yara_strings(std::string_view source, std::map<std::string, YaraStringTexts>& by_rule);

}  // namespace postern::match
