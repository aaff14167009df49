#include "engine/setup.h"

#include <cstdlib>

#include "base/diagnostic.h"
#include "base/file.h"
#include "engine/embedded.h"
#include "exec/functions/functions.h"

namespace postern::engine {
namespace {

Result<std::vector<DataFile>> data_files() {
  std::vector<DataFile> out;
  const char* folder = std::getenv("POSTERN_DATA");
  if (!folder) {
    for (const EmbeddedFile& f : embedded_files())
      out.push_back({std::string(f.path), std::string(f.text)});
    return out;
  }
  for (const char* part : {"/catalog", "/rules"}) {
    POSTERN_TRY(std::vector<std::string> paths, list_files(folder + std::string(part)));
    for (const std::string& path : paths) {
      if ((!path.ends_with(".yml") && !path.ends_with(".yar") && !path.ends_with(".kql") &&
           !path.ends_with(".spl")) ||
          rule_test_file(path))
        continue;
      POSTERN_TRY(std::string text, read_text_file(path));
      out.push_back({path.substr(std::string(folder).size() + 1), std::move(text)});
    }
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const Setup>> make_setup() {
  auto setup = std::make_shared<Setup>();
  setup->functions = &exec::all_functions();
  POSTERN_TRY(std::vector<DataFile> files, data_files());
  std::string errors;
  for (DataFile& f : files) {
    if (f.path.rfind("catalog/", 0) != 0) {
      setup->rules.push_back(std::move(f));
      continue;
    }
    Diagnostics diag;
    const Source source{f.path, f.text};
    setup->catalog.add(source, diag);
    for (const Diagnostic& d : diag.all())
      errors += render(source, d);
  }
  if (!errors.empty())
    return Error{Code::kInvalid, "the program's data files are wrong:\n" + errors};
  return std::shared_ptr<const Setup>(setup);
}

}  // namespace postern::engine
