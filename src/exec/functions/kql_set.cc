// Set functions of KQL: arrays as sets of distinct values, in order of first sight.
// Source: Kusto documentation, set functions; engine answers.
#include <unordered_set>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {

std::string key_of(Dynamic d) {
  if (d.is_string()) return "s" + std::string(d.as_string());
  if (d.kind() == Dynamic::Kind::kReal) {
    const double v = d.as_real();
    if (v >= -9e15 && v <= 9e15 && static_cast<double>(static_cast<int64_t>(v)) == v)
      return "n" + std::to_string(static_cast<int64_t>(v));
    return "n" + real_to_text(v);
  }
  if (d.kind() == Dynamic::Kind::kLong) return "n" + std::to_string(d.as_long());
  return "j" + to_json(d);
}

namespace {

using Keys = std::unordered_set<std::string>;

/// Keys of all members.
Keys keys_of(Dynamic array) {
  Keys keys;
  for (uint32_t i = 0; array.is_array() && i < array.size(); ++i)
    keys.insert(key_of(array.at(i)));
  return keys;
}

/// Anything but arrays gives null.
bool all_arrays(std::vector<Arg>& args, uint32_t row) {
  for (Arg& a : args)
    if (!a.dynamic(row).is_array()) return false;
  return true;
}

/// Members of the first array that `keep` takes, each once; then those of the others for a union.
template <class F>
void set_members(
    ColumnBuilder& out, uint32_t row, std::vector<Arg>& args, size_t arrays, F&& keep) {
  DynamicWriter w;
  Keys seen;
  w.begin_array();
  for (size_t a = 0; a < arrays; ++a) {
    const Dynamic array = args[a].dynamic(row);
    for (uint32_t i = 0; i < array.size(); ++i) {
      const std::string key = key_of(array.at(i));
      if (keep(key) && seen.insert(key).second) w.value(array.at(i));
    }
  }
  w.end();
  out.set_copy(row, w.take());
}

Column union_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (all_arrays(args, row))
      set_members(out, row, args, args.size(), [](const std::string&) { return true; });
  });
}

Column intersect_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (!all_arrays(args, row)) return;
    std::vector<Keys> others;
    for (size_t i = 1; i < args.size(); ++i)
      others.push_back(keys_of(args[i].dynamic(row)));
    set_members(out, row, args, 1, [&](const std::string& key) {
      for (const Keys& k : others)
        if (k.count(key) == 0) return false;
      return true;
    });
  });
}

Column difference_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (!all_arrays(args, row)) return;
    Keys others;
    for (size_t i = 1; i < args.size(); ++i)
      others.merge(keys_of(args[i].dynamic(row)));
    set_members(out, row, args, 1, [&](const std::string& key) { return others.count(key) == 0; });
  });
}

Column has_element_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    if (!array.is_array()) return;
    const std::string wanted = key_of(args[1].dynamic(row));
    bool found = false;
    for (uint32_t i = 0; i < array.size() && !found; ++i)
      found = key_of(array.at(i)) == wanted;
    out.set(row, found);
  });
}

Column equals_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (all_arrays(args, row))
      out.set(row, keys_of(args[0].dynamic(row)) == keys_of(args[1].dynamic(row)));
  });
}

/// |a and b| / |a or b|
Column jaccard_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    if (!all_arrays(args, row)) return;
    const Keys a = keys_of(args[0].dynamic(row));
    const Keys b = keys_of(args[1].dynamic(row));
    size_t both = 0;
    for (const std::string& k : a)
      both += b.count(k);
    const size_t either = a.size() + b.size() - both;
    if (either > 0) out.set(row, static_cast<double>(both) / static_cast<double>(either));
  });
}

constexpr auto kSet = fixed<Type::kDynamic, kDynamicArg>;

constexpr Spec kSpecs[] = {
    {"set_union", 2, 64, kSet, union_kernel, "Values of any of the arrays."},
    {"set_intersect", 2, 64, kSet, intersect_kernel, "Values of all of the arrays."},
    {"set_difference", 2, 64, kSet, difference_kernel, "Values of the first array only."},
    {"set_has_element", 2, 2, fixed<Type::kBool, kDynamicArg, kAnyArg>, has_element_kernel,
     "The value is there."},
    {"set_equals", 2, 2, fixed<Type::kBool, kDynamicArg>, equals_kernel, "The same values."},
    {"jaccard_index", 2, 2, fixed<Type::kReal, kDynamicArg>, jaccard_kernel,
     "Share of common values."},
};

}  // namespace

void register_sets(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
