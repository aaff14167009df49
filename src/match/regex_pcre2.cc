// PCRE2 with JIT: look-arounds, back-references and the fine print of Perl, at the price of
// backtracking; so every search has limits, and running into one is no match and is counted.
#include <algorithm>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "match/regex_engine.h"

namespace postern::match {
namespace {

constexpr uint32_t kMatchLimit = 10'000'000;
constexpr uint32_t kDepthLimit = 100'000;
constexpr uint32_t kHeapLimitKib = 64 * 1024;
constexpr size_t kJitStackStart = size_t{32} << 10;
constexpr size_t kJitStackMost = size_t{1} << 20;

struct Free {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }

  void operator()(pcre2_compile_context* p) const { pcre2_compile_context_free(p); }

  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }

  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }

  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};

/// What a search writes to; one per thread, since a compiled expression is shared.
struct Scratch {
  std::unique_ptr<pcre2_jit_stack, Free> stack;
  std::unique_ptr<pcre2_match_context, Free> context;
  std::unique_ptr<pcre2_match_data, Free> data;

  Scratch()
      : stack(pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr)),
        context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context.get(), kMatchLimit);
    pcre2_set_depth_limit(context.get(), kDepthLimit);
    pcre2_set_heap_limit(context.get(), kHeapLimitKib);
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }

  pcre2_match_data* with_room(uint32_t pairs) {
    if (data == nullptr || pcre2_get_ovector_count(data.get()) < pairs)
      data.reset(pcre2_match_data_create(std::max<uint32_t>(pairs, 16), nullptr));
    return data.get();
  }
};

class Pcre2Engine final : public RegexEngine {
 public:
  explicit Pcre2Engine(std::unique_ptr<pcre2_code, Free> code) : code_(std::move(code)) {
    uint32_t captures = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &captures);
    groups_ = captures;
    // Without JIT support of the machine the interpreter does it, with the same limits.
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
  }

  bool search(std::string_view subject,
              size_t from,
              std::vector<std::string_view>* groups,
              bool& complete) const override {
    thread_local Scratch scratch;
    pcre2_match_data* data = scratch.with_room(groups_ + 1);
    const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
    const auto match = [&](uint32_t options) {
      return pcre2_match(code_.get(), text, subject.size(), from, options, data,
                         scratch.context.get());
    };
    // The caller has checked the subject's UTF-8.
    int found = match(PCRE2_NO_UTF_CHECK);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    complete = found >= 0 || found == PCRE2_ERROR_NOMATCH;
    if (found < 0) return false;
    if (groups == nullptr) return true;
    groups->assign(groups_ + 1, std::string_view());
    const size_t* pairs = pcre2_get_ovector_pointer(data);
    for (size_t i = 0; i <= groups_; ++i) {
      const size_t begin = pairs[2 * i];
      const size_t end = pairs[2 * i + 1];
      // \K in a look-ahead can put the start behind the end.
      if (begin != PCRE2_UNSET && begin <= end) (*groups)[i] = subject.substr(begin, end - begin);
    }
    return true;
  }

  int num_groups() const override { return static_cast<int>(groups_); }

  std::vector<std::string> group_names() const override {
    std::vector<std::string> names(groups_ + 1);
    uint32_t count = 0;
    uint32_t entry_size = 0;
    PCRE2_SPTR table = nullptr;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(code_.get(), PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
    pcre2_pattern_info(code_.get(), PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; ++i, table += entry_size) {
      // An entry is the number in two bytes, high first, then the name with a NUL.
      const size_t number = static_cast<size_t>(table[0]) << 8 | table[1];
      if (number < names.size()) names[number] = reinterpret_cast<const char*>(table + 2);
    }
    return names;
  }

 private:
  std::unique_ptr<pcre2_code, Free> code_;
  uint32_t groups_ = 0;
};

}  // namespace

std::unique_ptr<RegexEngine> make_pcre2(const std::string& pattern,
                                        RegexFlags flags,
                                        RegexText text,
                                        bool unicode_classes,
                                        RegexFault& fault) {
  uint32_t options = PCRE2_NEVER_BACKSLASH_C;
  if (flags.ignore_case) options |= PCRE2_CASELESS;
  if (flags.multi_line) options |= PCRE2_MULTILINE;
  if (flags.dot_all) options |= PCRE2_DOTALL;
  if (text == RegexText::kUtf8) options |= PCRE2_UTF;
  if (unicode_classes) options |= PCRE2_DOLLAR_ENDONLY;
  if (unicode_classes && text == RegexText::kUtf8) options |= PCRE2_UCP;

  const std::unique_ptr<pcre2_compile_context, Free> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  size_t offset = 0;
  std::unique_ptr<pcre2_code, Free> code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                                                       pattern.size(), options, &error, &offset,
                                                       context.get()));
  if (code != nullptr) return std::make_unique<Pcre2Engine>(std::move(code));
  PCRE2_UCHAR message[256];
  pcre2_get_error_message(error, message, sizeof message);
  fault.message = reinterpret_cast<const char*>(message);
  fault.offset = offset;
  return nullptr;
}

}  // namespace postern::match
