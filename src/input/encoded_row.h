// Rows that are made, not read: a flow or a mail is known only at its end, so its row is kept as
// one encoded object, from which batches are filled and findings are shown. Tests:
// tests/unit/input/encoded_row_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dynamic.h"
#include "input/rows.h"

namespace postern::input {

/// Reads a row written by EncodedRow again; the ReadRecord of a TableSet of such rows.
void read_encoded_row(const RecordRef& record, data::FieldVisitor& out);

/// Collects the fields of one row; absent fields are null.
class EncodedRow {
 public:
  EncodedRow() { writer_.begin_object(); }

  /// Empty text is left out: in these tables it means "not there". Malformed UTF-8 is repaired.
  void text(std::string_view name, std::string_view value);
  void integer(std::string_view name, int64_t value);
  void count(std::string_view name, uint64_t value);
  void real(std::string_view name, double value);
  void boolean(std::string_view name, bool value);
  void datetime(std::string_view name, int64_t ticks);
  /// A dynamic array; left out when empty.
  void texts(std::string_view name, const std::vector<std::string>& values);

  /// Writes the row to the table; nothing happens but counting when nobody reads it.
  void write(TableSet& tables,
             std::string_view table,
             data::Position position,
             std::optional<int64_t> time);

 private:
  data::DynamicWriter writer_;
};

}  // namespace postern::input
