// Detections to expressions: conjunctions, disjunctions, and the meaning of each item.
//
// A map is a conjunction, a list of maps a disjunction, a scalar among them a keyword. A list of
// values is one call of an n-ary function (`sigma.endswith(Image, "\\a.exe", "\\b.exe")`: any of
// them), or with `all` a conjunction of calls. Atoms are never null: a missing field makes them
// false, and so their negation true. Tests: tests/unit/lang/sigma/detection_test.cc,
// tests/cases/sigma.
#pragma once
#include "base/diagnostic.h"
#include "lang/sigma/detection_tree.h"
#include "match/sigma_pattern.h"
#include "plan/expr.h"

namespace postern::lang::sigma {

/// Texts that one value or one rule may stand for, after windash and placeholders.
inline constexpr size_t kMaxAlternativesPerValue = 15'625;  // six dashes
inline constexpr size_t kMaxAlternativesPerRule = 500'000;

class DetectionLowering {
 public:
  /// `strip_blanks`: Windows event fields lose the blanks of their names ("Threat Name").
  DetectionLowering(const Placeholders& placeholders, bool strip_blanks, Diagnostics& diag)
      : placeholders_(placeholders), strip_blanks_(strip_blanks), diag_(diag) {}

  /// The expression of one selection; null once errors were added.
  plan::ExprPtr lower(const Detection& detection);

  /// What is left of a selection whose items a pipeline dropped: true, and known as such.
  static const plan::ExprPtr& nothing();

 private:
  plan::ExprPtr item(const Item& item);
  plan::ExprPtr exists(const Modifiers& m, const std::vector<Scalar>& values, Span span);
  plan::ExprPtr field_reference(const Modifiers& m, const std::vector<Scalar>& values, Span span);
  plan::ExprPtr subject(const Modifiers& m) const;
  plan::ExprPtr call(const Modifiers& m, std::vector<plan::ExprPtr> literals, Span span) const;
  std::string column_name(std::string_view field) const;
  /// Literals that the value stands for (several for placeholders); none once an error was added.
  std::vector<plan::ExprPtr> literals(const Modifiers& m, const Scalar& value);
  plan::ExprPtr encoded(const Modifiers& m, std::string text, const Scalar& value);
  bool check_base64(Encoding encoding, const match::SigmaPattern& p, const Scalar& value);
  bool check_regex(const Modifiers& m, const std::string& pattern, const Scalar& value);
  bool check_cidr(const std::string& text, const Scalar& value);
  plan::ExprPtr number(const Modifiers& m, const Scalar& value);
  bool take_alternatives(size_t count, const Scalar& value);
  void bad_value(const Modifiers& m, const Scalar& value, std::string_view wanted);

  const Placeholders& placeholders_;
  bool strip_blanks_;
  Diagnostics& diag_;
  size_t alternatives_ = 0;
};

}  // namespace postern::lang::sigma
