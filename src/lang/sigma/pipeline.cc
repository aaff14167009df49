#include "lang/sigma/pipeline.h"

#include <algorithm>

#include "base/text.h"
#include "lang/sigma/pipeline_transformations.h"

namespace postern::lang::sigma {

using adapt::YamlNode;

namespace {

constexpr std::string_view kKeys[] = {
    "name",       "priority",        "vars", "transformations", "postprocessing",
    "finalizers", "allowed_backends"};

PipelineVars read_vars(const YamlNode& node, Diagnostics& diag) {
  PipelineVars out;
  for (const YamlNode::Entry& e : node.entries) {
    std::vector<std::string>& values = out[e.key.text];
    if (e.value.is_scalar()) values.push_back(e.value.text);
    for (const YamlNode& item : e.value.items) {
      if (!item.is_scalar())
        diag.error("sigma-bad-pipeline", "a variable holds a value or a list of values", item.span);
      values.push_back(item.text);
    }
  }
  return out;
}

}  // namespace

bool Pipelines::recognises(const Source& file) {
  bool transformations = false;
  std::string_view text = file.text;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    transformations = transformations || line.substr(0, 16) == "transformations:";
    if (line.substr(0, 10) == "detection:" || line.substr(0, 12) == "correlation:") return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return transformations;
}

void Pipelines::add(const Source& file, Diagnostics& diag) {
  Diagnostics own;
  for (const YamlNode& doc : adapt::parse_yaml(file, own)) {
    if (doc.is_scalar() && doc.is_null()) continue;
    if (!doc.is_mapping()) {
      own.error("sigma-bad-pipeline", "a pipeline is a map with name, priority and transformations",
                doc.span);
      continue;
    }
    Pipeline p;
    p.name = doc.get("name");
    for (const YamlNode::Entry& e : doc.entries) {
      const std::vector<std::string_view> known(std::begin(kKeys), std::end(kKeys));
      if (std::find(known.begin(), known.end(), e.key.text) == known.end()) {
        const std::string near = nearest_name(e.key.text, known);
        own.error("sigma-bad-pipeline", "unknown key of a pipeline: " + e.key.text, e.key.span, "",
                  near.empty() ? "" : "did you mean `" + near + "`?");
      }
      const bool of_queries = e.key.text == "postprocessing" || e.key.text == "finalizers";
      if (of_queries && !(e.value.items.empty() && e.value.entries.empty()))
        own.warning("sigma-pipeline-ignored",
                    "`" + e.key.text + "` changes the text of queries for other engines",
                    e.key.span, "left out");
    }
    if (const YamlNode* priority = doc.find("priority")) {
      const auto n = parse_int(priority->text);
      if (!n) own.error("sigma-bad-pipeline", "`priority` is a whole number", priority->span);
      p.priority = n.value_or(0);
    }
    const YamlNode* vars = doc.find("vars");
    const PipelineVars values = vars ? read_vars(*vars, own) : PipelineVars{};
    const YamlNode* items = doc.find("transformations");
    if (!items || (!items->is_sequence() && !items->is_null())) {
      own.error("sigma-bad-pipeline", "a pipeline needs a list of transformations",
                items ? items->span : doc.span);
      continue;
    }
    for (const YamlNode& item : items->items)
      if (Action a = read_transformation(item, values, 0, own)) p.actions.push_back(std::move(a));
    pipelines_.push_back(std::move(p));
  }
  broken_ = broken_ || own.has_errors();
  for (const Diagnostic& d : own.all())
    diag.add(d);
  // Equal priorities keep the order in which they were given.
  std::stable_sort(pipelines_.begin(), pipelines_.end(),
                   [](const Pipeline& a, const Pipeline& b) { return a.priority < b.priority; });
}

void Pipelines::apply(RuleModel& rule, Diagnostics& diag) const {
  for (const Pipeline& p : pipelines_)
    for (const Action& a : p.actions)
      a(rule, diag);
}

}  // namespace postern::lang::sigma
