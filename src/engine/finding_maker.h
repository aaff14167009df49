// Makes findings of the result rows of one query rule: which columns are shown, which are its key,
// where host and user stand are worked out once, and the finding is the same one again and again.
// Tests: tests/unit/engine/hunt_test.cc.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/finding.h"
#include "engine/rule_set.h"
#include "exec/chunk.h"

namespace postern::engine {

class FindingMaker {
 public:
  explicit FindingMaker(const LoadedRule& rule);

  /// The finding of a row, without its evidence; valid until the next call.
  Finding& make(const exec::Chunk& chunk, uint32_t row, std::optional<Window> window);

  /// What makes two findings of the rule the same one: of the row that make() was called for.
  std::string key(const exec::Chunk& chunk, uint32_t row) const;

 private:
  const LoadedRule& rule_;
  std::vector<size_t> shown_;  // columns
  std::vector<size_t> keys_;
  std::optional<size_t> time_;  // column that dates the finding
  std::optional<size_t> window_from_;
  std::optional<size_t> window_to_;
  EntityPlaces entities_;
  Finding finding_;
};

}  // namespace postern::engine
