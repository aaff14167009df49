// RE2: linear time, so the first choice wherever its language has the meaning.
#include <map>

#include <re2/re2.h>

#include "match/regex_engine.h"

namespace postern::match {
namespace {

/// Bound of one compiled expression and its cached automaton.
constexpr int64_t kMaxMemory = int64_t{64} << 20;

class Re2Engine final : public RegexEngine {
 public:
  Re2Engine(const std::string& pattern, const RE2::Options& options) : re_(pattern, options) {}

  const RE2& re() const { return re_; }

  bool search(std::string_view subject,
              size_t from,
              std::vector<std::string_view>* groups,
              bool& complete) const override {
    complete = true;
    const re2::StringPiece text(subject.data(), subject.size());
    if (groups == nullptr) return re_.Match(text, from, text.size(), RE2::UNANCHORED, nullptr, 0);
    const auto count = static_cast<size_t>(num_groups()) + 1;
    std::vector<re2::StringPiece> found(count);
    if (!re_.Match(text, from, text.size(), RE2::UNANCHORED, found.data(), static_cast<int>(count)))
      return false;
    groups->resize(count);
    for (size_t i = 0; i < count; ++i)
      (*groups)[i] = {found[i].data(), found[i].size()};
    return true;
  }

  int num_groups() const override { return re_.NumberOfCapturingGroups(); }

  std::vector<std::string> group_names() const override {
    std::vector<std::string> names(static_cast<size_t>(num_groups()) + 1);
    for (const auto& [number, name] : re_.CapturingGroupNames())
      names[static_cast<size_t>(number)] = name;
    return names;
  }

 private:
  RE2 re_;
};

}  // namespace

std::unique_ptr<RegexEngine> make_re2(const std::string& pattern,
                                      RegexFlags flags,
                                      RegexText text,
                                      RegexFault& fault) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  options.set_case_sensitive(!flags.ignore_case);
  options.set_dot_nl(flags.dot_all);
  if (text == RegexText::kLatin1) options.set_encoding(RE2::Options::EncodingLatin1);
  // Without posix_syntax there is no option for multi-line, only the flag.
  auto engine = std::make_unique<Re2Engine>(flags.multi_line ? "(?m)" + pattern : pattern, options);
  const RE2& re = engine->re();
  if (re.ok()) return engine;
  fault.message = re.error();
  fault.too_large =
      re.error_code() == RE2::ErrorPatternTooLarge || re.error_code() == RE2::ErrorRepeatSize;
  if (!re.error_arg().empty()) fault.offset = pattern.find(re.error_arg());
  return nullptr;
}

}  // namespace postern::match
