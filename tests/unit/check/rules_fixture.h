// Rules given as texts, loaded with the program's own catalog.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/rule_set.h"

namespace postern::check::test {

inline std::shared_ptr<const engine::Setup> setup() {
  static const auto made = engine::make_setup();
  EXPECT_TRUE(made.ok());
  return *made;
}

/// Each text is a file of its own: "rule0", "rule1", …
inline std::unique_ptr<engine::RuleSet> load(const std::vector<std::string>& rules) {
  engine::RuleOptions options;
  options.builtin = false;
  for (size_t i = 0; i < rules.size(); ++i)
    options.texts.push_back({"rule" + std::to_string(i), rules[i], "sigma"});
  return engine::RuleSet::load(setup(), options);
}

/// A rule of process creation around a detection whose lines are indented by two blanks.
inline std::string process_rule(const std::string& detection, const std::string& title = "T") {
  return "title: " + title +
         "\nlogsource: { product: windows, category: process_creation }\ndetection:\n" + detection;
}

}  // namespace postern::check::test
