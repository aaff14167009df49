// The segment matcher against a plain dynamic-programming matcher: bytes up to the first 0xFF are
// the pattern (`*` and `?` as parts), the rest is the subject.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"
#include "match/wildcard.h"

namespace {

std::vector<std::string> code_points(std::string_view s) {
  std::vector<std::string> out;
  for (size_t at = 0; at < s.size();) {
    const size_t begin = at;
    postern::next_code_point(s, at);
    out.emplace_back(s.substr(begin, at - begin));
  }
  return out;
}

bool matches_plainly(std::string_view pattern, std::string_view subject) {
  const std::vector<std::string> p = code_points(pattern);
  const std::vector<std::string> s = code_points(subject);
  std::vector<bool> reach(s.size() + 1);
  reach[0] = true;
  for (const std::string& part : p) {
    std::vector<bool> next(s.size() + 1);
    if (part == "*") {
      bool any = false;
      for (size_t i = 0; i <= s.size(); ++i)
        next[i] = any = any || reach[i];
    } else {
      for (size_t i = 0; i < s.size(); ++i)
        next[i + 1] = reach[i] && (part == "?" || part == s[i]);
    }
    reach = next;
  }
  return reach[s.size()];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t cut = std::min(input.find('\xff'), input.size());
  const std::string_view pattern = input.substr(0, cut);
  const std::string_view subject = input.substr(std::min(cut + 1, input.size()));
  // Malformed bytes may join across parts; the plain matcher speaks of whole code points only.
  if (!postern::valid_utf8(pattern) || !postern::valid_utf8(subject)) return 0;
  for (const bool ignore_case : {false, true}) {
    postern::match::Wildcard w;
    for (const std::string& part : code_points(pattern)) {
      if (part == "*")
        w.any_run();
      else if (part == "?")
        w.any_one();
      else
        w.literal(part);
    }
    w.seal(ignore_case);
    const bool expected = ignore_case
                              ? matches_plainly(postern::fold(pattern), postern::fold(subject))
                              : matches_plainly(pattern, subject);
    if (w.matches(subject) != expected) std::abort();
  }
  return 0;
}
