// Runs a text decoder over fuzzed bytes: a few typed columns, `_raw` and `_values` wanted in every
// table, every sealed batch checked for its shape, every row decoded again. Every other input is
// run with the plain columns alone, because `_values` takes another way through the row, and some
// with a gate of keywords.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/file.h"
#include "data/batch.h"
#include "exec/text_gate.h"
#include "input/format.h"

namespace postern::fuzz {

class Sink : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    POSTERN_CHECK(batch.layout && batch.columns.size() == batch.layout->fields().size());
    POSTERN_CHECK(batch.num_rows <= data::kBatchRows && batch.positions.size() == batch.num_rows);
    POSTERN_CHECK(batch.records != nullptr);
    Visitor visitor;
    for (uint32_t row = 0; row < batch.num_rows; ++row) {
      for (const data::Column& column : batch.columns) {
        POSTERN_CHECK(column.num_rows() == batch.num_rows);
        if (column.valid(row)) bytes_ += column.value(row).text().size();
      }
      if (row < 16) batch.records->read(row, visitor);
    }
    return ++batches_ < 64;
  }

  void skipped(std::string_view, uint64_t) override {}

 private:
  struct Visitor : data::FieldVisitor {
    size_t bytes = 0;

    void field(std::string_view name, const data::Value& value) override {
      bytes += name.size() + value.text().size();
    }
  };

  size_t bytes_ = 0;
  int batches_ = 0;
};

/// Layouts that want the names which appear in the seeds, in differing types.
inline data::Layouts layouts(std::initializer_list<const char*> tables) {
  using data::Type;

  struct Field {
    const char* name;
    Type type;
  };

  constexpr Field kFields[] = {
      {"EventID", Type::kLong},
      {"Image", Type::kString},
      {"ProcessId", Type::kInt},
      {"ProcessGuid", Type::kString},
      {"DestinationPort", Type::kInt},
      {"Initiated", Type::kBool},
      {"Hashes", Type::kString},
      {"Message", Type::kString},
      {"UtcTime", Type::kDatetime},
      {"Data", Type::kDynamic},
      {"User", Type::kString},
      {"ts", Type::kDatetime},
      {"id.orig_h", Type::kString},
      {"rcptto", Type::kDynamic},
      {"duration", Type::kReal},
      {"tls", Type::kBool},
      {"Timestamp", Type::kDatetime},
      {"AdditionalFields", Type::kDynamic},
      {"RemotePort", Type::kInt},
      {"a", Type::kString},
      {"a.b", Type::kString},
      {"b", Type::kDynamic},
      {"pid", Type::kLong},
      {"action", Type::kString},
      {"process", Type::kString},
      {"eventMessage", Type::kString},
      {"argv", Type::kDynamic},
      {"cmdline", Type::kString},
      {"key", Type::kDynamic},
      {"saddr_port", Type::kInt},
      {"saddr_ip", Type::kString},
      {"paths", Type::kDynamic},
      {"types", Type::kDynamic},
      {"type", Type::kString},
      {"a0", Type::kString},
      {"exit", Type::kTimespan},
  };
  data::Layouts out;
  for (const char* table : tables) {
    data::Layout layout(table);
    for (const Field& f : kFields)
      layout.add(f.name, f.type);
    out.emplace(table, std::move(layout));
  }
  return out;
}

/// Records without these words may leave out `_values`.
inline data::Layouts gated(data::Layouts layouts) {
  for (auto& [table, layout] : layouts)
    layout.set_text_gate(exec::text_gate({"execve", "powershell", "mailx", "a=b", "/usr/bin/"}));
  return layouts;
}

inline data::Layouts with_pseudo_columns(const data::Layouts& plain) {
  data::Layouts out = plain;
  for (auto& [table, layout] : out) {
    layout.add(std::string(data::kRawColumn), data::Type::kString);
    layout.add(std::string(data::kValuesColumn), data::Type::kDynamic);
  }
  return out;
}

/// `cut`: every fourth input is decoded once more in small slices.
inline void run(void (*decode)(const input::Input&, input::DecodeContext&),
                const data::Layouts& plain,
                const uint8_t* data,
                size_t size,
                std::unique_ptr<input::Cutter> (*cut)(const input::Input&, uint64_t) = nullptr) {
  static const data::Layouts all = with_pseudo_columns(plain);
  static const data::Layouts some = gated(all);
  const auto bytes = FileBytes::from_string(std::string(reinterpret_cast<const char*>(data), size));
  Sink sink;
  data::Anomalies anomalies;
  input::DecodeContext context{size % 2 == 0 ? plain : size % 3 == 0 ? some : all, sink, anomalies};
  const input::Input in{"conn.log", bytes->view(), bytes};
  decode(in, context);
  constexpr uint64_t kSliceBytes = 200;
  const auto cutter = cut && size % 4 < 2 ? cut(in, kSliceBytes) : nullptr;
  if (!cutter) return;
  input::Slice slice;
  uint64_t end = 0;
  while (cutter->next(slice)) {
    POSTERN_CHECK(slice.begin == end && slice.end > slice.begin && slice.end <= size);
    end = slice.end;
    Sink part;
    input::DecodeContext one{context.layouts, part, anomalies, nullptr, nullptr, nullptr, &slice};
    decode(in, one);
  }
  POSTERN_CHECK(end == size);
}

}  // namespace postern::fuzz
