// Filter documents: what a site adds to published rules without editing them.
//
//   logsource: { … }
//   filter:
//     rules: [ id or name, … ]       or `any` (also `all`, or none named): every rule of the log
//                                    source
//     selection: { User: backup }
//     condition: not selection
//
// A rule becomes `(rule condition) and (filter condition)`, as the reference implementation does; a
// filter whose condition has no `not` therefore keeps only what it names, which is rarely meant: a
// warning tells. Names of the filter's selections are its own, whatever the rule calls its
// selections. A filter takes part in pipelines with each rule it applies to. Source: Sigma filters
// specification 2.1, and the draft 2.2 for `any`. Tests: tests/cases/sigma/filter_*.case.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "base/text.h"
#include "lang/sigma/rule_model.h"

namespace postern::lang::sigma {

struct ReadOptions;

/// The filters of a run.
class Filters {
 public:
  /// What was in a file.
  struct Count {
    size_t loaded = 0;
    size_t refused = 0;
  };

  /// Cheap: false when no line can begin a filter.
  static bool may_hold(const Source& file);

  /// Adds the filter documents of a file; others are left to read(). `diag` lives as long as this.
  Count add(const Source& file, const ReadOptions& options, Diagnostics& diag);

  bool empty() const { return filters_.empty(); }

  /// A correlation was read: filters change detections, which it has none of; those that name it
  /// are told so.
  void meets_correlation(std::string_view id, std::string_view name);

  /// Copies of what applies to a rule, and remembers that it did.
  std::vector<FilterPart> for_rule(std::string_view id,
                                   std::string_view name,
                                   const std::map<std::string, std::string>& logsource);

  /// Once all rules are read: warns of references to rules that are not there.
  void warn_unused();

 private:
  struct Reference {
    std::string text;
    Span span;
    bool used = false;

    bool is(std::string_view id, std::string_view name) const {
      return (!id.empty() && equal_ignore_case(text, id)) || (!name.empty() && text == name);
    }
  };

  struct Filter {
    FilterPart part;
    std::map<std::string, std::string> logsource;
    bool any = false;
    std::vector<Reference> rules;  // of `any`: one, never compared
    Diagnostics* diag = nullptr;
  };

  bool read(const adapt::YamlNode& doc, const ReadOptions& options, Diagnostics& diag);

  std::deque<Filter> filters_;
};

}  // namespace postern::lang::sigma
