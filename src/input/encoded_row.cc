#include "input/encoded_row.h"

#include <limits>
#include <memory>

#include "base/text.h"

namespace postern::input {
namespace {

using data::Dynamic;

void replay(Dynamic row, Row& out) {
  for (uint32_t i = 0; i < row.size(); ++i) {
    const std::string_view name = row.key_at(i);
    const Dynamic v = row.at(i);
    switch (v.kind()) {
      case Dynamic::Kind::kNull:
        break;
      case Dynamic::Kind::kFalse:
      case Dynamic::Kind::kTrue:
        out.boolean(name, v.as_bool());
        break;
      case Dynamic::Kind::kLong:
        out.integer(name, v.as_long());
        break;
      case Dynamic::Kind::kReal:
        out.real(name, v.as_real());
        break;
      case Dynamic::Kind::kString:
        out.text(name, v.as_string());
        break;
      case Dynamic::Kind::kDatetime:
        out.datetime(name, v.as_long());
        break;
      case Dynamic::Kind::kTimespan:
      case Dynamic::Kind::kArray:
      case Dynamic::Kind::kObject:
        out.dynamic(name, v.encoded());
        break;
    }
  }
}

}  // namespace

void read_encoded_row(const RecordRef& record, data::FieldVisitor& out) {
  Row row(out);
  replay(Dynamic(record.text), row);
}

void EncodedRow::text(std::string_view name, std::string_view value) {
  if (value.empty()) return;
  writer_.key(name);
  if (valid_utf8(value)) {
    writer_.string(value);
  } else {
    writer_.string(repair_utf8(value));
  }
}

void EncodedRow::integer(std::string_view name, int64_t value) {
  writer_.key(name);
  writer_.integer(value);
}

void EncodedRow::count(std::string_view name, uint64_t value) {
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  integer(name, static_cast<int64_t>(value < kMax ? value : kMax));
}

void EncodedRow::real(std::string_view name, double value) {
  writer_.key(name);
  writer_.real(value);
}

void EncodedRow::boolean(std::string_view name, bool value) {
  writer_.key(name);
  writer_.boolean(value);
}

void EncodedRow::datetime(std::string_view name, int64_t ticks) {
  writer_.key(name);
  writer_.datetime(ticks);
}

void EncodedRow::texts(std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  writer_.key(name);
  writer_.begin_array();
  for (const std::string& v : values)
    writer_.string(valid_utf8(v) ? v : repair_utf8(v));
  writer_.end();
}

void EncodedRow::write(TableSet& tables,
                       std::string_view table,
                       data::Position position,
                       std::optional<int64_t> time) {
  writer_.end();
  const auto encoded = std::make_shared<const std::string>(writer_.take());
  TableRows* rows = tables.event(table);
  if (!rows) return;
  rows->begin(position, RecordRef{*encoded, 0}, encoded);
  Row row(*rows);
  if (time) row.time(*time);
  replay(Dynamic(*encoded), row);
  // The row has no text of its own; as JSON it can be searched like a log line.
  if (rows->layout().raw_slot() >= 0) row.made_raw(Dynamic(*encoded).json());
  rows->end();
  tables.check(*rows);
}

}  // namespace postern::input
