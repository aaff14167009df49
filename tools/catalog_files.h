// The catalog as the tools read it: all files of the folder `catalog`, where the tool is run.
#pragma once
#include <iostream>
#include <string>

#include "base/file.h"
#include "plan/catalog.h"

namespace postern {

/// False, after telling what is wrong, when a file cannot be read or does not hold.
inline bool read_catalog(plan::Catalog& catalog) {
  const auto files = list_files("catalog");
  if (!files) return std::cerr << files.error().message << '\n', false;
  bool good = true;
  for (const std::string& path : *files) {
    if (!path.ends_with(".yml")) continue;
    const Result<std::string> text = read_text_file(path);
    if (!text) return std::cerr << text.error().message << '\n', false;
    Diagnostics diag;
    const Source source{path, *text};
    good = catalog.add(source, diag) && good;
    for (const Diagnostic& d : diag.all())
      std::cerr << render(source, d);
  }
  return good;
}

}  // namespace postern
