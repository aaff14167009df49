// Array functions of KQL. What is no array gives null; indexes may count from the end.
// Source: Kusto documentation, dynamic and array functions; engine answers.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

/// Arrays that functions make are cut at this length, as in the engine.
constexpr int64_t kMaxMade = 1'048'576;

/// An array that `write` fills.
template <class F>
void set_array(ColumnBuilder& out, uint32_t row, F&& write) {
  DynamicWriter w;
  w.begin_array();
  write(w);
  w.end();
  set_made_dynamic(out, row, w);
}

Column array_length_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic d = args[0].dynamic(row);
    if (d.is_array()) out.set(row, int64_t{d.size()});
  });
}

Column pack_array_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    set_array(out, row, [&](DynamicWriter& w) {
      for (size_t i = 0; i < args.size() && has_room(w.size()); ++i)
        write_cell(w, args[i], row);
    });
  });
}

/// What is no array is left out; null when none is one.
Column array_concat_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    bool any = false;
    for (Arg& a : args)
      any = any || a.dynamic(row).is_array();
    if (!any) return;
    set_array(out, row, [&](DynamicWriter& w) {
      for (Arg& a : args) {
        const Dynamic d = a.dynamic(row);
        for (uint32_t i = 0; d.is_array() && i < d.size() && has_room(w.size()); ++i)
          w.value(d.at(i));
      }
    });
  });
}

/// array_iff(conditions, a, b): a scalar stands for every place; null where a condition is none.
Column array_iff_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic conditions = args[0].dynamic(row);
    if (!conditions.is_array()) return;
    set_array(out, row, [&](DynamicWriter& w) {
      for (uint32_t i = 0; i < conditions.size() && has_room(w.size()); ++i) {
        const Dynamic c = conditions.at(i);
        if (!c.is_bool() && !c.is_number()) {
          w.null();
          continue;
        }
        const bool truth = c.is_bool() ? c.as_bool() : c.as_real() != 0;
        const Dynamic choice = args[truth ? 1 : 2].dynamic(row);
        w.value(choice.is_array() ? (i < choice.size() ? choice.at(i) : Dynamic()) : choice);
      }
    });
  });
}

/// array_index_of(array, value[, start[, length[, occurrence]]])
Column array_index_of_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    if (!array.is_array()) return;
    const int64_t size = array.size();
    const auto number = [&](size_t i, int64_t otherwise) {
      return args.size() > i ? args[i].integer(row).value_or(otherwise) : otherwise;
    };
    int64_t start = number(2, 0);
    start = std::clamp<int64_t>(start < 0 ? size + start : start, 0, size);
    const int64_t length = number(3, -1);
    const int64_t end = length < 0 ? size : std::min(size, start + std::min(length, size));
    int64_t left = number(4, 1);
    const std::string wanted = key_of(args[1].dynamic(row));
    int64_t found = -1;
    for (int64_t i = start; i < end && found < 0; ++i)
      if (key_of(array.at(static_cast<uint32_t>(i))) == wanted && --left <= 0) found = i;
    out.set(row, found);
  });
}

/// array_slice(array, start, end): both ends belong to it.
Column array_slice_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    const std::optional<int64_t> from = args[1].integer(row);
    const std::optional<int64_t> to = args[2].integer(row);
    if (!array.is_array() || !from || !to) return;
    const int64_t size = array.size();
    const int64_t first = std::max<int64_t>(0, *from < 0 ? *from + size : *from);
    const int64_t last = std::min(size - 1, *to < 0 ? *to + size : *to);
    set_array(out, row, [&](DynamicWriter& w) {
      for (int64_t i = first; i <= last; ++i)
        w.value(array.at(static_cast<uint32_t>(i)));
    });
  });
}

/// array_split(array, index or indexes): an array of parts, cut before each index.
Column array_split_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    const Dynamic indexes = args[1].dynamic(row);
    if (!array.is_array()) return;
    const int64_t size = array.size();
    std::vector<int64_t> cuts;
    const auto cut = [&](Dynamic d) {
      const int64_t i = d.as_long() < 0 ? d.as_long() + size : d.as_long();
      if (d.is_number()) cuts.push_back(std::clamp<int64_t>(i, 0, size));
    };
    if (indexes.is_array())
      for (uint32_t i = 0; i < indexes.size(); ++i)
        cut(indexes.at(i));
    else
      cut(indexes);
    cuts.push_back(size);
    set_array(out, row, [&](DynamicWriter& w) {
      int64_t at = 0;
      for (const int64_t end : cuts) {
        w.begin_array();
        for (; at < end; ++at)
          w.value(array.at(static_cast<uint32_t>(at)));
        w.end();
      }
    });
  });
}

Column array_reverse_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    if (!array.is_array()) return;
    set_array(out, row, [&](DynamicWriter& w) {
      for (uint32_t i = array.size(); i > 0; --i)
        w.value(array.at(i - 1));
    });
  });
}

/// Rotation and shift to the left by n (to the right by -n).
template <bool rotate, bool left>
Column move_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    const std::optional<int64_t> n = args[1].integer(row);
    if (!array.is_array() || !n) return;
    const int64_t size = array.size();
    // Beyond the length every shift is alike.
    const int64_t by =
        (left ? 1 : -1) * (rotate && size > 0 ? *n % size : std::clamp<int64_t>(*n, -size, size));
    const Dynamic fill = args.size() > 2 ? args[2].dynamic(row) : Dynamic();
    set_array(out, row, [&](DynamicWriter& w) {
      for (int64_t i = 0; i < size && has_room(w.size()); ++i) {
        int64_t from = i + by;
        if (rotate) from = ((from % size) + size) % size;
        w.value(from >= 0 && from < size ? array.at(static_cast<uint32_t>(from)) : fill);
      }
    });
  });
}

// ---- sorting
// --------------------------------------------------------------------------------------

/// Numbers before texts before the rest; null apart.
int kind_rank(Dynamic d) {
  if (d.is_bool()) return 0;
  if (d.is_number()) return 1;
  if (d.kind() == Dynamic::Kind::kDatetime || d.kind() == Dynamic::Kind::kTimespan) return 2;
  return d.is_string() ? 3 : 4;
}

/// Order of array_sort_asc(); kinds do not mix, and keep their order when it descends.
bool before(Dynamic a, Dynamic b, bool descending) {
  const int x = kind_rank(a);
  const int y = kind_rank(b);
  if (x != y) return x < y;
  if (descending) std::swap(a, b);
  if (a.is_bool()) return !a.as_bool() && b.as_bool();
  if (a.kind() == Dynamic::Kind::kLong && b.kind() == Dynamic::Kind::kLong)
    return a.as_long() < b.as_long();
  // NaN before all numbers: an order must place it somewhere.
  if (x == 1) {
    const double p = a.as_real();
    const double q = b.as_real();
    return std::isnan(p) ? !std::isnan(q) : p < q;
  }
  if (x == 2) return a.as_long() < b.as_long();
  if (x == 3) return a.as_string() < b.as_string();
  return to_json(a) < to_json(b);
}

/// Kusto sorts several arrays by the first; that form gives several columns and is refused.
Typing sort_typing(const TypeRequest& r) {
  if (r.types.size() > 1 && r.types[1] != Type::kBool)
    return Typing::wrong("sorting several arrays together is not supported");
  static constexpr Mask kMasks[] = {kDynamicArg, kBoolArg};
  return check_arguments(r, kMasks, Type::kDynamic);
}

/// array_sort_asc(array[, nulls last])
template <bool descending>
Column sort_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    if (!array.is_array()) return;
    const bool nulls_last = args.size() < 2 || args[1].boolean(row).value_or(true);
    std::vector<uint32_t> order;
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < array.size(); ++i) {
      if (array.at(i).is_null())
        ++nulls;
      else
        order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return before(array.at(a), array.at(b), descending);
    });
    set_array(out, row, [&](DynamicWriter& w) {
      for (uint32_t i = 0; !nulls_last && i < nulls; ++i)
        w.null();
      for (const uint32_t i : order)
        w.value(array.at(i));
      for (uint32_t i = 0; nulls_last && i < nulls; ++i)
        w.null();
    });
  });
}

/// Bools count as 0 and 1; one member that is no number makes the sum null.
Column array_sum_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Dynamic array = args[0].dynamic(row);
    if (!array.is_array()) return;
    double sum = 0;
    bool any = false;
    for (uint32_t i = 0; i < array.size(); ++i) {
      const Dynamic d = array.at(i);
      if (d.is_number() || d.is_bool()) {
        sum += d.is_bool() ? (d.as_bool() ? 1 : 0) : d.as_real();
        any = true;
      } else if (!d.is_null()) {
        return;
      }
    }
    if (any) out.set(row, sum);
  });
}

// ---- making arrays
// ----------------------------------------------------------------------------------

/// range(from, to[, step]): both ends belong to it; at most 1,048,576 members.
Column range_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const Type from_type = args[0].type();
    bool real = false;
    for (const Arg& a : args)
      real = real || a.type() == Type::kReal;
    if (real) {
      const auto from = args[0].number(row);
      const auto to = args[1].number(row);
      const auto step = args.size() > 2 ? args[2].number(row) : std::optional<double>(1);
      if (!from || !to || !step || *step == 0 || !std::isfinite(*from) || !std::isfinite(*step))
        return;
      set_array(out, row, [&](DynamicWriter& w) {
        for (int64_t i = 0; i < kMaxMade; ++i) {
          const double v = *from + static_cast<double>(i) * *step;
          if (*step > 0 ? v > *to : v < *to) break;
          w.real(v);
        }
      });
      return;
    }
    const auto from = args[0].integer(row);
    const auto to = args[1].integer(row);
    const bool times = from_type == Type::kDatetime || from_type == Type::kTimespan;
    const auto step =
        args.size() > 2 ? args[2].integer(row) : std::optional<int64_t>(times ? kTicksPerDay : 1);
    if (!from || !to || !step || *step == 0) return;
    set_array(out, row, [&](DynamicWriter& w) {
      int64_t v = *from;
      for (int64_t i = 0; i < kMaxMade && (*step > 0 ? v <= *to : v >= *to); ++i) {
        if (from_type == Type::kDatetime)
          w.datetime(v);
        else if (from_type == Type::kTimespan)
          w.timespan(v);
        else
          w.integer(v);
        if (__builtin_add_overflow(v, *step, &v)) break;
      }
    });
  });
}

Column repeat_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    const auto n = args[1].integer(row);
    if (!n || *n < 0) return;
    const Dynamic value = args[0].dynamic(row);
    set_array(out, row, [&](DynamicWriter& w) {
      for (int64_t i = 0; i < std::min(*n, kMaxMade) && has_room(w.size()); ++i)
        w.value(value);
    });
  });
}

/// zip(a, b, …): an array of arrays, padded with null.
Column zip_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    uint32_t longest = 0;
    for (Arg& a : args) {
      const Dynamic d = a.dynamic(row);
      if (d.is_array()) longest = std::max(longest, d.size());
    }
    set_array(out, row, [&](DynamicWriter& w) {
      for (uint32_t i = 0; i < longest && has_room(w.size()); ++i) {
        w.begin_array();
        for (Arg& a : args) {
          const Dynamic d = a.dynamic(row);
          w.value(d.is_array() ? (i < d.size() ? d.at(i) : Dynamic()) : d);
        }
        w.end();
      }
    });
  });
}

constexpr auto kArray = fixed<Type::kDynamic, kDynamicArg>;
constexpr auto kMove = fixed<Type::kDynamic, kDynamicArg, kIntegerArg, kAnyArg>;

constexpr Spec kSpecs[] = {
    {"array_length", 1, 1, fixed<Type::kLong, kDynamicArg>, array_length_kernel,
     "Number of members."},
    {"pack_array", 0, -1, fixed<Type::kDynamic, kAnyArg>, pack_array_kernel,
     "An array of the arguments."},
    {"array_concat", 1, 64, kArray, array_concat_kernel, "Arrays in one."},
    {"array_iff", 3, 3, fixed<Type::kDynamic, kDynamicArg, kAnyArg>, array_iff_kernel,
     "Member by member, one of two."},
    {"array_index_of", 2, 5, fixed<Type::kLong, kDynamicArg, kAnyArg, kIntegerArg>,
     array_index_of_kernel, "Position of a value, or -1."},
    {"array_slice", 3, 3, fixed<Type::kDynamic, kDynamicArg, kIntegerArg>, array_slice_kernel,
     "Part of an array."},
    {"array_split", 2, 2, fixed<Type::kDynamic, kDynamicArg, kIntegerArg>, array_split_kernel,
     "An array in parts."},
    {"array_reverse", 1, 1, kArray, array_reverse_kernel, "Members in reverse order."},
    {"array_rotate_left", 2, 2, kMove, move_kernel<true, true>, "Members rotated."},
    {"array_rotate_right", 2, 2, kMove, move_kernel<true, false>, "Members rotated."},
    {"array_shift_left", 2, 3, kMove, move_kernel<false, true>, "Members shifted."},
    {"array_shift_right", 2, 3, kMove, move_kernel<false, false>, "Members shifted."},
    {"array_sort_asc", 1, 2, sort_typing, sort_kernel<false>, "Members in order."},
    {"array_sort_desc", 1, 2, sort_typing, sort_kernel<true>, "Members in descending order."},
    {"array_sum", 1, 1, fixed<Type::kReal, kDynamicArg>, array_sum_kernel, "Sum of the members."},
    {"range", 2, 3, fixed<Type::kDynamic, kAnyArg>, range_kernel,
     "An array of steps from one value to another."},
    {"repeat", 2, 2, fixed<Type::kDynamic, static_cast<Mask>(kAnyArg & ~kDynamicArg), kIntegerArg>,
     repeat_kernel, "A value several times."},
    {"zip", 2, 16, kArray, zip_kernel, "Arrays member by member."},
};

}  // namespace

void register_arrays(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
