// Measures the Sigma front end on folders of published rules.
//
//   sigma_corpus [-v] [--catalog FOLDER] FOLDER...
//
// Prints how many documents load and how many are refused, by code; with --catalog also binds each
// rule to the tables and vocabularies of that folder and prints how many can never fire, by reason.
// -v shows every diagnostic. Times are of one thread. The exit status is 1 when a rule was not read
// for a reason other than an unresolved placeholder or a named refusal.
#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "exec/evaluate.h"
#include "exec/functions/functions.h"
#include "lang/sigma/sigma.h"
#include "plan/bind.h"

using namespace postern;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<std::string> yaml_files(const std::string& path) {
  std::vector<std::string> out;
  const Result<std::vector<std::string>> files = list_files(path);
  if (!files) {
    std::fprintf(stderr, "%s\n", files.error().message.c_str());
    return out;
  }
  for (const std::string& f : *files)
    if (f.ends_with(".yml") || f.ends_with(".yaml")) out.push_back(f);
  return out;
}

void print(const char* title, const std::map<std::string, size_t>& counts) {
  for (const auto& [name, n] : counts)
    std::printf("  %s%6zu  %s\n", title, n, name.c_str());
}

struct Measure {
  bool verbose = false;
  bool unexpected = false;
  size_t num_files = 0;
  std::vector<plan::Rule> rules;
  std::map<std::string, std::string> texts;  // by path
  std::map<std::string, size_t> errors;      // files by first error code
  std::map<std::string, size_t> warnings;

  void read(const std::vector<std::string>& files) {
    std::vector<std::pair<std::string, std::string>> loaded;
    for (const std::string& f : files)
      if (Result<std::string> text = read_text_file(f)) loaded.emplace_back(f, std::move(*text));
    const auto start = std::chrono::steady_clock::now();
    for (const auto& [path, text] : loaded) {
      const Source source{path, text};
      if (!lang::sigma::recognises(source)) continue;
      ++num_files;
      Diagnostics diag;
      for (plan::Rule& r : lang::sigma::read(source, {}, diag))
        rules.push_back(std::move(r));
      count(source, diag);
    }
    std::printf("%zu files: %zu rules loaded in %.3f s\n", num_files, rules.size(),
                seconds_since(start));
    for (auto& [path, text] : loaded)
      texts[path] = std::move(text);
  }

  void count(const Source& source, const Diagnostics& diag) {
    std::set<std::string> codes;
    for (const Diagnostic& d : diag.all()) {
      if (verbose) std::printf("%s", render(source, d).c_str());
      if (d.severity == Severity::kWarning) ++warnings[d.code];
      if (d.severity != Severity::kError) continue;
      codes.insert(d.code == "sigma-unsupported" ? d.code + ": " + d.message : d.code);
      unexpected =
          unexpected || (d.code != "sigma-unsupported" && d.code != "sigma-unresolved-placeholder");
    }
    for (const std::string& c : codes)
      ++errors[c];
  }

  void bind(const std::string& folder) {
    plan::Catalog catalog;
    for (const std::string& f : yaml_files(folder)) {
      const Result<std::string> text = read_text_file(f);
      Diagnostics diag;
      if (text) catalog.add({f, *text}, diag);
      for (const Diagnostic& d : diag.all())
        std::printf("%s", render({f, *text}, d).c_str());
    }
    const plan::BindContext context{.catalog = catalog,
                                    .functions = exec::all_functions(),
                                    .evaluate = exec::evaluate_constant,
                                    .view_query = {}};
    std::map<std::string, size_t> never;
    size_t bound_rules = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const plan::Rule& r : rules) {
      Diagnostics diag;
      plan::BindReport report;
      const auto bound = plan::bind(r, context, diag, report);
      if (bound) {
        ++bound_rules;
        plan::optimize(*OrFailed<plan::OpPtr>(bound), context, r, diag, report);
        if (!report.never.empty()) ++never[report.never];
      }
      count({r.info.path, texts[r.info.path]}, diag);
    }
    std::printf("%zu rules bound in %.3f s\n", bound_rules, seconds_since(start));
    size_t total = 0;
    for (const auto& [reason, n] : never)
      total += n;
    std::printf("%zu can never fire:\n", total);
    print("", never);
  }
};

}  // namespace

int main(int argc, char** argv) {
  Measure m;
  std::string catalog;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "-v")
      m.verbose = true;
    else if (arg == "--catalog" && i + 1 < argc)
      catalog = argv[++i];
    else
      for (std::string& f : yaml_files(arg))
        files.push_back(std::move(f));
  }
  m.read(files);
  if (!catalog.empty()) m.bind(catalog);
  print("error   ", m.errors);
  print("warning ", m.warnings);
  return m.unexpected ? 1 : 0;
}
