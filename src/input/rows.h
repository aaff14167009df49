// Rows of native tables on their way out of a text decoder: to the batches of a run, or, when a
// finding wants to see the whole record again, to a FieldVisitor.
//
// A dialect writes its fields once, to a Row; that Row is either the current row of a table's
// BatchBuilder (only fields that the layout names are converted and copied) or a visitor (every
// field). So what `inspect` shows is what rules saw. Tests: tests/unit/input/rows_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "input/format.h"
#include "input/name_hash.h"

namespace postern::input {

/// The text of the record that a row came from.
struct RecordRef {
  std::string_view text;
  uint32_t row = 0;  ///< which of the record's rows, where one record gives several (a snapshot)
};

/// A batch whose records have more text than this is sealed before it is full: what its rows copied
/// must not grow with the size of the records.
inline constexpr uint64_t kMaxBatchText = uint64_t{64} << 20;

/// Decodes a record again; shared by all batches of a file, so it owns what it needs.
using ReadRecord = std::function<void(const RecordRef&, data::FieldVisitor&)>;

/// The rows of one batch as text records.
class TextRecords : public data::RecordReader {
 public:
  TextRecords(std::vector<RecordRef> refs,
              std::vector<std::shared_ptr<const void>> owners,
              ReadRecord read)
      : refs_(std::move(refs)), owners_(std::move(owners)), read_(std::move(read)) {}

  void read(uint32_t row, data::FieldVisitor& out) const override {
    if (row < refs_.size()) read_(refs_[row], out);
  }

 private:
  std::vector<RecordRef> refs_;
  std::vector<std::shared_ptr<const void>> owners_;
  ReadRecord read_;
};

/// The batches of one table: a builder, its slots by hashed name, and where its rows came from.
class TableRows {
 public:
  TableRows(const data::Layout& layout,
            DecodeContext& context,
            const Input& input,
            ReadRecord read);
  TableRows(const TableRows&) = delete;
  TableRows& operator=(const TableRows&) = delete;

  /// Opens a row. `owner` keeps the record's text alive where it does not live in the input.
  /// `row_bytes`: the row's share of a record that gives many rows; 0: all of it.
  void begin(data::Position position,
             RecordRef record,
             const std::shared_ptr<const void>& owner = nullptr,
             size_t row_bytes = 0);

  void end();

  void flush() { builder_.flush(); }

  data::BatchBuilder& builder() { return builder_; }

  const data::Layout& layout() const { return builder_.layout(); }

  /// Slot of a field, or -1 when nobody reads it.
  int slot(std::string_view name, uint32_t hash) const { return slots_.find(name, hash); }

 private:
  std::shared_ptr<const data::RecordReader> take_reader();

  data::BatchBuilder builder_;
  NameTable slots_;
  std::vector<RecordRef> refs_;
  uint64_t pending_bytes_ = 0;  // text behind the rows since the last flush
  std::shared_ptr<const void> input_owner_;
  std::vector<std::shared_ptr<const void>> owners_;  // of texts that do not live in the input
  ReadRecord read_;
};

/// The tables of one file, made as their events come.
class TableSet {
 public:
  TableSet(const Input& input, DecodeContext& context, ReadRecord read)
      : input_(input), context_(context), read_(std::move(read)) {}

  /// The rows of a table, or null when nobody reads it; then the event is counted.
  TableRows* event(std::string_view table);

  /// False once the sink asked to stop.
  bool ok() const { return ok_; }

  /// To be called after each row: notices that the sink asked to stop.
  void check(TableRows& rows) { ok_ = ok_ && rows.builder().ok(); }

  /// Hands over what is there, and the counts of events that nobody reads.
  void flush();

 private:
  struct Entry {
    std::unique_ptr<TableRows> rows;  // null: nobody reads it
    uint64_t skipped = 0;
  };

  const Input& input_;
  DecodeContext& context_;
  ReadRecord read_;
  std::map<std::string, Entry, std::less<>> tables_;
  Entry* last_ = nullptr;
  std::string_view last_name_;
  bool ok_ = true;
};

/// The fields of one row, wherever they go.
class Row {
 public:
  /// What to do with a field: a slot, kUnread, or kByName (a visitor, or somebody reads `_values`).
  using Target = int;
  static constexpr Target kUnread = -1;
  static constexpr Target kByName = INT32_MAX;

  explicit Row(TableRows& rows) : rows_(&rows), by_name_(rows.builder().wants_values()) {}

  explicit Row(data::FieldVisitor& visitor) : visitor_(&visitor), by_name_(true) {}

  Target target(std::string_view name, uint32_t hash) const {
    return by_name_ ? kByName : rows_->slot(name, hash);
  }

  Target target(std::string_view name) const { return target(name, name_hash(name)); }

  /// Type of the column that the field goes to; kNull when it goes to none.
  data::Type type(Target target, std::string_view name) const;

  bool to_visitor() const { return visitor_ != nullptr; }

  void time(int64_t ticks) {
    if (rows_) rows_->builder().set_time(ticks);
  }

  void raw(std::string_view text, bool borrowed) {
    if (rows_) rows_->builder().raw(text, borrowed);
  }

  void made_raw(std::string_view text) {
    if (rows_) rows_->builder().made_raw(text);
  }

  // By target, with the name for the case that it is kByName. Each does nothing for kUnread.
  void text(Target target, std::string_view name, std::string_view value, bool borrowed);
  /// A JSON number, true or false, as written.
  void literal(Target target, std::string_view name, std::string_view json);
  void datetime(Target target, std::string_view name, int64_t ticks);
  void integer(Target target, std::string_view name, int64_t value);
  void real(Target target, std::string_view name, double value);
  void boolean(Target target, std::string_view name, bool value);
  /// An encoded dynamic; a column of another type gets the scalar that it is, or its JSON text.
  void dynamic(Target target, std::string_view name, std::string_view encoded);

  // By name.
  void text(std::string_view name, std::string_view value, bool borrowed = false) {
    text(target(name), name, value, borrowed);
  }

  void datetime(std::string_view name, int64_t ticks) { datetime(target(name), name, ticks); }

  void integer(std::string_view name, int64_t value) { integer(target(name), name, value); }

  void boolean(std::string_view name, bool value) { boolean(target(name), name, value); }

  void real(std::string_view name, double value) { real(target(name), name, value); }

  void dynamic(std::string_view name, std::string_view encoded) {
    dynamic(target(name), name, encoded);
  }

 private:
  TableRows* rows_ = nullptr;
  data::FieldVisitor* visitor_ = nullptr;
  bool by_name_ = false;
};

}  // namespace postern::input
