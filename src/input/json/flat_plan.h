// Plans of flat Windows records by their shape: which members make the header, and which go to
// which column.
//
// Nearly all that the plain way (windows_flat.cc) finds out about a member of a flat record depends
// on the record's shape alone: its role, its column, that no name repeats. A plan is that, found
// out once; a record with a plan puts its values straight into their columns, unescaped where the
// batch keeps them, and what nobody reads is not looked at. Whatever depends on values (the table,
// the time, whether anybody looks for keywords) is asked of each record as before, by the same
// code. Bounded as the shapes are. Tests: tests/unit/input/json_plan_test.cc holds both ways
// against each other.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "input/json/document.h"
#include "input/json/flat_shapes.h"
#include "input/windows_event.h"

namespace postern::input::json {

class Output;

struct FlatPlan {
  struct HeaderStep {
    int role;
    uint32_t member;
  };

  /// One value on its way into a column.
  struct Step {
    enum class Way : uint8_t {
      kText,   ///< into a string column
      kValue,  ///< into one of another type
      kField   ///< where only BatchBuilder::field() knows what to do
    };

    uint16_t member = 0;
    uint16_t name = 0;  ///< of the column, for kField
    int slot = 0;
    Way way = Way::kText;
  };

  /// The data fields of records that go to one table.
  struct Columns {
    std::vector<Step> steps;
    std::vector<std::string> names;
    bool in_columns = false;  ///< else only put() of WindowsEventWriter can
    bool has_process_id = false;
    bool has_upper_process_id = false;  ///< ProcessID
    int message_slot = -1;
  };

  /// How fields are named: Filtering Platform events have a spelling of their own.
  static constexpr size_t kNumSpellings = 2;

  /// Made when they are first asked for.
  const Columns& columns(WindowsTable table, bool filtering, Output& out);

  std::vector<std::string> keys;
  std::vector<HeaderStep> header;
  std::vector<uint32_t> fields;  ///< numbers of the items of data fields
  std::array<std::optional<Columns>, kNumWindowsTables * kNumSpellings> by_table;
};

class FlatPlans {
 public:
  /// Reads a document of which the structure is found, if there is a plan for it; else null.
  /// `input`: what the text is a part of.
  FlatPlan* read(std::string_view text,
                 std::string_view input,
                 std::span<const uint32_t> structure,
                 FlatRecord& out) const {
    return by_shape_[shapes_.read(text, input, structure, out)].get();
  }

  /// Makes the plan for documents of this shape; to be called with flat ones of the dialect.
  void learn(const Document& document, bool nxlog);

 private:
  FlatShapes shapes_;
  std::vector<std::unique_ptr<FlatPlan>> by_shape_ = std::vector<std::unique_ptr<FlatPlan>>(1);
};

}  // namespace postern::input::json
