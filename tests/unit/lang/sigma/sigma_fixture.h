// Reads a rule, binds it to a table made after one event, and says whether the event matches.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "data/dynamic.h"
#include "lang/sigma/sigma.h"
#include "plan/bind.h"

namespace postern::lang::sigma::test {

struct ReadResult {
  std::vector<plan::Rule> rules;
  Diagnostics diag;
  std::string text;

  /// All diagnostics as shown to people.
  std::string messages() const;
  /// "code: message" of each diagnostic, one per line.
  std::string summary() const;
};

ReadResult read_text(std::string text, const ReadOptions& options = {});
/// Reads a rule around a detection, whose lines are indented by two blanks.
ReadResult read_detection(std::string_view detection, const ReadOptions& options = {});
/// The unbound condition of the only rule, as text; the diagnostics when there is none.
std::string condition_text(const ReadResult& r);
std::string condition_of(std::string_view detection, const ReadOptions& options = {});

/// One event: a JSON object with fields of any type, and the text of its record.
class Event {
 public:
  explicit Event(std::string_view json, std::string_view raw = "");
  data::Value value(std::string_view column) const;

  data::Dynamic fields() const { return data::Dynamic(encoded_); }

 private:
  std::string encoded_;
  std::string values_;
  std::string raw_;
};

plan::BindContext bind_context(const plan::Catalog& catalog);
/// The rule's condition bound (not optimized) against a table that `event` would come from; null
/// and messages in `error` when it cannot be.
plan::ExprPtr bound_condition(const ReadResult& r, const Event& event, std::string& error);

/// Whether an expression bound over native columns holds for the event; null always does.
bool holds(const plan::ExprPtr& where, const Event& event);

/// "yes", "no", or what went wrong.
std::string matches(const ReadResult& r, const Event& event);
std::string matches(std::string_view detection,
                    std::string_view event_json,
                    std::string_view raw = "");

/// Text of a file beside the project (POSTERN_SHARED), or "" where it is not at hand.
std::string shared_file(const std::string& name);
std::string shared_folder();

}  // namespace postern::lang::sigma::test
