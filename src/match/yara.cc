// YARA over libyara 4.5: compiling, scanning, and everything that keeps one bad rule from the
// others.
//
// Compiling: libyara cannot go on after a source with an error (it asserts), so after the first
// faulty one the others are compiled alone (with what their namespace already has), and the good
// ones then together.
// External variables are the few that published rules ask for; none is defined whose name a rule
// has, because that rule would be refused as a duplicate.
//
// Scanning: one YR_SCANNER per thread; matches are copied out of libyara's memory before it is
// reused.
//
// Source: yara.readthedocs.io (C API, external variables), THOR's external variables for files.
// Tests: tests/unit/match/yara_test.cc, yara_upstream_test.cc (850 cases of libyara's own tests).
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <numeric>

#include <yara.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "match/content_scanner.h"
#include "match/fault_guard.h"
#include "match/yara_text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POSTERN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POSTERN_SANITIZED 1
#endif
#endif
#ifndef POSTERN_SANITIZED
#define POSTERN_SANITIZED 0
#endif

#if POSTERN_SANITIZED
// libyara keeps some bytes of its lexer when it refuses a source (a circular include); not ours.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: its name is given

extern "C" const char* __lsan_default_suppressions() {
  return "leak:libyara.so\n";
}
#endif

namespace postern::match {
namespace {

constexpr int kTimeoutSeconds = 60;
constexpr size_t kMaxStringsPerHit = 64;
constexpr size_t kMaxDataPerString = 64;
constexpr size_t kMaxIncludeBytes = size_t{16} << 20;

// libyara's fault handler turns a fault while scanning (a mapped file that shrinks) into an error;
// under a sanitizer it would hide the faults that the sanitizer is there to show.
#if POSTERN_SANITIZED
constexpr int kFaultFlags = SCAN_FLAGS_NO_TRYCATCH;
#else
constexpr int kFaultFlags = 0;
#endif

// ---------------------------------------------------------------------------------------------------
// External variables

/// An external string and where a content's value for it comes from: the first field that is there.
struct External {
  const char* name;
  std::array<std::string_view, 3> fields;
};

constexpr std::array<External, 10> kExternals = {{
    {"view", {}},
    {"filename", {}},
    {"filepath", {}},
    {"extension", {}},
    {"name", {}},
    {"sender", {"MailFrom", "SenderFromAddress", "From"}},
    {"recipient", {"RcptTo", "RecipientEmailAddress", "To"}},
    {"subject", {"Subject", "", ""}},
    {"direction", {"Direction", "", ""}},
    {"protocol", {"Protocol", "Service", ""}},
}};

bool word_character(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_';
}

/// `rule NAME` stands somewhere in the text (in a comment too: then an external less is defined).
bool declares_rule(std::string_view text, std::string_view name) {
  for (size_t at = text.find("rule"); at != std::string_view::npos;
       at = text.find("rule", at + 4)) {
    const size_t begin = text.find_first_not_of(" \t\r\n", at + 4);
    if (begin == std::string_view::npos) return false;
    if (begin == at + 4 || text.substr(begin, name.size()) != name) continue;
    const size_t end = begin + name.size();
    if (end == text.size() || !word_character(text[end])) return true;
  }
  return false;
}

std::string_view base_name(std::string_view path) {
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string external_value(const External& external, const ContentOrigin& origin) {
  const std::string_view name = external.name;
  const bool file = origin.view == "file";
  const std::string_view file_name = base_name(!origin.name.empty() ? origin.name
                                               : file               ? origin.path
                                                                    : std::string_view());
  if (name == "view") return origin.view;
  if (name == "filename") return std::string(file_name);
  if (name == "name") return origin.name;
  if (name == "filepath") {
    if (!file) return "";
    const std::string_view path = origin.path;
    return std::string(path.substr(0, path.size() - base_name(path).size()));
  }
  if (name == "extension") {
    const size_t dot = file_name.rfind('.');
    return dot == std::string_view::npos ? "" : std::string(file_name.substr(dot));
  }
  for (const std::string_view wanted : external.fields)
    for (const auto& [field, value] : origin.fields)
      if (!wanted.empty() && equal_ignore_case(field, wanted) && !value.empty()) return value;
  return "";
}

// ---------------------------------------------------------------------------------------------------
// Compiling

struct CompilerCloser {
  void operator()(YR_COMPILER* c) const { yr_compiler_destroy(c); }
};

using Compiler = std::unique_ptr<YR_COMPILER, CompilerCloser>;

/// What libyara's callbacks of one source need.
struct SourceContext {
  const YaraRules::SourceText* source = nullptr;
  Diagnostics* diag = nullptr;  ///< null: what it says has been reported before
  std::map<std::string, YaraStringTexts>* strings = nullptr;  ///< of included texts, if wanted
  /// Name as written → path, for includes inside of it.
  std::map<std::string, std::string> included;
  std::string include_fault;
};

Span line_span(std::string_view text, int line) {
  size_t begin = 0;
  for (int n = 1; n < line; ++n) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    begin = end + 1;
  }
  size_t end = std::min(text.find('\n', begin), text.size());
  while (begin < end && ascii_space(text[begin]))
    ++begin;
  while (begin < end && ascii_space(text[end - 1]))
    --end;
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
}

/// The line of the outermost text that includes `name`; its start when it is included indirectly.
Span include_span(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t line_end = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    const size_t begin = line_end == std::string_view::npos ? 0 : line_end + 1;
    if (text.substr(begin, at - begin).find("include") == std::string_view::npos) continue;
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return line_span(text, static_cast<int>(line) + 1);
  }
  return {};
}

void report(
    int level, const char* file, int line, const YR_RULE*, const char* message, void* user) {
  auto* context = static_cast<SourceContext*>(user);
  if (context->diag == nullptr) return;
  std::string words = message == nullptr ? "" : message;
  Span at = line_span(context->source->text, line);
  if (file != nullptr) {
    words = std::string(file) + ":" + std::to_string(line) + ": " + words;
    at = include_span(context->source->text, file);
  }
  std::string hint = std::move(context->include_fault);
  context->include_fault.clear();
  if (level == YARA_ERROR_LEVEL_ERROR)
    context->diag->error("yara-compile", std::move(words), at, "", std::move(hint));
  else
    context->diag->warning("yara-warning", std::move(words), at);
}

/// Gives libyara the text of an include, beside the file that asks for it; null refuses.
const char* read_include(const char* name, const char* asking_file, const char*, void* user) {
  auto* context = static_cast<SourceContext*>(user);
  const auto refuse = [&](std::string why) -> const char* {
    context->include_fault = std::move(why);
    return nullptr;
  };
  const auto asking = context->included.find(asking_file == nullptr ? "" : asking_file);
  const std::string from =
      asking == context->included.end() ? context->source->path : asking->second;
  if (from.empty()) return refuse("these rules are in no file, so there is no folder to look in");
  if (*name == '/') return refuse("an include is looked up beside its file; give a relative path");
  const std::string path = from.substr(0, from.size() - base_name(from).size()) + name;
  std::error_code none;
  const bool regular = std::filesystem::is_regular_file(path, none);
  if (!regular || std::filesystem::file_size(path, none) > kMaxIncludeBytes)
    return refuse("there is no rule file " + path);
  const Result<std::string> read = read_text_file(path);
  if (!read) return refuse(read.error().message);
  const std::string& text = *read;
  if (text.find('\0') != std::string::npos) return refuse(path + " is no text");
  context->included[name] = path;
  if (context->strings != nullptr) collect_yara_strings(text, *context->strings);
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

void free_include(const char* text, void*) {
  std::free(const_cast<char*>(text));
}

/// Externals of this set of sources: all but those that are the name of a rule.
std::vector<const External*> usable_externals(const std::vector<YaraRules::SourceText>& sources) {
  std::vector<const External*> usable;
  for (const External& external : kExternals)
    if (std::none_of(sources.begin(), sources.end(), [&](const YaraRules::SourceText& s) {
          return declares_rule(s.text, external.name);
        }))
      usable.push_back(&external);
  return usable;
}

Compiler new_compiler(const std::vector<const External*>& externals) {
  YR_COMPILER* raw = nullptr;
  // Fails for want of memory only.
  POSTERN_CHECK(yr_compiler_create(&raw) == ERROR_SUCCESS);
  Compiler compiler(raw);
  // Warns of `\v` in `\victim`, which is a vertical tab and not what the author meant.
  raw->strict_escape = true;
  for (const External* external : externals)
    POSTERN_CHECK(yr_compiler_define_string_variable(raw, external->name, "") == ERROR_SUCCESS);
  return compiler;
}

/// The strings of all rules by namespace and rule.
using StringTexts = std::map<std::string, std::map<std::string, YaraStringTexts>>;

/// The line of the first division or remainder whose divisor begins with a minus: libyara was
/// stopped before it could say where it was.
Span division_span(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' && text[at] != '%') continue;
    const size_t divisor = text.find_first_not_of(" \t(", at + 1);
    if (divisor == std::string_view::npos || text[divisor] != '-') continue;
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(at);
    return line_span(text, static_cast<int>(std::count(text.begin(), end, '\n')) + 1);
  }
  return {};
}

/// One call of yr_compiler_add_bytes, with its result.
struct AddCall {
  YR_COMPILER* compiler;
  const YaraRules::SourceText* source;
  int errors = 0;

  static void run(void* self) {
    auto* call = static_cast<AddCall*>(self);
    const YaraRules::SourceText& source = *call->source;
    call->errors =
        yr_compiler_add_bytes(call->compiler, source.text.data(), source.text.size(),
                              source.name_space.empty() ? nullptr : source.name_space.c_str());
  }
};

/// True when libyara takes the source; if not, the compiler is not usable any more. `strings` may
/// be null.
bool add_source(Compiler& compiler,
                const YaraRules::SourceText& source,
                Diagnostics* diag,
                StringTexts* strings) {
  SourceContext context;
  context.source = &source;
  context.diag = diag;
  if (strings != nullptr) {
    context.strings = &(*strings)[source.name_space.empty() ? "default" : source.name_space];
    collect_yara_strings(source.text, *context.strings);
  }
  yr_compiler_set_callback(compiler.get(), report, &context);
  yr_compiler_set_include_callback(compiler.get(), read_include, free_include, &context);
  AddCall call{compiler.get(), &source};
  if (!run_guarding_division(AddCall::run, &call)) {
    // The compiler stopped in the middle: not even its destructor can be trusted, so it is left
    // alone.
    static_cast<void>(compiler.release());
    if (diag != nullptr)
      diag->error("yara-compile", "the smallest integer divided by -1 is beyond YARA's integers",
                  division_span(source.text));
    return false;
  }
  yr_compiler_set_callback(compiler.get(), nullptr, nullptr);
  if (call.errors != 0 && diag != nullptr && !diag->has_errors())
    diag->error("yara-compile", "libyara refuses these rules without saying why", Span{});
  return call.errors == 0;
}

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] { POSTERN_CHECK(yr_initialize() == ERROR_SUCCESS); });
}

// ---------------------------------------------------------------------------------------------------
// Compiled rules and their scanners

std::string meta_text(const YR_META& meta) {
  switch (meta.type) {
    case META_TYPE_INTEGER:
      return std::to_string(meta.integer);
    case META_TYPE_BOOLEAN:
      return meta.integer != 0 ? "true" : "false";
    default:
      return meta.string == nullptr ? "" : meta.string;
  }
}

YaraRuleInfo rule_info(const YR_RULE& rule, const StringTexts& texts) {
  YaraRuleInfo info;
  info.identifier = rule.identifier;
  info.name_space = rule.ns == nullptr ? "" : rule.ns->name;
  info.is_private = (rule.flags & RULE_FLAGS_PRIVATE) != 0;
  const char* tag = nullptr;
  yr_rule_tags_foreach((&rule), tag) info.tags.emplace_back(tag);
  const YR_META* meta = nullptr;
  yr_rule_metas_foreach((&rule), meta) info.meta.emplace_back(meta->identifier, meta_text(*meta));
  const auto name_space = texts.find(info.name_space);
  if (name_space == texts.end()) return info;
  const auto strings = name_space->second.find(info.identifier);
  if (strings != name_space->second.end()) info.strings = strings->second;
  return info;
}

class CompiledYara final : public YaraRules, public std::enable_shared_from_this<CompiledYara> {
 public:
  CompiledYara(YR_RULES* rules, std::vector<const External*> externals, const StringTexts& strings)
      : rules_(rules), externals_(std::move(externals)) {
    const YR_RULE* rule = nullptr;
    yr_rules_foreach(rules_, rule) infos_.push_back(rule_info(*rule, strings));
  }

  CompiledYara(const CompiledYara&) = delete;
  CompiledYara& operator=(const CompiledYara&) = delete;

  ~CompiledYara() override { yr_rules_destroy(rules_); }

  const std::vector<YaraRuleInfo>& rules() const override { return infos_; }

  std::unique_ptr<ContentScanner> scanner(HitSink sink) const override;

  YR_RULES* raw() const { return rules_; }

  const std::vector<const External*>& externals() const { return externals_; }

 private:
  YR_RULES* rules_;
  std::vector<const External*> externals_;
  std::vector<YaraRuleInfo> infos_;
};

std::string scan_error(int code, const YR_RULE* rule) {
  std::string where = rule == nullptr ? "" : std::string(" in rule ") + rule->identifier;
  switch (code) {
    case ERROR_SCAN_TIMEOUT:
      return "YARA gave up after " + std::to_string(kTimeoutSeconds) + " seconds" + where;
    case ERROR_COULD_NOT_MAP_FILE:
      return "the content became unreadable while YARA scanned it" + where;
    case ERROR_INSUFFICIENT_MEMORY:
      return "YARA ran out of memory" + where;
    default:
      return "YARA error " + std::to_string(code) + where;
  }
}

class YaraScanner final : public ContentScanner {
 public:
  YaraScanner(std::shared_ptr<const CompiledYara> rules, HitSink sink)
      : rules_(std::move(rules)), sink_(std::move(sink)) {
    POSTERN_CHECK(yr_scanner_create(rules_->raw(), &scanner_) == ERROR_SUCCESS);
    yr_scanner_set_timeout(scanner_, kTimeoutSeconds);
    yr_scanner_set_flags(scanner_, SCAN_FLAGS_REPORT_RULES_MATCHING | kFaultFlags);
    yr_scanner_set_callback(scanner_, on_message, this);
  }

  YaraScanner(const YaraScanner&) = delete;
  YaraScanner& operator=(const YaraScanner&) = delete;

  ~YaraScanner() override { yr_scanner_destroy(scanner_); }

  Result<uint32_t> scan(const ContentOrigin& origin, std::string_view content) override {
    for (const External* external : rules_->externals())
      yr_scanner_define_string_variable(scanner_, external->name,
                                        external_value(*external, origin).c_str());
    hits_.clear();
    cut_short_now_ = false;
    // An empty content may have no address, libyara wants one.
    const char* bytes = content.empty() ? "" : content.data();
    const int code =
        yr_scanner_scan_mem(scanner_, reinterpret_cast<const uint8_t*>(bytes), content.size());
    if (cut_short_now_) ++cut_short_;
    if (code != ERROR_SUCCESS)
      return Error{code == ERROR_SCAN_TIMEOUT ? Code::kLimit : Code::kInvalid,
                   scan_error(code, yr_scanner_last_error_rule(scanner_))};
    // Reported after the scan: the sink may take its time, or throw away what it was told.
    for (const ContentHit& hit : hits_)
      sink_(origin, hit);
    return static_cast<uint32_t>(hits_.size());
  }

  uint64_t cut_short() const override { return cut_short_; }

 private:
  static int on_message(YR_SCAN_CONTEXT* context, int message, void* data, void* user) {
    auto* self = static_cast<YaraScanner*>(user);
    if (message == CALLBACK_MSG_RULE_MATCHING)
      self->collect(context, static_cast<const YR_RULE*>(data));
    else if (message == CALLBACK_MSG_TOO_MANY_MATCHES || message == CALLBACK_MSG_TOO_SLOW_SCANNING)
      self->cut_short_now_ = true;
    return CALLBACK_CONTINUE;
  }

  void collect(YR_SCAN_CONTEXT* context, const YR_RULE* rule) {
    ContentHit hit;
    hit.rule = static_cast<uint32_t>(rule - rules_->raw()->rules_table);
    const YR_STRING* string = nullptr;
    yr_rule_strings_foreach(rule, string) {
      const YR_MATCH* match = nullptr;
      yr_string_matches_foreach(context, string, match) {
        if (hit.strings.size() == kMaxStringsPerHit) break;
        StringMatch& found = hit.strings.emplace_back();
        found.identifier = string->identifier;
        found.offset = static_cast<uint64_t>(match->base + match->offset);
        const auto size = std::min(static_cast<size_t>(match->data_length), kMaxDataPerString);
        found.data.assign(reinterpret_cast<const char*>(match->data), size);
      }
    }
    hits_.push_back(std::move(hit));
  }

  std::shared_ptr<const CompiledYara> rules_;
  HitSink sink_;
  YR_SCANNER* scanner_ = nullptr;
  std::vector<ContentHit> hits_;
  uint64_t cut_short_ = 0;
  bool cut_short_now_ = false;
};

std::unique_ptr<ContentScanner> CompiledYara::scanner(HitSink sink) const {
  return std::make_unique<YaraScanner>(shared_from_this(), std::move(sink));
}

/// Whether source `i` compiles with what its namespace has before it.
bool compiles_alone(const std::vector<YaraRules::SourceText>& sources,
                    const std::vector<size_t>& good,
                    size_t i,
                    const std::vector<const External*>& externals,
                    Diagnostics& diag) {
  Compiler alone = new_compiler(externals);
  for (const size_t earlier : good)
    if (sources[earlier].name_space == sources[i].name_space &&
        !add_source(alone, sources[earlier], nullptr, nullptr))
      return false;
  return add_source(alone, sources[i], &diag, nullptr);
}

Compiler compile_together(const std::vector<YaraRules::SourceText>& sources,
                          std::vector<size_t> good,
                          const std::vector<const External*>& externals,
                          std::vector<Diagnostics>& diagnostics,
                          StringTexts& strings) {
  Compiler together = new_compiler(externals);
  strings.clear();  // of sources that are left out now
  for (size_t at = 0; at < good.size();) {
    if (add_source(together, sources[good[at]], nullptr, &strings)) {
      ++at;
      continue;
    }
    // An include has changed since, or all together pass a limit of libyara: without it, then.
    diagnostics[good[at]].error("yara-compile",
                                "these rules compile alone, but not with the others", Span{});
    good.erase(good.begin() + static_cast<std::ptrdiff_t>(at));
    together = new_compiler(externals);
    strings.clear();
    at = 0;
  }
  return together;
}

}  // namespace

std::shared_ptr<const YaraRules> YaraRules::compile(const std::vector<SourceText>& sources,
                                                    std::vector<Diagnostics>& diagnostics) {
  initialize_once();
  if (diagnostics.size() < sources.size()) diagnostics.resize(sources.size());
  const std::vector<const External*> externals = usable_externals(sources);
  StringTexts strings;
  Compiler together = new_compiler(externals);
  size_t taken = 0;
  while (taken < sources.size() &&
         add_source(together, sources[taken], &diagnostics[taken], &strings))
    ++taken;
  // Most often that was all. After a faulty source every other is tried alone.
  if (taken < sources.size()) {
    std::vector<size_t> good(taken);
    std::iota(good.begin(), good.end(), size_t{0});
    for (size_t i = taken + 1; i < sources.size(); ++i)
      if (compiles_alone(sources, good, i, externals, diagnostics[i])) good.push_back(i);
    together = compile_together(sources, std::move(good), externals, diagnostics, strings);
  }
  YR_RULES* rules = nullptr;
  POSTERN_CHECK(yr_compiler_get_rules(together.get(), &rules) == ERROR_SUCCESS);
  return std::make_shared<CompiledYara>(rules, externals, strings);
}

}  // namespace postern::match
