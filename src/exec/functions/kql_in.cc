// Membership in KQL: in, !in, in~, !in~, and the keys that `in (query)` joins on.
//
// A null is in no list. A string in the list also counts as what it spells, so that `port in
// ("25")` holds where every reader takes it to. Source: Kusto documentation; engine answers.
#include <cmath>
#include <unordered_set>

#include "base/datetime_text.h"
#include "exec/functions/kql_kernel.h"

namespace postern::exec::kql {
namespace {

/// Every member follows the rule of `==`; arrays are looked into when they are met.
Typing in_typing(const TypeRequest& r) {
  for (size_t i = 1; i < r.types.size(); ++i) {
    const Type pair[] = {r.types[0], r.types[i]};
    const Value* constants[] = {r.constants[0], r.constants[i]};
    const Typing t = equality_typing({pair, constants});
    if (!t.error.empty() && r.types[i] != Type::kDynamic) return t;
  }
  return Typing::ok(Type::kBool);
}

/// Only text has a case. A port that is compared with texts is a fault of published rules.
Typing in_ci_typing(const TypeRequest& r) {
  if (r.types[0] == Type::kString || r.types[0] == Type::kDynamic || r.types[0] == Type::kNull)
    return Typing::ok(Type::kBool);
  return Typing::coerced(Type::kBool, "`in~` compares strings, but the left side is " +
                                          std::string(data::type_name(r.types[0])));
}

// ---- the list -----------------------------------------------------------------------------------

struct TextHash {
  using is_transparent = void;

  size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};

/// The values of a list, in every form that a cell may be looked up in.
class ValueSet {
 public:
  explicit ValueSet(bool ignore_case) : ignore_case_(ignore_case) {}

  void add(const Value& v) {
    if (v.is_null()) return;
    switch (v.type()) {
      case Type::kString:
        return add_text(v.as_bytes());
      case Type::kDynamic:
        return add(Dynamic(v.as_bytes()));
      case Type::kReal:
        add_text(real_to_text(v.as_real()));
        reals_.insert(v.as_real());
        return;
      case Type::kDatetime:
        add_text(format_datetime_kusto(v.as_int()));
        ints_.insert(v.as_int());
        return;
      case Type::kTimespan:
        add_text(format_timespan(v.as_int()));
        ints_.insert(v.as_int());
        return;
      case Type::kBool:
        add_text(v.as_bool() ? "True" : "False");
        [[fallthrough]];
      default:
        if (v.type() != Type::kBool) add_text(std::to_string(v.as_int()));
        ints_.insert(v.as_int());
        reals_.insert(static_cast<double>(v.as_int()));
    }
  }

  void add(Dynamic d) {
    if (d.is_array()) {
      for (uint32_t i = 0; i < d.size(); ++i)
        add(d.at(i));
    } else if (d.kind() == Dynamic::Kind::kReal) {
      add(Value::real(d.as_real()));
    } else if (d.kind() == Dynamic::Kind::kLong) {
      add(Value::integer(d.as_long()));
    } else if (!d.is_null()) {
      add_text(to_text(d));
    }
  }

  bool has(Arg& a, uint32_t row) const {
    if (!a.valid(row)) return false;
    if (ignore_case_) return has_text(a.text(row));
    switch (a.type()) {
      case Type::kString:
        return texts_.count(a.text(row)) > 0;
      case Type::kReal:
        return reals_.count(a.reals(row)) > 0;
      case Type::kDynamic: {
        const Dynamic d(a.raw(row));
        if (d.kind() == Dynamic::Kind::kReal) return reals_.count(d.as_real()) > 0;
        if (d.kind() == Dynamic::Kind::kLong) return has_integer(d.as_long());
        return texts_.count(a.text(row)) > 0;
      }
      default:
        return has_integer(*a.integer(row));
    }
  }

 private:
  bool has_integer(int64_t v) const {
    return ints_.count(v) > 0 || (!reals_.empty() && reals_.count(static_cast<double>(v)) > 0 &&
                                  static_cast<int64_t>(static_cast<double>(v)) == v);
  }

  bool has_text(std::string_view s) const { return texts_.count(fold(s)) > 0; }

  /// A string in the list also counts as what it spells: `port in ("25")`.
  void add_text(std::string_view s) {
    if (ignore_case_) {
      texts_.insert(fold(s));
      return;
    }
    texts_.emplace(s);
    if (const auto v = long_from_text(s))
      ints_.insert(*v);
    else if (const auto r = real_from_text(s))
      reals_.insert(*r);
    else if (const auto t = parse_datetime_text(s))
      ints_.insert(*t);
    else if (const auto b = bool_from_text(s))
      ints_.insert(*b ? 1 : 0);
    else if (const auto span = parse_timespan(s))
      ints_.insert(*span);
    if (const auto r = real_from_text(s)) reals_.insert(*r);
  }

  bool ignore_case_;
  std::unordered_set<std::string, TextHash, std::equal_to<>> texts_;
  std::unordered_set<int64_t> ints_;
  std::unordered_set<double> reals_;
};

struct InState {
  explicit InState(bool ci) : constants(ci), ignore_case(ci) {}

  ValueSet constants;
  std::vector<size_t> varying;  ///< arguments that are no literals
  bool ignore_case;
};

template <bool ignore_case>
Result<std::shared_ptr<const void>> prepare_in(std::span<const Value* const> constants,
                                               std::span<const Type>) {
  auto state = std::make_shared<InState>(ignore_case);
  for (size_t i = 1; i < constants.size(); ++i) {
    if (constants[i])
      state->constants.add(*constants[i]);
    else
      state->varying.push_back(i);
  }
  return std::shared_ptr<const void>(state);
}

/// Sets built from dynamic cells; consecutive rows mostly hold the same array.
class RowSets {
 public:
  explicit RowSets(bool ignore_case) : ignore_case_(ignore_case), set_(ignore_case) {}

  bool has(Arg& x, Arg& list, uint32_t row) {
    if (!list.valid(row)) return false;
    if (list.type() != Type::kDynamic) {
      ValueSet one(ignore_case_);
      DynamicWriter w;
      write_cell(w, list, row);
      one.add(Dynamic(w.encoded()));
      return one.has(x, row);
    }
    const std::string_view raw = list.raw(row);
    if (raw.data() != last_.data() || raw.size() != last_.size()) {
      set_ = ValueSet(ignore_case_);
      set_.add(Dynamic(raw));
      last_ = raw;
    }
    return set_.has(x, row);
  }

 private:
  bool ignore_case_;
  ValueSet set_;
  std::string_view last_;
};

template <bool negated>
Column in_kernel(const KernelCall& call) {
  const auto* state = static_cast<const InState*>(call.state);
  std::vector<RowSets> sets(state->varying.size(), RowSets(state->ignore_case));
  return map_rows(call, [&](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    bool hit = state->constants.has(args[0], row);
    for (size_t i = 0; i < sets.size() && !hit; ++i)
      hit = sets[i].has(args[0], args[state->varying[i]], row);
    out.set(row, hit != negated);
  });
}

// ---- keys of `x in (query)`
// ---------------------------------------------------------------------------

/// A scalar as the text that equal values share: 5 and 5.0 are one key, null has none.
template <bool ignore_case>
Column in_key_kernel(const KernelCall& call) {
  return map_rows(call, [](std::vector<Arg>& args, uint32_t row, ColumnBuilder& out) {
    Arg& a = args[0];
    if (!a.valid(row)) return;
    if (a.type() != Type::kString) {
      const std::optional<double> v =
          a.type() == Type::kReal || a.type() == Type::kDynamic ? a.number(row) : std::nullopt;
      if (v && std::floor(*v) == *v && std::fabs(*v) < 9e15) {
        out.set_copy(row, std::to_string(static_cast<int64_t>(*v)));
        return;
      }
    }
    if (ignore_case)
      out.set_copy(row, fold(a.text(row)));
    else
      out.set_copy(row, a.text(row));
  });
}

constexpr Spec kSpecs[] = {
    {"in", 1, -1, in_typing, in_kernel<false>, "Equals one of the values, case and all.",
     prepare_in<false>, "in", true, true, 1},
    {"not_in", 1, -1, in_typing, in_kernel<true>, "Equals none of the values.", prepare_in<false>,
     "!in", false, true, 1},
    {"in_ci", 1, -1, in_ci_typing, in_kernel<false>,
     "Text of the value is one of the texts, ignoring case.", prepare_in<true>, "in~", true, true,
     1},
    {"not_in_ci", 1, -1, in_ci_typing, in_kernel<true>,
     "Text of the value is none of the texts, ignoring case.", prepare_in<true>, "!in~", false,
     true, 1},
    {"in_key", 1, 1, fixed<Type::kString, kAnyArg>, in_key_kernel<false>, "Key of `in (query)`."},
    {"in_key_ci", 1, 1, fixed<Type::kString, kAnyArg>, in_key_kernel<true>,
     "Key of `in~ (query)`."},
};

}  // namespace

void register_membership(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
