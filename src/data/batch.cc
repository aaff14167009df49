// How rows become columns.
//
// A column is only touched by rows that set it: its builder is as long as the last such row, and
// the gap is filled with nulls in one step. So a row costs what it holds, not what the layout could
// hold, and a column that nobody set is one constant null. Copied text of all columns shares one
// arena.
#include "data/batch.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "base/time.h"

namespace postern::data {
namespace {

constexpr size_t kMaxDetailBytes = 80;
// One dynamic value of a row; far below the 4 GiB that an encoding can count.
constexpr size_t kMaxDynamicBytes = size_t{256} * 1024 * 1024;
constexpr int kMaxValueDepth = 200;

/// How Windows and Zeek write "no value" in a field that is not text.
bool no_value(std::string_view s) {
  return s.empty() || s == "-";
}

/// Decimal or "0x" hex; sixteen hex digits are the 64 bits as they are (keywords, logon ids).
std::optional<int64_t> integer_text(std::string_view s) {
  s = trim(s);
  if (s.size() > 2 && s[0] == '0' && (s[1] | 32) == 'x') {
    uint64_t bits = 0;
    const auto r = std::from_chars(s.data() + 2, s.data() + s.size(), bits, 16);
    if (r.ec != std::errc() || r.ptr != s.data() + s.size()) return std::nullopt;
    return static_cast<int64_t>(bits);
  }
  return parse_int(s);
}

std::optional<bool> bool_text(std::string_view s) {
  s = trim(s);
  if (s == "1" || equal_ignore_case(s, "true")) return true;
  if (s == "0" || equal_ignore_case(s, "false")) return false;
  return std::nullopt;
}

/// The integer that a real is, if it is one.
std::optional<int64_t> whole(double v) {
  if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0)) return std::nullopt;
  const auto i = static_cast<int64_t>(v);
  if (static_cast<double>(i) != v) return std::nullopt;
  return i;
}

bool fits(Type t, int64_t v) {
  return t != Type::kInt || (v >= INT32_MIN && v <= INT32_MAX);
}

struct Owners {
  std::shared_ptr<const Arena> arena;
  std::vector<std::shared_ptr<const void>> kept;
};

bool is_time(int64_t ticks) {
  return ticks >= 0 && ticks <= kMaxTicks;
}

void write(DynamicWriter& w, const Value& v) {
  if (v.is_null()) return w.null();
  switch (v.type()) {
    case Type::kBool:
      return w.boolean(v.as_bool());
    case Type::kReal:
      return w.real(v.as_real());
    case Type::kDatetime:
      return w.datetime(v.as_int());
    case Type::kTimespan:
      return w.timespan(v.as_int());
    case Type::kString:
      return w.string(v.as_bytes());
    case Type::kDynamic:
      return w.value(Dynamic(v.as_bytes()));
    default:
      return w.integer(v.as_int());
  }
}

}  // namespace

BatchBuilder::BatchBuilder(const Layout& layout,
                           BatchSink& sink,
                           Anomalies& anomalies,
                           std::string path)
    : layout_(layout),
      sink_(sink),
      anomalies_(anomalies),
      path_(std::move(path)),
      arena_(std::make_shared<Arena>()) {
  builders_.reserve(layout.fields().size());
  for (const Layout::Field& f : layout.fields())
    builders_.emplace_back(f.type);
}

void BatchBuilder::begin(Position position) {
  POSTERN_CHECK(!in_row_);
  in_row_ = true;
  position_ = position;
  has_time_ = false;
  leaves_out_texts_ = false;
  if (wants_values()) {
    values_.clear();
    values_.begin_array();
  }
}

void BatchBuilder::set_time(int64_t ticks) {
  has_time_ = is_time(ticks);
  time_ticks_ = ticks;
  if (!has_time_) anomalies_.add("bad-value", path_, position_.offset, "event time out of range");
}

ColumnBuilder& BatchBuilder::cell(int slot) {
  POSTERN_CHECK(in_row_);
  ColumnBuilder& b = builders_[static_cast<size_t>(slot)];
  if (b.size() < row_) b.append_nulls(row_ - b.size());
  if (b.size() == row_) b.append_null();
  return b;
}

bool BatchBuilder::is_set(int slot) const {
  return builders_[static_cast<size_t>(slot)].is_set(row_);
}

void BatchBuilder::bad_value(int slot, std::string_view value) {
  cell(slot).set_null(row_);
  // The sentence costs more than the row; it is only read for the first one.
  std::string detail;
  if (anomalies_.all().find("bad-value") == anomalies_.all().end()) {
    detail.append("field ").append(layout_.fields()[static_cast<size_t>(slot)].name).append(": ");
    detail.append(repair_utf8(value.substr(0, kMaxDetailBytes)));
    detail.append(" is no ").append(type_name(type_of(slot)));
  }
  anomalies_.add("bad-value", path_, position_.offset, detail);
}

void BatchBuilder::put_text(int slot, std::string_view value, bool borrowed) {
  switch (type_of(slot)) {
    case Type::kString:
      return column(slot).put_borrowed(row_, borrowed ? value : arena_->copy(value));
    case Type::kDynamic:
      if (no_value(value)) return cell(slot).set_null(row_);
      scratch_.clear();
      if (!has_room(scratch_, value.size())) return cell(slot).set_null(row_);
      scratch_.string(value);
      return put_dynamic(slot, scratch_.encoded());
    default:
      return put_number_text(slot, value);
  }
}

void BatchBuilder::put_number_text(int slot, std::string_view value) {
  const Type type = type_of(slot);
  if (int64_t v = 0; is_integer(type) && parse_digits(value, v) && fits(type, v))
    return column(slot).put(row_, v);
  if (no_value(value)) return cell(slot).set_null(row_);
  switch (type) {
    case Type::kBool:
      if (const auto v = bool_text(value)) return cell(slot).set(row_, *v);
      break;
    case Type::kReal:
      if (const auto v = parse_real(trim(value))) return cell(slot).set(row_, *v);
      break;
    case Type::kDatetime:
      if (const auto v = parse_rfc3339(trim(value))) return cell(slot).set(row_, *v);
      break;
    case Type::kTimespan:
      if (const auto v = parse_timespan(trim(value))) return cell(slot).set(row_, *v);
      break;
    default:
      if (const auto v = integer_text(value); v && fits(type, *v)) return cell(slot).set(row_, *v);
  }
  bad_value(slot, value);
}

void BatchBuilder::put_dynamic(int slot, std::string_view encoded) {
  if (Dynamic(encoded).is_null()) return cell(slot).set_null(row_);
  column(slot).put_borrowed(row_, arena_->copy(encoded));
}

void BatchBuilder::put_value(int slot, const Value& v) {
  if (v.is_null()) return cell(slot).set_null(row_);
  const Type type = type_of(slot);
  if (type == Type::kDynamic) {
    scratch_.clear();
    if (!has_room(scratch_, v.as_bytes().size())) return cell(slot).set_null(row_);
    write(scratch_, v);
    return put_dynamic(slot, scratch_.encoded());
  }
  switch (v.type()) {
    case Type::kDynamic:
      return put_element(slot, Dynamic(v.as_bytes()));
    case Type::kString:
      return put_text(slot, v.as_bytes(), false);
    default:
      break;
  }
  if (type == Type::kString) return put_text(slot, v.text(), false);
  if (v.type() == type || (is_integer(v.type()) && is_integer(type) && fits(type, v.as_int())))
    return type == Type::kReal ? cell(slot).set(row_, v.as_real())
                               : cell(slot).set(row_, v.as_int());
  if (type == Type::kReal && is_integer(v.type())) return cell(slot).set(row_, v.as_int());
  if (v.type() == Type::kReal && is_integer(type)) {
    if (const auto i = whole(v.as_real()); i && fits(type, *i)) return cell(slot).set(row_, *i);
  }
  if (type == Type::kBool && is_integer(v.type()) && (v.as_int() == 0 || v.as_int() == 1))
    return cell(slot).set(row_, v.as_int() == 1);
  if (v.type() == Type::kBool && is_integer(type)) return cell(slot).set(row_, v.as_int());
  bad_value(slot, v.text());
}

/// A dynamic value into a column of another type: the scalar it is, or the one element it has.
void BatchBuilder::put_element(int slot, Dynamic d) {
  if (d.is_array() && d.size() < 2) d = d.at(0);
  switch (d.kind()) {
    case Dynamic::Kind::kNull:
      return cell(slot).set_null(row_);
    case Dynamic::Kind::kFalse:
    case Dynamic::Kind::kTrue:
      return put_value(slot, Value::boolean(d.as_bool()));
    case Dynamic::Kind::kLong:
      return put_value(slot, Value::integer(d.as_long()));
    case Dynamic::Kind::kReal:
      return put_value(slot, Value::real(d.as_real()));
    case Dynamic::Kind::kDatetime:
      return put_value(slot, Value::datetime(d.as_long()));
    case Dynamic::Kind::kTimespan:
      return put_value(slot, Value::timespan(d.as_long()));
    case Dynamic::Kind::kString:
      return put_text(slot, d.as_string(), false);
    default:
      if (type_of(slot) == Type::kString) return put_text(slot, d.json(), false);
      bad_value(slot, d.json());
  }
}

/// False, and counted, when a dynamic value would grow beyond what it may hold.
bool BatchBuilder::has_room(const DynamicWriter& w, size_t bytes) {
  if (bytes <= kMaxDynamicBytes && w.size() <= kMaxDynamicBytes - bytes) return true;
  anomalies_.add("oversized-value", path_, position_.offset, "more than 256 MiB in one value");
  return false;
}

/// The second and later values of a dynamic field in one row: all become elements of one array.
void BatchBuilder::repeat(int slot, Dynamic d) {
  const auto add = [this](DynamicWriter& w, Dynamic v) {
    if (!has_room(w, v.encoded().size())) return;
    if (!v.is_array()) return w.value(v);
    for (uint32_t i = 0; i < v.size(); ++i)
      w.value(v.at(i));
  };
  for (Repeated& r : repeated_)
    if (r.slot == slot) return add(r.values, d);
  Repeated r{slot, {}};
  r.values.begin_array();
  add(r.values, Dynamic(cell(slot).bytes_at(row_)));
  add(r.values, d);
  repeated_.push_back(std::move(r));
}

void BatchBuilder::add_value(std::string_view text) {
  if (has_room(values_, text.size())) values_.string(text);
}

void BatchBuilder::add_values(Dynamic d, int depth) {
  if (d.is_null()) return;
  if (!d.is_array() && !d.is_object()) return add_value(d.is_string() ? d.as_string() : d.text());
  if (depth >= kMaxValueDepth) return;
  for (uint32_t i = 0; i < d.size(); ++i)
    add_values(d.at(i), depth + 1);
}

void BatchBuilder::text(int slot, std::string_view value, bool borrowed) {
  if (slot >= 0) put_text(slot, value, borrowed);
}

void BatchBuilder::integer(int slot, int64_t value) {
  if (slot < 0) return;
  const Type type = type_of(slot);
  if (is_integer(type) && fits(type, value)) return column(slot).put(row_, value);
  put_value(slot, Value::integer(value));
}

void BatchBuilder::real(int slot, double value) {
  if (slot < 0) return;
  if (type_of(slot) == Type::kReal) return column(slot).put(row_, value);
  put_value(slot, Value::real(value));
}

void BatchBuilder::boolean(int slot, bool value) {
  if (slot < 0) return;
  if (type_of(slot) == Type::kBool) return cell(slot).set(row_, value);
  put_value(slot, Value::boolean(value));
}

void BatchBuilder::datetime(int slot, int64_t ticks) {
  if (slot < 0) return;
  if (!is_time(ticks)) return bad_value(slot, std::to_string(ticks));
  if (type_of(slot) == Type::kDatetime) return column(slot).put(row_, ticks);
  put_value(slot, Value::datetime(ticks));
}

void BatchBuilder::dynamic(int slot, std::string_view encoded) {
  if (slot < 0) return;
  if (type_of(slot) == Type::kDynamic) return put_dynamic(slot, encoded);
  put_element(slot, Dynamic(encoded));
}

void BatchBuilder::value(int slot, const Value& v) {
  if (slot >= 0) put_value(slot, v);
}

void BatchBuilder::field(std::string_view name, std::string_view value, bool borrowed) {
  if (wants_values()) add_value(value);
  const int slot = layout_.slot(name);
  if (slot < 0) return;
  if (type_of(slot) == Type::kDynamic && is_set(slot)) {
    scratch_.clear();
    if (no_value(value) || !has_room(scratch_, value.size())) return;
    scratch_.string(value);
    return repeat(slot, Dynamic(scratch_.encoded()));
  }
  put_text(slot, value, borrowed);
}

void BatchBuilder::field(std::string_view name, const Value& v) {
  if (wants_values() && !v.is_null()) {
    if (v.type() == Type::kDynamic)
      add_values(Dynamic(v.as_bytes()), 0);
    else if (v.type() == Type::kString)
      add_value(v.as_bytes());
    else
      add_value(v.text());
  }
  const int slot = layout_.slot(name);
  if (slot < 0) return;
  if (type_of(slot) == Type::kDynamic && is_set(slot)) {
    scratch_.clear();
    if (v.is_null() || !has_room(scratch_, v.as_bytes().size())) return;
    write(scratch_, v);
    return repeat(slot, Dynamic(scratch_.encoded()));
  }
  put_value(slot, v);
}

void BatchBuilder::raw(std::string_view text, bool borrowed) {
  if (layout_.raw_slot() >= 0) put_text(layout_.raw_slot(), text, borrowed);
  if (layout_.text_slot() >= 0 && !leaves_out_texts_) put_text(layout_.text_slot(), text, borrowed);
}

void BatchBuilder::made_raw(std::string_view text) {
  if (layout_.raw_slot() >= 0) put_text(layout_.raw_slot(), text, false);
}

void BatchBuilder::end() {
  POSTERN_CHECK(in_row_);
  for (Repeated& r : repeated_) {
    r.values.end();
    put_dynamic(r.slot, r.values.encoded());
  }
  repeated_.clear();
  if (wants_values()) {
    values_.end();
    put_dynamic(layout_.values_slot(), values_.encoded());
  }
  in_row_ = false;
  if (has_time_) time_.put(row_, time_ticks_);
  positions_.push_back(position_);
  if (++row_ >= layout_.batch_rows() || arena_->bytes_used() >= kMaxCopiedBytes) flush();
}

void BatchBuilder::keep(std::shared_ptr<const void> owner) {
  std::erase(released_, owner);
  if (owner && std::find(keep_.begin(), keep_.end(), owner) == keep_.end())
    keep_.push_back(std::move(owner));
}

void BatchBuilder::release(const std::shared_ptr<const void>& owner) {
  released_.push_back(owner);
}

void BatchBuilder::flush() {
  POSTERN_CHECK(!in_row_);
  const uint32_t n = std::exchange(row_, 0);
  // One object that all columns share: everything their strings may point into.
  auto owners = std::make_shared<Owners>(Owners{std::exchange(arena_, nullptr), keep_});
  arena_ = std::make_shared<Arena>();
  for (const auto& owner : released_)
    std::erase(keep_, owner);
  released_.clear();
  if (n == 0) return;

  Batch batch;
  batch.table = layout_.table();
  batch.layout = &layout_;
  batch.num_rows = n;
  batch.columns.reserve(builders_.size());
  for (ColumnBuilder& b : builders_) {
    if (b.size() == 0) {
      batch.columns.push_back(Column::nulls(b.type(), n));
      continue;
    }
    b.append_nulls(n - b.size());
    if (physical(b.type()) == Physical::kBytes) b.keep(owners);
    batch.columns.push_back(b.finish());
  }
  time_.append_nulls(n - time_.size());
  batch.time = time_.finish();
  batch.positions = std::exchange(positions_, {});
  positions_.reserve(n);
  // Nobody takes more once the sink asked to stop; what a decoder still adds is dropped here.
  if (!ok_) return;
  if (make_reader_) batch.records = make_reader_();
  ok_ = sink_.push(std::move(batch));
}

}  // namespace postern::data
