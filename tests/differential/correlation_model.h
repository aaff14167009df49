// What windows over event time mean, said as plainly as possible: the oracle of check_correlations.
//
// No state, no order of arrival: for every window all events are looked at again. It shares the
// description of a window (plan/window.h) with the operator, and nothing else.
#pragma once
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "plan/window.h"

namespace postern::tests {

struct ModelEvent {
  int64_t time = 0;
  std::string key;
  uint32_t step = 0;
  double value = 0;
  std::string text;
};

struct ModelFinding {
  std::string key;  ///< in small letters
  int64_t time = 0;
  int64_t from = 0;
  int64_t to = 0;
  double value = 0;

  auto tied() const { return std::tie(time, key, from, to, value); }

  bool operator<(const ModelFinding& o) const { return tied() < o.tied(); }

  bool operator==(const ModelFinding& o) const { return tied() == o.tied(); }
};

/// All findings, in the order of `operator<`.
std::vector<ModelFinding> model_findings(const plan::WindowSpec& spec,
                                         const std::vector<ModelEvent>& events);

}  // namespace postern::tests
