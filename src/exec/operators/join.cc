// Keyed join: the right side is kept in a hash table, the left side streams through it in order.
//
// Kusto's rules: null keys match null keys, innerunique takes the first left row of each key (join
// operator documentation). Rows come in the order of the left side; those of the right side alone
// come last. Both sides are kept until the end of the run, so that the order of arrival never
// changes an answer.
#include <algorithm>
#include <span>
#include <utility>

#include "exec/operators/key_table.h"
#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::Type;
using plan::JoinKind;

namespace {

class Join final : public ChunkSink {
 public:
  Join(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op), op_(*op.op), state_(state), next_(next) {
    for (size_t k = 0; k < op.exprs.size(); ++k)
      as_real_.push_back((op.exprs[k]->type() == Type::kReal) !=
                         (op.right_exprs[k]->type() == Type::kReal));
    // Which column of which side each output column is.
    const bool right_only =
        op_.join_kind == JoinKind::kRightSemi || op_.join_kind == JoinKind::kRightAnti;
    const bool left_only =
        op_.join_kind == JoinKind::kLeftSemi || op_.join_kind == JoinKind::kLeftAnti;
    if (!right_only)
      for (size_t i = 0; i < op_.inputs[0]->schema.size(); ++i)
        origin_.emplace_back(0, i);
    if (!left_only) {
      for (size_t i = 0; i < op_.inputs[1]->schema.size(); ++i) {
        const bool key =
            std::any_of(op_.right_keys.begin(), op_.right_keys.end(), [&](const plan::ExprPtr& k) {
              return k->is_column() && k->name == op_.inputs[1]->schema[i].name;
            });
        if (!(op_.lookup && key)) origin_.emplace_back(1, i);
      }
    }
    POSTERN_CHECK(origin_.size() == op_.schema.size());
  }

  void push(Chunk&& c, int port) override {
    const std::vector<Column> keys =
        evaluate_all(port == 0 ? compiled_.exprs : compiled_.right_exprs, c, state_);
    size_t bytes = 0;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      key_.clear();
      for (size_t k = 0; k < keys.size(); ++k)
        append_key(key_, keys[k], row, as_real_[k]);
      const auto [number, added] = table_.add(key_);
      if (added) bytes += KeyTable::kBytesPerKey + key_.size();
      keys_[port].push_back(number);
    }
    // Rows of the right side are also listed by key at the end.
    bytes += c.num_rows * sizeof(uint32_t) * (port == 1 ? 2 : 1);
    state_.memory.charge(bytes + sides_[port].add(c));
  }

  void finish(int port) override {
    is_finished_[port] = true;
    if (!is_finished_[1 - port]) return;
    if (next_.wants_rows(0)) run();
    next_.finish(0);
  }

  /// A side gives nothing on its own in most kinds: when the other one has ended without a row, its
  /// rows do not matter.
  bool wants_rows(int port) const override {
    const int other = 1 - port;
    return !is_finished_[other] || !keys_[other].empty() || stands_alone(port);
  }

 private:
  /// True when rows of that side come out although the other side has none.
  bool stands_alone(int side) const {
    const JoinKind k = op_.join_kind;
    if (k == JoinKind::kFullOuter) return true;
    return side == 0 ? k == JoinKind::kLeftOuter || k == JoinKind::kLeftAnti
                     : k == JoinKind::kRightOuter || k == JoinKind::kRightAnti;
  }

  void run() {
    if (!wants_rows(0) || !wants_rows(1)) return;
    list_right_rows();
    std::vector<bool> seen(table_.size(), false);
    std::vector<bool> right_matched(keys_[1].size(), false);
    std::vector<size_t> left_unmatched;
    const JoinKind kind = op_.join_kind;
    for (size_t l = 0; l < keys_[0].size(); ++l) {
      const uint32_t key = keys_[0][l];
      const auto hits = std::span(right_rows_)
                            .subspan(first_right_[key], first_right_[key + 1] - first_right_[key]);
      if (hits.empty()) {
        // Rows of the left side keep their order: queries inside expressions become such joins, and
        // must not disturb a sort.
        if (kind == JoinKind::kLeftOuter || kind == JoinKind::kLeftAnti)
          emit(l, RowStore::kNoRow);
        else
          left_unmatched.push_back(l);
        continue;
      }
      for (const uint32_t r : hits)
        right_matched[r] = true;
      if (kind == JoinKind::kLeftSemi) emit(l, RowStore::kNoRow);
      if (kind == JoinKind::kInnerUnique) {
        if (seen[key]) continue;
        seen[key] = true;
      }
      if (kind == JoinKind::kInner || kind == JoinKind::kInnerUnique ||
          kind == JoinKind::kLeftOuter || kind == JoinKind::kRightOuter ||
          kind == JoinKind::kFullOuter)
        for (const uint32_t r : hits)
          emit(l, r);
    }
    if (kind == JoinKind::kFullOuter)
      for (const size_t l : left_unmatched)
        emit(l, RowStore::kNoRow);
    for (size_t r = 0; r < right_matched.size(); ++r) {
      if (right_matched[r] ? kind == JoinKind::kRightSemi
                           : kind == JoinKind::kRightOuter || kind == JoinKind::kFullOuter ||
                                 kind == JoinKind::kRightAnti)
        emit(RowStore::kNoRow, r);
    }
    flush();
  }

  /// Rows of the right side, in order, by their keys.
  void list_right_rows() {
    first_right_.assign(table_.size() + 1, 0);
    for (const uint32_t key : keys_[1])
      ++first_right_[key + 1];
    for (size_t key = 0; key < table_.size(); ++key)
      first_right_[key + 1] += first_right_[key];
    std::vector<uint32_t> at(first_right_.begin(), first_right_.end() - 1);
    right_rows_.resize(keys_[1].size());
    for (uint32_t r = 0; r < keys_[1].size(); ++r)
      right_rows_[at[keys_[1][r]]++] = r;
  }

  void emit(size_t l, size_t r) {
    pairs_[0].push_back(l);
    pairs_[1].push_back(r);
    if (pairs_[0].size() == data::kBatchRows) flush();
  }

  void flush() {
    const size_t n = pairs_[0].size();
    if (n == 0) return;
    Chunk out;
    out.num_rows = static_cast<uint32_t>(n);
    std::vector<uint32_t> from[2];
    for (size_t side = 0; side < 2; ++side)
      from[side] = sides_[side].chunks_with(pairs_[side].data(), n);
    // Kusto pads strings with "", all other types with null.
    for (size_t i = 0; i < origin_.size(); ++i) {
      const auto [side, column] = origin_[i];
      out.columns.push_back(sides_[side].take_column(op_.schema[i].type, column,
                                                     pairs_[side].data(), n, from[side], true));
    }
    for (size_t i = 0; i < n; ++i) {
      int64_t time = 0;
      for (size_t side = 0; side < 2; ++side) {
        const size_t row = pairs_[side][i];
        if (row == RowStore::kNoRow) continue;
        const Chunk& c = sides_[side].chunk_of(row);
        const uint32_t at = sides_[side].row_in_chunk(row);
        if (c.times[at] != 0 && (time == 0 || c.times[at] < time)) time = c.times[at];
        out.refs.ids.insert(out.refs.ids.end(), c.refs.ids.begin() + c.refs.begin[at],
                            c.refs.ids.begin() + c.refs.begin[at + 1]);
      }
      out.times.push_back(time);
      out.refs.begin.push_back(static_cast<uint32_t>(out.refs.ids.size()));
    }
    pairs_[0].clear();
    pairs_[1].clear();
    next_.push(std::move(out), 0);
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  std::vector<bool> as_real_;
  std::vector<std::pair<size_t, size_t>> origin_;  // side and column of each output column
  RowStore sides_[2];
  KeyTable table_;                     // of both sides
  std::vector<uint32_t> keys_[2];      // of each row, their numbers
  std::vector<uint32_t> first_right_;  // by key: where its rows begin
  std::vector<uint32_t> right_rows_;
  std::vector<size_t> pairs_[2];  // rows of each side that are to come out
  std::string key_;
  bool is_finished_[2] = {false, false};
};

}  // namespace

OperatorPtr make_join(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Join>(op, state, next);
}

}  // namespace postern::exec
