// Aggregates of KQL that choose a value: min, max, arg_min, arg_max, take_any. The first row wins a
// tie; NaN wins over numbers. Source: Kusto documentation, aggregation functions; engine answers.
#include <cmath>

#include "exec/functions/kql_aggregates.h"
#include "exec/functions/kql_kept_cells.h"

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

/// Whether the cell is less (or greater) than what is kept of a group.
template <bool least>
bool better(const KeptCells& kept, uint32_t group, const Arg& a, uint32_t row) {
  switch (data::physical(a.type())) {
    case data::Physical::kByte: {
      const int64_t v = *a.boolean(row) ? 1 : 0;
      return least ? v < kept.whole(group) : v > kept.whole(group);
    }
    case data::Physical::kInt64:
      return least ? a.ints(row) < kept.whole(group) : a.ints(row) > kept.whole(group);
    case data::Physical::kDouble: {
      const double v = a.reals(row);
      if (std::isnan(kept.real(group))) return false;
      return std::isnan(v) || (least ? v < kept.real(group) : v > kept.real(group));
    }
    case data::Physical::kBytes:
      break;
  }
  if (a.type() == Type::kDynamic) {
    const Dynamic x(a.raw(row));
    const Dynamic y(kept.bytes(group));
    if (x.is_number() && y.is_number())
      return least ? x.as_real() < y.as_real() : x.as_real() > y.as_real();
    const int order = to_text(x).compare(to_text(y));
    return least ? order < 0 : order > 0;
  }
  return least ? a.raw(row) < kept.bytes(group) : a.raw(row) > kept.bytes(group);
}

/// A missing string is no "" here: it would be the least of all.
bool has_value(const Column& c, const Arg& a, uint32_t row) {
  return a.type() != Type::kNull && a.valid(row) && c.valid(row);
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
      const uint32_t g = groups[i];
      if (!has_value(args[0], a, rows[i])) continue;
      if (!kept_.valid(g) || better<least>(kept_, g, a, rows[i])) kept_.keep(g, a, rows[i]);
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override { kept_.append(group, out); }

  uint64_t memory_bytes() const override { return kept_.memory_bytes(); }

 private:
  KeptCells kept_;
};

template <bool least>
std::unique_ptr<Aggregator> make_extreme(Constants, std::span<const Type>, Type) {
  return std::make_unique<Extreme<least>>();
}

/// Chooses one row of each group, and gives a column of it.
class RowChoice : public Aggregator {
 public:
  void resize(uint32_t n) override {
    returned_.resize(n);
    choice_of_.resize(n);
  }

  void finish(uint32_t group, ColumnBuilder& out) final { returned_.append(group, out); }

  std::unique_ptr<Aggregator> companion() final;

  uint64_t memory_bytes() const override {
    return returned_.memory_bytes() + choice_of_.size() * sizeof(uint32_t);
  }

  /// Keeps the cells of the rows that the last update() chose.
  void keep_chosen(const Column& c, KeptCells& kept) const {
    const Arg a(c);
    for (const auto& [group, row] : choices_)
      if (a.type() != Type::kNull && c.valid(row))
        kept.keep(group, a, row);
      else
        kept.keep_none(group);
  }

 protected:
  // An update(): begin, choose each row that takes the place of what its group has, end.
  void begin() { choices_.clear(); }

  bool has_rows(uint32_t group) const { return returned_.seen(group) || is_chosen(group); }

  void choose(uint32_t group, uint32_t row) {
    if (is_chosen(group)) {
      choices_[choice_of_[group]].row = row;
      return;
    }
    choice_of_[group] = static_cast<uint32_t>(choices_.size());
    choices_.push_back({group, row});
  }

  void end(const Column& returned) { keep_chosen(returned, returned_); }

 private:
  struct Choice {
    uint32_t group;
    uint32_t row;
  };

  bool is_chosen(uint32_t group) const {
    const uint32_t at = choice_of_[group];
    return at < choices_.size() && choices_[at].group == group;
  }

  KeptCells returned_;
  std::vector<Choice> choices_;      // of the last update()
  std::vector<uint32_t> choice_of_;  // by group: where it stands there, if it is that group's
};

/// Another column of the rows that a RowChoice chooses.
class ChosenColumn final : public Aggregator {
 public:
  explicit ChosenColumn(const RowChoice& rows) : rows_(rows) {}

  void resize(uint32_t n) override { returned_.resize(n); }

  void update(std::span<const Column> args, const Column&, data::Rows, const uint32_t*) override {
    rows_.keep_chosen(args.back(), returned_);
  }

  void finish(uint32_t group, ColumnBuilder& out) override { returned_.append(group, out); }

  uint64_t memory_bytes() const override { return returned_.memory_bytes(); }

 private:
  const RowChoice& rows_;
  KeptCells returned_;
};

std::unique_ptr<Aggregator> RowChoice::companion() {
  return std::make_unique<ChosenColumn>(*this);
}

/// arg_max(value[, returned]): `returned` of the row with the greatest value; where no row has a
/// value, of the first row.
template <bool least>
class ArgExtreme final : public RowChoice {
 public:
  void resize(uint32_t n) override {
    RowChoice::resize(n);
    best_.resize(n);
  }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    begin();
    const Arg value(args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint32_t g = groups[i];
      if (!has_value(args[0], value, rows[i])) {
        if (!has_rows(g)) choose(g, rows[i]);
      } else if (!best_.valid(g) || better<least>(best_, g, value, rows[i])) {
        best_.keep(g, value, rows[i]);
        choose(g, rows[i]);
      }
    }
    end(args.back());
  }

  uint64_t memory_bytes() const override {
    return RowChoice::memory_bytes() + best_.memory_bytes();
  }

 private:
  KeptCells best_;
};

template <bool least>
std::unique_ptr<Aggregator> make_arg_extreme(Constants, std::span<const Type>, Type) {
  return std::make_unique<ArgExtreme<least>>();
}

/// take_any(x, y): the first row.
class TakeFirst final : public RowChoice {
 public:
  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    begin();
    for (size_t i = 0; i < rows.size(); ++i)
      if (!has_rows(groups[i])) choose(groups[i], rows[i]);
    end(args.back());
  }
};

std::unique_ptr<Aggregator> make_take_first(Constants, std::span<const Type>, Type) {
  return std::make_unique<TakeFirst>();
}

/// take_any(x) prefers a row that has a value.
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
      const uint32_t g = groups[i];
      const bool empty = a.type() == Type::kString && kept_.is_empty_text(g);
      if (kept_.valid(g) && !empty) continue;
      if (args[0].valid(rows[i])) kept_.keep(g, a, rows[i]);
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override { kept_.append(group, out); }

  uint64_t memory_bytes() const override { return kept_.memory_bytes(); }

 private:
  KeptCells kept_;
};

std::unique_ptr<Aggregator> make_take_any(Constants, std::span<const Type>, Type) {
  return std::make_unique<TakeAny>();
}

constexpr AggregateSpec kSpecs[] = {
    {"min", 1, 1, first_type, make_extreme<true>, "Least value."},
    {"max", 1, 1, first_type, make_extreme<false>, "Greatest value."},
    {"minif", 2, 2, conditional_typing<first_type>, conditional<make_extreme<true>>,
     "Least value where a condition holds."},
    {"maxif", 2, 2, conditional_typing<first_type>, conditional<make_extreme<false>>,
     "Greatest value where a condition holds."},
    {"arg_min", 1, 2, returned_type, make_arg_extreme<true>,
     "A column of the row with the least value.", 1},
    {"arg_max", 1, 2, returned_type, make_arg_extreme<false>,
     "A column of the row with the greatest value.", 1},
    {"take_any", 1, 1, first_type, make_take_any, "A value of any row that has one."},
    {"take_first", 1, 1, first_type, make_take_first, "The value of the first row.", 0},
    {"take_anyif", 2, 2, conditional_typing<first_type>, conditional<make_take_any>,
     "A value of any row where a condition holds."},
};

}  // namespace

void register_choice_aggregates(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
