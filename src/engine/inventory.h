// What evidence holds: tables, kinds of events, times, and which fields are filled and how often.
// What `inspect` prints and `rules list --evidence` judges rules by.
//
// Fields that the layout names are counted in every row. Fields of open tables that it does not
// name are found by reading whole records again: all of the first rows of a file, then one in
// sixteen, so that a large file stays fast; their rates are over the rows read.
// Tests: tests/unit/engine/inventory_test.cc.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/batch.h"
#include "engine/hunt.h"
#include "plan/catalog.h"

namespace postern::engine {

/// One field of one table. A null is no value, nor is an empty text.
struct FieldSeen {
  uint64_t rows = 0;     ///< that have a value
  uint64_t of_rows = 0;  ///< that were looked at
  std::vector<std::string> examples;
  /// All values, where the catalog tells kinds of events apart by this field ("connect", "execve");
  /// beyond kMaxValues there is no telling, and `any_value` is set.
  std::set<std::string, std::less<>> values;
  bool any_value = true;

  double fill() const {
    return of_rows == 0 ? 0 : static_cast<double>(rows) / static_cast<double>(of_rows);
  }
};

/// Events of one id (all events where the table has none), and the fields that any of them fills.
struct KindSeen {
  uint64_t events = 0;
  std::set<std::string, std::less<>> fields;
};

struct TableSeen {
  uint64_t events = 0;
  int64_t first = 0;  ///< event time in ticks; 0: no event has a time
  int64_t last = 0;
  std::map<int64_t, KindSeen> kinds;
  std::map<std::string, FieldSeen, std::less<>> fields;
  uint64_t fields_left_out = 0;  ///< beyond kMaxFields: names made up by whoever wrote the file

  void merge(const TableSeen& other);
};

/// By native table.
using Inventory = std::map<std::string, TableSeen, std::less<>>;

void merge(Inventory& into, const Inventory& from);

inline constexpr size_t kMaxFields = 2000;
inline constexpr size_t kMaxKinds = 4096;
inline constexpr size_t kMaxExamples = 3;
inline constexpr size_t kMaxValues = 64;

/// Counts what passes.
class InventorySink final : public data::BatchSink {
 public:
  /// `read_records`: also look for fields that the layouts do not name.
  InventorySink(const plan::Catalog& catalog,
                Inventory& out,
                bool read_records,
                const std::atomic<bool>& cancelled);

  bool push(data::Batch&& batch) override;
  void skipped(std::string_view table, uint64_t num_events) override;

 private:
  /// Of one table in this sink's file.
  struct Work {
    int event_id_slot = -1;
    std::unordered_map<int64_t, size_t> kind_index;
    std::vector<KindSeen*> kinds;
    std::vector<std::vector<uint8_t>> filled;  // by kind, by slot
    std::vector<FieldSeen*> fields;            // by slot
    std::vector<uint32_t> tries;               // for examples, by slot
    std::vector<uint8_t> is_kind;              // by slot: its values are kept
    uint64_t rows = 0;
  };

  Work& work(const data::Batch& batch, TableSeen& table);
  size_t kind_of(Work& w, TableSeen& table, int64_t id, size_t num_slots);
  void count_column(const data::Batch& batch,
                    size_t slot,
                    Work& w,
                    const std::vector<size_t>& kinds);
  void read_rows(const data::Batch& batch,
                 Work& w,
                 TableSeen& table,
                 const std::vector<size_t>& kinds);

  const plan::Catalog& catalog_;
  Inventory& out_;
  bool read_records_;
  const std::atomic<bool>& cancelled_;
  std::set<std::pair<std::string, std::string>> kind_fields_;  // table, field
  std::map<std::string, Work, std::less<>> work_;
};

/// What one file, or one member of an archive, holds.
struct FileInventory {
  std::string path;
  std::string format;  ///< "" unknown
  uint64_t bytes = 0;
  Inventory tables;
  data::Anomalies anomalies;
};

/// Layouts that want every column of the catalog.
data::Layouts whole_layouts(const plan::Catalog& catalog);

struct InventoryOptions {
  const plan::Catalog& catalog;
  const data::Layouts& layouts;
  bool read_records = false;  ///< also look for fields that the layouts do not name
  bool carve = false;
};

/// Looks at all evidence, file by file, in order. What cannot be opened is told to `errors`; of an
/// interrupted run the files so far were given.
void take_inventory(const std::vector<std::string>& evidence,
                    const InventoryOptions& options,
                    Progress& progress,
                    const std::atomic<bool>& cancelled,
                    std::vector<std::string>& errors,
                    const std::function<void(FileInventory&&)>& take);

}  // namespace postern::engine
