// What is wrong with a text that a user wrote, shown with the place and a hint.
//
// Front ends, the binder and the lints add to a Diagnostics; nobody prints while parsing. A
// function that met an error returns Failed (base/result.h). Tests:
// tests/unit/base/diagnostic_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern {

/// Half-open byte range in one source text.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// A rule file, query or case block; owns nothing but the text it was given.
struct Source {
  std::string_view name;
  std::string_view text;
};

enum class Severity : uint8_t { kError, kWarning, kNote };

/// One finding about a source text, as people and programs read it.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;  // stable, documented: "sigma-unknown-modifier"
  std::string message;
  Span primary;
  std::string label;  // text beside the carets, may be empty
  std::string hint;   // what to do, may be empty
};

/// The diagnostics of one source text, in the order found.
class Diagnostics {
 public:
  void add(Diagnostic d) { all_.push_back(std::move(d)); }

  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "") {
    add({Severity::kError, std::move(code), std::move(message), at, std::move(label),
         std::move(hint)});
  }

  void warning(std::string code,
               std::string message,
               Span at,
               std::string label = "",
               std::string hint = "") {
    add({Severity::kWarning, std::move(code), std::move(message), at, std::move(label),
         std::move(hint)});
  }

  const std::vector<Diagnostic>& all() const { return all_; }

  /// Gives diagnostic `i` another place: what a later stage found inside a generated text.
  void move_to(size_t i, Span at) { all_[i].primary = at; }

  bool has_errors() const {
    for (const Diagnostic& d : all_)
      if (d.severity == Severity::kError) return true;
    return false;
  }

 private:
  std::vector<Diagnostic> all_;
};

/// 1-based line and column (in bytes) of a byte position.
struct LineColumn {
  size_t line = 1;
  size_t column = 1;
};

LineColumn line_column(std::string_view text, size_t at);

/// Renders `d` against `source` with one excerpt line and carets under the span.
std::string render(const Source& source, const Diagnostic& d);

}  // namespace postern
