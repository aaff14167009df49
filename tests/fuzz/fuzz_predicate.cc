// NSPredicate texts and `log` command lines of any bytes: every fault lies inside the text, and
// checking ends.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "lang/strategy/predicate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::lang::strategy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const PredicateCheck check = check_predicate(text);
  for (const PredicateFault& f : check.faults)
    POSTERN_CHECK(f.begin <= f.end && f.end <= text.size());
  // What is offered as a repair has no such fault any more.
  if (!check.corrected.empty()) POSTERN_CHECK(check_predicate(check.corrected).faults.empty());
  if (const auto option = predicate_of_command(text))
    POSTERN_CHECK(option->begin + option->text.size() <= text.size());
  return 0;
}
