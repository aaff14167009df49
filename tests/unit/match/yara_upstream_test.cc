// libyara's own rule tests, run through our scanner: 850 cases as JSON lines (kind, rule, data,
// what is expected), each in a process of its own, because some rules of old crashed the library.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapt/json.h"
#include "base/text.h"
#include "match/content_scanner.h"

namespace postern::match {
namespace {

enum class Outcome : int { kPass = 0, kFail = 1, kNotHere = 2, kCrash = 3 };

/// Code points 0-255 of the JSON text are the bytes of the case.
std::string bytes_of(std::string_view latin1_in_utf8) {
  std::string out;
  for (size_t at = 0; at < latin1_in_utf8.size();)
    out += static_cast<char>(next_code_point(latin1_in_utf8, at));
  return out;
}

Outcome judge(const adapt::JsonNode& c) {
  const std::string_view kind = c.get("kind");
  std::vector<Diagnostics> diagnostics;
  const auto rules = YaraRules::compile({{"", "", bytes_of(c.get("rule"))}}, diagnostics);
  const auto verdict = [](bool pass) { return pass ? Outcome::kPass : Outcome::kFail; };
  const bool refused = diagnostics[0].has_errors();
  if (kind == "compile_error" || kind == "regexp_syntax_error") return verdict(refused);
  if (refused) return Outcome::kFail;
  if (kind.find("warnings") != std::string_view::npos) {
    const bool some = kind != "no_warnings";
    return verdict(diagnostics[0].all().empty() != some);
  }

  std::string content = bytes_of(c.get("data_latin1"));
  if (!c.get("file").empty()) {
    const char* shared = std::getenv("POSTERN_SHARED");
    std::ifstream file(
        std::string(shared ? shared : "../shared") + "/cases/yara/" + std::string(c.get("file")),
        std::ios::binary);
    if (!file) return Outcome::kNotHere;
    content.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::set<std::string> matched;
  const auto scanner = rules->scanner([&](const ContentOrigin&, const ContentHit& hit) {
    for (const StringMatch& s : hit.strings)
      matched.insert(s.data);
  });
  const auto hits = scanner->scan({}, content);
  if (!hits) return Outcome::kFail;
  if (kind == "false" || kind == "regexp_false") return verdict(*hits == 0);
  if (kind == "match_count") return verdict(std::to_string(*hits) == c.find("expect")->text);
  if (*hits == 0) return Outcome::kFail;
  // The scanner keeps the first 64 bytes of a match.
  const adapt::JsonNode* capture = c.find("capture_latin1");
  return verdict(capture == nullptr || matched.count(bytes_of(capture->text).substr(0, 64)) > 0);
}

Outcome judge_in_a_child(const adapt::JsonNode& c) {
  const pid_t child = fork();
  if (child == 0) _exit(static_cast<int>(judge(c)));
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) <= 2 ? static_cast<Outcome>(WEXITSTATUS(status))
                                                       : Outcome::kCrash;
}

TEST(YaraUpstream, CasesOfLibyaraPass) {
  const char* shared = std::getenv("POSTERN_SHARED");
  std::ifstream cases(std::string(shared ? shared : "../shared") + "/cases/yara_upstream.jsonl");
  if (!cases) GTEST_SKIP() << "POSTERN_SHARED has no cases/yara_upstream.jsonl";
  const std::set<std::string> known = {
      // External variables that only that test program defines.
      "test_boolean_operators:78", "test_boolean_operators:80", "test_boolean_operators:82",
      "test_boolean_operators:84", "test_arithmetic_operators:280", "test_arithmetic_operators:281",
      // Includes by the absolute path of that test program.
      "test_include_files:3483", "test_include_files:3490",
      // Overflows that versions after 4.5.2 refuse and this one takes.
      "test_arithmetic_operators:345", "test_hex_strings:1708", "test_re:2786", "test_re:2787"};
  size_t total = 0;
  size_t passed = 0;
  size_t not_here = 0;
  for (std::string line; std::getline(cases, line);) {
    const auto c = adapt::parse_json(line);
    ASSERT_TRUE(c) << c.error().message;
    const Outcome outcome = judge_in_a_child(*c);
    ++total;
    passed += outcome == Outcome::kPass ? 1 : 0;
    not_here += outcome == Outcome::kNotHere ? 1 : 0;
    if (outcome == Outcome::kPass || outcome == Outcome::kNotHere) continue;
    const std::string place = std::string(c->get("func")) + ":" + c->find("line")->text;
    std::printf("%s %s %s%s\n", outcome == Outcome::kCrash ? "crash" : "fail ",
                std::string(c->get("kind")).c_str(), place.c_str(),
                known.count(place) > 0 ? " (known)" : "");
    if (known.count(place) == 0) ADD_FAILURE() << place << ": " << c->get("rule");
  }
  std::printf("%zu of %zu pass, %zu need a file that is not at hand\n", passed, total, not_here);
  EXPECT_GT(total, 0u);
}

}  // namespace
}  // namespace postern::match
