// Tables of Microsoft Defender's advanced hunting, told by their columns: exports carry no table
// name.
//
// Rows reach us as bare JSON, as copies in Sentinel, through the streaming API, and as CSV from the
// portal. A row's columns, or where a query projected most of them away its ActionType, tell the
// table. Source of columns: Microsoft's schema reference of advanced hunting
// (catalog/tables/defender.*.yml). Tests: tests/unit/input/defender_test.cc.
#pragma once
#include <bitset>
#include <cstdint>
#include <string_view>

namespace postern::input {

/// True for "DeviceNetworkEvents" and its like, the names that Sentinel gives in `Type`.
bool is_defender_table(std::string_view name);

/// "defender.DeviceNetworkEvents" for a table name; "" when Defender has no such table.
std::string_view defender_native_table(std::string_view name);

/// The columns of a row, seen one after the other.
class DefenderColumns {
 public:
  void add(std::string_view column, uint32_t hash);
  /// The native table of a row with these columns, or "". `action_type`: the row's, or "".
  std::string_view table(std::string_view action_type) const;

 private:
  std::bitset<128> seen_;
};

}  // namespace postern::input
