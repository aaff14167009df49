// Aggregates of stats and tstats (Splunk Search Reference, statistical and charting functions).
//
// Every value of a multivalue field counts. Numeric aggregates skip what is no number; min and max
// compare as numbers while all values are numbers, else by bytes. Percentiles are by nearest rank.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_set>

#include "exec/functions/functions.h"
#include "exec/functions/spl_value.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Rows;
using data::Type;
using data::Value;
using plan::AggregateDef;
using plan::Aggregator;
using plan::TypeRequest;
using plan::Typing;

namespace {

constexpr size_t kMaxListValues = 100;  // limits.conf, [stats] list_maxsize

/// What an entry of a set takes beside its bytes, about.
constexpr size_t kEntryBytes = 64;

/// A state per group; `Derived::add(State&, SplCells&, row, i)` sees each value.
template <class State>
class PerValue : public Aggregator {
 public:
  void resize(uint32_t num_groups) override { states_.resize(num_groups); }

  void update(std::span<const Column> args,
              const Column&,
              Rows rows,
              const uint32_t* groups) override {
    SplCells cells(args[0]);
    for (size_t r = 0; r < rows.size(); ++r) {
      const uint32_t n = cells.count(rows[r]);
      for (uint32_t i = 0; i < n; ++i)
        add(states_[groups[r]], cells, rows[r], i);
    }
  }

  uint64_t memory_bytes() const override { return bytes_; }

 protected:
  virtual void add(State& state, SplCells& cells, uint32_t row, uint32_t i) = 0;
  std::vector<State> states_;
  uint64_t bytes_ = 0;  // of sets and lists
};

class Count final : public Aggregator {
 public:
  void resize(uint32_t num_groups) override { counts_.resize(num_groups); }

  void update(std::span<const Column> args,
              const Column&,
              Rows rows,
              const uint32_t* groups) override {
    if (args.empty()) {
      for (size_t r = 0; r < rows.size(); ++r)
        ++counts_[groups[r]];
      return;
    }
    const SplCells cells(args[0]);
    for (size_t r = 0; r < rows.size(); ++r)
      counts_[groups[r]] += cells.count(rows[r]);
  }

  void finish(uint32_t group, ColumnBuilder& out) override { out.append(counts_[group]); }

 private:
  std::vector<int64_t> counts_;
};

// ---- sums and moments
// ------------------------------------------------------------------------------------

/// Count, sum, sum of squares; mean and squared distance by Welford, which stays exact far from
/// zero.
struct Moments {
  int64_t n = 0;
  int64_t whole_sum = 0;
  bool whole = true;
  double sum = 0;
  double squares = 0;
  double mean = 0;
  double distance = 0;
};

enum class Moment : uint8_t { kSum, kSumsq, kAvg, kStdev, kStdevp, kVar, kVarp };

class MomentAggregate final : public PerValue<Moments> {
 public:
  explicit MomentAggregate(Moment what) : what_(what) {}

  void finish(uint32_t group, ColumnBuilder& out) override {
    const Moments& m = states_[group];
    if (m.n == 0) return out.append_null();
    const auto n = static_cast<double>(m.n);
    if (what_ == Moment::kSum && out.type() == Type::kLong) return out.append(m.whole_sum);
    double v = 0;
    switch (what_) {
      case Moment::kSum:
        v = m.whole ? static_cast<double>(m.whole_sum) : m.sum;
        break;
      case Moment::kSumsq:
        v = m.squares;
        break;
      case Moment::kAvg:
        v = m.whole ? static_cast<double>(m.whole_sum) / n : m.sum / n;
        break;
      case Moment::kVarp:
        v = m.distance / n;
        break;
      case Moment::kStdevp:
        v = std::sqrt(m.distance / n);
        break;
      case Moment::kVar:
        v = m.n > 1 ? m.distance / (n - 1) : 0;
        break;
      case Moment::kStdev:
        v = m.n > 1 ? std::sqrt(m.distance / (n - 1)) : 0;
        break;
    }
    out.append(v);
  }

 protected:
  void add(Moments& m, SplCells& cells, uint32_t row, uint32_t i) override {
    const auto v = cells.number(row, i);
    if (!v) return;
    ++m.n;
    m.sum += v->real;
    m.squares += v->real * v->real;
    m.whole = m.whole && v->whole && !__builtin_add_overflow(m.whole_sum, v->integer, &m.whole_sum);
    const double delta = v->real - m.mean;
    m.mean += delta / static_cast<double>(m.n);
    m.distance += delta * (v->real - m.mean);
  }

 private:
  Moment what_;
};

// ---- extremes
// ----------------------------------------------------------------------------------------------

struct Extremes {
  std::optional<SplNumber> least;
  std::optional<SplNumber> most;
  std::string first;  // by bytes
  std::string last;
  bool any = false;
  bool numbers = true;
};

enum class Extreme : uint8_t { kMin, kMax, kRange };

class ExtremeAggregate final : public PerValue<Extremes> {
 public:
  explicit ExtremeAggregate(Extreme what) : what_(what) {}

  void finish(uint32_t group, ColumnBuilder& out) override {
    const Extremes& e = states_[group];
    if (!e.any || (what_ == Extreme::kRange && !e.least)) return out.append_null();
    if (what_ == Extreme::kRange) return append(out, SplNumber::of(e.most->real - e.least->real));
    if (out.type() == Type::kString) {
      const std::string& bytes = what_ == Extreme::kMin ? e.first : e.last;
      out.append_copy(e.numbers ? spl_number_text(what_ == Extreme::kMin ? *e.least : *e.most)
                                : bytes);
      return;
    }
    if (!e.least) return out.append_null();
    append(out, what_ == Extreme::kMin ? *e.least : *e.most);
  }

 protected:
  void add(Extremes& e, SplCells& cells, uint32_t row, uint32_t i) override {
    const auto n = cells.number(row, i);
    if (n) {
      if (!e.least || compare(*n, *e.least) < 0) e.least = *n;
      if (!e.most || compare(*n, *e.most) > 0) e.most = *n;
    }
    e.numbers = e.numbers && n;
    // Typed number columns never need their texts.
    if (cells.type() == Type::kString || cells.type() == Type::kDynamic ||
        cells.type() == Type::kBool) {
      const std::string_view text = cells.text(row, i);
      if (!e.any || text < e.first) replace(e.first, text);
      if (!e.any || text > e.last) replace(e.last, text);
    }
    e.any = true;
  }

 private:
  void replace(std::string& kept, std::string_view text) {
    const size_t before = kept.capacity();
    kept = text;
    bytes_ += kept.capacity() - before;
  }

  static void append(ColumnBuilder& out, const SplNumber& n) {
    if (out.type() == Type::kLong)
      out.append(n.integer);
    else
      out.append(n.real);
  }

  Extreme what_;
};

// ---- sets and lists
// ------------------------------------------------------------------------------------------

class Distinct final : public PerValue<std::unordered_set<std::string>> {
 public:
  void finish(uint32_t group, ColumnBuilder& out) override {
    out.append(static_cast<int64_t>(states_[group].size()));
  }

 protected:
  void add(std::unordered_set<std::string>& set,
           SplCells& cells,
           uint32_t row,
           uint32_t i) override {
    const auto [value, added] = set.emplace(cells.text(row, i));
    if (added) bytes_ += kEntryBytes + value->size();
  }
};

void append_values(ColumnBuilder& out, const std::vector<std::string>& values) {
  if (values.empty())
    out.append_null();
  else
    out.append_copy(spl_encode_values(values));
}

class Values final : public PerValue<std::set<std::string, std::less<>>> {
 public:
  void finish(uint32_t group, ColumnBuilder& out) override {
    append_values(out, {states_[group].begin(), states_[group].end()});
  }

 protected:
  void add(std::set<std::string, std::less<>>& set,
           SplCells& cells,
           uint32_t row,
           uint32_t i) override {
    const std::string_view text = cells.text(row, i);
    if (set.find(text) != set.end()) return;
    set.emplace(text);
    bytes_ += kEntryBytes + text.size();
  }
};

class List final : public PerValue<std::vector<std::string>> {
 public:
  void finish(uint32_t group, ColumnBuilder& out) override { append_values(out, states_[group]); }

 protected:
  void add(std::vector<std::string>& list, SplCells& cells, uint32_t row, uint32_t i) override {
    if (list.size() >= kMaxListValues) return;
    list.emplace_back(cells.text(row, i));
    bytes_ += sizeof(std::string) + list.back().size();
  }
};

class Mode final : public PerValue<std::map<std::string, int64_t, std::less<>>> {
 public:
  void finish(uint32_t group, ColumnBuilder& out) override {
    const auto& counts = states_[group];
    if (counts.empty()) return out.append_null();
    const auto most =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    out.append_copy(most->first);
  }

 protected:
  void add(std::map<std::string, int64_t, std::less<>>& counts,
           SplCells& cells,
           uint32_t row,
           uint32_t i) override {
    const auto [value, added] = counts.try_emplace(std::string(cells.text(row, i)), 0);
    if (added) bytes_ += kEntryBytes + value->first.size();
    ++value->second;
  }
};

class Percentile final : public PerValue<std::vector<double>> {
 public:
  /// `percent` < 0: the median, the higher of the two middle values.
  explicit Percentile(double percent) : percent_(percent) {}

  void finish(uint32_t group, ColumnBuilder& out) override {
    std::vector<double>& v = states_[group];
    if (v.empty()) return out.append_null();
    const auto n = static_cast<double>(v.size());
    const double rank = percent_ < 0 ? std::floor(n / 2) : std::ceil(percent_ / 100 * n) - 1;
    const auto index = static_cast<std::ptrdiff_t>(std::clamp(rank, 0.0, n - 1));
    std::nth_element(v.begin(), v.begin() + index, v.end());
    out.append(v[static_cast<size_t>(index)]);
  }

 protected:
  void add(std::vector<double>& v, SplCells& cells, uint32_t row, uint32_t i) override {
    const auto n = cells.number(row, i);
    if (!n) return;
    v.push_back(n->real);
    bytes_ += sizeof(double);
  }

 private:
  double percent_;
};

// ---- one row's value: by order, or by time
// ---------------------------------------------------------------------

enum class Pick : uint8_t { kFirst, kLast, kEarliest, kLatest };

/// Keeps a cell of the chosen row. Rows without a time lose against those with one; among
/// themselves they count as newest first, as Splunk gives them.
class Picked final : public Aggregator {
 public:
  Picked(Pick what, bool time_only) : what_(what), time_only_(time_only) {}

  void resize(uint32_t num_groups) override { states_.resize(num_groups); }

  void update(std::span<const Column> args,
              const Column& time,
              Rows rows,
              const uint32_t* groups) override {
    std::optional<SplCells> cells;
    if (!args.empty()) cells.emplace(args[0]);
    const SplCells times(time);
    for (size_t r = 0; r < rows.size(); ++r) {
      const uint32_t row = rows[r];
      if (cells && !cells->valid(row)) continue;
      State& s = states_[groups[r]];
      const int64_t at = times.ticks(row).value_or(kNoTime);
      if (s.any && !better(at, s.at)) continue;
      s.any = true;
      s.at = at;
      if (!cells || time_only_) continue;
      const size_t before = s.value.as_bytes().size();
      s.value = args[0].type() == Type::kNull ? Value() : args[0].value(row);
      bytes_ += s.value.as_bytes().size() - before;
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    const State& s = states_[group];
    if (!s.any) return out.append_null();
    if (time_only_) {
      if (s.at == kNoTime)
        out.append_null();
      else
        out.append(spl_time_number(s.at).real);
      return;
    }
    out.append(s.value);
  }

  uint64_t memory_bytes() const override { return bytes_; }

 private:
  static constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

  struct State {
    bool any = false;
    int64_t at = kNoTime;
    Value value;
  };

  bool better(int64_t at, int64_t held) const {
    switch (what_) {
      case Pick::kFirst:
        return false;
      case Pick::kLast:
        return true;
      case Pick::kLatest:
        return at > held;
      case Pick::kEarliest:
        if (at == kNoTime) return held == kNoTime;
        return held == kNoTime || at < held;
    }
    return false;
  }

  Pick what_;
  bool time_only_;
  std::vector<State> states_;
  uint64_t bytes_ = 0;  // of the values' texts
};

// ---- typing and catalog
// -----------------------------------------------------------------------------------------

Typing sum_typing(const TypeRequest& r) {
  return Typing::ok(data::is_integer(r.types[0]) ? Type::kLong : Type::kReal);
}

// Times are seconds: the least of some is a number.
Typing extreme_typing(const TypeRequest& r) {
  const Type t = r.types[0];
  if (data::is_integer(t)) return Typing::ok(Type::kLong);
  if (t == Type::kReal || t == Type::kDatetime || t == Type::kTimespan)
    return Typing::ok(Type::kReal);
  return Typing::ok(Type::kString);
}

Typing same_typing(const TypeRequest& r) {
  return Typing::ok(r.types[0] == Type::kNull ? Type::kString : r.types[0]);
}

using Constants = std::span<const Value* const>;
using Types = std::span<const Type>;

template <Moment what>
std::unique_ptr<Aggregator> make_moment(Constants, Types, Type) {
  return std::make_unique<MomentAggregate>(what);
}

template <Extreme what>
std::unique_ptr<Aggregator> make_extreme(Constants, Types, Type) {
  return std::make_unique<ExtremeAggregate>(what);
}

template <Pick what, bool time_only>
std::unique_ptr<Aggregator> make_picked(Constants, Types, Type) {
  return std::make_unique<Picked>(what, time_only);
}

template <class A>
std::unique_ptr<Aggregator> make_plain(Constants, Types, Type) {
  return std::make_unique<A>();
}

std::unique_ptr<Aggregator> make_percentile(Constants constants, Types, Type) {
  const double percent = constants.size() > 1 && constants[1] ? constants[1]->number() : 50;
  return std::make_unique<Percentile>(percent);
}

std::unique_ptr<Aggregator> make_median(Constants, Types, Type) {
  return std::make_unique<Percentile>(-1);
}

using Make = std::unique_ptr<Aggregator> (*)(Constants, Types, Type);

AggregateDef aggregate(std::string name,
                       int min_args,
                       int max_args,
                       Typing (*typing)(const TypeRequest&),
                       Make make,
                       std::string doc) {
  AggregateDef a;
  a.name = "spl." + std::move(name);
  a.min_args = min_args;
  a.max_args = max_args;
  a.typing = typing;
  a.make = make;
  a.doc = std::move(doc);
  return a;
}

}  // namespace

void register_spl_aggregates(plan::FunctionCatalog& c) {
  c.add(aggregate("count", 0, 1, spl_gives_long, make_plain<Count>, "Rows, or values of a field."));
  c.add(aggregate("dc", 1, 1, spl_gives_long, make_plain<Distinct>, "Distinct values."));
  c.add(aggregate("sum", 1, 1, sum_typing, make_moment<Moment::kSum>, "Sum."));
  c.add(aggregate("sumsq", 1, 1, spl_gives_real, make_moment<Moment::kSumsq>, "Sum of squares."));
  c.add(aggregate("avg", 1, 1, spl_gives_real, make_moment<Moment::kAvg>, "Mean."));
  c.add(aggregate("stdev", 1, 1, spl_gives_real, make_moment<Moment::kStdev>,
                  "Standard deviation of a sample."));
  c.add(aggregate("stdevp", 1, 1, spl_gives_real, make_moment<Moment::kStdevp>,
                  "Standard deviation of all there is."));
  c.add(aggregate("var", 1, 1, spl_gives_real, make_moment<Moment::kVar>, "Variance of a sample."));
  c.add(aggregate("varp", 1, 1, spl_gives_real, make_moment<Moment::kVarp>,
                  "Variance of all there is."));
  c.add(aggregate("min", 1, 1, extreme_typing, make_extreme<Extreme::kMin>, "Least value."));
  c.add(aggregate("max", 1, 1, extreme_typing, make_extreme<Extreme::kMax>, "Largest value."));
  c.add(aggregate("range", 1, 1, sum_typing, make_extreme<Extreme::kRange>,
                  "Largest less least number."));
  c.add(
      aggregate("median", 1, 1, spl_gives_real, make_median, "Middle number, the higher of two."));
  c.add(aggregate("perc", 2, 2, spl_gives_real, make_percentile, "Percentile by nearest rank."));
  c.add(aggregate("mode", 1, 1, spl_gives_string, make_plain<Mode>, "Most frequent value."));
  c.add(aggregate("values", 1, 1, spl_gives_dynamic, make_plain<Values>,
                  "Distinct values in order of their bytes."));
  c.add(aggregate("list", 1, 1, spl_gives_dynamic, make_plain<List>,
                  "The first 100 values, as they come."));
  c.add(aggregate("first", 1, 1, same_typing, make_picked<Pick::kFirst, false>,
                  "Value of the first row."));
  c.add(aggregate("last", 1, 1, same_typing, make_picked<Pick::kLast, false>,
                  "Value of the last row."));
  c.add(aggregate("earliest", 1, 1, same_typing, make_picked<Pick::kEarliest, false>,
                  "Value of the oldest event."));
  c.add(aggregate("latest", 1, 1, same_typing, make_picked<Pick::kLatest, false>,
                  "Value of the newest event."));
  c.add(aggregate("earliest_time", 0, 1, spl_gives_real, make_picked<Pick::kEarliest, true>,
                  "Time of the oldest event."));
  c.add(aggregate("latest_time", 0, 1, spl_gives_real, make_picked<Pick::kLatest, true>,
                  "Time of the newest event."));
}

}  // namespace postern::exec
