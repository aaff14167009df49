// Where the dialects write: rows of tables and Windows events, of one document after the other.
//
// There are two: one fills the batches of a run (decoder.cc), one answers a RecordReader by
// decoding the document again and showing only the row asked for.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "input/json/document.h"
#include "input/json/flat_plan.h"
#include "input/json/record.h"
#include "input/rows.h"
#include "input/windows_event.h"

namespace postern::input::json {

class Output {
 public:
  virtual ~Output() = default;

  /// The row of the next event, or null when nobody wants it. `place`: the event's own text within
  /// the document. To be ended before the next one begins.
  virtual Row* begin(std::string_view table, std::string_view place) = 0;
  virtual void end() = 0;

  /// An event of which the System fields are known. False: nobody reads its table, or events of its
  /// kind; it is counted and done.
  virtual bool begin_windows(const WindowsEvent& event, std::string_view place) = 0;
  /// Names of the data fields of the table that somebody reads, with their slots (slot_of of
  /// WindowsEventWriter); null: all of them.
  virtual const NameTable* windows_names(WindowsTable table) = 0;
  /// Whether somebody also reads the values of all other fields, as `_values`.
  virtual bool wants_windows_values(WindowsTable table) = 0;
  /// What is looked for in `_values` and `_text`, where they are read for nothing else; or null.
  virtual const data::TextGate* windows_text_gate(WindowsTable table) = 0;
  /// What fills the table's batches, or null where no batch is filled.
  virtual data::BatchBuilder* windows_builder(WindowsTable table) = 0;
  /// The rest of an event that begin_windows() wanted, for a dialect that writes data fields into
  /// their columns itself (begin_row of WindowsEventWriter says when that can be): the row, where
  /// there is a builder. `borrowed`: all of the text so far lives in the input. To be ended by
  /// end_windows_row(); the event's raw text lives in the input.
  virtual data::BatchBuilder& begin_windows_row(WindowsTable table,
                                                const WindowsEvent& event,
                                                bool borrowed) = 0;
  virtual void end_windows_row(WindowsTable table, const WindowsEvent& event) = 0;
  /// `borrowed`: all of the event's text lives in the input; `raw_borrowed`: that of `raw` does.
  virtual void end_windows(const WindowsEvent& event, bool borrowed, bool raw_borrowed) = 0;

  virtual void anomaly(std::string_view name, std::string_view detail) = 0;
};

/// Paths of Winlogbeat objects that hold anything of interest; numbers of the keys at the top, and
/// in each of them.
inline constexpr size_t kNumBeatsWays = 8;
using BeatsNumbers = std::array<KeyNumbers, kNumBeatsWays + 1>;

/// What the dialects keep between records of one file.
struct DialectState {
  // By the ids that the file's parser gives keys.
  KeyNumbers known_keys;
  KeyNumbers nxlog_roles;
  KeyNumbers wec_roles;
  BeatsNumbers beats6_roles;
  BeatsNumbers beats7_roles;
  FlatPlans flat_plans;
  Record planned;                                     ///< the record that goes by one of them
  std::array<KeyNumbers, kNumWindowsTables> columns;  ///< of the tables of Windows events
  Scratch scratch;
  TextPool pool;
  WindowsEvent event;
  std::string made;  ///< texts of a Windows event that are not in the record
  std::vector<uint32_t> numbers;
  Parser inner_parser;  ///< for JSON inside a string; gives no ids
  Document inner;
  std::string file_stem;  ///< "conn" of "conn.log.gz": names a Zeek log that does not name itself
};

/// Writes all rows of one record, by the dialect that it is written in.
void put_record(const Record& record, DialectState& state, Output& out);
/// Gives the document that a flat record is, where its items are wanted after all.
using ReadItems = std::function<const Document&()>;
/// The same for a whole document of which the plan was found, and that lies in the input.
void put_planned(const FlatRecord& record,
                 FlatPlan& plan,
                 const ReadItems& read_items,
                 DialectState& state,
                 Output& out);

// The dialects.
void put_windows_flat(const Record& record, DialectState& state, Output& out, bool nxlog);
void put_evtx_dump(const Record& record, DialectState& state, Output& out);
void put_winlogbeat6(const Record& record, DialectState& state, Output& out);
void put_winlogbeat7(const Record& record, DialectState& state, Output& out);
void put_azure_windows(const Record& record, DialectState& state, Output& out);
void put_azure_security(const Record& record, DialectState& state, Output& out);
void put_syslog_sysmon(const Record& record, DialectState& state, Output& out);
void put_osquery(const Record& record, DialectState& state, Output& out);
void put_unified_log(const Record& record, DialectState& state, Output& out);
void put_defender(const Record& record, DialectState& state, Output& out);
void put_suricata(const Record& record, DialectState& state, Output& out);
void put_zeek(const Record& record, DialectState& state, Output& out);
void put_generic(const Record& record, DialectState& state, Output& out);

}  // namespace postern::input::json
