#include "exec/functions/sigma_patterns.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/text.h"
#include "data/dynamic.h"
#include "match/sigma_pattern.h"

namespace postern::exec {

using data::Type;
using match::SigmaPattern;
using match::Wildcard;

namespace {

/// Up to here values are compared one by one, without folding the text into a copy.
constexpr size_t kFew = 4;

bool contains_sorted(const std::vector<int64_t>& sorted, int64_t n) {
  return std::binary_search(sorted.begin(), sorted.end(), n);
}

}  // namespace

void SigmaPatterns::add(const data::Value& v) {
  if (v.is_null()) return;
  switch (v.type()) {
    case Type::kString:
      return add_pattern(v.as_bytes());
    case Type::kBool: {
      // Sources spell booleans in every way; that is no question of case.
      const bool b = v.as_bool();
      exact_.emplace_back(b ? "true" : "false");
      if (cased_) exact_.insert(exact_.end(), {b ? "True" : "False", b ? "TRUE" : "FALSE"});
      return;
    }
    case Type::kInt:
    case Type::kLong:
    case Type::kReal:
      return add_number(v);
    case Type::kDynamic: {
      const data::Dynamic d(v.as_bytes());
      if (!d.is_array()) return add_pattern(d.text());
      for (uint32_t i = 0; i < d.size(); ++i)
        add_pattern(d.at(i).text());
      return;
    }
    default:
      return add_pattern(match::SigmaPattern::literal(v.text()).text());
  }
}

void SigmaPatterns::add_number(const data::Value& v) {
  if (op_ != Operator::kEquals) return add_pattern(v.text());
  if (v.type() == Type::kReal)
    reals_.push_back(v.as_real());
  else
    integers_.push_back(v.as_int());
}

void SigmaPatterns::add_pattern(std::string_view text) {
  const bool open_start = op_ == Operator::kContains || op_ == Operator::kEndsWith;
  const bool open_end = op_ == Operator::kContains || op_ == Operator::kStartsWith;
  Wildcard w = SigmaPattern::parse(text).wildcard(open_start, open_end, !cased_);
  switch (w.shape()) {
    case Wildcard::Shape::kAny:
      any_ = true;
      return;
    case Wildcard::Shape::kExact:
      exact_.push_back(w.sole_literal());
      return;
    case Wildcard::Shape::kPrefix:
      prefixes_.push_back(w.sole_literal());
      break;
    case Wildcard::Shape::kSuffix:
      suffixes_.push_back(w.sole_literal());
      break;
    case Wildcard::Shape::kContains:
      contained_.push_back(w.sole_literal());
      break;
    case Wildcard::Shape::kGeneral:
      wildcards_.push_back(std::move(w));
      break;
  }
  takes_integers_ = false;
}

std::vector<SigmaPatterns::ByLength> SigmaPatterns::by_length(
    const std::vector<std::string>& literals) {
  std::map<size_t, std::unordered_set<std::string_view>> sorted;
  for (const std::string& s : literals)
    sorted[s.size()].insert(s);
  std::vector<ByLength> out;
  for (auto& [length, texts] : sorted)
    out.push_back({length, std::move(texts)});
  return out;
}

void SigmaPatterns::seal() {
  std::sort(integers_.begin(), integers_.end());
  integer_texts_ = integers_;
  for (const double r : reals_)
    if (r >= -9.2e18 && r <= 9.2e18 && static_cast<double>(static_cast<int64_t>(r)) == r)
      integer_texts_.push_back(static_cast<int64_t>(r));
  for (const std::string& s : exact_)
    if (const auto i = parse_int(s); i && std::to_string(*i) == s) integer_texts_.push_back(*i);
  std::sort(integer_texts_.begin(), integer_texts_.end());

  if (exact_.size() > kFew) exact_index_.insert(exact_.begin(), exact_.end());
  if (prefixes_.size() > kFew) prefix_index_ = by_length(prefixes_);
  if (suffixes_.size() > kFew) suffix_index_ = by_length(suffixes_);
  if (contained_.size() > kFew) {
    for (const std::string& s : contained_)
      scan_.add(match::LiteralIndex::Place::kPart, s);
    scan_.seal();
  }
  has_many_ =
      !exact_index_.empty() || !prefix_index_.empty() || !suffix_index_.empty() || !scan_.empty();
}

bool SigmaPatterns::matches_few(std::string_view text) const {
  const auto any_of = [](const std::vector<std::string>& list, auto&& test) {
    return list.size() <= kFew && std::any_of(list.begin(), list.end(), test);
  };
  if (cased_) {
    const auto ends = [&](const std::string& s) {
      return text.size() >= s.size() && text.substr(text.size() - s.size()) == s;
    };
    return any_of(exact_, [&](const std::string& s) { return text == s; }) ||
           any_of(prefixes_, [&](const std::string& s) { return text.substr(0, s.size()) == s; }) ||
           any_of(suffixes_, ends) || any_of(contained_, [&](const std::string& s) {
             return text.find(s) != std::string_view::npos;
           });
  }
  return any_of(exact_, [&](const std::string& s) { return equal_ignore_case(text, s); }) ||
         any_of(suffixes_, [&](const std::string& s) { return ends_with_ignore_case(text, s); }) ||
         any_of(prefixes_,
                [&](const std::string& s) { return starts_with_ignore_case(text, s); }) ||
         any_of(contained_, [&](const std::string& s) {
           return find_ignore_case(text, s) != std::string_view::npos;
         });
}

bool SigmaPatterns::matches_many(std::string_view folded) const {
  if (!exact_index_.empty() && exact_index_.count(folded)) return true;
  for (const ByLength& l : prefix_index_)
    if (l.length <= folded.size() && l.texts.count(folded.substr(0, l.length))) return true;
  for (const ByLength& l : suffix_index_)
    if (l.length <= folded.size() && l.texts.count(folded.substr(folded.size() - l.length)))
      return true;
  return !scan_.empty() && scan_.any(folded);
}

bool SigmaPatterns::matches_number(std::string_view text) const {
  const std::string_view s = trim(text);
  if (s.empty() || !(ascii_digit(s[0]) || s[0] == '-' || s[0] == '+' || s[0] == '.')) return false;
  if (const auto i = parse_int(s); i && contains_sorted(integers_, *i)) return true;
  const auto r = parse_real(s);
  if (!r) return false;
  return std::find(reals_.begin(), reals_.end(), *r) != reals_.end() ||
         std::any_of(integers_.begin(), integers_.end(),
                     [&](int64_t i) { return static_cast<double>(i) == *r; });
}

bool SigmaPatterns::matches(int64_t n) const {
  return any_ || contains_sorted(integer_texts_, n);
}

bool SigmaPatterns::matches(std::string_view text, std::string& scratch) const {
  if (any_ || matches_few(text)) return true;
  if (has_many_) {
    if (cased_) {
      if (matches_many(text)) return true;
    } else {
      fold(text, scratch);
      if (matches_many(scratch)) return true;
    }
  }
  for (const Wildcard& w : wildcards_)
    if (w.matches(text)) return true;
  return (!integers_.empty() || !reals_.empty()) && matches_number(text);
}

}  // namespace postern::exec
