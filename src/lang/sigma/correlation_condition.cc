#include "lang/sigma/correlation_condition.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "lang/sigma/condition.h"

namespace postern::lang::sigma {

using adapt::YamlNode;
using plan::BoundOp;
using plan::ExprPtr;
using plan::RuleReference;
using plan::WindowBound;
using plan::WindowTerm;

namespace {

struct OpName {
  std::string_view name;
  BoundOp op;
};

constexpr OpName kOps[] = {{"gt", BoundOp::kGreater}, {"gte", BoundOp::kGreaterEqual},
                           {"lt", BoundOp::kLess},    {"lte", BoundOp::kLessEqual},
                           {"eq", BoundOp::kEqual},   {"neq", BoundOp::kNotEqual}};

/// A way to hold while it is being worked out: bit i of `steps` is rule i.
struct Ways {
  uint64_t steps = 0;
  uint64_t absent = 0;

  bool contradictory() const { return (steps & absent) != 0; }

  bool operator==(const Ways& o) const { return steps == o.steps && absent == o.absent; }
};

/// False when there are too many.
bool add_way(std::vector<Ways>& out, Ways way) {
  if (way.contradictory()) return true;
  // What another way asks for less of says nothing new.
  for (const Ways& w : out)
    if ((w.steps & way.steps) == w.steps && (w.absent & way.absent) == w.absent) return true;
  std::erase_if(out, [&](const Ways& w) {
    return (w.steps & way.steps) == way.steps && (w.absent & way.absent) == way.absent;
  });
  out.push_back(way);
  return out.size() <= kMaxTerms;
}

bool expand(const plan::Expr& e, bool negated, std::vector<Ways>& out) {
  if (e.is_column()) {
    const uint64_t bit = uint64_t{1} << parse_int(e.name).value_or(0);
    return add_way(out, negated ? Ways{0, bit} : Ways{bit, 0});
  }
  if (e.is_call("not")) return expand(*e.args[0], !negated, out);
  if (e.is_call("or") != negated) {
    for (const ExprPtr& a : e.args)
      if (!expand(*a, negated, out)) return false;
    return true;
  }
  std::vector<Ways> product = {{}};
  for (const ExprPtr& a : e.args) {
    std::vector<Ways> factor;
    if (!expand(*a, negated, factor)) return false;
    std::vector<Ways> next;
    for (const Ways& p : product)
      for (const Ways& f : factor)
        if (!add_way(next, {p.steps | f.steps, p.absent | f.absent})) return false;
    product = std::move(next);
  }
  for (const Ways& p : product)
    if (!add_way(out, p)) return false;
  return true;
}

std::vector<uint32_t> bits(uint64_t mask) {
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < 64; ++i)
    if (mask >> i & 1) out.push_back(i);
  return out;
}

bool is_operator(std::string_view word) {
  for (const char* w : {"and", "or", "not", "of", "all", "any", "them", "1"})
    if (equal_ignore_case(word, w)) return true;
  return false;
}

/// Words of an expression that can be names of rules, with their places in the text.
std::vector<std::pair<std::string_view, size_t>> names_in(std::string_view text) {
  std::vector<std::pair<std::string_view, size_t>> out;
  auto ends = [](char c) { return ascii_space(c) || c == '(' || c == ')' || c == '|'; };
  for (size_t at = 0; at < text.size();) {
    if (ends(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !ends(text[end]))
      ++end;
    const std::string_view word = text.substr(at, end - at);
    if (!is_operator(word) && word.find('*') == std::string_view::npos) out.emplace_back(word, at);
    at = end;
  }
  return out;
}

Span span_of(const YamlNode& node, size_t at, size_t size) {
  const uint32_t begin = node.source_position(at);
  return {begin, std::max(begin, node.source_position(at + size))};
}

}  // namespace

bool read_bounds(const YamlNode& node, std::vector<WindowBound>& bounds, Diagnostics& diag) {
  bool ok = true;
  for (const YamlNode::Entry& e : node.entries) {
    const auto op = std::find_if(std::begin(kOps), std::end(kOps),
                                 [&](const OpName& o) { return o.name == e.key.text; });
    if (op == std::end(kOps)) continue;
    const auto value = e.value.is_scalar() ? parse_real(trim(e.value.text)) : std::nullopt;
    if (!value || !std::isfinite(*value)) {
      diag.error("sigma-bad-correlation-condition", "`" + e.key.text + "` takes a number",
                 e.value.span);
      ok = false;
      continue;
    }
    bounds.push_back({op->op, *value});
  }
  return ok;
}

std::vector<RuleReference> rules_in(const YamlNode& node) {
  std::vector<RuleReference> out;
  for (const auto& [word, at] : names_in(node.text)) {
    const std::string name(word);
    const bool known =
        std::any_of(out.begin(), out.end(), [&](const RuleReference& r) { return r.text == name; });
    if (!known) out.push_back({name, span_of(node, at, word.size())});
  }
  return out;
}

std::vector<WindowTerm> read_expression(const YamlNode& node,
                                        const std::vector<RuleReference>& rules,
                                        Diagnostics& diag) {
  std::vector<Selection> steps;
  for (size_t i = 0; i < rules.size(); ++i) {
    Selection& step = steps.emplace_back();
    step.name = rules[i].text;
    step.span = rules[i].span;
    step.expr = plan::column(std::to_string(i));
  }
  std::vector<std::string_view> names;
  for (const RuleReference& r : rules)
    names.push_back(r.text);
  bool ok = true;
  for (const auto& [word, at] : names_in(node.text)) {
    if (std::find(names.begin(), names.end(), word) != names.end()) continue;
    const std::string near = nearest_name(word, names);
    diag.error("sigma-bad-correlation-condition",
               "the condition names a rule that `rules` does not: " + std::string(word),
               span_of(node, at, word.size()), "",
               near.empty() ? "add it to `rules`" : "did you mean `" + near + "`?");
    ok = false;
  }
  if (!ok) return {};
  const ExprPtr expr = parse_condition(node, steps, diag).expr;
  if (!expr) return {};
  for (const Selection& s : steps) {
    if (s.used) continue;
    diag.error("sigma-bad-correlation-condition", "the condition does not use the rule " + s.name,
               s.span, "", "take it out of `rules`, or into the condition");
    ok = false;
  }
  std::vector<Ways> ways;
  if (!expand(*expr, false, ways)) {
    diag.error("sigma-bad-correlation-condition", "the condition can hold in too many ways",
               node.span, "more than " + std::to_string(kMaxTerms),
               "split it into several correlations");
    return {};
  }
  if (ways.empty()) {
    diag.error("sigma-bad-correlation-condition", "the condition contradicts itself", node.span);
    return {};
  }
  for (const Ways& w : ways) {
    if (w.steps != 0) continue;
    diag.error("sigma-bad-correlation-condition",
               "the condition also holds where none of its rules is seen", node.span,
               "nothing would open a window", "let it require a rule without `not`");
    return {};
  }
  std::vector<WindowTerm> terms;
  for (const Ways& w : ways)
    terms.push_back({bits(w.steps), bits(w.absent)});
  return ok ? terms : std::vector<WindowTerm>();
}

std::vector<WindowTerm> choose(size_t num_steps, size_t count) {
  std::vector<WindowTerm> out;
  std::vector<uint32_t> chosen(count);
  for (size_t i = 0; i < count; ++i)
    chosen[i] = static_cast<uint32_t>(i);
  while (count <= num_steps) {
    out.push_back({chosen, {}});
    if (out.size() > kMaxTerms) return {};
    // The next choice in lexicographic order.
    size_t i = count;
    while (i > 0 && chosen[i - 1] == num_steps - count + i - 1)
      --i;
    if (i == 0) break;
    ++chosen[i - 1];
    for (; i < count; ++i)
      chosen[i] = chosen[i - 1] + 1;
  }
  return out;
}

bool can_hold(const std::vector<WindowBound>& bounds) {
  // A passing number lies at 1, or just at or beside a bound.
  std::vector<double> tries = {1};
  for (const WindowBound& b : bounds)
    for (const double step : {-1.0, 0.0, 1.0, 2.0}) {
      tries.push_back(std::floor(b.value) + step);
    }
  const size_t n = tries.size();
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 1; k <= bounds.size(); ++k)
      tries.push_back(tries[i] + static_cast<double>(k));  // past those that `neq` takes out
  return std::any_of(tries.begin(), tries.end(), [&](double v) {
    if (v < 1) return false;
    return std::all_of(bounds.begin(), bounds.end(), [&](const WindowBound& b) {
      switch (b.op) {
        case BoundOp::kLess:
          return v < b.value;
        case BoundOp::kLessEqual:
          return v <= b.value;
        case BoundOp::kGreater:
          return v > b.value;
        case BoundOp::kGreaterEqual:
          return v >= b.value;
        case BoundOp::kEqual:
          return v == b.value;
        case BoundOp::kNotEqual:
          return v != b.value;
      }
      return false;
    });
  });
}

}  // namespace postern::lang::sigma
