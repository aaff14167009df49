// Prints what a set of rules reads of each native table: `layout PATH...`, one column a line as
// "table column type", and what its text gate looks for, where it has one, as "table ~ "literal"".
// Input of bench_decode.
#include <cstdio>
#include <string>

#include "data/dynamic.h"
#include "engine/rule_set.h"
#include "engine/scan_program.h"

int main(int argc, char** argv) {
  using namespace postern;
  auto setup = engine::make_setup();
  if (!setup.ok()) return std::fprintf(stderr, "layout: %s\n", setup.error().message.c_str()), 2;
  engine::RuleOptions options;
  options.builtin = false;
  for (int i = 1; i < argc; ++i)
    options.paths.emplace_back(argv[i]);
  const auto rules = engine::RuleSet::load(*setup, options);
  const auto programs = engine::ScanPrograms::make(*rules);
  if (!programs.ok())
    return std::fprintf(stderr, "layout: %s\n", programs.error().message.c_str()), 2;
  for (const auto& [table, layout] : (*programs)->layouts()) {
    for (const data::Layout::Field& f : layout.fields())
      std::printf("%s %s %s\n", table.c_str(), f.name.c_str(),
                  std::string(data::type_name(f.type)).c_str());
    if (!layout.text_gate()) continue;
    for (const std::string& literal : layout.text_gate()->literals()) {
      data::DynamicWriter json;
      json.string(literal);
      std::printf("%s ~ %s\n", table.c_str(), data::Dynamic(json.encoded()).json().c_str());
    }
  }
  return 0;
}
