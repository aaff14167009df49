// Dynamic values of KQL: parsing, access, property bags. A step that finds nothing gives null,
// never an error; property names are case-sensitive. Source: Kusto documentation; engine answers.
#include <algorithm>
#include <unordered_map>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

// ---- parsing and access
// -----------------------------------------------------------------------------

/// parse_json(text): text that is no JSON is a dynamic string, the empty text null.
Column parse_json_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    if (!a.valid(row)) return;
    const bool text = a.type() == Type::kString ||
                      (a.type() == Type::kDynamic && Dynamic(a.raw(row)).is_string());
    if (!text) {
      set_dynamic(out, row, a.dynamic(row));
      return;
    }
    const std::string_view s = a.text(row);
    if (s.empty()) return;
    if (const std::optional<std::string> json = data::dynamic_from_json(s)) {
      set_dynamic(out, row, Dynamic(*json));
      return;
    }
    DynamicWriter w;
    w.string(s);
    out.set_copy(row, w.take());
  });
}

Typing at_typing(const TypeRequest& r) {
  if (r.types[0] == Type::kDynamic || r.types[0] == Type::kNull) return Typing::ok(Type::kDynamic);
  // Text that holds JSON: published queries forget the parse_json() around it.
  if (r.types[0] == Type::kString)
    return Typing::coerced(Type::kDynamic, "a string has no properties; wrap it in parse_json()");
  return Typing::wrong("a value of type " + std::string(data::type_name(r.types[0])) +
                       " has no properties");
}

/// One step into a value; a name into an array, or a number into a bag, finds nothing.
Dynamic step(Dynamic d, Arg& key, uint32_t row) {
  if (d.is_object()) {
    const bool named = key.type() == Type::kString ||
                       (key.type() == Type::kDynamic && key.dynamic(row).is_string());
    return named ? d.find(key.text(row)) : Dynamic();
  }
  if (!d.is_array() || key.type() == Type::kString) return Dynamic();
  const std::optional<int64_t> index = key.integer(row);
  if (!index) return Dynamic();
  const int64_t i = *index < 0 ? *index + d.size() : *index;
  return i >= 0 && i < d.size() ? d.at(static_cast<uint32_t>(i)) : Dynamic();
}

/// d.name, d["name"], d[0], d[-1] from the end.
Column at_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (args[0].type() == Type::kString) {
      const std::optional<std::string> json = data::dynamic_from_json(args[0].text(row));
      if (json) set_dynamic(out, row, step(Dynamic(*json), args[1], row));
      return;
    }
    set_dynamic(out, row, step(args[0].dynamic(row), args[1], row));
  });
}

/// A copy with the entries of every bag in order of their names.
void write_sorted(DynamicWriter& w, Dynamic d) {
  if (d.is_array()) {
    w.begin_array();
    for (uint32_t i = 0; i < d.size(); ++i)
      write_sorted(w, d.at(i));
    w.end();
  } else if (d.is_object()) {
    std::vector<uint32_t> order(d.size());
    for (uint32_t i = 0; i < d.size(); ++i)
      order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return d.key_at(a) < d.key_at(b); });
    w.begin_object();
    for (const uint32_t i : order) {
      w.key(d.key_at(i));
      write_sorted(w, d.at(i));
    }
    w.end();
  } else {
    w.value(d);
  }
}

/// dynamic_to_json(d): JSON with sorted names, so that equal values have equal text.
Column dynamic_to_json_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    DynamicWriter w;
    write_sorted(w, args[0].dynamic(row));
    out.set_copy(row, to_json(Dynamic(w.encoded())));
  });
}

// ---- bags
// ---------------------------------------------------------------------------------------------

/// Entries by name in order of first sight; `put` keeps or replaces what is there.
class Bag {
 public:
  void put(std::string_view key, Dynamic value, bool replace) {
    const auto [it, added] = index_.try_emplace(std::string(key), entries_.size());
    if (added)
      entries_.emplace_back(it->first, std::string(value.encoded()));
    else if (replace)
      entries_[it->second].second = std::string(value.encoded());
  }

  void write(DynamicWriter& w) const {
    w.begin_object();
    for (const auto& [k, v] : entries_) {
      w.key(k);
      w.value(Dynamic(v));
    }
    w.end();
  }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
  std::unordered_map<std::string, size_t> index_;  // a bag may have many thousand names
};

void set_bag(ColumnBuilder& out, uint32_t row, const Bag& bag) {
  DynamicWriter w;
  bag.write(w);
  set_made_dynamic(out, row, w);
}

Typing bag_pack_typing(const TypeRequest& r) {
  if (r.types.size() % 2 != 0) return Typing::wrong("names and values must come in pairs");
  return Typing::ok(Type::kDynamic);
}

/// bag_pack(name, value, …): the last of equal names stands; a null value is kept.
Column bag_pack_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Bag bag;
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
      const std::string key(args[i].text(row));
      bag.put(key, args[i + 1].dynamic(row), true);
    }
    set_bag(out, row, bag);
  });
}

/// The same without nulls and empty texts: pack_all(true).
Column bag_pack_filled_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Bag bag;
    for (size_t i = 0; i + 1 < args.size(); i += 2) {
      const std::string key(args[i].text(row));
      if (!args[i + 1].text(row).empty()) bag.put(key, args[i + 1].dynamic(row), true);
    }
    set_bag(out, row, bag);
  });
}

/// bag_merge(a, b, …): the leftmost of equal names stands; what is no bag is left out.
Column bag_merge_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Bag bag;
    bool any = false;
    for (Arg& a : args) {
      const Dynamic d = a.dynamic(row);
      any = any || d.is_object();
      if (!d.is_object()) continue;
      for (uint32_t i = 0; i < d.size(); ++i)
        bag.put(d.key_at(i), d.at(i), false);
    }
    if (any) set_bag(out, row, bag);
  });
}

/// Names in the order in which the bag has them.
Column bag_keys_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic d = args[0].dynamic(row);
    if (!d.is_object()) return;
    DynamicWriter w;
    w.begin_array();
    for (uint32_t i = 0; i < d.size(); ++i)
      w.string(d.key_at(i));
    w.end();
    out.set_copy(row, w.take());
  });
}

/// "$.a.b" as its names; a plain name is itself.
std::vector<std::string_view> path_of(std::string_view key) {
  if (!key.starts_with("$.")) return {key};
  std::vector<std::string_view> out;
  for (const std::string_view part : split(key.substr(2), '.'))
    out.push_back(part);
  return out;
}

/// A null entry is there too, which find() alone cannot tell.
bool has_entry(Dynamic bag, std::string_view key) {
  for (uint32_t i = 0; bag.is_object() && i < bag.size(); ++i)
    if (bag.key_at(i) == key) return true;
  return false;
}

Column bag_has_key_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Dynamic d = args[0].dynamic(row);
    if (!d.is_object()) return;
    bool found = true;
    for (const std::string_view part : path_of(args[1].text(row))) {
      found = found && has_entry(d, part);
      d = d.find(part);
    }
    out.set(row, found);
  });
}

/// A copy without the entry at `path`.
void write_without(DynamicWriter& w,
                   Dynamic d,
                   const std::vector<std::vector<std::string_view>>& paths,
                   size_t depth) {
  w.begin_object();
  for (uint32_t i = 0; i < d.size(); ++i) {
    std::vector<std::vector<std::string_view>> inside;
    bool removed = false;
    for (const auto& path : paths) {
      if (depth >= path.size() || path[depth] != d.key_at(i)) continue;
      if (depth + 1 == path.size())
        removed = true;
      else
        inside.push_back(path);
    }
    if (removed) continue;
    w.key(d.key_at(i));
    if (!inside.empty() && d.at(i).is_object())
      write_without(w, d.at(i), inside, depth + 1);
    else
      w.value(d.at(i));
  }
  w.end();
}

Column bag_remove_keys_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic d = args[0].dynamic(row);
    const Dynamic keys = args[1].dynamic(row);
    if (!d.is_object() || !keys.is_array()) return;
    std::vector<std::vector<std::string_view>> paths;
    for (uint32_t i = 0; i < keys.size(); ++i)
      if (keys.at(i).is_string()) paths.push_back(path_of(keys.at(i).as_string()));
    DynamicWriter w;
    write_without(w, d, paths, 0);
    out.set_copy(row, w.take());
  });
}

Column bag_set_key_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic d = args[0].dynamic(row);
    if (!d.is_object()) return;
    Bag bag;
    for (uint32_t i = 0; i < d.size(); ++i)
      bag.put(d.key_at(i), d.at(i), true);
    bag.put(args[1].text(row), args[2].dynamic(row), true);
    set_bag(out, row, bag);
  });
}

/// bag_zip(keys, values): keys that are no strings are left out, missing values are null.
Column bag_zip_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic keys = args[0].dynamic(row);
    const Dynamic values = args[1].dynamic(row);
    if (!keys.is_array()) return;
    Bag bag;
    for (uint32_t i = 0; i < keys.size(); ++i)
      if (keys.at(i).is_string())
        bag.put(keys.at(i).as_string(),
                i < values.size() && values.is_array() ? values.at(i) : Dynamic(), true);
    set_bag(out, row, bag);
  });
}

/// For mv-expand: a bag as an array of one-entry bags, or of [name, value]; everything else as it
/// is.
template <bool pairs>
Column bag_to_array_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic d = args[0].dynamic(row);
    if (!d.is_object()) {
      set_dynamic(out, row, d);
      return;
    }
    DynamicWriter w;
    w.begin_array();
    for (uint32_t i = 0; i < d.size(); ++i) {
      if (pairs) {
        w.begin_array();
        w.string(d.key_at(i));
      } else {
        w.begin_object();
        w.key(d.key_at(i));
      }
      w.value(d.at(i));
      w.end();
    }
    w.end();
    set_made_dynamic(out, row, w);
  });
}

constexpr auto kBag = fixed<Type::kDynamic, kDynamicArg>;

constexpr Spec kSpecs[] = {
    {"parse_json", 1, 1, fixed<Type::kDynamic, kAnyArg>, parse_json_kernel,
     "The value that a JSON text says."},
    {"at", 2, 2, at_typing, at_kernel, "A property of a bag or a member of an array."},
    {"dynamic_to_json", 1, 1, fixed<Type::kString, kDynamicArg>, dynamic_to_json_kernel,
     "JSON with sorted names."},
    {"bag_pack", 0, -1, bag_pack_typing, bag_pack_kernel, "A bag of names and values."},
    {"bag_pack_filled", 0, -1, bag_pack_typing, bag_pack_filled_kernel,
     "A bag of names and values that are not empty."},
    {"bag_merge", 1, 64, kBag, bag_merge_kernel, "Bags in one; the first of equal names stands."},
    {"bag_keys", 1, 1, kBag, bag_keys_kernel, "Names of a bag."},
    {"bag_has_key", 2, 2, fixed<Type::kBool, kDynamicArg, kTextArg>, bag_has_key_kernel,
     "The bag has the name."},
    {"bag_remove_keys", 2, 2, kBag, bag_remove_keys_kernel, "The bag without names."},
    {"bag_set_key", 3, 3, fixed<Type::kDynamic, kDynamicArg, kTextArg, kAnyArg>, bag_set_key_kernel,
     "The bag with a value set."},
    {"bag_zip", 2, 2, fixed<Type::kDynamic, kDynamicArg, kAnyArg>, bag_zip_kernel,
     "A bag of two arrays."},
    {"bag_to_array", 1, 1, fixed<Type::kDynamic, kAnyArg>, bag_to_array_kernel<false>,
     "Entries of a bag, for mv-expand."},
    {"bag_to_pairs", 1, 1, fixed<Type::kDynamic, kAnyArg>, bag_to_array_kernel<true>,
     "Pairs of a bag, for mv-expand."},
};

}  // namespace

void register_dynamic(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
