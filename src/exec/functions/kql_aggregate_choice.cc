// Aggregates of KQL that choose a value: min, max, arg_min, arg_max, take_any. The first row wins a
// tie; NaN wins over numbers. Source: Kusto documentation, aggregation functions; engine answers.
#include <cmath>

#include "exec/functions/kql_aggregates.h"

namespace postern::exec::kql {
namespace {

/// The chosen value keeps its type.
Typing first_type(const TypeRequest& r) {
  return Typing::ok(r.types[0] == Type::kNull ? Type::kDynamic : r.types[0]);
}

/// arg_max(value, returned) is of the type of what it returns.
Typing returned_type(const TypeRequest& r) {
  const Type t = r.types.size() > 1 ? r.types[1] : r.types[0];
  return Typing::ok(t == Type::kNull ? Type::kDynamic : t);
}

/// One cell kept across batches.
struct Kept {
  bool seen = false;  ///< some row was there
  bool valid = false;
  int64_t whole = 0;
  double real = 0;
  std::string bytes;
};

/// Copies the cell: its batch is gone when the next one comes.
void keep(Kept& k, const Arg& a, uint32_t row) {
  k.seen = true;
  k.valid = a.valid(row);
  if (!k.valid) return;
  switch (data::physical(a.type())) {
    case data::Physical::kByte:
      k.whole = *a.boolean(row) ? 1 : 0;
      break;
    case data::Physical::kInt64:
      k.whole = a.ints(row);
      break;
    case data::Physical::kDouble:
      k.real = a.reals(row);
      break;
    case data::Physical::kBytes:
      k.bytes.assign(a.raw(row));
      break;
  }
}

/// Nothing kept is null, and of strings "".
void append(ColumnBuilder& out, const Kept& k) {
  if (!k.valid) {
    if (out.type() == Type::kString)
      out.append_copy("");
    else
      out.append_null();
    return;
  }
  switch (data::physical(out.type())) {
    case data::Physical::kByte:
      return out.append(k.whole != 0);
    case data::Physical::kInt64:
      return out.append(k.whole);
    case data::Physical::kDouble:
      return out.append(k.real);
    case data::Physical::kBytes:
      return out.append_copy(k.bytes);
  }
}

/// Whether the cell is less (or greater) than what is kept.
template <bool least>
bool better(const Kept& k, const Arg& a, uint32_t row) {
  switch (data::physical(a.type())) {
    case data::Physical::kByte: {
      const int64_t v = *a.boolean(row) ? 1 : 0;
      return least ? v < k.whole : v > k.whole;
    }
    case data::Physical::kInt64:
      return least ? a.ints(row) < k.whole : a.ints(row) > k.whole;
    case data::Physical::kDouble: {
      const double v = a.reals(row);
      if (std::isnan(k.real)) return false;
      return std::isnan(v) || (least ? v < k.real : v > k.real);
    }
    case data::Physical::kBytes:
      break;
  }
  if (a.type() == Type::kDynamic) {
    const Dynamic x(a.raw(row));
    const Dynamic y(k.bytes);
    if (x.is_number() && y.is_number())
      return least ? x.as_real() < y.as_real() : x.as_real() > y.as_real();
    const int order = to_text(x).compare(to_text(y));
    return least ? order < 0 : order > 0;
  }
  return least ? a.raw(row) < k.bytes : a.raw(row) > k.bytes;
}

template <bool least>
class Extreme final : public Aggregator {
 public:
  void resize(uint32_t n) override { kept_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg a(args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      Kept& k = kept_[groups[i]];
      if (!valid_cell(args[0], a, rows[i])) continue;
      if (!k.valid || better<least>(k, a, rows[i])) keep(k, a, rows[i]);
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override { append(out, kept_[group]); }

 private:
  /// A missing string is no "" here: it would be the least of all.
  static bool valid_cell(const Column& c, const Arg& a, uint32_t row) {
    return a.valid(row) && c.valid(row);
  }

  std::vector<Kept> kept_;
};

template <bool least>
std::unique_ptr<Aggregator> make_extreme(Constants, std::span<const Type>, Type) {
  return std::make_unique<Extreme<least>>();
}

/// arg_max(value[, returned]): `returned` of the row with the greatest value; where no row has a
/// value, of the first row.
template <bool least>
class ArgExtreme final : public Aggregator {
 public:
  void resize(uint32_t n) override {
    best_.resize(n);
    returned_.resize(n);
  }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg value(args[0]);
    const Arg returned(args.size() > 1 ? args[1] : args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      Kept& best = best_[groups[i]];
      Kept& kept = returned_[groups[i]];
      const bool valid =
          value.type() != Type::kNull && value.valid(rows[i]) && args[0].valid(rows[i]);
      const bool wins = valid ? !best.valid || better<least>(best, value, rows[i]) : !best.seen;
      if (!wins) continue;
      if (valid) keep(best, value, rows[i]);
      best.seen = true;
      if (returned.type() != Type::kNull)
        keep_returned(kept, args.size() > 1 ? args[1] : args[0], returned, rows[i]);
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override { append(out, returned_[group]); }

 private:
  static void keep_returned(Kept& k, const Column& c, const Arg& a, uint32_t row) {
    if (c.valid(row)) {
      keep(k, a, row);
    } else {
      k.seen = true;
      k.valid = false;
    }
  }

  std::vector<Kept> best_;
  std::vector<Kept> returned_;
};

template <bool least>
std::unique_ptr<Aggregator> make_arg_extreme(Constants, std::span<const Type>, Type) {
  return std::make_unique<ArgExtreme<least>>();
}

/// take_any(x) prefers a row that has a value; with several columns (`row_first`) they must come
/// from one row, the first.
template <bool row_first>
class TakeAny final : public Aggregator {
 public:
  void resize(uint32_t n) override { kept_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg a(args[0]);
    if (a.type() == Type::kNull) return;
    for (size_t i = 0; i < rows.size(); ++i) {
      Kept& k = kept_[groups[i]];
      const bool empty = k.valid && a.type() == Type::kString && k.bytes.empty();
      if (row_first ? k.seen : k.valid && !empty) continue;
      if (args[0].valid(rows[i]))
        keep(k, a, rows[i]);
      else
        k.seen = true;
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override { append(out, kept_[group]); }

 private:
  std::vector<Kept> kept_;
};

template <bool row_first>
std::unique_ptr<Aggregator> make_take_any(Constants, std::span<const Type>, Type) {
  return std::make_unique<TakeAny<row_first>>();
}

constexpr AggregateSpec kSpecs[] = {
    {"min", 1, 1, first_type, make_extreme<true>, "Least value."},
    {"max", 1, 1, first_type, make_extreme<false>, "Greatest value."},
    {"minif", 2, 2, conditional_typing<first_type>, conditional<make_extreme<true>>,
     "Least value where a condition holds."},
    {"maxif", 2, 2, conditional_typing<first_type>, conditional<make_extreme<false>>,
     "Greatest value where a condition holds."},
    {"arg_min", 1, 2, returned_type, make_arg_extreme<true>,
     "A column of the row with the least value."},
    {"arg_max", 1, 2, returned_type, make_arg_extreme<false>,
     "A column of the row with the greatest value."},
    {"take_any", 1, 1, first_type, make_take_any<false>, "A value of any row that has one."},
    {"take_first", 1, 1, first_type, make_take_any<true>, "The value of the first row."},
    {"take_anyif", 2, 2, conditional_typing<first_type>, conditional<make_take_any<false>>,
     "A value of any row where a condition holds."},
};

}  // namespace

void register_choice_aggregates(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
