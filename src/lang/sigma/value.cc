#include "lang/sigma/value.h"

#include <cmath>

#include "base/text.h"
#include "match/sigma_pattern.h"

namespace postern::lang::sigma {

using data::Value;

namespace {

bool is_one_of(std::string_view s, std::initializer_list<std::string_view> words) {
  for (const std::string_view w : words)
    if (s == w) return true;
  return false;
}

bool name_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '-' || c == '.' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// A text cut at its placeholders: what is before the first, then name and what follows it.
struct Template {
  struct Hole {
    std::string name;
    size_t at = 0;  // of the first percent sign
    std::string after;
  };

  std::string before;
  std::vector<Hole> holes;
};

Template cut(std::string_view text) {
  Template out;
  std::string* run = &out.before;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '%') {
      run->push_back(text[++at]);
      continue;
    }
    if (text[at] == '%') {
      size_t end = at + 1;
      while (end < text.size() && name_char(text[end]))
        ++end;
      if (end < text.size() && text[end] == '%' && end > at + 1) {
        out.holes.push_back({std::string(text.substr(at + 1, end - at - 1)), at, ""});
        run = &out.holes.back().after;
        at = end;
        continue;
      }
    }
    run->push_back(text[at]);
  }
  return out;
}

std::string quote_regex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        ascii_alpha(c) || ascii_digit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (!plain) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string styled(std::string_view value, PlaceholderStyle style) {
  switch (style) {
    case PlaceholderStyle::kPattern:
      return match::SigmaPattern::literal(value).text();
    case PlaceholderStyle::kRegex:
      return quote_regex(value);
    case PlaceholderStyle::kPlain:
      break;
  }
  return std::string(value);
}

}  // namespace

Scalar scalar_of(const adapt::YamlNode& node) {
  Scalar out;
  out.text = node.text;
  out.span = node.span;
  out.node = &node;
  if (!node.plain) return out;
  const std::string_view s = node.text;
  if (node.is_null()) {
    out.kind = Scalar::Kind::kNull;
  } else if (is_one_of(s, {"true", "True", "TRUE", "false", "False", "FALSE"})) {
    out.kind = Scalar::Kind::kBool;
    out.value = Value::boolean(ascii_lower(s[0]) == 't');
  } else if (const auto i = parse_int(s)) {
    out.kind = Scalar::Kind::kNumber;
    out.value = Value::integer(*i);
  } else if (const auto r = parse_real(s)) {
    out.kind = Scalar::Kind::kNumber;
    constexpr double kExact = 9007199254740992.0;  // up to here every whole double is one integer
    const bool whole = std::trunc(*r) == *r && std::abs(*r) <= kExact;
    out.value = whole ? Value::integer(static_cast<int64_t>(*r)) : Value::real(*r);
  }
  return out;
}

std::string_view kind_name(Scalar::Kind kind) {
  switch (kind) {
    case Scalar::Kind::kNull:
      return "null";
    case Scalar::Kind::kBool:
      return "a boolean";
    case Scalar::Kind::kNumber:
      return "a number";
    case Scalar::Kind::kText:
      break;
  }
  return "a text";
}

std::vector<std::string> expand_placeholders(const Scalar& scalar,
                                             const Placeholders& values,
                                             PlaceholderStyle style,
                                             size_t max_texts,
                                             Diagnostics& diag) {
  const Template parts = cut(scalar.text);
  std::vector<std::string> out = {parts.before};
  bool ok = true;
  for (const Template::Hole& hole : parts.holes) {
    Span at = scalar.span;
    if (const adapt::YamlNode* n = scalar.node;
        n && (n->text_begin != adapt::YamlNode::kNoPosition || n->block)) {
      at.begin = n->source_position(hole.at);
      at.end = at.begin + static_cast<uint32_t>(hole.name.size() + 2);
    }
    const auto found = values.find(hole.name);
    if (found == values.end() || found->second.empty()) {
      ok = false;
      diag.error("sigma-unresolved-placeholder", "no values for placeholder: " + hole.name, at,
                 "must be replaced before the rule can run",
                 "give its values with --placeholders FILE");
      continue;
    }
    if (!ok) continue;
    if (out.size() * found->second.size() > max_texts) {
      diag.error(
          "sigma-too-many-alternatives",
          "the placeholders of this value make more than " + std::to_string(max_texts) + " texts",
          at);
      ok = false;
      continue;
    }
    std::vector<std::string> more;
    for (const std::string& prefix : out)
      for (const std::string& v : found->second)
        more.push_back(prefix + styled(v, style) + hole.after);
    out = std::move(more);
  }
  if (!ok) out.clear();
  return out;
}

std::string placeholders_to_wildcards(std::string_view text,
                                      const std::function<bool(const std::string&)>& wanted) {
  // Kept placeholders and escaped percent signs stay as written, to be read again.
  const auto escaped = [](const std::string& run) {
    std::string out;
    for (const char c : run)
      out += c == '%' ? std::string("\\%") : std::string(1, c);
    return out;
  };
  const Template parts = cut(text);
  std::string out = escaped(parts.before);
  for (const Template::Hole& hole : parts.holes)
    out += (wanted(hole.name) ? "*" : "%" + hole.name + "%") + escaped(hole.after);
  return out;
}

}  // namespace postern::lang::sigma
