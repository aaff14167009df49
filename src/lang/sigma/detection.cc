#include "lang/sigma/detection.h"

#include <algorithm>
#include <utility>

#include "data/batch.h"
#include "match/ip.h"
#include "match/regex.h"
#include "match/sigma_pattern.h"

namespace postern::lang::sigma {

using adapt::YamlNode;
using data::Value;
using plan::ExprPtr;

namespace {

std::string_view comparison_name(Comparison c) {
  static constexpr std::string_view kNames[] = {"equals", "contains", "startswith", "endswith",
                                                "re",     "cidr",     "lt",         "lte",
                                                "gt",     "gte",      "exists"};
  return kNames[static_cast<size_t>(c)];
}

std::string_view encoding_function(Encoding e) {
  static constexpr std::string_view kNames[] = {"sigma.windash",      "sigma.base64",
                                                "sigma.base64offset", "sigma.wide",
                                                "sigma.utf16be",      "sigma.utf16"};
  return kNames[static_cast<size_t>(e)];
}

bool is_text_comparison(Comparison c) {
  return c <= Comparison::kEndsWith;
}

bool is_order(Comparison c) {
  return c >= Comparison::kLess && c <= Comparison::kGreaterEqual;
}

std::string function_name(const Modifiers& m) {
  std::string name = "sigma." + std::string(comparison_name(m.comparison));
  if (m.comparison == Comparison::kRegex) {
    if (m.ignore_case || m.multi_line || m.dot_all) name += "_";
    if (m.ignore_case) name += "i";
    if (m.multi_line) name += "m";
    if (m.dot_all) name += "s";
  }
  if (m.cased) name += "_cased";
  return name;
}

/// The value's own words where an anchor is asked for: `re|startswith`.
std::string anchored(const Modifiers& m, const std::string& pattern) {
  switch (m.anchor) {
    case Anchor::kStart:
      return "\\A(?:" + pattern + ")";
    case Anchor::kEnd:
      return "(?:" + pattern + ")\\z";
    case Anchor::kAnywhere:
      break;
  }
  return pattern;
}

/// What an encoding made of a value; windash is only counted.
struct Encoded {
  match::SigmaPattern pattern;
  size_t num_texts = 1;
};

void encode(Encoding encoding, const Encoded& from, std::vector<Encoded>& out) {
  const auto add = [&](match::SigmaPattern p) { out.push_back({std::move(p), from.num_texts}); };
  switch (encoding) {
    case Encoding::kWindash: {
      size_t num_texts = from.num_texts;
      for (size_t i = match::count_sigma_dashes(from.pattern);
           i > 0 && num_texts <= kMaxAlternativesPerValue; --i)
        num_texts *= match::kNumSigmaDashes;
      out.push_back({from.pattern, num_texts});
      return;
    }
    case Encoding::kBase64:
      return add(match::SigmaPattern::literal(match::base64(from.pattern.literal_text())));
    case Encoding::kBase64Offset:
      for (const std::string& s : match::base64_at_offsets(from.pattern.literal_text()))
        add(match::SigmaPattern::literal(s));
      return;
    case Encoding::kUtf16LittleEndian:
      return add(match::sigma_utf16(from.pattern, match::Utf16Form::kLittleEndian));
    case Encoding::kUtf16BigEndian:
      return add(match::sigma_utf16(from.pattern, match::Utf16Form::kBigEndian));
    case Encoding::kUtf16:
      return add(match::sigma_utf16(from.pattern, match::Utf16Form::kWithMark));
  }
}

}  // namespace

ExprPtr DetectionLowering::lower(const Detection& detection) {
  if (detection.kind == Detection::Kind::kItem) return item(detection.item);
  std::vector<ExprPtr> terms;
  bool ok = true;
  for (const Detection& part : detection.parts) {
    ExprPtr e = lower(part);
    ok = ok && e;
    // A part that a pipeline emptied says nothing.
    if (e && e != nothing()) terms.push_back(std::move(e));
  }
  if (!ok) return nullptr;
  if (terms.empty()) return nothing();
  return detection.kind == Detection::Kind::kAll
             ? plan::conjunction(std::move(terms), detection.span)
             : plan::disjunction(std::move(terms), detection.span);
}

const ExprPtr& DetectionLowering::nothing() {
  static const ExprPtr kNothing = plan::literal(Value::boolean(true));
  return kNothing;
}

ExprPtr DetectionLowering::item(const Item& item) {
  const Modifiers& m = item.modifiers;
  const std::vector<Scalar>& values = item.values;
  const Span span = item.span;
  const bool needs_field = m.comparison == Comparison::kExists || m.field_reference ||
                           !m.time_part.empty() || is_order(m.comparison) || values.empty();
  if (m.field.empty() && needs_field) {
    diag_.error("sigma-bad-keyword", "this needs a field: a keyword is searched for in every field",
                span);
    return nullptr;
  }
  ExprPtr out;
  if (m.comparison == Comparison::kExists) {
    out = exists(m, values, span);
  } else if (m.field_reference) {
    out = field_reference(m, values, span);
  } else {
    std::vector<ExprPtr> terms;
    std::vector<ExprPtr> any;  // values of one call
    bool ok = true;
    const bool plain =
        m.comparison == Comparison::kEquals && m.encodings.empty() && m.time_part.empty();
    if (values.empty()) terms.push_back(plan::call("sigma.is_null", {subject(m)}, span));
    for (const Scalar& v : values) {
      if (v.kind == Scalar::Kind::kNull && plain && !m.field.empty()) {
        terms.push_back(plan::call("sigma.is_null", {subject(m)}, span));
        continue;
      }
      std::vector<ExprPtr> found = literals(m, v);
      ok = ok && !found.empty();
      if (m.all && !found.empty())
        terms.push_back(call(m, std::move(found), span));
      else
        any.insert(any.end(), found.begin(), found.end());
    }
    if (!ok) return nullptr;
    if (!any.empty()) terms.push_back(call(m, std::move(any), span));
    out = m.all ? plan::conjunction(std::move(terms), span)
                : plan::disjunction(std::move(terms), span);
  }
  return out && m.negated ? plan::negation(std::move(out)) : out;
}

ExprPtr DetectionLowering::exists(const Modifiers& m,
                                  const std::vector<Scalar>& values,
                                  Span span) {
  if (values.size() != 1 || values[0].kind != Scalar::Kind::kBool) {
    diag_.error("sigma-bad-value", "`exists` takes true or false",
                values.empty() ? span : values[0].span);
    return nullptr;
  }
  ExprPtr e = plan::call("sigma.exists", {subject(m)}, span);
  return values[0].value.as_bool() ? e : plan::negation(std::move(e));
}

ExprPtr DetectionLowering::field_reference(const Modifiers& m,
                                           const std::vector<Scalar>& values,
                                           Span span) {
  std::vector<ExprPtr> terms;
  bool ok = true;
  for (const Scalar& v : values) {
    if (v.kind != Scalar::Kind::kText || v.text.empty()) {
      diag_.error("sigma-bad-value",
                  "`fieldref` takes the name of a field, not " + std::string(kind_name(v.kind)),
                  v.span);
      ok = false;
      continue;
    }
    const std::string function =
        "sigma.field_" + std::string(comparison_name(m.comparison)) + (m.cased ? "_cased" : "");
    terms.push_back(
        plan::call(function, {subject(m), plan::column(column_name(v.text), v.span)}, span));
  }
  if (!ok) return nullptr;
  return m.all ? plan::conjunction(std::move(terms), span)
               : plan::disjunction(std::move(terms), span);
}

std::string DetectionLowering::column_name(std::string_view field) const {
  std::string out(field);
  if (strip_blanks_) std::erase(out, ' ');
  return out;
}

ExprPtr DetectionLowering::subject(const Modifiers& m) const {
  ExprPtr column = plan::column(column_name(m.field), m.field_span);
  return m.time_part.empty()
             ? column
             : plan::call("sigma." + m.time_part, {std::move(column)}, m.field_span);
}

ExprPtr DetectionLowering::call(const Modifiers& m,
                                std::vector<ExprPtr> literals,
                                Span span) const {
  const auto with = [&](std::string function, std::vector<ExprPtr> subjects) {
    subjects.insert(subjects.end(), literals.begin(), literals.end());
    return plan::call(std::move(function), std::move(subjects), span);
  };
  if (!m.field.empty()) return with(function_name(m), {subject(m)});
  const ExprPtr values = plan::column(std::string(data::kValuesColumn), span);
  // Of records that are text; what a binary one would be as XML has names in it that are no values.
  const ExprPtr raw = plan::column(std::string(data::kTextColumn), span);
  if (m.comparison <= Comparison::kContains)
    return with(m.cased ? "sigma.keyword_cased" : "sigma.keyword", {values, raw});
  // An expression may run across fields of the raw record; an anchor or an address is about one
  // value.
  if (m.comparison == Comparison::kRegex && m.anchor == Anchor::kAnywhere)
    return plan::disjunction({with(function_name(m), {values}), with(function_name(m), {raw})},
                             span);
  return with(function_name(m), {values});
}

void DetectionLowering::bad_value(const Modifiers& m,
                                  const Scalar& value,
                                  std::string_view wanted) {
  std::string what =
      m.field.empty() ? "a keyword" : "`" + std::string(comparison_name(m.comparison)) + "`";
  if (!m.time_part.empty())
    what = "`" + m.time_part + "`";
  else if (!m.encodings.empty())
    what = "`" + std::string(encoding_function(m.encodings[0]).substr(6)) + "`";
  diag_.error(
      "sigma-bad-value",
      what + " takes " + std::string(wanted) + ", not " + std::string(kind_name(value.kind)),
      value.span);
}

bool DetectionLowering::take_alternatives(size_t count, const Scalar& value) {
  if (count > kMaxAlternativesPerValue || alternatives_ + count > kMaxAlternativesPerRule) {
    diag_.error(
        "sigma-too-many-alternatives",
        count > kMaxAlternativesPerValue
            ? "this value stands for more than " + std::to_string(kMaxAlternativesPerValue) +
                  " texts"
            : "this rule has more than " + std::to_string(kMaxAlternativesPerRule) + " values",
        value.span);
    return false;
  }
  alternatives_ += count;
  return true;
}

ExprPtr DetectionLowering::number(const Modifiers& m, const Scalar& value) {
  if (value.kind == Scalar::Kind::kNumber) return plan::literal(value.value, value.span);
  if (value.kind == Scalar::Kind::kText) {
    YamlNode unquoted;
    unquoted.text = value.text;
    unquoted.plain = true;
    const Scalar inner = scalar_of(unquoted);
    if (inner.kind == Scalar::Kind::kNumber) {
      diag_.warning("sigma-quoted-number", "a number in quotes is read as a number", value.span, "",
                    "write it without quotes");
      return plan::literal(inner.value, value.span);
    }
  }
  bad_value(m, value, "a number");
  return nullptr;
}

std::vector<ExprPtr> DetectionLowering::literals(const Modifiers& m, const Scalar& value) {
  if (is_order(m.comparison) || !m.time_part.empty()) {
    ExprPtr n = number(m, value);
    if (!n || !take_alternatives(1, value)) return {};
    return {n};
  }
  if (value.kind == Scalar::Kind::kNull) {
    bad_value(m, value, "a text");
    return {};
  }
  const bool typed = m.comparison == Comparison::kEquals && m.encodings.empty() && !m.field.empty();
  if (typed && value.kind != Scalar::Kind::kText) {
    if (!take_alternatives(1, value)) return {};
    return {plan::literal(value.value, value.span)};
  }
  std::vector<std::string> texts = {value.text};
  if (m.expand) {
    const PlaceholderStyle style = is_text_comparison(m.comparison)     ? PlaceholderStyle::kPattern
                                   : m.comparison == Comparison::kRegex ? PlaceholderStyle::kRegex
                                                                        : PlaceholderStyle::kPlain;
    texts = expand_placeholders(value, placeholders_, style, kMaxAlternativesPerValue, diag_);
  }
  std::vector<ExprPtr> out;
  for (std::string& text : texts) {
    ExprPtr e;
    if (m.comparison == Comparison::kRegex) {
      text = anchored(m, text);
      if (check_regex(m, text, value) && take_alternatives(1, value))
        e = plan::literal(Value::string(std::move(text)), value.span);
    } else if (m.comparison == Comparison::kCidr) {
      if (check_cidr(text, value) && take_alternatives(1, value))
        e = plan::literal(Value::string(std::move(text)), value.span);
    } else {
      e = encoded(m, std::move(text), value);
    }
    if (!e) return {};
    out.push_back(std::move(e));
  }
  return out;
}

bool DetectionLowering::check_regex(const Modifiers& m,
                                    const std::string& pattern,
                                    const Scalar& value) {
  match::RegexFlags flags;
  flags.ignore_case = m.ignore_case;
  flags.multi_line = m.multi_line;
  flags.dot_all = m.dot_all;
  const auto compiled = match::Regex::compile(pattern, match::RegexDialect::kSigma, flags);
  if (!compiled)
    diag_.error("sigma-bad-regex", "not a regular expression: " + compiled.error().message,
                value.span);
  return compiled.ok();
}

bool DetectionLowering::check_cidr(const std::string& text, const Scalar& value) {
  if (match::Cidr::parse(text, true)) return true;
  const auto loose = match::Cidr::parse(text);
  diag_.error("sigma-bad-cidr", "not a network: " + text, value.span,
              loose ? "bits are set beyond the prefix" : "",
              loose ? "" : "write address/prefix, as in 10.0.0.0/8");
  return false;
}

// The published text as a literal inside of one call per encoding. What the encodings make of it is
// worked out once here, only to refuse what would match everything or take too much room.
ExprPtr DetectionLowering::encoded(const Modifiers& m, std::string text, const Scalar& value) {
  std::vector<Encoded> all;
  if (!m.encodings.empty()) all.push_back({match::SigmaPattern::parse(text), 1});
  ExprPtr e = plan::literal(Value::string(std::move(text)), value.span);
  for (const Encoding encoding : m.encodings) {
    e = plan::call(std::string(encoding_function(encoding)), {std::move(e)}, value.span);
    std::vector<Encoded> next;
    for (const Encoded& one : all) {
      if (!check_base64(encoding, one.pattern, value)) return nullptr;
      encode(encoding, one, next);
    }
    all = std::move(next);
  }
  size_t count = all.empty() ? 1 : 0;
  for (const Encoded& one : all)
    count += one.num_texts;
  return take_alternatives(count, value) ? e : nullptr;
}

bool DetectionLowering::check_base64(Encoding encoding,
                                     const match::SigmaPattern& p,
                                     const Scalar& value) {
  if (encoding != Encoding::kBase64 && encoding != Encoding::kBase64Offset) return true;
  if (p.has_wildcards()) {
    diag_.error("sigma-bad-value", "base64 of a text with wildcards", value.span, "",
                "escape a literal `*` or `?` with a backslash");
    return false;
  }
  if (encoding == Encoding::kBase64Offset && p.literal_text().size() < 2) {
    diag_.error("sigma-bad-value", "one byte has no base64 text at every offset", value.span,
                "would be found everywhere", "give at least two characters");
    return false;
  }
  return true;
}

}  // namespace postern::lang::sigma
