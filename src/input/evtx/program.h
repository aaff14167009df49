// A template (or a record without one) compiled to a flat list: which field gets which value.
//
// A template definition is walked once per chunk; what stays is one Op per System field, EventData
// value or UserData leaf, each naming the literal text or the substitution it is made of. A record
// is then read by looking its substitutions up: no tree, and fields that nobody wants are never
// touched.
//
//   <Data Name="Image">%4</Data>   ->   Op{kData, "Image", parts: [substitution 4]}
//
// Tests: tests/unit/input/evtx_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "data/batch.h"
#include "input/evtx/binxml.h"
#include "input/windows_event_shape.h"

namespace postern::input::evtx {

/// One piece of a value: literal UTF-8 text, or a substitution of the instance.
struct Part {
  std::string_view literal;
  uint16_t index = 0;
  bool is_literal = false;
};

/// Parts first..first+count of a program.
struct PartRange {
  uint32_t first = 0;
  uint32_t count = 0;
};

struct Op {
  enum class Kind : uint8_t {
    kSystem,
    kData,
    kNested,  ///< no field of its own: a place where a nested fragment may stand
  };
  Kind kind = Kind::kNested;
  SystemField field = SystemField::kEventId;
  bool is_attribute = false;  ///< a null value means that the attribute is absent
  EventShape::Place place = EventShape::Place::kOutside;  ///< of the element around the value
  std::string_view name;   ///< kData: as in the source, "" for a nameless one
  PartRange dynamic_name;  ///< kData whose Name is itself a substitution
  PartRange value;
};

/// An op that some column of a table reads. Its slot may be -1 when only `_values` wants it.
struct BoundOp {
  enum class Target : uint8_t {
    kText,
    kInteger,
    kOther,      ///< any other column type: through text
    kMultivalue  ///< a dynamic column, or a column that several ops feed
  };
  uint32_t op = 0;
  int slot = -1;
  int alias_slot = -1;  ///< UserID beside Security_UserID
  Target target = Target::kText;
  std::string_view column;
  /// The substitution that is all there is to a text or an integer of one place and one name; or
  /// -1.
  int sole_value = -1;
};

struct Program {
  std::vector<Op> ops;
  std::vector<Part> parts;
  bool failed = false;
  /// Index of the op that gives Provider_Name, EventID, Channel, TimeCreated; or -1.
  int provider_op = -1;
  int event_id_op = -1;
  int channel_op = -1;
  int time_op = -1;
  bool may_nest = false;   ///< has a part that could hold a nested fragment
  Arena* texts = nullptr;  ///< what its names and literals live in
  /// By table; made on first use. The second: without what only `_values` wants.
  std::array<std::unique_ptr<std::vector<BoundOp>>, kNumWindowsTables> bound;
  std::array<std::unique_ptr<std::vector<BoundOp>>, kNumWindowsTables> bound_to_columns;
  /// What a gate said of the literals; made on first use.
  const data::TextGate* gate = nullptr;
  bool literals_may_hold = false;
  std::vector<uint32_t> mixed_ops;  ///< values made of several parts, a substitution among them

  void clear();
};

/// Appends what compile() reads of the tokens of a definition, so that equal ones of different
/// chunks, where the same names lie elsewhere, have equal keys. False: not well-formed, or longer
/// than `max_bytes`.
bool append_key(
    std::string_view chunk, size_t begin, size_t end, size_t max_bytes, std::string& key);

/// Compiles the tokens in chunk[begin, end) for a document that stands at `start`. Texts go to
/// `arena`. False (and `failed`) when the bytes are no well-formed fragment; `out` then holds what
/// came before. Reads until the fragment's end token; `end_at` is where it stopped.
bool compile(std::string_view chunk,
             size_t begin,
             size_t end,
             bool in_template,
             EventShape::Place start,
             Arena& arena,
             Program& out,
             size_t* end_at = nullptr);

/// The ops that columns of `layout` read, `_values` among them or not. Texts go to `arena`.
std::vector<BoundOp> bind(const Program& program,
                          const data::Layout& layout,
                          bool with_values,
                          Arena& arena);

/// Fills what `gate` says of the program.
void search_literals(Program& program, const data::TextGate& gate);

}  // namespace postern::input::evtx
