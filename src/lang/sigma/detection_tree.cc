#include "lang/sigma/detection_tree.h"

#include <algorithm>
#include <utility>

namespace postern::lang::sigma {

using adapt::YamlNode;

namespace {

Span join(Span a, Span b) {
  return {a.begin, std::max(a.end, b.end)};
}

class TreeReader {
 public:
  explicit TreeReader(Diagnostics& diag) : diag_(diag) {}

  bool selection(const YamlNode& node, Detection& out) {
    out.span = node.span;
    if (node.is_mapping()) return map(node, out);
    if (node.is_scalar()) {
      if (node.is_null())
        return failed("sigma-empty-selection", "a selection needs at least one item", node.span);
      out = keywords({&node}, node.span);
      return true;
    }
    out.kind = Detection::Kind::kAny;
    if (node.items.empty())
      return failed("sigma-empty-selection", "a selection needs at least one item", node.span,
                    "the list is empty");
    std::vector<const YamlNode*> scalars;
    bool ok = true;
    for (const YamlNode& item : node.items) {
      if (item.is_sequence()) {
        ok = failed("sigma-bad-selection", "a list inside of a list", item.span, "",
                    "a selection is a map, a list of maps or a list of keywords");
      } else if (item.is_mapping()) {
        ok = map(item, out.parts.emplace_back()) && ok;
      } else {
        scalars.push_back(&item);
      }
    }
    if (!scalars.empty()) out.parts.push_back(keywords(scalars, scalars.front()->span));
    return ok;
  }

 private:
  bool failed(std::string code,
              std::string message,
              Span at,
              std::string label = "",
              std::string hint = "") {
    diag_.error(std::move(code), std::move(message), at, std::move(label), std::move(hint));
    return false;
  }

  bool map(const YamlNode& node, Detection& out) {
    out.kind = Detection::Kind::kAll;
    out.span = node.span;
    if (node.entries.empty())
      return failed("sigma-empty-selection", "a selection needs at least one item", node.span,
                    "the map is empty");
    bool ok = true;
    for (const YamlNode::Entry& e : node.entries) {
      if (e.key.is_scalar())
        ok = entry(e, out) && ok;
      else
        ok = failed("sigma-bad-selection", "a key must be a field name", e.key.span);
    }
    return ok;
  }

  bool entry(const YamlNode::Entry& e, Detection& to) {
    const std::optional<Modifiers> m = parse_modifiers(e.key, diag_);
    std::vector<const YamlNode*> nodes;
    if (e.value.is_sequence())
      for (const YamlNode& item : e.value.items)
        nodes.push_back(&item);
    else
      nodes.push_back(&e.value);
    bool plain = true;
    for (const YamlNode* n : nodes) {
      if (n->is_scalar()) continue;
      plain = failed("sigma-bad-selection",
                     n->is_mapping() ? "a map as value of a field" : "a list inside of a list",
                     n->span, "", "a field takes one value or a list of values");
    }
    if (!m || !plain) return false;
    const Span span = join(e.key.span, e.value.span);
    if (nodes.empty())
      diag_.warning("sigma-empty-list", "an empty list is read as null", span,
                    "holds for events without this field", "write `null`, or a value");
    to.parts.push_back(item(*m, nodes, span));
    return true;
  }

  static Detection keywords(const std::vector<const YamlNode*>& nodes, Span span) {
    return item(Modifiers{}, nodes, span);
  }

  static Detection item(const Modifiers& m, const std::vector<const YamlNode*>& nodes, Span span) {
    Detection out;
    out.kind = Detection::Kind::kItem;
    out.span = span;
    out.item.modifiers = m;
    out.item.span = span;
    out.item.values.reserve(nodes.size());
    for (const YamlNode* n : nodes)
      out.item.values.push_back(scalar_of(*n));
    return out;
  }

  Diagnostics& diag_;
};

}  // namespace

bool read_selection(const YamlNode& node, Detection& out, Diagnostics& diag) {
  return TreeReader(diag).selection(node, out);
}

void forget_nodes(Detection& selection) {
  for (Scalar& v : selection.item.values)
    v.node = nullptr;
  for (Detection& part : selection.parts)
    forget_nodes(part);
}

}  // namespace postern::lang::sigma
