// Decodes the records of one chunk after another: to rows of a batch, or to a whole event.
//
// open() resolves a record into frames (a compiled template with the values of this instance; one
// for the record, one for each nested fragment, usually EventData). Then table() says where it
// belongs, and write_row() or read_event() take the fields out.
//
// Nothing a chunk says can make this loop or grow: nesting, frames and names are limited, and each
// chunk has a budget of work, counted in bytes of template compiled, ops run and text made. Real
// chunks use a few percent of it.
// Tests: tests/unit/input/evtx_test.cc, fuzz_evtx.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "data/batch.h"
#include "input/evtx/binxml.h"
#include "input/evtx/program.h"
#include "input/evtx/value_search.h"
#include "input/windows_event.h"

namespace postern::input::evtx {

/// Takes a named anomaly with its offset in the file.
using Report = std::function<void(std::string_view name, uint64_t offset, std::string_view detail)>;

/// A record as it lies in its chunk; offsets count from the start of the chunk.
struct RecordHeader {
  size_t at = 0;
  size_t payload = 0;  ///< first byte of BinXML
  size_t payload_end = 0;
  uint64_t id = 0;
  uint64_t written = 0;  ///< FILETIME
};

inline constexpr size_t kRecordHeaderBytes = 24;

/// Work charged for an op, and for a byte of a value that goes through a list (and is copied
/// several times on the way); the other charges are in record.cc.
inline constexpr size_t kWorkPerOp = 16;
inline constexpr size_t kWorkPerListedByte = 8;
/// Bytes of a record that are searched for one unit of work.
inline constexpr size_t kSearchedPerWork = 64;

/// Reads the header at `at`; nullopt when there is none that fits the chunk.
std::optional<RecordHeader> record_header(std::string_view chunk, size_t at);

class RecordDecoder {
 public:
  explicit RecordDecoder(Report report) : report_(std::move(report)) {}

  /// `chunk` lies at `file_offset` and must live until the next call. `new_budget`: work may be
  /// done for it; else what the chunk before has left.
  void start_chunk(std::string_view chunk, uint64_t file_offset, bool new_budget = true);
  /// Resolves a record. False: nothing of it can be read, and an anomaly says why.
  bool open(const RecordHeader& record);

  /// Table of the open record.
  WindowsTable table();
  /// EventID of the open record; nullopt when it has none.
  std::optional<int64_t> event_id();
  /// Adds the open record as one row; `b` builds batches of `t`.
  void write_row(WindowsTable t, data::BatchBuilder& b, data::Position position);
  /// All fields of the open record; their text lives in `arena`.
  void read_event(Arena& arena, WindowsEvent& out);
  /// The open record as event XML, in the form that Windows renders.
  std::string xml();

 private:
  struct Frame {
    Program* program = nullptr;
    uint32_t first_value = 0;
    uint32_t num_values = 0;
    bool is_shared = false;  ///< of a template; else compiled for this record alone
  };

  /// Text of a value; `in_arena`: in the arena it was asked for, else it lives as long as the
  /// chunk's programs. Absent: default-made.
  struct Text {
    std::string_view text;
    bool in_arena = false;
  };

  /// Values of one column that come from several places of a row.
  struct Gathered {
    std::string_view column;
    std::vector<std::string_view> texts;
  };

  /// Programs of templates, which chunk after chunk defines anew and nearly always the same.
  struct KnownTemplates {
    std::unique_ptr<Arena> texts;
    std::unordered_map<std::string, std::unique_ptr<Program>> by_key;
    size_t bytes = 0;  ///< of keys
    std::string key;   ///< of the one that is looked for
  };

  /// The raw provider and channel of the last record, and the table they led to.
  struct Routed {
    const Program* program = nullptr;
    std::string provider;
    std::string channel;
    WindowsTable table = WindowsTable::kEvent;
  };

  bool open_fragment(size_t begin, size_t end, EventShape::Place place, int depth);
  bool open_instance(size_t at, size_t end, EventShape::Place place, int depth);
  bool open_nested(const Frame& frame, int depth);
  bool add_frame(const Frame& frame);
  Program* template_program(size_t definition, EventShape::Place place);
  Program* known_program(size_t begin, size_t end, EventShape::Place place);
  Program* record_program(size_t begin, size_t end, EventShape::Place place);
  const std::vector<BoundOp>& bound_ops(Program& program,
                                        WindowsTable t,
                                        const data::BatchBuilder& b);

  RawValue value_of(const Frame& f, const Part& p) const;
  /// The value of a range that is one substitution and nothing else.
  std::optional<RawValue> single_value(const Frame& f, PartRange r) const;
  Text text(const Frame& f, PartRange r, Arena& arena);
  Text text(const RawValue& v, Arena& arena);
  void append_parts(const Frame& f, PartRange r, std::string& out);
  bool may_hold(const data::TextGate& gate);
  bool is_absent(const Frame& f, const Op& op) const;
  std::string_view raw_bytes(const Frame& f, int op) const;
  std::optional<int64_t> event_time();

  bool write_sole_value(const Frame& f, const BoundOp& bound, data::BatchBuilder& b);
  void write_field(const Frame& f, const BoundOp& bound, data::BatchBuilder& b);
  void write_text(const BoundOp& bound,
                  std::string_view column,
                  const Text& t,
                  data::BatchBuilder& b);
  void gather(std::string_view column, std::string_view text);
  void write_gathered(data::BatchBuilder& b);
  void read_field(const Frame& f, const Op& op, Arena& arena, WindowsEvent& out);

  bool spend(size_t work);
  bool fail(std::string_view name, size_t at, std::string_view detail);

  Report report_;
  std::string_view chunk_;
  uint64_t file_offset_ = 0;
  size_t budget_ = 0;
  std::unique_ptr<Arena> names_;  // literals and names of programs of this chunk alone
  std::unordered_map<uint64_t, Program*> templates_;         // of this chunk
  std::vector<std::unique_ptr<Program>> damaged_templates_;  // those of them that are not known
  KnownTemplates known_;
  std::vector<std::unique_ptr<Program>> record_programs_;
  size_t num_record_programs_ = 0;
  Routed routed_;

  RecordHeader record_;
  std::vector<Frame> frames_;
  std::vector<RawValue> values_;
  std::vector<RawValue> elements_;
  std::vector<Gathered> gathered_;
  size_t num_gathered_ = 0;
  ValueSearch search_;
  std::string scratch_;
};

}  // namespace postern::input::evtx
