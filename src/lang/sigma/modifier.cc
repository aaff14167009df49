#include "lang/sigma/modifier.h"

#include <algorithm>

#include "base/text.h"

namespace postern::lang::sigma {
namespace {

/// What a modifier is, for the rules of which go together.
enum class Kind : uint8_t {
  kText,
  kRegex,
  kCidr,
  kOrder,
  kExists,
  kFieldRef,
  kTime,
  kRegexFlag,
  kEncoding,
  kSwitch
};

struct Known {
  std::string_view name;
  Kind kind;
  uint8_t value;  // Comparison or Encoding
};

constexpr uint8_t code(Comparison c) {
  return static_cast<uint8_t>(c);
}

constexpr uint8_t code(Encoding e) {
  return static_cast<uint8_t>(e);
}

constexpr Known kModifiers[] = {
    {"contains", Kind::kText, code(Comparison::kContains)},
    {"startswith", Kind::kText, code(Comparison::kStartsWith)},
    {"endswith", Kind::kText, code(Comparison::kEndsWith)},
    {"re", Kind::kRegex, code(Comparison::kRegex)},
    {"cidr", Kind::kCidr, code(Comparison::kCidr)},
    {"lt", Kind::kOrder, code(Comparison::kLess)},
    {"lte", Kind::kOrder, code(Comparison::kLessEqual)},
    {"gt", Kind::kOrder, code(Comparison::kGreater)},
    {"gte", Kind::kOrder, code(Comparison::kGreaterEqual)},
    {"exists", Kind::kExists, code(Comparison::kExists)},
    {"fieldref", Kind::kFieldRef, 0},
    {"minute", Kind::kTime, 0},
    {"hour", Kind::kTime, 0},
    {"day", Kind::kTime, 0},
    {"week", Kind::kTime, 0},
    {"month", Kind::kTime, 0},
    {"year", Kind::kTime, 0},
    {"i", Kind::kRegexFlag, 0},
    {"m", Kind::kRegexFlag, 0},
    {"s", Kind::kRegexFlag, 0},
    {"windash", Kind::kEncoding, code(Encoding::kWindash)},
    {"base64", Kind::kEncoding, code(Encoding::kBase64)},
    {"base64offset", Kind::kEncoding, code(Encoding::kBase64Offset)},
    {"wide", Kind::kEncoding, code(Encoding::kUtf16LittleEndian)},
    {"utf16le", Kind::kEncoding, code(Encoding::kUtf16LittleEndian)},
    {"utf16be", Kind::kEncoding, code(Encoding::kUtf16BigEndian)},
    {"utf16", Kind::kEncoding, code(Encoding::kUtf16)},
    {"all", Kind::kSwitch, 0},
    {"neq", Kind::kSwitch, 0},
    {"cased", Kind::kSwitch, 0},
    {"expand", Kind::kSwitch, 0},
};

/// A modifier as written.
struct Used {
  const Known* known = nullptr;
  Span span;
};

bool switch_goes_with(std::string_view name, Kind kind) {
  if (name == "cased")
    return kind == Kind::kText || kind == Kind::kEncoding || kind == Kind::kFieldRef;
  if (name == "expand")
    return kind != Kind::kExists && kind != Kind::kFieldRef && kind != Kind::kOrder &&
           kind != Kind::kTime;
  return kind != Kind::kExists;  // all, neq
}

/// Whether two different modifiers make sense together, wherever they stand.
bool compatible(const Known& a, const Known& b) {
  if (a.kind == Kind::kSwitch) return b.kind == Kind::kSwitch || switch_goes_with(a.name, b.kind);
  if (b.kind == Kind::kSwitch) return switch_goes_with(b.name, a.kind);
  if (a.kind == b.kind) return a.kind == Kind::kEncoding || a.kind == Kind::kRegexFlag;
  const auto pair = [&](Kind x, Kind y) {
    return (a.kind == x && b.kind == y) || (a.kind == y && b.kind == x);
  };
  return pair(Kind::kText, Kind::kRegex) || pair(Kind::kText, Kind::kRegexFlag) ||
         pair(Kind::kText, Kind::kEncoding) || pair(Kind::kText, Kind::kFieldRef) ||
         pair(Kind::kRegex, Kind::kRegexFlag) || pair(Kind::kTime, Kind::kOrder);
}

class Chain {
 public:
  Chain(const adapt::YamlNode& key, Diagnostics& diag) : key_(key), diag_(diag) {}

  std::optional<Modifiers> parse() {
    const std::string_view text = key_.text;
    size_t begin = std::min(text.find('|'), text.size());
    out_.field = std::string(text.substr(0, begin));
    out_.field_span = span(0, begin);
    while (begin < text.size()) {
      const size_t name = begin + 1;
      begin = std::min(text.find('|', name), text.size());
      add(text.substr(name, begin - name), span(name, begin));
    }
    check();
    if (failed_) return std::nullopt;
    for (const Used& u : used_)
      apply(*u.known);
    return out_;
  }

 private:
  Span span(size_t begin, size_t end) const {
    return {key_.source_position(begin),
            std::max(key_.source_position(end), key_.source_position(begin))};
  }

  void error(std::string code,
             std::string message,
             Span at,
             std::string label = "",
             std::string hint = "") {
    failed_ = true;
    diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
  }

  void add(std::string_view name, Span at) {
    for (const Known& k : kModifiers)
      if (k.name == name) return used_.push_back({&k, at});
    std::vector<std::string_view> names;
    for (const Known& k : kModifiers)
      names.push_back(k.name);
    const std::string near = nearest_name(name, names);
    error("sigma-unknown-modifier", "unknown modifier: " + std::string(name), at,
          "not a Sigma modifier", near.empty() ? "" : "did you mean `" + near + "`?");
  }

  bool has(Kind kind) const {
    return std::any_of(used_.begin(), used_.end(),
                       [&](const Used& u) { return u.known->kind == kind; });
  }

  // Every clash is told once, at the later modifier.
  void check() {
    for (size_t i = 0; i < used_.size(); ++i) {
      const Used& u = used_[i];
      if (u.known->kind == Kind::kRegexFlag && !has(Kind::kRegex)) {
        error("sigma-modifier-conflict", "`" + std::string(u.known->name) + "` is a flag of `re`",
              u.span, "no regular expression here");
        continue;
      }
      for (size_t k = 0; k < i; ++k) {
        const std::string one = "`" + std::string(used_[k].known->name) + "`";
        const std::string two = "`" + std::string(u.known->name) + "`";
        if (used_[k].known == u.known) {
          error("sigma-modifier-conflict", "modifier given twice: " + std::string(u.known->name),
                u.span);
        } else if (!compatible(*used_[k].known, *u.known)) {
          error("sigma-modifier-conflict", one + " and " + two + " cannot be combined", u.span,
                "does not go with " + one);
        } else if (used_[k].known->kind == Kind::kText && u.known->kind == Kind::kRegex) {
          error("sigma-modifier-conflict", two + " must come before " + one, u.span,
                "applies to unmodified values only",
                "write `re|" + std::string(used_[k].known->name) + "`");
        } else {
          continue;
        }
        break;
      }
    }
  }

  void apply(const Known& k) {
    switch (k.kind) {
      case Kind::kText:
        if (has(Kind::kRegex)) {
          const auto c = static_cast<Comparison>(k.value);
          out_.anchor = c == Comparison::kStartsWith ? Anchor::kStart
                        : c == Comparison::kEndsWith ? Anchor::kEnd
                                                     : Anchor::kAnywhere;
          break;
        }
        [[fallthrough]];
      case Kind::kRegex:
      case Kind::kCidr:
      case Kind::kOrder:
      case Kind::kExists:
        out_.comparison = static_cast<Comparison>(k.value);
        break;
      case Kind::kFieldRef:
        out_.field_reference = true;
        break;
      case Kind::kTime:
        out_.time_part = std::string(k.name);
        break;
      case Kind::kRegexFlag:
        out_.ignore_case = out_.ignore_case || k.name == "i";
        out_.multi_line = out_.multi_line || k.name == "m";
        out_.dot_all = out_.dot_all || k.name == "s";
        break;
      case Kind::kEncoding:
        out_.encodings.push_back(static_cast<Encoding>(k.value));
        break;
      case Kind::kSwitch:
        out_.all = out_.all || k.name == "all";
        out_.negated = out_.negated || k.name == "neq";
        out_.cased = out_.cased || k.name == "cased";
        out_.expand = out_.expand || k.name == "expand";
        break;
    }
  }

  const adapt::YamlNode& key_;
  Diagnostics& diag_;
  Modifiers out_;
  std::vector<Used> used_;
  bool failed_ = false;
};

}  // namespace

std::optional<Modifiers> parse_modifiers(const adapt::YamlNode& key, Diagnostics& diag) {
  return Chain(key, diag).parse();
}

}  // namespace postern::lang::sigma
