// Any text as what a site adds to Sigma rules: as a processing pipeline and as filters, over a few
// rules that give every transformation and condition something to do.
#include <cstdint>
#include <string_view>
#include <vector>

#include "lang/sigma/filter.h"
#include "lang/sigma/pipeline.h"
#include "lang/sigma/sigma.h"

using namespace postern;

namespace {

constexpr std::string_view kRules = R"(title: One
id: 11111111-1111-1111-1111-111111111111
name: one
level: high
tags: [ attack.t1033 ]
logsource: { product: windows, category: process_creation }
detection:
  sel:
    Image|endswith: [ '\a*.exe', 'b?' ]
    Hashes|contains: [ 'MD5=00112233445566778899aabbccddeeff', 'SHA1=1' ]
    User|neq: null
    Count|gte: 5
  ref:
    Image|fieldref: ParentImage
    Admin|expand: '%admins%'
  words: [ one, 'two*' ]
  condition: sel or (1 of ref* and not words)
---
title: Two
name: two
logsource: { product: linux, service: auditd }
detection:
  sel: { type: EXECVE, a0|re: '^/tmp/.*' }
  condition: sel
---
title: Both
correlation:
  type: temporal
  rules: [ one, two ]
  group-by: [ who, Host ]
  timespan: 1m
  aliases: { who: { one: User, two: uid } }
---
title: Values
correlation:
  type: value_count
  rules: [ one ]
  group-by: [ User ]
  timespan: 1m
  condition: { gte: 2, field: [ Image, Count ] }
)";

/// The rules under what was given; correlations are fitted as the engine does it.
void read_rules(const lang::sigma::ReadOptions& options) {
  const Source file{"rules", kRules};
  Diagnostics diag;
  std::vector<plan::Rule> rules = lang::sigma::read(file, options, diag);
  plan::OpPtr any;
  for (const plan::Rule& r : rules)
    if (r.references.empty()) any = r.plan;
  for (plan::Rule& r : rules) {
    if (r.fit && any) r.fit(r, std::vector<plan::OpPtr>(r.references.size(), any), diag);
    to_text(*r.plan);
  }
  for (const Diagnostic& d : diag.all())
    render(file, d);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Source file{"fuzz", std::string_view(reinterpret_cast<const char*>(data), size)};
  lang::sigma::ReadOptions options;
  options.placeholders = {{"admins", {"x", "y*"}}};
  Diagnostics diag;
  lang::sigma::Pipelines pipelines;
  lang::sigma::Pipelines::recognises(file);
  pipelines.add(file, diag);
  options.pipelines = &pipelines;
  read_rules(options);

  lang::sigma::Filters filters;
  lang::sigma::Filters::may_hold(file);
  options.pipelines = nullptr;
  filters.add(file, options, diag);
  options.filters = &filters;
  read_rules(options);
  filters.warn_unused();
  for (const Diagnostic& d : diag.all())
    render(file, d);
  return 0;
}
