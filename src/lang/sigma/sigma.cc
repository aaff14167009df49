#include "lang/sigma/sigma.h"

#include <algorithm>
#include <limits>

#include "adapt/yaml.h"
#include "base/text.h"
#include "lang/sigma/rule.h"

namespace postern::lang::sigma {

using adapt::YamlNode;

namespace {

/// The key at the start of a line, without quotes and blanks: "detection" of `detection:`.
std::string_view line_key(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.empty() || ascii_space(line[0])) return {};
  std::string_view key = trim(line.substr(0, colon));
  if (key.size() >= 2 && (key[0] == '"' || key[0] == '\'') && key.back() == key[0])
    key = key.substr(1, key.size() - 2);
  return key;
}

/// `action: global` and its like: parts of rules in several documents, removed from Sigma.
const YamlNode::Entry* multi_document_action(const std::vector<YamlNode>& documents) {
  for (const YamlNode& d : documents)
    for (const YamlNode::Entry& e : d.entries)
      if (e.key.text == "action" && e.value.is_scalar() &&
          (e.value.text == "global" || e.value.text == "reset" || e.value.text == "repeat"))
        return &e;
  return nullptr;
}

/// Whether a place lies in one of the documents that are no YAML (or at the end of one).
bool in_any(const std::vector<Span>& documents, uint32_t at) {
  return std::any_of(documents.begin(), documents.end(),
                     [at](const Span& d) { return at >= d.begin && at <= d.end; });
}

}  // namespace

std::vector<plan::Rule> read(const Source& file, const ReadOptions& options, Diagnostics& diag) {
  std::vector<plan::Rule> rules;
  size_t refused = 0;
  Diagnostics yaml;
  std::vector<Span> broken;
  const std::vector<YamlNode> documents = adapt::parse_yaml(file, yaml, &broken);
  for (const Diagnostic& d : yaml.all())
    diag.add(d);
  if (const YamlNode::Entry* action = multi_document_action(documents)) {
    diag.error("sigma-unsupported", "multi-document rule (`action: " + action->value.text + "`)",
               {action->key.span.begin, action->value.span.end}, "removed from Sigma",
               "write whole rules, one per document");
    if (options.num_refused) *options.num_refused += documents.size() + broken.size();
    return rules;
  }
  for (size_t i = 0; i < documents.size(); ++i) {
    const YamlNode& d = documents[i];
    if (d.is_scalar() && d.is_null()) continue;  // between `---` and `---`
    if (d.is_mapping() && d.find("filter") && !d.find("detection")) continue;  // filter.h reads it
    Diagnostics own;
    std::optional<plan::Rule> rule = read_rule(d, file, options, own);
    for (const Diagnostic& o : own.all())
      diag.add(o);
    // What YAML had to leave out of a document (a key given twice) is missing from its rule.
    const uint32_t begin = i == 0 ? 0 : d.span.begin;
    const uint32_t end = i + 1 < documents.size() ? documents[i + 1].span.begin
                                                  : std::numeric_limits<uint32_t>::max();
    const bool damaged =
        std::any_of(yaml.all().begin(), yaml.all().end(), [&](const Diagnostic& y) {
          return y.severity == Severity::kError && y.primary.begin >= begin &&
                 y.primary.begin < end && !in_any(broken, y.primary.begin);
        });
    if (rule && !damaged && !own.has_errors())
      rules.push_back(std::move(*rule));
    else
      ++refused;
  }
  if (options.num_refused) *options.num_refused += refused + broken.size();
  return rules;
}

bool recognises(const Source& file) {
  bool detection = false;
  bool correlation = false;
  bool filter = false;
  bool log_source = false;
  std::string_view text = file.text;
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view key = line_key(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    detection = detection || key == "detection";
    correlation = correlation || key == "correlation";
    filter = filter || key == "filter";
    log_source = log_source || key == "logsource";
    // Splunk's and Sentinel's rule files hold a query, and may have keys of the same names.
    if (key == "search" || key == "query") return false;
  }
  return detection || correlation || (filter && log_source);
}

}  // namespace postern::lang::sigma
