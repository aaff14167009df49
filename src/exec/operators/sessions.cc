// Sessions: which rows belong together (Splunk's transaction; Search Reference, transaction).
//
// Rows come newest first, as Splunk sees them. A row joins the open session that has none but its
// own values of the fields and at least one of them in common; it opens one otherwise. With an end
// condition only a row that meets it opens a session, with a start condition the row that meets it
// is the session's last one, and sessions that never met it are given up, unless the span, the
// pause or the number of rows closed them. What a row belongs to is its number in `index_column`.
// All rows are kept until the end: whether a session counts is known only when it closes. Tests:
// tests/cases/spl/transaction_*.case.
#include <limits>
#include <unordered_map>

#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;

namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

struct Session {
  std::vector<std::string> values;  ///< of each field; "" while it has none
  int64_t newest = 0;
  int64_t oldest = 0;
  int64_t rows = 0;
  bool open = true;
  bool counts = false;
};

class Sessions final : public ChunkSink {
 public:
  Sessions(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next) {
    for (size_t i = 0; i < op_.items.size(); ++i)
      (op_.items[i].name == "startswith" ? start_ : end_) = i;
  }

  void push(Chunk&& c, int) override {
    const std::vector<Column> values = evaluate_all(compiled_.exprs, c, state_);
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      std::vector<std::string> keys;
      for (size_t k = op_.items.size(); k < values.size(); ++k) {
        keys.emplace_back();
        if (values[k].type() != Type::kNull && values[k].valid(row))
          append_key(keys.back(), values[k], row);
      }
      place(keys, c.times[row], met(values, start_, row), met(values, end_, row));
    }
    store_.add(c);
  }

  void finish(int) override {
    // Without a start to wait for, what is still open is as good as closed.
    for (Session& s : sessions_)
      if (s.open && start_ == kNone) s.counts = true;
    std::vector<size_t> rows;
    for (size_t at = 0; at < store_.size(); at += data::kBatchRows) {
      rows.clear();
      for (size_t r = at; r < store_.size() && r < at + data::kBatchRows; ++r)
        rows.push_back(r);
      const plan::Schema& in = op_.inputs[0]->schema;
      Chunk out = store_.take(in, rows.data(), rows.size());
      ColumnBuilder number(Type::kLong, out.num_rows);
      for (uint32_t i = 0; i < out.num_rows; ++i) {
        const size_t s = session_of_[at + i];
        if (s != kNone && sessions_[s].counts) number.set(i, static_cast<int64_t>(s));
      }
      const Column numbers = number.finish();
      std::vector<Column> columns;
      for (const plan::ColumnInfo& c : op_.schema) {
        if (c.name == op_.index_column) columns.push_back(numbers);
        for (size_t i = 0; i < in.size() && c.name != op_.index_column; ++i)
          if (in[i].name == c.name) columns.push_back(out.columns[i]);
      }
      out.columns = std::move(columns);
      next_.push(std::move(out), 0);
    }
    next_.finish(0);
  }

 private:
  static bool met(const std::vector<Column>& values, size_t which, uint32_t row) {
    if (which == kNone) return false;
    const Column& c = values[which];
    return c.type() == Type::kBool && c.valid(row) && c.view<uint8_t>()[row] != 0;
  }

  static std::string slot(size_t field, const std::string& value) {
    return std::to_string(field) + ":" + value;
  }

  bool fits(const Session& s, const std::vector<std::string>& keys) const {
    for (size_t k = 0; k < keys.size(); ++k)
      if (!keys[k].empty() && !s.values[k].empty() && s.values[k] != keys[k]) return false;
    return true;
  }

  /// The newest open session that the row belongs to, or kNone.
  size_t find(const std::vector<std::string>& keys) {
    if (keys.empty()) {
      const auto it = open_.find("");
      return it == open_.end() || it->second.empty() ? kNone : it->second.back();
    }
    size_t found = kNone;
    for (size_t k = 0; k < keys.size(); ++k) {
      if (keys[k].empty()) continue;
      const auto it = open_.find(slot(k, keys[k]));
      if (it == open_.end()) continue;
      std::erase_if(it->second, [&](size_t s) { return !sessions_[s].open; });
      for (const size_t s : it->second)
        if (fits(sessions_[s], keys) && (found == kNone || s > found)) found = s;
    }
    return found;
  }

  void enter(size_t s, const std::vector<std::string>& keys) {
    if (keys.empty()) open_[""] = {s};
    for (size_t k = 0; k < keys.size(); ++k) {
      if (keys[k].empty() || !sessions_[s].values[k].empty()) continue;
      sessions_[s].values[k] = keys[k];
      open_[slot(k, keys[k])].push_back(s);
    }
  }

  void close(size_t s, bool counts) {
    sessions_[s].open = false;
    sessions_[s].counts = counts;
    if (const auto it = open_.find(""); it != open_.end() && sessions_[s].values.empty())
      it->second.clear();
  }

  void place(const std::vector<std::string>& keys, int64_t time, bool starts, bool ends) {
    session_of_.push_back(kNone);
    bool any = keys.empty();
    for (const std::string& k : keys)
      any = any || !k.empty();
    if (!any) return;  // a row without any of the fields belongs nowhere
    size_t s = find(keys);
    if (s != kNone) {
      const Session& now = sessions_[s];
      const bool over = (op_.max_span > 0 && now.newest - time > op_.max_span) ||
                        (op_.max_pause > 0 && now.oldest - time > op_.max_pause);
      if (over || ends) {
        close(s, over || start_ == kNone);
        s = kNone;
      }
    }
    if (s == kNone) {
      if (end_ != kNone && !ends) return;
      s = sessions_.size();
      sessions_.push_back({std::vector<std::string>(keys.size()), time, time, 0, true, false});
    }
    enter(s, keys);
    session_of_.back() = s;
    Session& joined = sessions_[s];
    joined.oldest = time;
    ++joined.rows;
    if (starts || (op_.limit && joined.rows >= *op_.limit)) close(s, true);
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  size_t start_ = kNone;
  size_t end_ = kNone;
  RowStore store_;
  std::vector<size_t> session_of_;
  std::vector<Session> sessions_;
  std::unordered_map<std::string, std::vector<size_t>> open_;
};

}  // namespace

OperatorPtr make_sessions(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Sessions>(op, state, next);
}

}  // namespace postern::exec
