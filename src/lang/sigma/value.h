// Values of detection items: what YAML type a scalar has, and what placeholders in it stand for.
//
// Types follow the YAML 1.2 core schema, because rules are written against it: 25 is a number, '25'
// and "25" are texts, yes and 0x1F are texts. A number keeps its spelling for text comparisons.
// Tests: tests/unit/lang/sigma/value_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "adapt/yaml.h"
#include "base/diagnostic.h"
#include "data/value.h"
#include "lang/sigma/sigma.h"

namespace postern::lang::sigma {

/// A scalar with its type; `text` is as published.
struct Scalar {
  enum class Kind : uint8_t { kNull, kBool, kNumber, kText };

  Kind kind = Kind::kText;
  std::string text;
  data::Value value;  ///< bool, long or real; 1.0 is the long 1
  Span span;
  const adapt::YamlNode* node = nullptr;  ///< null: made by a pipeline, or of a document gone
};

Scalar scalar_of(const adapt::YamlNode& node);
/// "a number", "null", …, for messages.
std::string_view kind_name(Scalar::Kind kind);

/// How placeholder values are put into the text around them.
enum class PlaceholderStyle : uint8_t { kPattern, kRegex, kPlain };

/// All texts that come of replacing each `%name%` by each of its values (`\%` is a percent sign),
/// at most `max_texts`. Empty once an error was added: an unknown placeholder, or too many texts.
std::vector<std::string> expand_placeholders(const Scalar& scalar,
                                             const Placeholders& values,
                                             PlaceholderStyle style,
                                             size_t max_texts,
                                             Diagnostics& diag);

/// The value with each placeholder that `wanted` names replaced by `*`.
std::string placeholders_to_wildcards(std::string_view text,
                                      const std::function<bool(const std::string&)>& wanted);

}  // namespace postern::lang::sigma
