// Runs a decoder over a text and keeps what it gave, as rows of text, for tests of this folder.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "data/batch.h"
#include "input/format.h"

namespace postern::input {

using Fields = std::map<std::string, std::string>;
using Columns = std::vector<std::pair<std::string, data::Type>>;

inline constexpr auto kString = data::Type::kString;
inline constexpr auto kInt = data::Type::kInt;
inline constexpr auto kLong = data::Type::kLong;
inline constexpr auto kReal = data::Type::kReal;
inline constexpr auto kBool = data::Type::kBool;
inline constexpr auto kDatetime = data::Type::kDatetime;
inline constexpr auto kDynamic = data::Type::kDynamic;

/// The batches of one run, and what they hold.
class Decoded : public data::BatchSink {
 public:
  struct DecodedRow {
    Fields fields;  ///< columns that have a value, as text; "_time" among them
    Fields all;     ///< what the batch's RecordReader shows
    data::Position position;
  };

  /// `wanted`: the columns that the run reads, by table.
  explicit Decoded(const std::map<std::string, Columns>& wanted) {
    for (const auto& [table, columns] : wanted) {
      data::Layout layout(table);
      for (const auto& [name, type] : columns)
        layout.add(name, type);
      layouts_.emplace(table, std::move(layout));
    }
  }

  /// Records of which `gate` says no may leave out `_values` and `_text`.
  void set_text_gate(const std::shared_ptr<const data::TextGate>& gate) {
    for (auto& [table, layout] : layouts_)
      layout.set_text_gate(gate);
  }

  data::Layout& layout(const std::string& table) { return layouts_.at(table); }

  void run(void (*decode)(const Input&, DecodeContext&),
           std::string text,
           const std::string& path = "test") {
    const auto bytes = FileBytes::from_string(std::move(text));
    run(decode, Input{path, bytes->view(), bytes});
  }

  void run(void (*decode)(const Input&, DecodeContext&), const Input& input) {
    DecodeContext context{layouts_, *this, anomalies_};
    std::atomic<uint64_t> done{0};
    context.bytes_done = &done;
    decode(input, context);
    bytes_done += done;
  }

  bool push(data::Batch&& batch) override {
    for (uint32_t r = 0; r < batch.num_rows; ++r) {
      DecodedRow row;
      for (size_t c = 0; c < batch.columns.size(); ++c)
        if (batch.columns[c].valid(r))
          row.fields[batch.layout->fields()[c].name] = batch.columns[c].value(r).text();
      if (batch.time.valid(r)) row.fields["_time"] = batch.time.value(r).text();
      row.position = batch.positions[r];
      if (batch.records && read_back) {
        Collector collector;
        batch.records->read(r, collector);
        row.all = std::move(collector.fields);
      }
      rows_[std::string(batch.table)].push_back(std::move(row));
    }
    return ++num_batches_ < max_batches;
  }

  void skipped(std::string_view table, uint64_t n) override { skipped_[std::string(table)] += n; }

  const std::vector<DecodedRow>& rows(const std::string& table) { return rows_[table]; }

  /// Fields of a row, or none.
  Fields row(const std::string& table, size_t i = 0) {
    return i < rows_[table].size() ? rows_[table][i].fields : Fields{};
  }

  uint64_t num_skipped(const std::string& table) { return skipped_[table]; }

  uint64_t anomaly(std::string_view name) const {
    const auto it = anomalies_.all().find(name);
    return it == anomalies_.all().end() ? 0 : it->second.count;
  }

  const data::Anomalies& anomalies() const { return anomalies_; }

  uint64_t max_batches = UINT64_MAX;
  bool read_back = true;  ///< fill DecodedRow::all
  uint64_t bytes_done = 0;

 private:
  struct Collector : data::FieldVisitor {
    Fields fields;

    void field(std::string_view name, const data::Value& value) override {
      fields[std::string(name)] = value.text();
    }
  };

  data::Layouts layouts_;
  data::Anomalies anomalies_;
  std::map<std::string, std::vector<DecodedRow>> rows_;
  std::map<std::string, uint64_t> skipped_;
  uint64_t num_batches_ = 0;
};

/// Where the reference data lie; "" when they are not on this machine.
inline std::string shared_folder() {
  const char* set = std::getenv("POSTERN_SHARED");
  const std::string path = set ? set : "../shared";
  return std::filesystem::is_directory(path) ? path : "";
}

}  // namespace postern::input
