#include "lang/spl/expand.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/text.h"

namespace postern::lang::spl {
namespace {

constexpr size_t kMaxCalls = 10'000;

bool name_char(char c) {
  return ascii_alpha(c) || ascii_digit(c) || c == '_' || c == '-' || c == '.' || c == ':';
}

/// End of the double-quoted string that starts at `at` (one past its closing quote), or npos.
size_t string_end(std::string_view s, size_t at) {
  for (size_t i = at + 1; i < s.size(); ++i) {
    if (s[i] == '\\')
      ++i;
    else if (s[i] == '"')
      return i + 1;
  }
  return std::string_view::npos;
}

/// What stands between the backticks: a name, and the texts of its arguments.
struct Call {
  std::string_view name;
  std::vector<std::string> arguments;
};

std::string argument_text(std::string_view raw) {
  std::string_view s = trim(raw);
  // Quotes around a whole argument only delimit it; the macro's text gets what is inside.
  if (s.size() < 2 || s.front() != '"' || string_end(s, 0) != s.size()) return std::string(s);
  s = s.substr(1, s.size() - 2);
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\' && i + 1 < s.size() && s[i + 1] == '"') ++i;
    out += s[i];
  }
  return out;
}

/// Nullopt when the text is no call at all.
std::optional<Call> parse_call(std::string_view text) {
  text = trim(text);
  Call call;
  size_t i = 0;
  while (i < text.size() && name_char(text[i]))
    ++i;
  if (i == 0) return std::nullopt;
  call.name = text.substr(0, i);
  const std::string_view rest = trim(text.substr(i));
  if (rest.empty()) return call;
  if (rest.front() != '(' || rest.back() != ')') return std::nullopt;
  const std::string_view list = rest.substr(1, rest.size() - 2);
  if (trim(list).empty()) return call;
  int depth = 0;
  size_t begin = 0;
  for (size_t at = 0; at <= list.size(); ++at) {
    if (at == list.size() || (list[at] == ',' && depth == 0)) {
      call.arguments.push_back(argument_text(list.substr(begin, at - begin)));
      begin = at + 1;
    } else if (list[at] == '"') {
      const size_t end = string_end(list, at);
      if (end == std::string_view::npos) return std::nullopt;
      at = end - 1;
    } else if (list[at] == '(') {
      ++depth;
    } else if (list[at] == ')') {
      --depth;
    }
  }
  return call;
}

std::string substitute(const Macro& macro, const std::vector<std::string>& arguments) {
  const std::string& text = macro.definition;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t end = text[i] == '$' ? text.find('$', i + 1) : std::string::npos;
    size_t which = macro.arguments.size();
    if (end != std::string::npos) {
      const std::string_view name = std::string_view(text).substr(i + 1, end - i - 1);
      which = static_cast<size_t>(std::find(macro.arguments.begin(), macro.arguments.end(), name) -
                                  macro.arguments.begin());
    }
    if (which < macro.arguments.size()) {
      out += arguments[which];
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace

Span Expansion::span(size_t begin, size_t end) const {
  if (pieces_.empty()) {
    const uint32_t at = origin_(0);
    return {at, at};
  }
  const Piece& first = piece_at(begin);
  Span out;
  out.begin = first.macro ? first.call.begin : origin_(first.query + (begin - first.begin));
  if (end <= begin) {
    out.end = first.macro ? first.call.end : out.begin;
    return out;
  }
  const Piece& last = piece_at(end - 1);
  out.end = last.macro ? last.call.end : origin_(last.query + (end - 1 - last.begin)) + 1;
  // A quoted YAML scalar maps some positions only roughly; never give a range that runs backwards.
  if (out.end < out.begin) out.end = out.begin;
  return out;
}

bool Expansion::from_macro(size_t at) const {
  return !pieces_.empty() && piece_at(at).macro;
}

bool Expansion::any_macro() const {
  return std::any_of(pieces_.begin(), pieces_.end(), [](const Piece& p) { return p.macro; });
}

const Expansion::Piece& Expansion::piece_at(size_t at) const {
  POSTERN_CHECK(!pieces_.empty());
  auto it = std::upper_bound(pieces_.begin(), pieces_.end(), at,
                             [](size_t value, const Piece& p) { return value < p.begin; });
  return it == pieces_.begin() ? *it : *(it - 1);
}

/// One expansion in progress. Copies text until a backtick, then looks the call up and goes on in
/// its definition; `active_` are the calls being expanded, for the cycle diagnostic.
class Expander {
 public:
  Expander(const MacroTables& tables, Origin origin, Diagnostics& diag)
      : tables_(tables), diag_(diag) {
    out_.origin_ = std::move(origin);
  }

  OrFailed<Expansion> run(std::string_view query) {
    text(query);
    if (failed_) return Failed{};
    return std::move(out_);
  }

 private:
  bool in_macro() const { return !active_.empty(); }

  Span place(size_t begin, size_t end) const {
    if (in_macro()) return call_;
    Span s{out_.origin_(begin), out_.origin_(begin)};
    if (end > begin) s.end = out_.origin_(end - 1) + 1;
    return s;
  }

  void copy(std::string_view from, size_t begin, size_t end) {
    if (begin >= end || stopped_) return;
    if (out_.text_.size() + (end - begin) > kMaxExpandedBytes) {
      diag_.error("spl-macro-too-large", "the search is larger than 1 MiB after macro expansion",
                  place(begin, end));
      failed_ = stopped_ = true;
      return;
    }
    const bool macro = in_macro();
    const auto& pieces = out_.pieces_;
    const bool goes_on =
        !pieces.empty() && pieces.back().macro == macro &&
        (macro ? pieces.back().call.begin == call_.begin
               : pieces.back().query + (out_.text_.size() - pieces.back().begin) == begin);
    if (!goes_on) out_.pieces_.push_back({out_.text_.size(), begin, macro, call_});
    out_.text_.append(from.substr(begin, end - begin));
  }

  /// Expands `s`, all of it. Positions in `s` mean something only outside macros.
  void text(std::string_view s) {
    size_t copied = 0;  // s[0, copied) is done
    for (size_t i = 0; i < s.size() && !stopped_;) {
      if (s.compare(i, 3, "```") == 0) {
        copy(s, copied, i);
        i = copied = comment_end(s, i);
      } else if (s[i] == '"') {
        const size_t end = string_end(s, i);
        // An unclosed quote is the parser's to report; no macro can be told inside it.
        if (end == std::string_view::npos) break;
        quoted(s, i, end);
        i = end;
      } else if (s[i] == '\\' && i + 1 < s.size()) {
        i += 2;
      } else if (s[i] == '`') {
        copy(s, copied, i);
        i = copied = call(s, i);
      } else {
        ++i;
      }
    }
    copy(s, copied, s.size());
  }

  size_t comment_end(std::string_view s, size_t at) {
    const size_t close = s.find("```", at + 3);
    if (close != std::string_view::npos) return close + 3;
    diag_.error("spl-unterminated-comment", "this comment is never closed", place(at, at + 3),
                "opened here", "close it with ```");
    failed_ = true;
    return s.size();
  }

  /// Backticks inside quotes are text (PowerShell's escape character is searched for as "`"); one
  /// that would be a macro outside them is pointed out.
  void quoted(std::string_view s, size_t begin, size_t end) {
    // A whole search in quotes is an argument of `map`, which expands it when it runs.
    const std::string_view inner = trim(s.substr(begin + 1, end - begin - 2));
    if (inner.substr(0, 1) == "|" || inner.substr(0, 7) == "search ") return;
    for (size_t i = begin + 1; i + 1 < end; ++i) {
      if (s[i] != '`') continue;
      const size_t close = s.find('`', i + 1);
      if (close == std::string_view::npos || close + 1 >= end) return;
      const auto c = parse_call(s.substr(i + 1, close - i - 1));
      if (c && find(c->name, c->arguments.size()))
        diag_.warning("spl-quoted-macro", "a macro inside quotes is not expanded",
                      place(i, close + 1), "plain text here");
      i = close;
    }
  }

  const Macro* find(std::string_view name, size_t n) const {
    for (const MacroTable* t : tables_)
      if (t)
        if (const Macro* m = t->find(name, n)) return m;
    return nullptr;
  }

  /// Expands the call whose backtick is at `at`; returns where the text goes on.
  size_t call(std::string_view s, size_t at) {
    size_t close = at + 1;
    while (close < s.size() && s[close] != '`') {
      const size_t end = s[close] == '"' ? string_end(s, close) : std::string_view::npos;
      close = end == std::string_view::npos ? close + 1 : end;
    }
    if (close >= s.size()) {
      diag_.error("spl-unterminated-macro", "this macro call has no closing backtick",
                  place(at, at + 1), "opened here");
      failed_ = true;
      return s.size();
    }
    const Span span = place(at, close + 1);
    const auto c = parse_call(s.substr(at + 1, close - at - 1));
    if (!c) {
      diag_.error("spl-macro-syntax", "this is not a macro call", span, "",
                  "write `name` or `name(argument, ...)`");
      failed_ = true;
      return close + 1;
    }
    expand_call(*c, span);
    return close + 1;
  }

  void expand_call(const Call& c, Span span) {
    // Depth alone does not bound the work: 100 macros that each call the next one twice are 2^100
    // calls.
    if (++num_calls_ > kMaxCalls) {
      if (num_calls_ == kMaxCalls + 1)
        diag_.error("spl-macro-too-large", "the search makes more than 10,000 macro calls", span);
      failed_ = stopped_ = true;
      return;
    }
    const Macro* macro = find(c.name, c.arguments.size());
    Macro filter;
    if (!macro && c.arguments.empty() && c.name.ends_with("_filter")) {
      // Every published detection ends in a filter macro of its own for local exceptions; its
      // default, generated when the pack is built, lets everything through.
      filter.name = c.name;
      filter.definition = "search *";
      macro = &filter;
    }
    if (!macro) return undefined(c, span);
    if (macro->is_eval) {
      diag_.error("spl-unsupported", "unsupported macro: " + macro->name + " is defined by an eval",
                  span, "iseval = 1 in " + macro->path);
      failed_ = true;
      return;
    }
    const auto again = std::find(active_.begin(), active_.end(), macro->name);
    if (again != active_.end()) {
      std::string chain;
      for (auto it = again; it != active_.end(); ++it)
        chain += *it + " -> ";
      diag_.error("spl-macro-cycle", "macro " + macro->name + " expands to itself", span,
                  chain + macro->name);
      failed_ = true;
      return;
    }
    if (active_.size() >= static_cast<size_t>(kMaxMacroDepth)) {
      diag_.error("spl-macro-too-deep",
                  "macros nest more than " + std::to_string(kMaxMacroDepth) + " deep", span);
      failed_ = true;
      return;
    }
    if (!in_macro()) call_ = span;
    active_.push_back(macro->name);
    text(substitute(*macro, c.arguments));
    active_.pop_back();
  }

  void undefined(const Call& c, Span span) {
    failed_ = true;
    const std::string name(c.name);
    std::string arities;
    std::vector<std::string_view> names;
    for (const MacroTable* t : tables_) {
      if (!t) continue;
      for (const size_t n : t->arities(name))
        arities += (arities.empty() ? "" : ", ") + std::to_string(n);
      for (const std::string_view n : t->names())
        names.push_back(n);
    }
    const std::string inside = in_macro() ? "used by macro " + active_.back() : "not defined";
    if (!arities.empty()) {
      diag_.error("spl-macro-arguments",
                  "macro " + name + " takes " + arities + " arguments, not " +
                      std::to_string(c.arguments.size()),
                  span, inside == "not defined" ? "" : inside);
      return;
    }
    const std::string near = nearest_name(name, names);
    diag_.error("spl-undefined-macro", "undefined macro: " + name, span, inside,
                near.empty() ? "define it in a macros/*.yml or macros.conf beside the rule"
                             : "did you mean `" + near + "`?");
  }

  const MacroTables& tables_;
  Diagnostics& diag_;
  Expansion out_;
  std::vector<std::string> active_;
  Span call_;  // the outermost call, while active_ is not empty
  bool failed_ = false;
  bool stopped_ = false;
  size_t num_calls_ = 0;
};

OrFailed<Expansion> expand(std::string_view query,
                           const MacroTables& tables,
                           Origin origin,
                           Diagnostics& diag) {
  return Expander(tables, std::move(origin), diag).run(query);
}

}  // namespace postern::lang::spl
