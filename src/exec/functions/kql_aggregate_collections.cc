// Aggregates of KQL that collect values: make_list, make_set, make_bag, dcount and their kin.
//
// Nulls of types other than dynamic are left out, empty strings are not; an array among dynamic
// values gives its members. Sets keep the order of first sight. Counts of distinct values are
// exact. Lists and sets end at 1,048,576 members. Source: Kusto documentation, aggregation
// functions; engine answers.
#include <unordered_set>

#include "exec/functions/kql_aggregates.h"

namespace postern::exec::kql {
namespace {

constexpr int64_t kMaxMembers = 1'048'576;
/// What an entry of a set takes beside its bytes, about.
constexpr size_t kEntryBytes = 64;

/// The optional size comes behind the value.
Typing dynamic_typing(const TypeRequest& r) {
  if (r.types.size() > 1 && !data::is_integer(r.types[1]))
    return Typing::wrong("the size must be a whole number");
  return Typing::ok(Type::kDynamic);
}

Typing long_typing(const TypeRequest&) {
  return Typing::ok(Type::kLong);
}

Typing bag_typing(const TypeRequest& r) {
  if (r.types[0] != Type::kDynamic && r.types[0] != Type::kNull)
    return Typing::wrong("argument 1 must be a property bag, but is " +
                         std::string(data::type_name(r.types[0])));
  return dynamic_typing(r);
}

/// The size that is asked for, within what Kusto allows.
int64_t size_limit(Constants constants) {
  const Value* v = constants.size() > 1 ? constants[1] : nullptr;
  return v && data::is_integer(v->type()) && !v->is_null() ? std::min(v->as_int(), kMaxMembers)
                                                           : kMaxMembers;
}

/// Encoded values one behind the other.
class Values {
 public:
  /// Returns the memory that it took.
  size_t add(Dynamic d) {
    const std::string_view e = d.is_null() ? std::string_view("\0", 1) : d.encoded();
    bytes_ += e;
    ends_.push_back(bytes_.size());
    return e.size() + sizeof(size_t);
  }

  int64_t size() const { return static_cast<int64_t>(ends_.size()); }

  void write(DynamicWriter& w) const {
    w.begin_array();
    size_t at = 0;
    for (const size_t end : ends_) {
      w.value(Dynamic(std::string_view(bytes_).substr(at, end - at)));
      at = end;
    }
    w.end();
  }

 private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

/// Calls `f(value)` for each value of a cell: the members of an array, or the cell itself.
template <class F>
void each_value(Arg& a, uint32_t row, F&& f) {
  if (!a.valid(row)) return;
  const Dynamic d = a.dynamic(row);
  if (!d.is_array()) return f(d);
  for (uint32_t i = 0; i < d.size(); ++i)
    f(d.at(i));
}

enum class Collect : uint8_t { kList, kListWithNulls, kSet };

template <Collect collect>
class Collection final : public Aggregator {
 public:
  explicit Collection(int64_t limit) : limit_(limit) {}

  void resize(uint32_t n) override { groups_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    Arg a(args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      Group& g = groups_[groups[i]];
      // A null that is a dynamic value is a member like any other; typed nulls are not.
      const bool keeps_null = collect == Collect::kListWithNulls ||
                              (collect == Collect::kList && a.type() == Type::kDynamic);
      if (keeps_null && !a.valid(rows[i])) {
        if (g.values.size() < limit_) bytes_ += g.values.add(Dynamic());
        continue;
      }
      each_value(a, rows[i], [&](Dynamic d) {
        if (g.values.size() >= limit_) return;
        if (collect == Collect::kSet) {
          const auto [key, added] = g.keys.insert(key_of(d));
          if (!added) return;
          bytes_ += kEntryBytes + key->size();
        }
        bytes_ += g.values.add(d);
      });
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    DynamicWriter w;
    groups_[group].values.write(w);
    out.append_copy(w.take());
  }

  uint64_t memory_bytes() const override { return bytes_; }

 private:
  struct Group {
    Values values;
    std::unordered_set<std::string> keys;
  };

  int64_t limit_;
  uint64_t bytes_ = 0;
  std::vector<Group> groups_;
};

template <Collect collect>
std::unique_ptr<Aggregator> make_collection(Constants constants, std::span<const Type>, Type) {
  return std::make_unique<Collection<collect>>(size_limit(constants));
}

/// make_bag: the first of equal names stands.
class BagUnion final : public Aggregator {
 public:
  explicit BagUnion(int64_t limit) : limit_(limit) {}

  void resize(uint32_t n) override { groups_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    Arg a(args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      Group& g = groups_[groups[i]];
      const Dynamic d = a.dynamic(rows[i]);
      for (uint32_t e = 0; d.is_object() && e < d.size(); ++e) {
        if (static_cast<int64_t>(g.entries.size()) >= limit_) break;
        if (!g.names.emplace(d.key_at(e)).second) continue;
        g.entries.emplace_back(std::string(d.key_at(e)), std::string(d.at(e).encoded()));
        bytes_ += 2 * kEntryBytes + 2 * d.key_at(e).size() + g.entries.back().second.size();
      }
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    DynamicWriter w;
    w.begin_object();
    for (const auto& [name, value] : groups_[group].entries) {
      w.key(name);
      w.value(Dynamic(value));
    }
    w.end();
    out.append_copy(w.take());
  }

  uint64_t memory_bytes() const override { return bytes_; }

 private:
  struct Group {
    std::unordered_set<std::string> names;
    std::vector<std::pair<std::string, std::string>> entries;
  };

  int64_t limit_;
  uint64_t bytes_ = 0;
  std::vector<Group> groups_;
};

std::unique_ptr<Aggregator> make_bag(Constants constants, std::span<const Type>, Type) {
  return std::make_unique<BagUnion>(size_limit(constants));
}

class DistinctCount final : public Aggregator {
 public:
  void resize(uint32_t n) override { keys_.resize(n); }

  void update(std::span<const Column> args,
              const Column&,
              data::Rows rows,
              const uint32_t* groups) override {
    Arg a(args[0]);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!a.valid(rows[i])) continue;
      const auto [key, added] = a.type() == Type::kString
                                    ? keys_[groups[i]].emplace(a.text(rows[i]))
                                    : keys_[groups[i]].insert(key_of(a.dynamic(rows[i])));
      if (added) bytes_ += kEntryBytes + key->size();
    }
  }

  void finish(uint32_t group, ColumnBuilder& out) override {
    out.append(static_cast<int64_t>(keys_[group].size()));
  }

  uint64_t memory_bytes() const override { return bytes_; }

 private:
  uint64_t bytes_ = 0;
  std::vector<std::unordered_set<std::string>> keys_;
};

std::unique_ptr<Aggregator> make_distinct_count(Constants, std::span<const Type>, Type) {
  return std::make_unique<DistinctCount>();
}

constexpr AggregateSpec kSpecs[] = {
    {"make_list", 1, 2, dynamic_typing, make_collection<Collect::kList>, "All values."},
    {"make_list_if", 2, 3, conditional_typing<dynamic_typing>,
     conditional<make_collection<Collect::kList>>, "All values where a condition holds."},
    {"make_list_with_nulls", 1, 1, dynamic_typing, make_collection<Collect::kListWithNulls>,
     "All values, nulls too."},
    {"make_set", 1, 2, dynamic_typing, make_collection<Collect::kSet>, "All distinct values."},
    {"make_set_if", 2, 3, conditional_typing<dynamic_typing>,
     conditional<make_collection<Collect::kSet>>, "All distinct values where a condition holds."},
    {"make_bag", 1, 2, bag_typing, make_bag, "Bags in one."},
    {"make_bag_if", 2, 3, conditional_typing<bag_typing>, conditional<make_bag>,
     "Bags in one where a condition holds."},
    {"dcount", 1, 1, long_typing, make_distinct_count, "Number of distinct values."},
    {"dcountif", 2, 2, conditional_typing<long_typing>, conditional<make_distinct_count>,
     "Number of distinct values where a condition holds."},
    {"count_distinct", 1, 1, long_typing, make_distinct_count, "Number of distinct values."},
    {"count_distinctif", 2, 2, conditional_typing<long_typing>, conditional<make_distinct_count>,
     "Number of distinct values where a condition holds."},
};

}  // namespace

void register_collection_aggregates(plan::FunctionCatalog& c) {
  add(c, kSpecs);
}

}  // namespace postern::exec::kql
