// Fields inside a text that has structure: JSON and XML (Splunk Search Reference: spath, xmlkv,
// fromjson).
//
// A path is names between dots; behind a name of JSON `{}` means every element of an array and
// `{n}` one, counted from 0; in XML `{@name}` is an attribute. What a path names more than once is
// a multivalue field, in the order of the text. Objects and arrays come out as their JSON. A text
// that is neither JSON nor XML has no fields. Tests: tests/cases/spl/spath_*.case, xmlkv.case.
#include "base/text.h"
#include "exec/functions/functions.h"
#include "exec/functions/spl_value.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Dynamic;
using data::Type;
using data::Value;
using plan::FunctionCatalog;
using plan::KernelCall;

namespace {

/// One step of a path: a name, or what stands in braces.
struct Step {
  enum class Kind : uint8_t { kName, kEach, kIndex, kAttribute };
  Kind kind = Kind::kName;
  std::string name;
  uint32_t index = 0;
};

std::vector<Step> steps_of(std::string_view path) {
  std::vector<Step> out;
  std::string name;
  const auto end_name = [&] {
    if (!name.empty()) out.push_back({Step::Kind::kName, name, 0});
    name.clear();
  };
  for (size_t i = 0; i < path.size(); ++i) {
    const size_t close = path[i] == '{' ? path.find('}', i) : std::string_view::npos;
    if (path[i] == '.') {
      end_name();
    } else if (close != std::string_view::npos) {
      end_name();
      const std::string_view inner = path.substr(i + 1, close - i - 1);
      const auto n = parse_int(inner);
      if (inner.starts_with('@'))
        out.push_back({Step::Kind::kAttribute, std::string(inner.substr(1)), 0});
      else if (n && *n >= 0 && *n < 1'000'000'000)
        out.push_back({Step::Kind::kIndex, "", static_cast<uint32_t>(*n)});
      else
        out.push_back({Step::Kind::kEach, "", 0});
      i = close;
    } else {
      name += path[i];
    }
  }
  end_name();
  return out;
}

void walk_json(Dynamic d,
               const std::vector<Step>& steps,
               size_t at,
               std::vector<std::string>& out) {
  if (at == steps.size()) {
    out.push_back(d.is_null() ? "null" : d.text());
    return;
  }
  if (d.is_null()) return;
  const Step& s = steps[at];
  switch (s.kind) {
    case Step::Kind::kName:
      for (uint32_t i = 0; d.is_object() && i < d.size(); ++i)
        if (d.key_at(i) == s.name) walk_json(d.at(i), steps, at + 1, out);
      break;
    case Step::Kind::kEach:
      for (uint32_t i = 0; d.is_array() && i < d.size(); ++i)
        walk_json(d.at(i), steps, at + 1, out);
      break;
    case Step::Kind::kIndex:
      if (d.is_array() && s.index < d.size()) walk_json(d.at(s.index), steps, at + 1, out);
      break;
    case Step::Kind::kAttribute:
      break;
  }
}

// ---- XML
// -----------------------------------------------------------------------------------------------

std::string unescape_xml(std::string_view s) {
  struct Entity {
    std::string_view name;
    char character;
  };

  static constexpr Entity kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  std::string out;
  for (size_t i = 0; i < s.size();) {
    bool replaced = false;
    for (const Entity& e : kEntities) {
      if (s.substr(i, e.name.size()) != e.name) continue;
      out += e.character;
      i += e.name.size();
      replaced = true;
      break;
    }
    if (!replaced) out += s[i++];
  }
  return out;
}

/// Walks the tags of a text, telling each element's path and text, and each attribute. A tag that
/// is never closed ends the walk.
template <class OnText, class OnAttribute>
void walk_xml(std::string_view s, OnText&& on_text, OnAttribute&& on_attribute) {
  constexpr size_t kMaxDepth = 200;

  struct Open {
    std::string_view name;
    size_t content = 0;
    bool has_children = false;
  };

  std::vector<Open> open;
  std::vector<std::string_view> path;
  for (size_t at = s.find('<'); at != std::string_view::npos; at = s.find('<', at)) {
    const size_t close = s.find('>', at);
    if (close == std::string_view::npos) return;
    std::string_view tag = s.substr(at + 1, close - at - 1);
    const size_t begin = at;
    at = close + 1;
    if (tag.empty() || tag[0] == '?' || tag[0] == '!') continue;
    if (tag[0] == '/') {
      const std::string_view name = trim(tag.substr(1));
      while (!open.empty() && open.back().name != name) {
        open.pop_back();
        path.pop_back();
      }
      if (open.empty()) continue;
      const Open& o = open.back();
      if (!o.has_children) on_text(path, s.substr(o.content, begin - o.content));
      open.pop_back();
      path.pop_back();
      continue;
    }
    const bool self_closed = tag.back() == '/';
    if (self_closed) tag.remove_suffix(1);
    size_t name_end = 0;
    while (name_end < tag.size() && !ascii_space(tag[name_end]))
      ++name_end;
    if (!open.empty()) open.back().has_children = true;
    if (open.size() >= kMaxDepth) return;
    path.push_back(tag.substr(0, name_end));
    for (size_t i = name_end; i < tag.size();) {
      while (i < tag.size() && ascii_space(tag[i]))
        ++i;
      const size_t equals = tag.find('=', i);
      if (equals == std::string_view::npos || equals + 1 >= tag.size()) break;
      const char quote = tag[equals + 1];
      const size_t end =
          quote == '"' || quote == '\'' ? tag.find(quote, equals + 2) : std::string_view::npos;
      if (end == std::string_view::npos) break;
      on_attribute(path, trim(tag.substr(i, equals - i)), tag.substr(equals + 2, end - equals - 2));
      i = end + 1;
    }
    if (self_closed)
      path.pop_back();
    else
      open.push_back({path.back(), at, false});
  }
}

bool same_path(const std::vector<std::string_view>& path,
               const std::vector<Step>& steps,
               size_t n) {
  if (path.size() != n) return false;
  for (size_t i = 0; i < n; ++i)
    if (steps[i].kind != Step::Kind::kName || steps[i].name != path[i]) return false;
  return true;
}

void spath_xml(std::string_view text,
               const std::vector<Step>& steps,
               std::vector<std::string>& out) {
  const bool attribute = !steps.empty() && steps.back().kind == Step::Kind::kAttribute;
  walk_xml(
      text,
      [&](const std::vector<std::string_view>& path, std::string_view value) {
        if (!attribute && same_path(path, steps, steps.size()))
          out.push_back(unescape_xml(trim(value)));
      },
      [&](const std::vector<std::string_view>& path, std::string_view name,
          std::string_view value) {
        if (attribute && steps.back().name == name && same_path(path, steps, steps.size() - 1))
          out.push_back(unescape_xml(value));
      });
}

Result<std::shared_ptr<const void>> prepare_path(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  const auto path = spl_constant(constants, 1);
  if (!path) return Error{Code::kInvalid, "spath needs its path as a literal"};
  return std::shared_ptr<const void>(std::make_shared<std::vector<Step>>(steps_of(*path)));
}

template <class F>
Column each_text(const KernelCall& call, F&& f) {
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells cells(call.args[0]);
  std::vector<std::string> values;
  for (const uint32_t row : call.rows) {
    values.clear();
    const uint32_t n = cells.count(row);
    for (uint32_t i = 0; i < n; ++i)
      f(trim(cells.text(row, i)), values);
    spl_set_values(out, row, values);
  }
  return out.finish();
}

Column spath_kernel(const KernelCall& call) {
  const auto& steps = *static_cast<const std::vector<Step>*>(call.state);
  return each_text(call, [&](std::string_view text, std::vector<std::string>& out) {
    if (text.empty()) return;
    if (text[0] == '<') {
      spath_xml(text, steps, out);
    } else if (text[0] == '{' || text[0] == '[') {
      if (const auto json = data::dynamic_from_json(text)) walk_json(Dynamic(*json), steps, 0, out);
    }
  });
}

// The elements of an array column: as the array itself, as its JSON, or, where a decoder shows an
// array of one element as the element, as that.
Column inside_array_kernel(const KernelCall& call) {
  const auto& steps = *static_cast<const std::vector<Step>*>(call.state);
  ColumnBuilder out(Type::kDynamic, call.num_rows);
  SplCells cells(call.args[0]);
  std::vector<std::string> values;
  const auto walk = [&](Dynamic d) {
    if (d.is_array())
      walk_json(d, steps, 0, values);
    else if (!d.is_null())
      walk_json(d, steps, 1, values);
  };
  for (const uint32_t row : call.rows) {
    values.clear();
    if (call.args[0].type() == Type::kDynamic) {
      const auto arrays = call.args[0].view<std::string_view>();
      if (arrays.valid(row)) walk(Dynamic(arrays[row]));
    } else if (cells.valid(row)) {
      const std::string_view text = trim(cells.text(row));
      const bool structure = !text.empty() && (text[0] == '{' || text[0] == '[');
      const auto json = structure ? data::dynamic_from_json(text) : std::nullopt;
      if (json)
        walk(Dynamic(*json));
      else if (steps.size() == 1)
        values.emplace_back(text);
    }
    spl_set_values(out, row, values);
  }
  return out.finish();
}

Result<std::shared_ptr<const void>> prepare_name(std::span<const Value* const> constants,
                                                 std::span<const Type>) {
  const auto name = spl_constant(constants, 1);
  if (!name) return Error{Code::kInvalid, "a field needs its name as a literal"};
  return std::shared_ptr<const void>(std::make_shared<std::string>(*name));
}

// A member of the object by its whole name, dots and all.
Column json_member_kernel(const KernelCall& call) {
  const auto& name = *static_cast<const std::string*>(call.state);
  return each_text(call, [&](std::string_view text, std::vector<std::string>& out) {
    if (text.empty() || text[0] != '{') return;
    const auto json = data::dynamic_from_json(text);
    if (!json) return;
    const Dynamic member = Dynamic(*json).find(name);
    if (member.is_array())
      for (uint32_t i = 0; i < member.size(); ++i)
        out.push_back(member.at(i).text());
    else if (!member.is_null())
      out.push_back(member.text());
  });
}

// <key>value</key> of the innermost elements; the first one of a name counts.
Column xmlkv_kernel(const KernelCall& call) {
  const auto& name = *static_cast<const std::string*>(call.state);
  return each_text(call, [&](std::string_view text, std::vector<std::string>& out) {
    if (!out.empty()) return;
    walk_xml(
        text,
        [&](const std::vector<std::string_view>& path, std::string_view value) {
          if (out.empty() && path.back() == name && !trim(value).empty())
            out.push_back(unescape_xml(trim(value)));
        },
        [](const auto&, std::string_view, std::string_view) {});
  });
}

}  // namespace

void register_spl_structures(FunctionCatalog& c) {
  c.add(spl_function("spath", 2, 2, spl_gives_dynamic, spath_kernel,
                     "What a path names in a JSON or XML text.", prepare_path));
  c.add(spl_function("inside_array", 2, 2, spl_gives_dynamic, inside_array_kernel,
                     "What a path that begins with {} names in an array.", prepare_path));
  c.add(spl_function("json_member", 2, 2, spl_gives_dynamic, json_member_kernel,
                     "A member of a JSON object, by its whole name.", prepare_name));
  c.add(spl_function("xmlkv", 2, 2, spl_gives_dynamic, xmlkv_kernel,
                     "Text of the first XML element of a name that holds no other.", prepare_name));
}

}  // namespace postern::exec
