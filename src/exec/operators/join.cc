// Keyed join: the right side is kept in a hash table, the left side streams through it in order.
//
// Kusto's rules: null keys match null keys, innerunique takes the first left row of each key (join
// operator documentation). Rows come in the order of the left side; those of the right side alone
// come last. Both sides are kept until the end of the run, so that the order of arrival never
// changes an answer.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "exec/operators/operators.h"

namespace postern::exec {

using data::Column;
using data::Type;
using plan::JoinKind;

namespace {

constexpr size_t kNoRow = static_cast<size_t>(-1);

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
    std::string key;
    size_t bytes = 0;
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      key.clear();
      for (size_t k = 0; k < keys.size(); ++k)
        append_key(key, keys[k], row, as_real_[k]);
      keys_[port].push_back(key);
      // The right side's keys are also those of the table that is made at the end.
      bytes += sizeof key + key.size() + (port == 1 ? kHashEntryBytes + key.size() : 0);
    }
    state_.memory.charge(bytes + sides_[port].add(c));
  }

  void finish(int) override {
    if (++finished_ < 2) return;
    run();
    next_.finish(0);
  }

 private:
  void run() {
    std::unordered_map<std::string, std::vector<size_t>> table;
    for (size_t r = 0; r < keys_[1].size(); ++r)
      table[keys_[1][r]].push_back(r);
    std::unordered_set<std::string> seen;
    std::vector<bool> right_matched(keys_[1].size(), false);
    std::vector<size_t> left_unmatched;
    const JoinKind kind = op_.join_kind;
    for (size_t l = 0; l < keys_[0].size(); ++l) {
      const auto hit = table.find(keys_[0][l]);
      if (hit == table.end()) {
        // Rows of the left side keep their order: queries inside expressions become such joins, and
        // must not disturb a sort.
        if (kind == JoinKind::kLeftOuter || kind == JoinKind::kLeftAnti)
          emit(l, kNoRow);
        else
          left_unmatched.push_back(l);
        continue;
      }
      for (const size_t r : hit->second)
        right_matched[r] = true;
      if (kind == JoinKind::kLeftSemi) emit(l, kNoRow);
      if (kind == JoinKind::kInnerUnique && !seen.insert(keys_[0][l]).second) continue;
      if (kind == JoinKind::kInner || kind == JoinKind::kInnerUnique ||
          kind == JoinKind::kLeftOuter || kind == JoinKind::kRightOuter ||
          kind == JoinKind::kFullOuter)
        for (const size_t r : hit->second)
          emit(l, r);
    }
    if (kind == JoinKind::kFullOuter)
      for (const size_t l : left_unmatched)
        emit(l, kNoRow);
    for (size_t r = 0; r < right_matched.size(); ++r) {
      if (right_matched[r] ? kind == JoinKind::kRightSemi
                           : kind == JoinKind::kRightOuter || kind == JoinKind::kFullOuter ||
                                 kind == JoinKind::kRightAnti)
        emit(kNoRow, r);
    }
    flush();
  }

  void emit(size_t l, size_t r) {
    pairs_.emplace_back(l, r);
    if (pairs_.size() == data::kBatchRows) flush();
  }

  void flush() {
    if (pairs_.empty()) return;
    Chunk out;
    out.num_rows = static_cast<uint32_t>(pairs_.size());
    for (size_t i = 0; i < origin_.size(); ++i) {
      data::ColumnBuilder b(op_.schema[i].type);
      for (const auto& [l, r] : pairs_) {
        const size_t row = origin_[i].first == 0 ? l : r;
        const RowStore& side = sides_[origin_[i].first];
        if (row == kNoRow) {
          // Kusto pads strings with "", all other types with null.
          if (b.type() == Type::kString && !open_)
            b.append_copy("");
          else
            b.append_null();
          continue;
        }
        const Column& from = side.chunk_of(row).columns[origin_[i].second];
        const uint32_t at = side.row_in_chunk(row);
        if (from.type() == Type::kNull || !from.valid(at))
          b.append_null();
        else if (data::physical(b.type()) == data::Physical::kBytes)
          b.append_copy(from.view<std::string_view>()[at]);
        else
          b.append(from.value(at));
      }
      out.columns.push_back(b.finish());
    }
    for (const auto& [l, r] : pairs_) {
      int64_t time = 0;
      std::vector<uint32_t> refs;
      const size_t rows[2] = {l, r};
      for (int side = 0; side < 2; ++side) {
        if (rows[side] == kNoRow) continue;
        const Chunk& c = sides_[side].chunk_of(rows[side]);
        const uint32_t at = sides_[side].row_in_chunk(rows[side]);
        if (c.times[at] != 0 && (time == 0 || c.times[at] < time)) time = c.times[at];
        refs.insert(refs.end(), c.refs.ids.begin() + c.refs.begin[at],
                    c.refs.ids.begin() + c.refs.begin[at + 1]);
      }
      out.times.push_back(time);
      out.refs.add_row(refs.data(), refs.size());
    }
    pairs_.clear();
    next_.push(std::move(out), 0);
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  RunState& state_;
  ChunkSink& next_;
  std::vector<bool> as_real_;
  std::vector<std::pair<int, size_t>> origin_;
  RowStore sides_[2];
  std::vector<std::string> keys_[2];
  std::vector<std::pair<size_t, size_t>> pairs_;
  int finished_ = 0;
  bool open_ = false;
};

}  // namespace

OperatorPtr make_join(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<Join>(op, state, next);
}

}  // namespace postern::exec
