// Any text as a search and as a rule file: errors with places inside the text, or a plan that
// prints.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "lang/spl/spl.h"
#include "plan/op.h"

using postern::Diagnostic;
using postern::Diagnostics;
using postern::Source;

namespace {

const postern::lang::spl::MacroLibrary& macros() {
  static const auto* library = [] {
    auto* l = new postern::lang::spl::MacroLibrary;
    l->builtin.add({"m", {}, "a=1 OR b=2", false, ""});
    l->builtin.add({"f", {"x"}, "rename $x$ as y | `m`", false, ""});
    l->builtin.add({"loop", {}, "`loop`", false, ""});
    return l;
  }();
  return *library;
}

void check_places(const Diagnostics& diag, size_t size) {
  for (const Diagnostic& d : diag.all())
    if (d.primary.begin > d.primary.end || d.primary.end > size + 1) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  {
    Diagnostics diag;
    auto plan = postern::lang::spl::read_query(Source{"query.spl", text}, {&macros()}, diag);
    if (plan)
      (void)postern::plan::to_text(**plan);
    else if (!diag.has_errors())
      std::abort();
    check_places(diag, size);
    for (const Diagnostic& d : diag.all())
      (void)postern::render(Source{"query.spl", text}, d);
  }
  {
    // The same text inside a detection: quoted scalars map their places differently.
    std::string yaml = "name: x\nsearch: '";
    for (const char c : text) {
      yaml += c;
      if (c == '\'') yaml += c;
    }
    yaml += "'\n";
    Diagnostics diag;
    (void)postern::lang::spl::read(Source{"x.yml", yaml}, {&macros()}, diag);
    check_places(diag, yaml.size());
  }
  return 0;
}
