#include "lang/sigma/logsource.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace postern::lang::sigma {

using adapt::YamlNode;

bool read_logsource(const YamlNode& document,
                    std::map<std::string, std::string>& out,
                    Diagnostics& diag) {
  static constexpr std::string_view kKeys[] = {"category", "product", "service"};
  const YamlNode::Entry* e = nullptr;
  for (const YamlNode::Entry& entry : document.entries)
    if (entry.key.is_scalar() && entry.key.text == "logsource") e = &entry;
  if (!e) {
    // The first key stands for the document: it has no line of its own.
    const Span head = document.entries.empty() ? document.span : document.entries[0].key.span;
    diag.error("sigma-no-logsource", "a rule needs a logsource",
               {head.begin,
                std::max(head.end, document.entries.empty() ? head.end
                                                            : document.entries[0].value.span.end)});
    return false;
  }
  if (!e->value.is_mapping()) {
    diag.error("sigma-bad-logsource", "a logsource is a map of category, product and service",
               e->value.span);
    return false;
  }
  bool ok = true;
  const std::vector<std::string_view> known(std::begin(kKeys), std::end(kKeys));
  for (const YamlNode::Entry& a : e->value.entries) {
    if (std::find(known.begin(), known.end(), a.key.text) == known.end()) {
      const std::string near = nearest_name(a.key.text, known);
      if (near.empty() || a.key.text == "definition") continue;
      // Leaving it out would make the rule run on more than its author meant.
      diag.error("sigma-bad-logsource", "unknown logsource attribute: " + a.key.text, a.key.span,
                 "", "did you mean `" + near + "`?");
      ok = false;
    } else if (!a.value.is_scalar()) {
      diag.error("sigma-bad-logsource", "`" + a.key.text + "` is one value", a.value.span);
      ok = false;
    } else if (!a.value.is_null() && !a.value.text.empty()) {
      out[a.key.text] = fold(a.value.text);
    }
  }
  if (ok && out.empty()) {
    diag.error("sigma-bad-logsource", "a logsource needs a category, a product or a service",
               e->key.span);
    ok = false;
  }
  return ok;
}

}  // namespace postern::lang::sigma
