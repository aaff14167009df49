// Sigma's functions: what each means, and how they are registered.
//
// Tests of a field (bool, never null; a missing field is false; of a multivalue field one member is
// enough; text ignores case unless the name ends in _cased):
//   sigma.equals(f, v…)        whole value: pattern text with wildcards, number (also as text),
//   boolean sigma.contains, .startswith, .endswith(f, v…)   part of the value; patterns too
//   sigma.re[_i|_m|_s|…](f, r…)  a regular expression matches somewhere; with its case unless _i
//   sigma.cidr(f, n…)          an address of one of the networks
//   sigma.lt, .lte, .gt, .gte(f, n…)   as numbers; what is no number is false
//   sigma.is_null(f)           missing, null or ""
//   sigma.exists(f)            there at all, even empty
//   sigma.field_equals, _contains, _startswith, _endswith(f, g)   against another field of the
//   event sigma.keyword(_values, _raw, v…)   in any value of the event, or in the record's text
// Parts of a time, as written, without conversion between zones (null for what is no time):
//   sigma.minute, .hour, .day, .week, .month, .year(f)
// Texts that a value stands for (pattern text or an array of them to an array; folded when bound):
//   sigma.windash, .base64, .base64offset, .wide, .utf16be, .utf16(v)
// Source: Sigma specification 2.1, appendix "Modifiers". Tests: tests/unit/lang/sigma,
// tests/cases/sigma.
#pragma once
#include "plan/function.h"

namespace postern::exec {

void register_sigma_tests(plan::FunctionCatalog& catalog);  // sigma.cc
void register_sigma_fields(
    plan::FunctionCatalog& catalog);  // sigma_fields.cc: presence, order, fieldref
void register_sigma_times(plan::FunctionCatalog& catalog);      // sigma_times.cc
void register_sigma_encodings(plan::FunctionCatalog& catalog);  // sigma_encodings.cc

/// A definition with what all of Sigma's share.
plan::FunctionDef sigma_function(std::string name,
                                 int min_args,
                                 int max_args,
                                 plan::Kernel kernel,
                                 std::string symbol,
                                 std::string doc);

}  // namespace postern::exec
