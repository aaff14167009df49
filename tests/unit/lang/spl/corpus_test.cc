// The published detections of Splunk, all of them: each is lowered or refused by name, nothing
// else.
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "lang/spl/spl.h"

namespace postern::lang::spl {
namespace {

std::string shared_folder() {
  const char* set = std::getenv("POSTERN_SHARED");
  return set ? set : "../shared";
}

TEST(Corpus, EveryPublishedDetectionIsLoweredOrRefusedByName) {
  const std::string root = shared_folder() + "/corpora/spl/";
  const auto files = list_files(root + "detections");
  if (!files) GTEST_SKIP() << "no detections under " << root;
  Diagnostics macro_diag;
  MacroLibrary macros;
  MacroLibrary::add_path("rules/macros", macros.builtin, macro_diag);
  const LookupLibrary lookups;
  size_t total = 0;
  size_t lowered = 0;
  std::map<std::string, size_t> refused;
  std::map<std::string, size_t> warned;
  std::vector<std::string> failed;
  for (const std::string& path : *files) {
    if (!path.ends_with(".yml")) continue;
    const auto text = read_text_file(path);
    ASSERT_TRUE(text.ok());
    ++total;
    const Source file{path, *text};
    Diagnostics diag;
    const auto rules = read(file, {&macros, &lookups}, diag);
    std::set<std::string> reasons;
    bool named = true;
    for (const Diagnostic& d : diag.all()) {
      if (d.severity == Severity::kWarning) ++warned[d.code];
      if (d.severity != Severity::kError) continue;
      if (d.code == "spl-unsupported" || d.code == "spl-undefined-macro" ||
          d.code == "spl-unknown-command" || d.code == "spl-unknown-lookup")
        reasons.insert(d.message);
      else
        named = false;
      if (std::getenv("SPL_CORPUS_ERRORS") && d.code != "spl-unsupported")
        std::cout << path << "\n" << render(file, d);
    }
    if (std::getenv("SPL_CORPUS_WARNINGS"))
      for (const Diagnostic& d : diag.all())
        if (d.severity == Severity::kWarning) std::cout << path << "\n" << render(file, d);
    if (rules.size() == 1 && !diag.has_errors())
      ++lowered;
    else if (rules.empty() && named && !reasons.empty())
      for (const std::string& r : reasons)
        ++refused[r];
    else
      failed.push_back(path);
  }
  std::cout << "lowered " << lowered << " of " << total << ", failed " << failed.size() << "\n";
  for (const auto& [reason, n] : refused)
    std::cout << "  refused " << n << "  " << reason << "\n";
  for (const auto& [code, n] : warned)
    std::cout << "  warned " << n << "  " << code << "\n";
  for (const std::string& f : failed)
    std::cout << "  failed " << f << "\n";
  EXPECT_TRUE(failed.empty());
}

}  // namespace
}  // namespace postern::lang::spl
