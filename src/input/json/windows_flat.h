// The header of a flat Windows record, member by member: what the plain way (windows_flat.cc) and
// that by plans (flat_plan.cc) have in common.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "input/json/windows.h"

namespace postern::input::json {

class FlatHeader {
 public:
  explicit FlatHeader(WindowsReader& reader) : reader_(reader) {}

  /// Role of a key: -1 for a data field, or what member() takes.
  static int role_of(bool nxlog, std::string_view key, uint32_t hash);
  /// Members that no column is made of.
  static bool is_ignored(int role);
  /// ProcessID of plain NXLog, which is data where the header has the id under another name.
  static bool is_writer(int role);
  static bool is_execution_process(int role);

  /// A member of the header, in order of the record.
  void member(int role, uint32_t number, const Item& item);

  /// To be called behind the last one: works out what several members say together, such as the
  /// time.
  void finish(Output& out);

  /// The item of a ProcessID that turned out to be a data field, or 0.
  uint32_t writer_field() const { return writer_field_; }

  /// The message as written, or default-made.
  std::string_view message() const { return message_; }

  /// True for events of the Filtering Platform, which spell the field ProcessID. NXLog keeps
  /// whichever spelling it met first.
  bool is_filtering() const;

  /// Whether NXLog may have lost the process id.
  bool may_lose_process() const { return writer_ > 0; }

  /// The name of the field that it lost, or "".
  std::string_view lost_column() const;
  /// Its value, from the message that Windows rendered, or "".
  std::string_view lost_id() const;

 private:
  WindowsReader& reader_;
  uint32_t writer_ = 0;
  Item writer_item_;
  uint32_t writer_field_ = 0;
  std::string_view event_type_;
  std::string_view task_;
  std::string_view message_;
  std::string_view created_;
  std::string_view local_;
  std::string_view received_;
  std::string_view timestamp_;
};

/// Writes the data fields of a record of which the header is read and start() said yes, as fields
/// of an event, and finishes it.
void put_flat_fields(WindowsReader& reader,
                     const FlatHeader& header,
                     const std::vector<uint32_t>& fields);

}  // namespace postern::input::json
