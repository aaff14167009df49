// The values of one Sigma item, prepared together: does a text equal, contain, begin or end with
// any of them?
//
// Values are sorted by shape: whole texts, prefixes and suffixes by hash (suffixes and prefixes
// once per length), substrings by one scan (match/literal_index.h), the rest as wildcards. Case is
// ignored by folding the text once; a few values are compared in place without a copy. Numbers
// equal texts that are written as the same number ("7", "7.0") and columns of numbers without
// becoming text. Tests: tests/unit/lang/sigma/functions_test.cc, patterns_test.cc (against Wildcard
// alone).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "data/value.h"
#include "match/literal_index.h"
#include "match/wildcard.h"

namespace postern::exec {

class SigmaPatterns {
 public:
  enum class Operator : uint8_t { kEquals, kContains, kStartsWith, kEndsWith };

  SigmaPatterns(Operator op, bool cased) : op_(op), cased_(cased) {}

  /// Pattern text, number, boolean, or a dynamic array of pattern texts (what windash and base64
  /// give).
  void add(const data::Value& v);
  void seal();

  /// `scratch` is a buffer of the caller, one per thread.
  bool matches(std::string_view text, std::string& scratch) const;

  /// True when integers can be compared as such: no value is about parts of their text.
  bool takes_integers() const { return takes_integers_; }

  bool matches(int64_t n) const;

 private:
  /// Texts of one length each, for prefixes and suffixes.
  struct ByLength {
    size_t length;
    std::unordered_set<std::string_view> texts;
  };

  void add_pattern(std::string_view text);
  void add_number(const data::Value& v);
  static std::vector<ByLength> by_length(const std::vector<std::string>& literals);
  bool matches_few(std::string_view text) const;
  bool matches_many(std::string_view folded) const;
  bool matches_number(std::string_view text) const;

  Operator op_;
  bool cased_;
  bool any_ = false;                // `*`: every text
  std::vector<std::string> exact_;  // literals of each shape, folded unless cased
  std::vector<std::string> prefixes_;
  std::vector<std::string> suffixes_;
  std::vector<std::string> contained_;
  std::vector<match::Wildcard> wildcards_;
  std::vector<int64_t> integers_;  // sorted
  std::vector<double> reals_;
  // Indexes over the lists above that have more than a few members.
  bool has_many_ = false;
  std::unordered_set<std::string_view> exact_index_;
  std::vector<ByLength> prefix_index_;
  std::vector<ByLength> suffix_index_;
  match::LiteralIndex scan_;
  bool takes_integers_ = true;
  std::vector<int64_t> integer_texts_;  // sorted: every value that an integer's text can equal
};

}  // namespace postern::exec
