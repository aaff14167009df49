// A decoded Windows event, and how it becomes a row of a native table: one mapping for every format
// that carries Windows events (EVTX, event XML, NXLog, Winlogbeat, WEC and Azure exports).
//
// Columns carry Sigma's names: System fields as `system_column()` says; EventData by Name with
// blanks removed ("Threat Name" is ThreatName); EventData without a Name, all of one event, as the
// multivalue column Data; leaf elements of UserData by their local name. A data field whose name is
// a System column (Sysmon 4 has a Version of its own, event 104 a Channel) is `EventData_Version`,
// so that routing by Channel and EventID stays true; only UserID, an alias, gives way to such a
// field. Equal names in one event make a multivalue. Tables: see windows_table(). Sources:
// [MS-EVEN6] 2.2.13, Windows SDK event.xsd. Tests: tests/unit/input/winxml_test.cc, evtx_test.cc.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "input/format.h"

namespace postern::input {

enum class WindowsTable : uint8_t { kSysmon, kSecurity, kPowerShell, kEvent, kLinuxSysmon };
inline constexpr size_t kNumWindowsTables = 5;

/// "windows.sysmon", "windows.security", "windows.powershell", "windows.event", "linux.sysmon".
std::string_view windows_table_name(WindowsTable table);

/// The table of an event: provider Microsoft-Windows-Sysmon or Linux-Sysmon, then channel Security
/// and the PowerShell channels (or their providers where the channel is unknown), else
/// windows.event.
WindowsTable windows_table(std::string_view provider, std::string_view channel);

/// The fields below /Event/System (and the Message of RenderingInfo), in the order of event.xsd.
enum class SystemField : uint8_t {
  kProviderName,
  kProviderGuid,
  kProviderEventSourceName,
  kEventId,
  kEventIdQualifiers,
  kVersion,
  kLevel,
  kTask,
  kOpcode,
  kKeywords,
  kTimeCreated,  ///< SystemTime as text; event time is WindowsEvent::time
  kEventRecordId,
  kActivityId,
  kRelatedActivityId,
  kExecutionProcessId,
  kExecutionThreadId,
  kChannel,
  kComputer,
  kUserId,   ///< gives the columns Security_UserID and UserID
  kMessage,  ///< RenderingInfo/Message, or the message that a forwarder rendered
};
inline constexpr size_t kNumSystemFields = 20;

/// "Provider_Name", "EventID", "Execution_ProcessID", …, "TimeCreated", "Security_UserID",
/// "Message".
std::string_view system_column(SystemField f);

/// One event as text, borrowed from the decoder. A field is absent when its view is default-made
/// (data() == nullptr); "" is a field that is there and empty.
struct WindowsEvent {
  struct Field {
    std::string_view name;  ///< as in the source; "" for a nameless EventData/Data
    std::string_view value;
    int slot = kAnySlot;  ///< of the column in the table's layout, where a decoder knows it
  };

  /// The column is found by its name.
  static constexpr int kAnySlot = -2;
  /// Nobody reads a column of this name; the value still is one of the event's (`_values`).
  static constexpr int kOnlyValue = -3;

  std::array<std::string_view, kNumSystemFields> system{};
  std::vector<Field> data;      ///< EventData or UserData, in order of the source
  std::optional<int64_t> time;  ///< event time in ticks, UTC
  std::string_view raw;         ///< the event's text for `_raw`; absent: the format has none
  bool searched = true;         ///< false: the table's text gate says no of the event

  std::string_view& operator[](SystemField f) { return system[static_cast<size_t>(f)]; }

  std::string_view operator[](SystemField f) const { return system[static_cast<size_t>(f)]; }

  WindowsTable table() const {
    return windows_table((*this)[SystemField::kProviderName], (*this)[SystemField::kChannel]);
  }

  /// Forgets the event, keeps the memory.
  void clear();
};

/// The column of a data field: blanks removed, "Data" for a nameless one, "EventData_<name>" where
/// a System column has the name. `scratch` holds the text when it differs from `name`.
std::string_view data_column(std::string_view name, std::string& scratch);

/// Gives every field of `event` by column name and in order, EventID and its like as numbers: what
/// a RecordReader of any such format answers.
void visit(const WindowsEvent& event, data::FieldVisitor& out);

/// Writes events of one file to the batches of their tables; events of tables that nobody reads are
/// counted and reported to the sink by flush().
///
///   WindowsEventWriter w(context, input.path);
///   w.keep(input.owner);
///   w.set_reader_factory([&](WindowsTable t) { return …reader of the rows since the last call… });
///   for (…) { if (!w.ok()) break; w.write(event, position, borrowed); }
///   w.flush();
class WindowsEventWriter {
 public:
  using ReaderFactory = std::function<std::shared_ptr<const data::RecordReader>(WindowsTable)>;

  WindowsEventWriter(DecodeContext& context, const std::string& path);

  /// True when somebody reads the table.
  bool wanted(WindowsTable t) const { return builder(t) != nullptr; }

  /// True when somebody reads events of this table and kind: write() makes a row of it.
  bool wanted(const WindowsEvent& event) const { return wanted(event.table(), event); }

  bool wanted(WindowsTable table, const WindowsEvent& event) const;

  /// The builder of a table's batches, or null when nobody reads it.
  data::BatchBuilder* builder(WindowsTable t) const {
    return builders_[static_cast<size_t>(t)].get();
  }

  /// Adds one event, or counts it if it is not wanted. `borrowed`: its text outlives the batch (see
  /// keep); else it is copied, but for what lies inside `lasting`.
  void write(const WindowsEvent& event,
             data::Position position,
             bool borrowed,
             std::string_view lasting = {}) {
    const WindowsTable table = event.table();
    wanted(table, event) ? put(table, event, position, borrowed, lasting) : skip(table);
  }

  /// The same for an event of this table that is wanted.
  void put(WindowsTable table,
           const WindowsEvent& event,
           data::Position position,
           bool borrowed,
           std::string_view lasting);

  /// For decoders that write the data fields into their columns themselves: the row of an event
  /// that is wanted, with its System fields. No value of it is fed to `_values`, so that must be
  /// left out or read by nobody. `event.data` is not looked at; no field of it is Message or
  /// UserID.
  data::BatchBuilder& begin_row(WindowsTable table,
                                const WindowsEvent& event,
                                data::Position position,
                                bool borrowed,
                                std::string_view lasting);

  /// Ends that row, with the event's own text.
  void end_row(WindowsTable table, const WindowsEvent& event, bool borrowed) {
    data::BatchBuilder& b = *builder(table);
    if (event.raw.data()) b.raw(event.raw, borrowed);
    b.end();
  }

  /// Slot of a data field with this name in a table that is read, to be kept and given in a Field;
  /// kAnySlot where only the name tells (it becomes another column, or a list).
  int slot_of(WindowsTable table, std::string_view name) const;

  /// Counts an event of a table that nobody reads.
  void skip(WindowsTable t) { ++skipped_[static_cast<size_t>(t)]; }

  /// Keeps what borrowed text points into, for every batch.
  void keep(const std::shared_ptr<const void>& owner);
  /// Makes the reader of a table's batch, at each flush of that table.
  void set_reader_factory(const ReaderFactory& make);
  /// False once the sink asked to stop.
  bool ok() const;
  /// Hands over what is there, and the counts of skipped events.
  void flush();

 private:
  /// Slots of the System columns, and of the alias of the last but one of them.
  struct Slots {
    struct Read {
      size_t field;
      int slot;
    };

    std::array<int, kNumSystemFields> system;
    int user_id;
    std::vector<Read> read;  ///< those of them that are read; the alias as what it stands for
  };

  DecodeContext& context_;
  std::array<std::unique_ptr<data::BatchBuilder>, kNumWindowsTables> builders_;
  std::array<Slots, kNumWindowsTables> slots_;
  std::array<uint64_t, kNumWindowsTables> skipped_{};
  std::string scratch_;
};

}  // namespace postern::input
