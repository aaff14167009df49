// TimeWindow: rows to a WindowEngine, what it fires to rows. Meaning: plan/window.h.
//
// A group's key is the text of its key columns, all but the last with their lengths; it is read
// back when the group fires. Rows with a null key belong to no group, rows without a value (or with
// one that is no number) to no window of values: both are dropped and counted. Where evidence is
// more than one id per row, or columns are carried, the engine is given the number of a record that
// holds them; records leave with the windows that could name them.
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <set>

#include "base/text.h"
#include "data/dynamic.h"
#include "exec/operators/operators.h"
#include "exec/window/window_engine.h"

namespace postern::exec {

using data::Column;
using data::ColumnBuilder;
using data::Type;
using data::Value;
using plan::WindowKind;

namespace {

/// Where nobody limits memory. With a budget the run is stopped instead: a part is no answer.
constexpr uint64_t kDefaultStateBytes = uint64_t{2} << 30;
/// Blocks are numbered in 32 bits of 4 bytes; beyond this there may be no numbers left.
constexpr uint64_t kMostStateBytes = uint64_t{12} << 30;

// A cell as text, with its length in front unless it is the last of its key: "3:bobws".
void append_cell(std::string& out, const Column& c, uint32_t row, bool last = false) {
  auto put = [&](std::string_view text) {
    if (last) {
      out += text;
      return;
    }
    char digits[20];
    size_t n = 0;
    size_t rest = text.size();
    do {
      digits[n++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    while (n > 0)
      out += digits[--n];
    out += ':';
    out += text;
  };
  switch (c.type()) {
    case Type::kString:
      return put(c.view<std::string_view>()[row]);
    case Type::kReal:
    case Type::kBool:
      return put(c.value(row).text());
    case Type::kDynamic:
      return put(c.value(row).json());
    default:
      return put(std::to_string(c.view<int64_t>()[row]));
  }
}

Value cell_value(Type type, std::string_view text) {
  switch (type) {
    case Type::kString:
      return Value::string(std::string(text));
    case Type::kBool:
      return Value::boolean(text == "true");
    case Type::kReal:
      return Value::real(parse_real(text).value_or(0));
    case Type::kDynamic:
      return Value::dynamic(data::dynamic_from_json(text).value_or(""));
    default:
      return Value::integer(parse_int(text).value_or(0), type);
  }
}

// Reads the next cell of `key`; false at its end.
bool next_cell(std::string_view& key, std::string_view& cell) {
  const size_t colon = key.find(':');
  if (colon == std::string_view::npos) return false;
  const auto size = static_cast<size_t>(parse_int(key.substr(0, colon)).value_or(0));
  cell = key.substr(colon + 1, size);
  key.remove_prefix(std::min(key.size(), colon + 1 + size));
  return true;
}

bool is_null(const Column& c, uint32_t row) {
  return c.type() == Type::kNull || !c.valid(row);
}

/// A number as such or as text; NaN when it is none.
double number_at(const Column& c, uint32_t row) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double v = kNone;
  switch (c.type()) {
    case Type::kReal:
      v = c.view<double>()[row];
      break;
    case Type::kString:
      v = parse_real(trim(c.view<std::string_view>()[row])).value_or(kNone);
      break;
    case Type::kDynamic:
      v = parse_real(c.value(row).text()).value_or(kNone);
      break;
    case Type::kBool:
      break;
    default:
      v = static_cast<double>(c.view<int64_t>()[row]);
  }
  return std::abs(v) <= kMaxWindowValue ? v : kNone;
}

constexpr uint32_t kNoEvidence = UINT32_MAX;

/// Rows of scans that are only filtered and reshaped have one id of evidence each.
bool one_event_per_row(const plan::Op& op) {
  switch (op.kind) {
    case plan::OpKind::kScan:
    case plan::OpKind::kFilter:
    case plan::OpKind::kProject:
    case plan::OpKind::kExtend:
    case plan::OpKind::kUnion:
      return std::all_of(op.inputs.begin(), op.inputs.end(),
                         [](const plan::OpPtr& i) { return one_event_per_row(*i); });
    default:
      return false;
  }
}

/// Evidence and carried cells of a row that the engine knows by number.
struct Record {
  int64_t time = 0;
  std::vector<uint32_t> refs;
  std::string carried;
};

class TimeWindow final : public ChunkSink, private WindowSink {
 public:
  TimeWindow(const CompiledOp& op, RunState& state, ChunkSink& next)
      : compiled_(op),
        op_(*op.op),
        spec_(*op.op->window),
        state_(state),
        next_(next),
        engine_(spec_, state_limit(state), *this) {
    const plan::Schema& input = op_.inputs[0]->schema;
    for (const std::string& name : spec_.carried) {
      carried_slots_.push_back(input.size());
      for (size_t i = 0; i < input.size(); ++i)
        if (input[i].name == name) carried_slots_.back() = i;
    }
    with_records_ = !spec_.carried.empty() || !one_event_per_row(*op_.inputs[0]);
    start_output();
  }

  void push(Chunk&& c, int) override {
    const std::vector<Column> computed = evaluate_all(compiled_.exprs, c, state_);
    const size_t num_items = op_.items.size();
    keys_.clear();
    key_ends_.clear();
    rows_.clear();
    for (uint32_t row = 0; row < c.num_rows; ++row) {
      if (c.times[row] == 0) {
        ++state_.notes.anomalies["correlation-no-time"];
        continue;
      }
      WindowRow r;
      r.time = c.times[row];
      const size_t begin = keys_.size();
      if (!read_key(computed, num_items, row)) continue;
      if (!read_items(computed, row, r)) {
        keys_.resize(begin);
        continue;
      }
      r.ref = evidence_of(c, row);
      r.order = c.refs.begin[row] < c.refs.begin[row + 1] ? c.refs.ids[c.refs.begin[row]] : 0;
      key_ends_.push_back(keys_.size());
      rows_.push_back(r);
    }
    key_views_.clear();
    for (size_t i = 0, begin = 0; i < rows_.size(); begin = key_ends_[i++])
      key_views_.push_back(std::string_view(keys_).substr(begin, key_ends_[i] - begin));
    engine_.add(key_views_, rows_);
    charge();
  }

  void advance(int64_t watermark, int) override {
    engine_.advance(watermark);
    // What no window can name any more: windows reach back two lengths at most.
    while (!records_.empty() && records_.front().time < watermark - 2 * spec_.length) {
      record_bytes_ -= bytes_of(records_.front());
      records_.pop_front();
      ++first_record_;
    }
    charge();
    flush();
    next_.advance(watermark, 0);
  }

  void finish(int) override {
    engine_.finish();
    flush();
    const WindowCounts& n = engine_.counts();
    auto tell = [&](const char* name, uint64_t count) {
      if (count > 0) state_.notes.anomalies[name] += count;
    };
    tell("correlation-late-event", n.late);
    tell("correlation-state-limit", n.forgotten + n.hurried);
    next_.finish(0);
  }

 private:
  static uint64_t state_limit(const RunState& state) {
    const uint64_t asked = state.context.max_state_bytes;
    const uint64_t own = state.memory.has_budget() ? kMostStateBytes : kDefaultStateBytes;
    return std::min(asked == 0 ? own : asked, kMostStateBytes);
  }

  void charge() {
    const uint64_t now = engine_.used_bytes() + record_bytes_;
    if (now >= charged_)
      state_.memory.charge(now - charged_);
    else
      state_.memory.give_back(charged_ - now);
    charged_ = now;
  }

  static uint64_t bytes_of(const Record& r) {
    return sizeof r + r.refs.size() * sizeof(uint32_t) + r.carried.size();
  }

  /// Appends it to keys_.
  bool read_key(const std::vector<Column>& computed, size_t num_items, uint32_t row) {
    const size_t begin = keys_.size();
    bool complete = true;
    for (size_t k = 0; k < op_.keys.size(); ++k) {
      const Column& c = computed[num_items + k];
      if (!is_null(c, row)) {
        append_cell(keys_, c, row, k + 1 == op_.keys.size());
        continue;
      }
      complete = false;
      ++state_.notes.null_key_rows[op_.keys[k].name];
    }
    if (complete) return true;
    ++state_.notes.rows_dropped;
    keys_.resize(begin);
    return false;
  }

  bool read_items(const std::vector<Column>& computed, uint32_t row, WindowRow& r) {
    switch (spec_.kind) {
      case WindowKind::kCount:
        return true;
      case WindowKind::kSequence:
        r.step = static_cast<uint32_t>(computed[0].view<int64_t>()[row]);
        return true;
      case WindowKind::kDistinct:
        scratch_.clear();
        for (size_t i = 0; i < op_.items.size(); ++i) {
          if (is_null(computed[i], row)) {
            ++state_.notes.anomalies["correlation-no-value"];
            return false;
          }
          append_cell(scratch_, computed[i], row);
        }
        r.value = hash_bytes(scratch_, spec_.ignore_case);
        return true;
      default: {
        const double v = is_null(computed[0], row) ? std::numeric_limits<double>::quiet_NaN()
                                                   : number_at(computed[0], row);
        r.value = WindowRow::of_number(v);
        if (!std::isnan(v)) return true;
        ++state_.notes.anomalies["correlation-no-value"];
        return false;
      }
    }
  }

  uint32_t evidence_of(const Chunk& c, uint32_t row) {
    const uint32_t first = c.refs.begin[row];
    const uint32_t last = c.refs.begin[row + 1];
    if (!with_records_) return last > first ? c.refs.ids[first] : kNoEvidence;
    Record record;
    record.time = c.times[row];
    record.refs.assign(c.refs.ids.begin() + first, c.refs.ids.begin() + last);
    for (const size_t slot : carried_slots_) {
      // A null cell is told apart from an empty text by having no length at all.
      if (slot >= c.columns.size() || is_null(c.columns[slot], row))
        record.carried += "-:";
      else
        append_cell(record.carried, c.columns[slot], row);
    }
    record_bytes_ += bytes_of(record);
    records_.push_back(std::move(record));
    return static_cast<uint32_t>(first_record_ + records_.size() - 1);
  }

  void fired(std::string_view key, WindowResult& result) override {
    std::set<uint32_t> refs;
    std::set<std::string> carried;
    for (const WindowEvidence& e : result.evidence) {
      if (!with_records_) {
        if (e.ref != kNoEvidence) refs.insert(e.ref);
        continue;
      }
      const Record& r = records_[e.ref - static_cast<uint32_t>(first_record_)];
      for (const uint32_t ref : r.refs)
        if (refs.size() < kMaxWindowEvidence) refs.insert(ref);
      carried.insert(r.carried);
    }
    if (spec_.carried.empty()) carried = {""};
    for (const std::string& cells : carried)
      put_row(key, cells, result, refs);
  }

  void put_row(std::string_view key,
               std::string_view carried,
               const WindowResult& result,
               const std::set<uint32_t>& refs) {
    size_t column = 0;
    std::string_view cell;
    for (size_t k = 0; k < op_.keys.size(); ++k, ++column) {
      if (k + 1 == op_.keys.size())
        cell = key;
      else
        POSTERN_CHECK(next_cell(key, cell));
      builders_[column].append(cell_value(op_.schema[column].type, cell));
    }
    for (size_t i = 0; i < spec_.carried.size(); ++i, ++column) {
      if (carried.substr(0, 2) == "-:") {
        carried.remove_prefix(2);
        builders_[column].append_null();
        continue;
      }
      POSTERN_CHECK(next_cell(carried, cell));
      builders_[column].append(cell_value(op_.schema[column].type, cell));
    }
    if (op_.schema[column].type == Type::kReal)
      builders_[column].append(result.value);
    else
      builders_[column].append(static_cast<int64_t>(result.value));
    builders_[column + 1].append(result.from);
    builders_[column + 2].append(result.to);
    out_.times.push_back(result.time);
    const std::vector<uint32_t> ids(refs.begin(), refs.end());
    out_.refs.add_row(ids.data(), ids.size());
    if (++out_.num_rows == data::kBatchRows) flush();
  }

  void start_output() {
    out_ = Chunk{};
    builders_.clear();
    for (const plan::ColumnInfo& c : op_.schema)
      builders_.emplace_back(c.type);
  }

  void flush() {
    if (out_.num_rows == 0) return;
    for (ColumnBuilder& b : builders_)
      out_.columns.push_back(b.finish());
    next_.push(std::move(out_), 0);
    start_output();
  }

  const CompiledOp& compiled_;
  const plan::Op& op_;
  const plan::WindowSpec& spec_;
  RunState& state_;
  ChunkSink& next_;
  WindowEngine engine_;
  std::vector<size_t> carried_slots_;
  bool with_records_ = false;
  std::deque<Record> records_;
  uint64_t first_record_ = 0;
  uint64_t record_bytes_ = 0;
  uint64_t charged_ = 0;
  // Of one chunk: keys one after the other, where each ends, and the rows.
  std::string keys_;
  std::vector<size_t> key_ends_;
  std::vector<std::string_view> key_views_;
  std::vector<WindowRow> rows_;
  std::string scratch_;
  Chunk out_;
  std::vector<ColumnBuilder> builders_;
};

}  // namespace

OperatorPtr make_time_window(const CompiledOp& op, RunState& state, ChunkSink& next) {
  return std::make_unique<TimeWindow>(op, state, next);
}

}  // namespace postern::exec
