#include "input/rows.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "data/dynamic.h"

namespace postern::input {

using data::Type;
using data::Value;

namespace {

/// A dynamic scalar as the value that it is; arrays and objects stay dynamic.
Value scalar(data::Dynamic d) {
  switch (d.kind()) {
    case data::Dynamic::Kind::kFalse:
    case data::Dynamic::Kind::kTrue:
      return Value::boolean(d.as_bool());
    case data::Dynamic::Kind::kLong:
      return Value::integer(d.as_long());
    case data::Dynamic::Kind::kReal:
      return Value::real(d.as_real());
    case data::Dynamic::Kind::kString:
      return Value::string(std::string(d.as_string()));
    default:
      return Value::dynamic(std::string(d.encoded()));
  }
}

}  // namespace

TableRows::TableRows(const data::Layout& layout,
                     DecodeContext& context,
                     const Input& input,
                     ReadRecord read)
    : builder_(layout, context.sink, context.anomalies, input.path),
      input_owner_(input.owner),
      read_(std::move(read)) {
  for (size_t i = 0; i < layout.fields().size(); ++i)
    slots_.add(layout.fields()[i].name, static_cast<int>(i));
  if (input_owner_) builder_.keep(input_owner_);
  builder_.set_reader_factory([this] { return take_reader(); });
}

void TableRows::begin(data::Position position,
                      RecordRef record,
                      const std::shared_ptr<const void>& owner,
                      size_t row_bytes) {
  // Rows of one record come one after the other, so comparing with the last owner is enough.
  if (owner && (owners_.empty() || owners_.back() != owner)) {
    owners_.push_back(owner);
    pending_bytes_ += record.text.size();
  }
  pending_bytes_ += row_bytes > 0 ? row_bytes : record.text.size();
  refs_.push_back(record);
  builder_.begin(position);
}

void TableRows::end() {
  builder_.end();
  if (pending_bytes_ > kMaxBatchText) builder_.flush();
}

std::shared_ptr<const data::RecordReader> TableRows::take_reader() {
  owners_.push_back(input_owner_);
  auto reader = std::make_shared<const TextRecords>(std::move(refs_), std::move(owners_), read_);
  refs_.clear();
  refs_.reserve(data::kBatchRows);
  pending_bytes_ = 0;
  owners_.clear();
  return reader;
}

TableRows* TableSet::event(std::string_view table) {
  if (!last_ || last_name_ != table) {
    auto it = tables_.find(table);
    if (it == tables_.end()) {
      const data::Layout* layout = context_.layout(table);
      // Names may come from the evidence (a Zeek path), so those that nobody reads are bounded.
      constexpr size_t kMaxTables = 1024;
      if (!layout && tables_.size() >= kMaxTables) {
        context_.sink.skipped(table, 1);
        return nullptr;
      }
      it = tables_.try_emplace(std::string(table)).first;
      if (layout) it->second.rows = std::make_unique<TableRows>(*layout, context_, input_, read_);
    }
    last_ = &it->second;
    last_name_ = it->first;
  }
  if (!last_->rows) ++last_->skipped;
  return last_->rows.get();
}

void TableSet::flush() {
  for (auto& [name, entry] : tables_) {
    if (entry.rows && ok_) {
      entry.rows->flush();
      check(*entry.rows);
    }
    if (entry.skipped > 0) context_.sink.skipped(name, std::exchange(entry.skipped, 0));
  }
}

Type Row::type(Target target, std::string_view name) const {
  if (!rows_ || target == kUnread) return Type::kNull;
  if (target == kByName) target = rows_->slot(name, name_hash(name));
  return target < 0 ? Type::kNull : rows_->layout().fields()[static_cast<size_t>(target)].type;
}

void Row::text(Target target, std::string_view name, std::string_view value, bool borrowed) {
  if (target == kUnread) return;
  if (visitor_)
    visitor_->field(name, Value::string(std::string(value)));
  else if (target == kByName)
    rows_->builder().field(name, value, borrowed);
  else
    rows_->builder().text(target, value, borrowed);
}

void Row::literal(Target target, std::string_view name, std::string_view json) {
  if (target == kUnread) return;
  const bool exact = json.find_first_of(".eE") == std::string_view::npos;
  if (visitor_ || target == kByName || type(target, name) == Type::kDynamic) {
    if (const auto encoded = data::dynamic_from_json(json)) dynamic(target, name, *encoded);
  } else if (const auto v =
                 exact || type(target, name) == Type::kString ? std::nullopt : parse_real(json)) {
    rows_->builder().real(target, *v);  // "3.0" in a column of integers
  } else {
    rows_->builder().text(target, json, false);
  }
}

void Row::datetime(Target target, std::string_view name, int64_t ticks) {
  if (target == kUnread) return;
  if (visitor_)
    visitor_->field(name, Value::datetime(ticks));
  else if (target == kByName)
    rows_->builder().field(name, Value::datetime(ticks));
  else
    rows_->builder().datetime(target, ticks);
}

void Row::integer(Target target, std::string_view name, int64_t value) {
  if (target == kUnread) return;
  if (visitor_)
    visitor_->field(name, Value::integer(value));
  else if (target == kByName)
    rows_->builder().field(name, Value::integer(value));
  else
    rows_->builder().integer(target, value);
}

void Row::real(Target target, std::string_view name, double value) {
  if (target == kUnread) return;
  if (visitor_)
    visitor_->field(name, Value::real(value));
  else if (target == kByName)
    rows_->builder().field(name, Value::real(value));
  else
    rows_->builder().real(target, value);
}

void Row::boolean(Target target, std::string_view name, bool value) {
  if (target == kUnread) return;
  if (visitor_)
    visitor_->field(name, Value::boolean(value));
  else if (target == kByName)
    rows_->builder().field(name, Value::boolean(value));
  else
    rows_->builder().boolean(target, value);
}

void Row::dynamic(Target target, std::string_view name, std::string_view encoded) {
  if (target == kUnread) return;
  if (visitor_)
    visitor_->field(name, scalar(data::Dynamic(encoded)));
  else if (target == kByName)
    rows_->builder().field(name, scalar(data::Dynamic(encoded)));
  else
    rows_->builder().dynamic(target, encoded);
}

}  // namespace postern::input
