// Plans of flat Windows records by their shape: which members make the header, and which go to
// which column.
//
// Records of a log have few shapes (the same keys in the same order), and nearly all that the plain
// way (windows_flat.cc) finds out about a member depends on the shape alone: its role, its column,
// that no name repeats. A plan is that, found out once; a record with a plan puts its values
// straight into their columns, unescaped where the batch keeps them. Whatever depends on values
// (the table, the time, whether anybody looks for keywords) is asked of each record as before, by
// the same code. Bounded: a file of ever new shapes goes the plain way. Tests:
// tests/unit/input/json_plan_test.cc holds both ways against each other.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "input/json/document.h"
#include "input/windows_event.h"

namespace postern::input::json {

class Output;

struct FlatPlan {
  struct HeaderStep {
    int role;
    uint32_t item;
  };

  /// One value on its way into a column.
  struct Step {
    uint32_t item = 0;
    int slot = 0;
    bool is_text = false;  ///< a string column
    std::string column;    ///< its name, where only BatchBuilder::field() knows what to do
  };

  /// The data fields of records that go to one table.
  struct Columns {
    std::vector<Step> steps;
    bool in_columns = false;  ///< else only put() of WindowsEventWriter can
    bool has_process_id = false;
    bool has_upper_process_id = false;  ///< ProcessID
    int message_slot = -1;
  };

  /// How fields are named: Filtering Platform events have a spelling of their own.
  static constexpr size_t kNumSpellings = 2;

  /// Made when they are first asked for; `document` is one of the plan's shape.
  const Columns& columns(const Document& document, WindowsTable table, bool filtering, Output& out);

  std::vector<uint16_t> ids;  ///< of the keys
  std::vector<HeaderStep> header;
  std::vector<uint32_t> fields;  ///< items of the data fields
  std::array<std::optional<Columns>, kNumWindowsTables * kNumSpellings> by_table;
};

class FlatPlans {
 public:
  /// The plan for documents of this shape, or null.
  FlatPlan* find(const Document& document) const;

  /// Makes the plan for documents of this shape; to be called with flat ones of the dialect.
  void learn(const Document& document, bool nxlog);

 private:
  static constexpr size_t kMaxPlans = 1024;

  struct AsItIs {
    size_t operator()(uint64_t shape) const { return shape >> 20; }  // the low bits are the poorest
  };

  std::unordered_map<uint64_t, std::unique_ptr<FlatPlan>, AsItIs> plans_;
};

}  // namespace postern::input::json
