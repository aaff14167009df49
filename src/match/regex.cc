// Chooses the engine for each subject.
//
// RE2 is the main engine where it takes the pattern. Where its reading differs from the dialect's
// for some subjects only, those subjects go to another program, compiled when the first of them
// comes:
//   invalid UTF-8              the same pattern over Latin-1
//   Kusto, not ASCII           RE2 with the classes written out, or PCRE2 (Unicode \b)
//   Sigma and Splunk, `^` `$`  PCRE2 when the subject ends in a line end
//   Sigma and Splunk, `\B`     PCRE2 when it is not ASCII
// Everything else (look-arounds, back-references, repeats over 1,000) is PCRE2 from the start.
// Tests: tests/unit/match/regex_test.cc.
#include "match/regex.h"

#include <atomic>
#include <mutex>

#include "base/text.h"
#include "match/regex_engine.h"
#include "match/regex_syntax.h"

namespace postern::match {
namespace {

/// An engine that is made when it is first needed; null when it cannot be.
class Lazy {
 public:
  template <class Make>
  const RegexEngine* get(const Make& make) const {
    std::call_once(once_, [&] { engine_ = make(); });
    return engine_.get();
  }

 private:
  mutable std::once_flag once_;
  mutable std::unique_ptr<RegexEngine> engine_;
};

class CompiledRegex final : public Regex {
 public:
  CompiledRegex(RegexSyntax syntax,
                RegexDialect dialect,
                RegexFlags flags,
                std::unique_ptr<RegexEngine> main,
                bool main_is_re2)
      : syntax_(std::move(syntax)),
        kusto_(dialect == RegexDialect::kKusto),
        flags_(flags),
        main_(std::move(main)),
        main_is_re2_(main_is_re2),
        names_(main_->group_names()) {}

  bool matches(std::string_view subject) const override { return run(subject, 0, nullptr); }

  bool search(std::string_view subject,
              size_t from,
              std::vector<std::string_view>& groups) const override {
    if (from > subject.size()) return false;
    // Of an empty view the engines would give groups that look unset.
    if (subject.data() == nullptr) subject = "";
    return run(subject, from, &groups);
  }

  int num_groups() const override { return main_->num_groups(); }

  const std::vector<std::string>& group_names() const override { return names_; }

  uint64_t limit_hits() const override { return limit_hits_.load(std::memory_order_relaxed); }

 private:
  bool run(std::string_view subject, size_t from, std::vector<std::string_view>* groups) const {
    if (subject.data() == nullptr) subject = "";
    bool complete = true;
    const RegexEngine* engine = engine_for(subject);
    const bool found = engine != nullptr && engine->search(subject, from, groups, complete);
    if (!complete) limit_hits_.fetch_add(1, std::memory_order_relaxed);
    return found;
  }

  /// Null when no engine can look at the subject: then there is no match.
  const RegexEngine* engine_for(std::string_view subject) const {
    const bool ascii = is_ascii(subject);
    if (!ascii && !valid_utf8(subject)) {
      const RegexEngine* engine = bytes();
      // RE2 passes over malformed bytes, PCRE2 must not see them in UTF mode.
      return engine == nullptr && main_is_re2_ ? main_.get() : engine;
    }
    if (!main_is_re2_) return main_.get();
    const RegexEngine* other = nullptr;
    if (!ascii && syntax_.unicode_differs)
      other = unicode();
    else if (!kusto_ && syntax_.line_anchor && !subject.empty() && subject.back() == '\n')
      other = pcre();
    return other == nullptr ? main_.get() : other;
  }

  const RegexEngine* bytes() const {
    return bytes_.get([&]() -> std::unique_ptr<RegexEngine> {
      RegexFault fault;
      if (main_is_re2_)
        if (auto re2 = make_re2(syntax_.ascii, flags_, RegexText::kLatin1, fault)) return re2;
      if (auto pcre = make_pcre2(syntax_.pcre, flags_, RegexText::kLatin1, kusto_, fault))
        return pcre;
      // The pattern names a character beyond Latin-1 by number.
      return nullptr;
    });
  }

  const RegexEngine* unicode() const {
    return unicode_.get([&]() -> std::unique_ptr<RegexEngine> {
      RegexFault fault;
      if (!syntax_.unicode_needs_pcre)
        if (auto re2 = make_re2(syntax_.unicode, flags_, RegexText::kUtf8, fault)) return re2;
      return make_pcre2(syntax_.pcre, flags_, RegexText::kUtf8, kusto_, fault);
    });
  }

  const RegexEngine* pcre() const {
    return pcre_.get([&] {
      RegexFault fault;
      return make_pcre2(syntax_.pcre, flags_, RegexText::kUtf8, kusto_, fault);
    });
  }

  RegexSyntax syntax_;
  bool kusto_;
  RegexFlags flags_;
  std::unique_ptr<RegexEngine> main_;
  bool main_is_re2_;
  std::vector<std::string> names_;
  Lazy bytes_;
  Lazy unicode_;
  Lazy pcre_;
  mutable std::atomic<uint64_t> limit_hits_{0};
};

Error invalid(const std::string& message, size_t offset) {
  std::string text = message;
  if (offset != std::string::npos) text += " (at offset " + std::to_string(offset) + ")";
  return Error{Code::kInvalid, std::move(text)};
}

}  // namespace

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern,
                                                    RegexDialect dialect,
                                                    RegexFlags flags) {
  const bool kusto = dialect == RegexDialect::kKusto;
  if (!valid_utf8(pattern)) return invalid("the expression is not valid UTF-8", std::string::npos);
  RegexSyntax syntax = scan_regex(pattern, dialect);
  if (!syntax.refused.empty()) return invalid(syntax.refused, syntax.refused_at);

  RegexFault fault;
  std::unique_ptr<RegexEngine> engine;
  bool is_re2 = false;
  if (!syntax.needs_pcre) {
    engine = make_re2(syntax.ascii, flags, RegexText::kUtf8, fault);
    is_re2 = engine != nullptr;
    if (!is_re2 && kusto && !fault.too_large) {
      // Asked again without our rewriting, so that message and place are of the text as written.
      RegexFault as_written;
      make_re2(std::string(pattern), flags, RegexText::kUtf8, as_written);
      const RegexFault& shown = as_written.message.empty() ? fault : as_written;
      return invalid(shown.message, shown.offset);
    }
  }
  if (engine == nullptr) engine = make_pcre2(syntax.pcre, flags, RegexText::kUtf8, kusto, fault);
  if (engine == nullptr) return invalid(fault.message, fault.offset);
  return std::shared_ptr<const Regex>(std::make_shared<CompiledRegex>(
      std::move(syntax), dialect, flags, std::move(engine), is_re2));
}

}  // namespace postern::match
