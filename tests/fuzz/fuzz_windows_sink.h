// What the fuzz targets of the Windows decoders check of every batch: text is UTF-8, every row can
// be read again, and nothing outlives its owner (the sanitizers see to that).
#pragma once
#include <string>

#include "base/check.h"
#include "base/text.h"
#include "data/batch.h"
#include "exec/text_gate.h"
#include "input/windows_event.h"

namespace postern::fuzz {

class CheckingSink : public data::BatchSink {
 public:
  bool push(data::Batch&& batch) override {
    struct Reader : data::FieldVisitor {
      void field(std::string_view name, const data::Value& value) override {
        POSTERN_CHECK(valid_utf8(name));
        if (value.type() == data::Type::kString) POSTERN_CHECK(valid_utf8(value.as_bytes()));
      }
    } reader;

    for (uint32_t row = 0; row < batch.num_rows; ++row) {
      for (const data::Column& c : batch.columns)
        if (c.valid(row)) POSTERN_CHECK(valid_utf8(c.value(row).text()));
      if (row < 64) batch.records->read(row, reader);
    }
    return true;
  }

  void skipped(std::string_view, uint64_t) override {}
};

/// Layouts that ask for typed, listed, `_values` and `_raw` columns; powershell is left unread.
inline data::Layouts layouts() {
  data::Layouts all;
  for (const char* table :
       {"windows.sysmon", "windows.security", "windows.event", "linux.sysmon"}) {
    data::Layout layout(table);
    layout.add("EventID", data::Type::kInt);
    layout.add("Data", data::Type::kDynamic);
    layout.add("Initiated", data::Type::kBool);
    for (const char* name : {"Image", "CommandLine", "UserID", "Channel", "Provider_Name"})
      layout.add(name, data::Type::kString);
    // One table through the path by slots, the others through the one by names.
    if (std::string(table) != "windows.sysmon") layout.add("_values", data::Type::kDynamic);
    // And one leaves out the values of records without these words.
    if (std::string(table) == "windows.security")
      layout.set_text_gate(exec::text_gate({"mimikatz", "4624", "s-1-5-18", "user"}));
    layout.add("_raw", data::Type::kString);
    all.emplace(table, std::move(layout));
  }
  return all;
}

}  // namespace postern::fuzz
