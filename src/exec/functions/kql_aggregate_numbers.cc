// count, sum, avg, stdev, variance, covariance, percentile and bit aggregates of KQL. Nulls are
// left out. Over nothing: counts, sums and deviations are 0, averages NaN, percentiles null.
// Source: Kusto documentation, aggregation functions; engine answers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "exec/functions/kql_aggregates.h"

namespace postern::exec::kql {
namespace {

bool is_time(Type t) {
  return t == Type::kDatetime || t == Type::kTimespan;
}

std::string not_a_number(Type t) {
  return "argument 1 must be a number, but is " + std::string(data::type_name(t));
}

// ---- count
// ------------------------------------------------------------------------------------------

class Count final : public Aggregator {
 public:
  void resize(uint32_t n) override { counts_.resize(n); }

  void update(std::span<const Column>,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    for (size_t i = 0; i < rows.size(); ++i)
      ++counts_[groups[i]];
  }

  void finish(uint32_t group, ColumnBuilder& out) override { out.append(counts_[group]); }

 private:
  std::vector<int64_t> counts_;
};

std::unique_ptr<Aggregator> make_count(Constants, std::span<const Type>, Type) {
  return std::make_unique<Count>();
}

Typing count_typing(const TypeRequest&) {
  return Typing::ok(Type::kLong);
}

// ---- sum and avg
// ------------------------------------------------------------------------------------

/// Spans add up to a span; what a dynamic holds counts as real, and what is no number there not at
/// all.
Typing sum_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (data::is_integer(t)) return Typing::ok(Type::kLong);
  if (t == Type::kReal || t == Type::kTimespan) return Typing::ok(t);
  if (t == Type::kDynamic || t == Type::kNull) return Typing::ok(Type::kReal);
  return Typing::wrong(not_a_number(t));
}

class SumWhole final : public Aggregator {
 public:
  void resize(uint32_t n) override { sums_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const data::ColumnView<int64_t> v = args[0].view<int64_t>();
    for (size_t i = 0; i < rows.size(); ++i)
      if (v.valid(rows[i]))
        sums_[groups[i]] += static_cast<uint64_t>(v[rows[i]]);  // wraps, as the engine does
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    out.append(static_cast<int64_t>(sums_[group]));
  }

 private:
  std::vector<uint64_t> sums_;
};

class SumReal final : public Aggregator {
 public:
  void resize(uint32_t n) override { sums_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg a(args[0]);
    for (size_t i = 0; i < rows.size(); ++i)
      if (const std::optional<double> v = a.number(rows[i])) sums_[groups[i]] += *v;
  }

  void finish(uint32_t group, ColumnBuilder& out) override { out.append(sums_[group]); }

 private:
  std::vector<double> sums_;
};

std::unique_ptr<Aggregator> make_sum(Constants, std::span<const Type> types, Type result) {
  if (result == Type::kReal || types[0] == Type::kNull) return std::make_unique<SumReal>();
  return std::make_unique<SumWhole>();
}

/// Averages of times are times.
Typing avg_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (is_time(t)) return Typing::ok(t);
  if (data::is_numeric(t) || t == Type::kDynamic || t == Type::kNull)
    return Typing::ok(Type::kReal);
  return Typing::wrong(not_a_number(t));
}

class Avg final : public Aggregator {
 public:
  explicit Avg(bool time) : time_(time) {}

  void resize(uint32_t n) override {
    sums_.resize(n);
    counts_.resize(n);
  }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg a(args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      // Ticks of times exceed what a double counts exactly.
      const std::optional<int64_t> ticks = time_ ? a.integer(rows[i]) : std::nullopt;
      const std::optional<double> v = time_ ? std::nullopt : a.number(rows[i]);
      if (!ticks && !v) continue;
      sums_[groups[i]] += ticks ? static_cast<long double>(*ticks) : static_cast<long double>(*v);
      ++counts_[groups[i]];
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    const int64_t n = counts_[group];
    if (time_) {
      if (n == 0)
        out.append_null();
      else
        out.append(static_cast<int64_t>(sums_[group] / static_cast<long double>(n)));
    } else {
      out.append(n == 0 ? std::numeric_limits<double>::quiet_NaN()
                        : static_cast<double>(sums_[group]) / static_cast<double>(n));
    }
  }

 private:
  bool time_;
  std::vector<long double> sums_;
  std::vector<int64_t> counts_;
};

std::unique_ptr<Aggregator> make_avg(Constants, std::span<const Type> types, Type) {
  return std::make_unique<Avg>(is_time(types[0]));
}

// ---- deviations
// ---------------------------------------------------------------------------------------

Typing real_typing(const TypeRequest& r) {
  for (const Type t : r.types)
    if (!data::is_numeric(t) && t != Type::kDynamic && t != Type::kNull)
      return Typing::wrong(not_a_number(t));
  return Typing::ok(Type::kReal);
}

enum class Spread : uint8_t { kVariance, kVarianceP, kStdev, kStdevP, kCovariance, kCovarianceP };

/// Welford's running moments, of one or two variables.
template <Spread spread>
class Deviation final : public Aggregator {
 public:
  void resize(uint32_t n) override { groups_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg a(args[0]);
    const Arg b(args.size() > 1 ? args[1] : args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::optional<double> x = a.number(rows[i]);
      const std::optional<double> y = b.number(rows[i]);
      if (!x || !y) continue;
      Moments& m = groups_[groups[i]];
      m.n += 1;
      const double dx = *x - m.mean_x;
      m.mean_x += dx / m.n;
      m.mean_y += (*y - m.mean_y) / m.n;
      m.product += dx * (*y - m.mean_y);
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    const Moments& m = groups_[group];
    const bool whole =
        spread == Spread::kVarianceP || spread == Spread::kStdevP || spread == Spread::kCovarianceP;
    const double divisor = whole ? m.n : m.n - 1;
    const double v = divisor > 0 ? m.product / divisor : 0;
    out.append(spread == Spread::kStdev || spread == Spread::kStdevP ? std::sqrt(v) : v);
  }

 private:
  struct Moments {
    double n = 0;
    double mean_x = 0;
    double mean_y = 0;
    double product = 0;
  };

  std::vector<Moments> groups_;
};

template <Spread spread>
std::unique_ptr<Aggregator> make_deviation(Constants, std::span<const Type>, Type) {
  return std::make_unique<Deviation<spread>>();
}

// ---- percentiles
// --------------------------------------------------------------------------------------

/// A percentile is one of the values, so it keeps their type.
Typing percentile_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  for (size_t i = 1; i < r.types.size(); ++i)
    if (!data::is_numeric(r.types[i])) return Typing::wrong("a percentile must be a number");
  if (data::is_integer(t)) return Typing::ok(Type::kLong);
  if (t == Type::kReal || is_time(t)) return Typing::ok(t);
  if (t == Type::kDynamic || t == Type::kNull) return Typing::ok(Type::kReal);
  return Typing::wrong(not_a_number(t));
}

Typing percentiles_typing(const TypeRequest& r) {
  std::vector<Type> types(r.types.begin(), r.types.end());
  // The percentiles may also be one array.
  if (types.size() == 2 && types[1] == Type::kDynamic) types[1] = Type::kReal;
  const Typing t = percentile_typing({types, r.constants});
  return t.error.empty() ? Typing::ok(Type::kDynamic) : t;
}

/// Nearest rank: the least value that at least p percent of all do not exceed.
class Percentile final : public Aggregator {
 public:
  Percentile(bool real, Type source, std::vector<double> percents, bool as_array)
      : real_(real), source_(source), percents_(std::move(percents)), as_array_(as_array) {}

  void resize(uint32_t n) override {
    wholes_.resize(real_ ? 0 : n);
    reals_.resize(real_ ? n : 0);
  }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const Arg a(args[0]);
    // A percentile that is no literal is the same for all rows.
    if (percents_.empty() && !rows.empty()) {
      for (size_t i = 1; i < args.size(); ++i) {
        Arg p(args[i]);
        const Dynamic d = p.dynamic(rows[0]);
        if (!d.is_array()) percents_.push_back(p.number(rows[0]).value_or(0));
        for (uint32_t m = 0; d.is_array() && m < d.size(); ++m)
          percents_.push_back(d.at(m).as_real());
      }
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      if (real_) {
        if (const std::optional<double> v = a.number(rows[i])) reals_[groups[i]].push_back(*v);
      } else if (const std::optional<int64_t> v = a.integer(rows[i])) {
        wholes_[groups[i]].push_back(*v);
      }
    }
    num_values_ += rows.size();
  }

  uint64_t memory_bytes() const override { return num_values_ * sizeof(int64_t); }

  void finish(uint32_t group, ColumnBuilder& out) override {
    if (!as_array_) {
      if (real_)
        append(out, pick(reals_[group], percents_.empty() ? 0 : percents_[0]));
      else
        append(out, pick(wholes_[group], percents_.empty() ? 0 : percents_[0]));
      return;
    }
    DynamicWriter w;
    w.begin_array();
    for (const double p : percents_) {
      const std::optional<double> r = real_ ? pick(reals_[group], p) : std::nullopt;
      const std::optional<int64_t> i = real_ ? std::nullopt : pick(wholes_[group], p);
      if (r)
        w.real(*r);
      else if (i && source_ == Type::kDatetime)
        w.datetime(*i);
      else if (i && source_ == Type::kTimespan)
        w.timespan(*i);
      else if (i)
        w.integer(*i);
      else
        w.null();
    }
    w.end();
    out.append_copy(w.take());
  }

 private:
  template <class T>
  static std::optional<T> pick(std::vector<T>& values, double percent) {
    if (values.empty()) return std::nullopt;
    const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
    const auto index =
        static_cast<size_t>(std::clamp(rank - 1, 0.0, static_cast<double>(values.size() - 1)));
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(index);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }

  template <class T>
  static void append(ColumnBuilder& out, std::optional<T> v) {
    if (v)
      out.append(*v);
    else
      out.append_null();
  }

  bool real_;
  Type source_;
  std::vector<double> percents_;
  bool as_array_;
  std::vector<std::vector<int64_t>> wholes_;
  std::vector<std::vector<double>> reals_;
  uint64_t num_values_ = 0;
};

template <bool as_array>
std::unique_ptr<Aggregator> make_percentile(Constants constants,
                                            std::span<const Type> types,
                                            Type) {
  std::vector<double> percents;
  for (size_t i = 1; i < constants.size(); ++i) {
    if (!constants[i]) {
      percents.clear();
      break;
    }
    if (constants[i]->type() != Type::kDynamic) {
      percents.push_back(constants[i]->number());
      continue;
    }
    const Dynamic d(constants[i]->as_bytes());
    for (uint32_t m = 0; m < d.size(); ++m)
      percents.push_back(d.at(m).as_real());
  }
  const bool real =
      types[0] == Type::kReal || types[0] == Type::kDynamic || types[0] == Type::kNull;
  return std::make_unique<Percentile>(real, types[0], std::move(percents), as_array);
}

// ---- bits
// ---------------------------------------------------------------------------------------------

Typing bits_typing(const TypeRequest& r) {
  if (data::is_integer(r.types[0])) return Typing::ok(r.types[0]);
  return Typing::wrong("argument 1 must be a whole number, but is " +
                       std::string(data::type_name(r.types[0])));
}

template <char op>
class Bits final : public Aggregator {
 public:
  void resize(uint32_t n) override { values_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    const data::ColumnView<int64_t> v = args[0].view<int64_t>();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!v.valid(rows[i])) continue;
      std::optional<int64_t>& b = values_[groups[i]];
      const int64_t x = v[rows[i]];
      b = !b ? x : op == '&' ? (*b & x) : op == '|' ? (*b | x) : (*b ^ x);
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    if (values_[group])
      out.append(*values_[group]);
    else
      out.append_null();
  }

 private:
  std::vector<std::optional<int64_t>> values_;
};

template <char op>
std::unique_ptr<Aggregator> make_bits(Constants, std::span<const Type>, Type) {
  return std::make_unique<Bits<op>>();
}

constexpr AggregateSpec kSpecs[] = {
    {"count", 0, 1, count_typing, make_count, "Number of rows."},
    {"countif", 1, 1, conditional_typing<count_typing, 0>, conditional<make_count, 0>,
     "Rows for which a condition holds."},
    {"sum", 1, 1, sum_typing, make_sum, "Sum."},
    {"sumif", 2, 2, conditional_typing<sum_typing>, conditional<make_sum>,
     "Sum where a condition holds."},
    {"avg", 1, 1, avg_typing, make_avg, "Average."},
    {"avgif", 2, 2, conditional_typing<avg_typing>, conditional<make_avg>,
     "Average where a condition holds."},
    {"variance", 1, 1, real_typing, make_deviation<Spread::kVariance>, "Variance of a sample."},
    {"variancep", 1, 1, real_typing, make_deviation<Spread::kVarianceP>,
     "Variance of a population."},
    {"varianceif", 2, 2, conditional_typing<real_typing>,
     conditional<make_deviation<Spread::kVariance>>,
     "Variance of a sample where a condition holds."},
    {"stdev", 1, 1, real_typing, make_deviation<Spread::kStdev>, "Standard deviation of a sample."},
    {"stdevp", 1, 1, real_typing, make_deviation<Spread::kStdevP>,
     "Standard deviation of a population."},
    {"stdevif", 2, 2, conditional_typing<real_typing>, conditional<make_deviation<Spread::kStdev>>,
     "Standard deviation of a sample where a condition holds."},
    {"covariance", 2, 2, real_typing, make_deviation<Spread::kCovariance>,
     "Covariance of a sample."},
    {"covariancep", 2, 2, real_typing, make_deviation<Spread::kCovarianceP>,
     "Covariance of a population."},
    {"percentile", 2, 2, percentile_typing, make_percentile<false>,
     "Value at a percentage of the rows."},
    {"percentiles_array", 2, -1, percentiles_typing, make_percentile<true>,
     "Values at percentages of the rows."},
    {"binary_all_and", 1, 1, bits_typing, make_bits<'&'>, "Bitwise and of all."},
    {"binary_all_or", 1, 1, bits_typing, make_bits<'|'>, "Bitwise or of all."},
    {"binary_all_xor", 1, 1, bits_typing, make_bits<'^'>, "Bitwise exclusive or of all."},
};

}  // namespace

void register_number_aggregates(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
