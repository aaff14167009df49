// Batches of decoded events, and how a decoder makes them.
//
// A decoder is told, per native table, which columns anybody reads (a Layout); it decodes those and
// no others, at most kBatchRows rows of one table at a time. The raw record stays reachable through
// the batch's RecordReader, so that a finding can show the whole event later.
// Tests: tests/unit/data/batch_test.cc.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/column.h"
#include "data/dynamic.h"
#include "data/row_gate.h"

namespace postern::data {

/// Copied text after which a batch does not wait for its last row.
inline constexpr size_t kMaxCopiedBytes = size_t{16} * 1024 * 1024;

/// Pseudo columns that any table offers.
inline constexpr std::string_view kRawColumn =
    "_raw";  ///< string: the record's text; made where it has none (EVTX as XML, others as JSON)
inline constexpr std::string_view kTextColumn =
    "_text";  ///< string: the record as it stands in a log of text, null for other evidence
inline constexpr std::string_view kValuesColumn =
    "_values";  ///< dynamic array: text of every field value

inline bool is_pseudo_column(std::string_view name) {
  return name == kRawColumn || name == kTextColumn || name == kValuesColumn;
}

/// What somebody looks for in `_values` and `_text`, and in nothing else about these columns, so
/// that records without it can do without them. Immutable, shared by threads.
class TextGate {
 public:
  virtual ~TextGate() = default;
  /// False: nothing that is looked for is in `text`, nor in any text that `text` is the JSON form
  /// of, or holds as JSON strings.
  virtual bool may_hold(std::string_view text) const = 0;
  /// The same of a text in which every character stands for itself.
  virtual bool may_hold_plain(std::string_view text) const = 0;
  /// What is looked for, folded; a column's value has all of one of them.
  virtual const std::vector<std::string>& literals() const = 0;
};

/// The columns of one native table that a run reads. Immutable while a run lasts.
class Layout {
 public:
  struct Field {
    std::string name;
    Type type;
  };

  explicit Layout(std::string table) : table_(std::move(table)) {}

  /// Adds a field once; returns its slot.
  int add(const std::string& name, Type type);

  const std::string& table() const { return table_; }

  const std::vector<Field>& fields() const { return fields_; }

  /// Slot of a field by exact name, or -1: nobody reads it.
  int slot(std::string_view name) const;

  int raw_slot() const { return raw_slot_; }

  int text_slot() const { return text_slot_; }

  /// True when somebody reads the text of records that have one.
  bool wants_text() const { return raw_slot_ >= 0 || text_slot_ >= 0; }

  int values_slot() const { return values_slot_; }

  /// Null: `_values` and `_text` are always wanted. Else a decoder may leave them out
  /// (BatchBuilder::leave_out_texts) of a record of which the gate says no.
  void set_text_gate(std::shared_ptr<const TextGate> gate) { text_gate_ = std::move(gate); }

  const TextGate* text_gate() const { return text_gate_.get(); }

  /// Rows of a batch at most (up to kBatchRows, which it is at first). Where rows are looked at and
  /// done with, a batch should stay in the cache between decoder and filter; where many programs
  /// take a batch, each costs something of its own for it.
  void set_batch_rows(uint32_t rows) { batch_rows_ = rows; }

  uint32_t batch_rows() const { return batch_rows_; }

  /// What is read of records of one kind.
  struct Kind {
    std::vector<bool> reads;                    ///< by slot
    std::shared_ptr<const TextGate> text_gate;  ///< as text_gate(), where `_values` or `_text` are
    bool is_read = true;                        ///< false: a decoder need only count them
    std::shared_ptr<const RowGate> row_gate;    ///< those that it passes, too; null: none
  };

  using Kinds = std::map<std::string, Kind, std::less<>>;

  /// Where filters ask for kinds of records, which a text in one column tells: the kinds that any
  /// of them names, by that text folded, and what all others have in common. A decoder may leave
  /// out of a record what is not read of its kind.
  void set_kinds(Kinds kinds, Kind others) {
    kinds_ = std::move(kinds);
    other_kinds_ = std::move(others);
  }

  /// Null: all kinds are read alike.
  const Kind* kind(std::string_view folded) const {
    if (kinds_.empty()) return nullptr;
    const auto it = kinds_.find(folded);
    return it == kinds_.end() ? &other_kinds_ : &it->second;
  }

  /// Kinds of events that anybody reads, ascending, as numbered by the table's event id column;
  /// none (as at first): all. A decoder may count events of other kinds as skipped instead of
  /// decoding them.
  void set_event_ids(std::vector<int64_t> ids) { event_ids_ = std::move(ids); }

  bool wants_event(int64_t id) const {
    return event_ids_.empty() || std::binary_search(event_ids_.begin(), event_ids_.end(), id);
  }

 private:
  struct Hash {
    using is_transparent = void;

    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };

  std::string table_;
  std::vector<Field> fields_;
  std::unordered_map<std::string, int, Hash, std::equal_to<>> slots_;
  int raw_slot_ = -1;
  int text_slot_ = -1;
  int values_slot_ = -1;
  std::shared_ptr<const TextGate> text_gate_;
  std::vector<int64_t> event_ids_;
  uint32_t batch_rows_ = kBatchRows;
  Kinds kinds_;
  Kind other_kinds_;
};

/// Layouts by native table name; a table that is absent is read by nobody: its events are only
/// counted.
using Layouts = std::map<std::string, Layout, std::less<>>;

/// Where a record came from.
struct Position {
  uint64_t offset = 0;  ///< byte offset in the file (decompressed bytes for compressed evidence)
  uint64_t record = 0;  ///< EVTX record id, line number, packet number: the format's own counter
};

/// Receives the fields of one record, in order of the record.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void field(std::string_view name, const Value& value) = 0;
};

/// Decodes whole records of a batch again, for findings and `inspect`. Thread-compatible.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  virtual void read(uint32_t row, FieldVisitor& out) const = 0;
};

struct Batch {
  std::string_view table;          ///< native table name; lives as long as the Layouts
  const Layout* layout = nullptr;  ///< columns[i] is layout->fields()[i]
  uint32_t num_rows = 0;
  std::vector<Column> columns;
  Column time;                      ///< event time, datetime; null where the record has none
  std::vector<Position> positions;  ///< one per row
  std::shared_ptr<const RecordReader> records;
};

/// Takes sealed batches; returns false to make the decoder stop.
class BatchSink {
 public:
  virtual ~BatchSink() = default;
  virtual bool push(Batch&& batch) = 0;
  /// Events of a table nobody reads: counted with their times, not decoded.
  virtual void skipped(std::string_view table, uint64_t num_events) = 0;
};

/// Bad data by name, with the place of the first one. Thread-compatible; merged per file.
class Anomalies {
 public:
  struct Entry {
    uint64_t count = 0;
    std::string first_path;
    uint64_t first_offset = 0;
    std::string detail;
  };

  void add(std::string_view name,
           std::string_view path,
           uint64_t offset,
           std::string_view detail = "",
           uint64_t count = 1);
  void merge(const Anomalies& other);

  const std::map<std::string, Entry, std::less<>>& all() const { return all_; }

 private:
  std::map<std::string, Entry, std::less<>> all_;
};

/// Builds batches of one table row by row, converting text to column types.
///
///   BatchBuilder b(layout, sink, anomalies, path);
///   b.begin(position);  b.set_time(ticks);  b.text(slot, "587");  b.end();   …  b.flush();
///
/// Text that does not fit its column (a port "abc") becomes null and the anomaly `bad-value`; ""
/// and
/// "-" in a non-string column are null without one. A batch is flushed early when it has copied
/// kMaxCopiedBytes of text; what is too long for a dynamic value is null and `oversized-value`.
/// Borrowed text must outlive the batch: hand the owner to `keep`.
class BatchBuilder {
 public:
  BatchBuilder(const Layout& layout, BatchSink& sink, Anomalies& anomalies, std::string path);

  const Layout& layout() const { return layout_; }

  void begin(Position position);
  void set_time(int64_t ticks);
  /// By slot (ignored when -1). `borrowed`: the bytes outlive the batch; else they are copied.
  void text(int slot, std::string_view value, bool borrowed = false);

  /// Text for a string column that is read, borrowed: the shortest way for decoders.
  void borrowed_text(int slot, std::string_view value) { column(slot).put_borrowed(row_, value); }

  void integer(int slot, int64_t value);
  void real(int slot, double value);
  void boolean(int slot, bool value);
  void datetime(int slot, int64_t ticks);
  void dynamic(int slot, std::string_view encoded);
  /// A string column that is multivalued in the source: stored as text when one value, as a JSON
  /// array text when the column is a string and there are several.
  void value(int slot, const Value& v);

  /// By name: finds the slot, and feeds `_values` when somebody reads it.
  void field(std::string_view name, std::string_view value, bool borrowed = false);
  void field(std::string_view name, const Value& v);

  /// Text for `_values` alone, where the column is given by slot or nobody reads it; only when
  /// wants_values().
  void feed_values(std::string_view text) { add_value(text); }

  /// The record's text, for `_raw` and `_text`.
  void raw(std::string_view text, bool borrowed = false);
  /// What stands for the text of a record that is none, for `_raw` alone.
  void made_raw(std::string_view text);

  bool wants_values() const { return layout_.values_slot() >= 0 && !leaves_out_texts_; }

  /// `_values` and `_text` of this row stay null: the layout's text gate said no of the record.
  void leave_out_texts() { leaves_out_texts_ = true; }

  void end();  ///< seals the row; flushes a full batch

  /// Hands over what is there. `records` reads the rows of this batch.
  void flush();

  /// Called at each flush to make the RecordReader of the rows since the last one.
  void set_reader_factory(std::function<std::shared_ptr<const RecordReader>()> f) {
    make_reader_ = std::move(f);
  }

  /// Keeps the owner of borrowed text alive with the current batch and every later one, until
  /// `release`: no row that begins after it borrows from `owner` (a decoder of chunks calls it when
  /// it leaves one, so that memory goes back with the batches).
  void keep(std::shared_ptr<const void> owner);
  void release(const std::shared_ptr<const void>& owner);

  /// Bytes of the batch being built, for decoders that make text in place; such text is borrowed.
  Arena& arena() { return *arena_; }

  /// False once the sink asked to stop.
  bool ok() const { return ok_; }

  uint32_t rows_pending() const { return row_; }

 private:
  /// Several values of one dynamic field in the current row.
  struct Repeated {
    int slot;
    DynamicWriter values;
  };

  ColumnBuilder& cell(int slot);
  bool is_set(int slot) const;

  Type type_of(int slot) const { return builders_[static_cast<size_t>(slot)].type(); }

  ColumnBuilder& column(int slot) { return builders_[static_cast<size_t>(slot)]; }

  void put_text(int slot, std::string_view value, bool borrowed);
  void put_number_text(int slot, std::string_view value);
  void put_dynamic(int slot, std::string_view encoded);
  void put_value(int slot, const Value& v);
  void put_element(int slot, Dynamic d);
  void add_values(Dynamic d, int depth);
  void add_value(std::string_view text);
  void repeat(int slot, Dynamic d);
  bool has_room(const DynamicWriter& w, size_t bytes);
  void bad_value(int slot, std::string_view value);

  const Layout& layout_;
  BatchSink& sink_;
  Anomalies& anomalies_;
  std::string path_;
  std::vector<ColumnBuilder> builders_;  // a column is as long as the last row that set it
  ColumnBuilder time_{Type::kDatetime};
  std::vector<Position> positions_;
  std::shared_ptr<Arena> arena_;  // copied text of all columns of the batch
  DynamicWriter values_;          // `_values` of the current row
  DynamicWriter scratch_;
  std::vector<Repeated> repeated_;
  std::vector<std::shared_ptr<const void>> keep_;
  std::vector<std::shared_ptr<const void>> released_;  // leave keep_ with this batch
  std::function<std::shared_ptr<const RecordReader>()> make_reader_;
  Position position_;
  int64_t time_ticks_ = 0;
  bool has_time_ = false;
  bool in_row_ = false;
  bool leaves_out_texts_ = false;  // of the current row
  uint32_t row_ = 0;
  bool ok_ = true;
};

}  // namespace postern::data
