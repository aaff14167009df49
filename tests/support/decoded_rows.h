// Rows of evidence as text, for tests and tools: every field that a decoder gives, by table.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "data/batch.h"
#include "input/format.h"

namespace postern::test {

using TextRow = std::map<std::string, std::string, std::less<>>;

/// A field of a row, or "-" where it has none.
inline std::string get(const TextRow& row, std::string_view name) {
  const auto it = row.find(name);
  return it == row.end() ? "-" : it->second;
}

/// What decoding one evidence gave.
struct Decoded {
  std::map<std::string, std::vector<TextRow>, std::less<>> tables;
  data::Anomalies anomalies;
  std::map<std::string, uint64_t, std::less<>> skipped;

  const std::vector<TextRow>& rows(std::string_view table) const {
    static const std::vector<TextRow> kNone;
    const auto it = tables.find(table);
    return it == tables.end() ? kNone : it->second;
  }

  uint64_t num_anomalies(std::string_view name) const {
    const auto it = anomalies.all().find(name);
    return it == anomalies.all().end() ? 0 : it->second.count;
  }
};

/// Reads every row back through its RecordReader, as a finding would.
class RowCollector final : public data::BatchSink {
 public:
  explicit RowCollector(Decoded& out) : out_(out) {}

  bool push(data::Batch&& batch) override {
    struct Visitor final : data::FieldVisitor {
      void field(std::string_view name, const data::Value& value) override {
        row[std::string(name)] = value.text();
      }

      TextRow row;
    };

    auto& rows = out_.tables[std::string(batch.table)];
    for (uint32_t i = 0; i < batch.num_rows; ++i) {
      Visitor v;
      batch.records->read(i, v);
      rows.push_back(std::move(v.row));
    }
    return true;
  }

  void skipped(std::string_view table, uint64_t n) override {
    out_.skipped[std::string(table)] += n;
  }

 private:
  Decoded& out_;
};

/// Decodes `bytes` with the format of its content, reading the tables named.
inline Decoded decode_rows(std::string_view bytes,
                           const std::vector<std::string>& tables,
                           match::ContentScanner* scanner = nullptr) {
  Decoded out;
  data::Layouts layouts;
  for (const std::string& t : tables) {
    data::Layout layout(t);
    layout.add("ts", data::Type::kDatetime);
    // Digests are computed only when somebody reads them.
    if (t == "mail.attachment")
      for (const char* digest : {"md5", "sha1", "sha256"})
        layout.add(digest, data::Type::kString);
    layouts.emplace(t, std::move(layout));
  }
  RowCollector sink(out);
  const input::Format* format = input::detect_format(bytes.substr(0, size_t{64} << 10));
  if (!format) return out;
  input::DecodeContext context{layouts, sink, out.anomalies, scanner, nullptr, nullptr};
  format->decode({"test", bytes, nullptr}, context);
  return out;
}

}  // namespace postern::test
