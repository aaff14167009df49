// What is known of the records of one type, so that it is not asked again for each record: which
// fields they have, in which order, what each is for, and who reads it.
//
// The kernel writes the fields of a type in one order, so behind each field the name of the next
// one is guessed, and one comparison tells its plan. Names and types come from the evidence; only
// so many are kept. Tests: tests/unit/input/auditd_test.cc.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/auditd/line.h"
#include "input/name_hash.h"
#include "input/rows.h"

namespace postern::input::auditd {

/// What a field is beside its value, in any type of record.
enum class FieldRole : uint8_t {
  kPlain,
  kHead,      ///< type, node: the head's stay true
  kArch,      ///< by number; so is
  kCall,      ///< the system call
  kCallName,  ///< SYSCALL: the log is enriched
  kKey
};

struct FieldPlan {
  std::string name;
  NameGuess guess;
  FieldRole role = FieldRole::kPlain;
  bool is_untrusted = false;
  int column = -1;                    ///< of the event (event_columns.h); -1: none
  bool for_event = false;             ///< and somebody reads it there
  Row::Target target = Row::kUnread;  ///< of the record, by slot
  bool is_asked = false;              ///< the row gate asks for its values
  bool is_dynamic = false;            ///< that column
  bool is_noted = false;              ///< a look at the record takes note of such fields, or asks
  FieldPlan* next = nullptr;          ///< what followed last
};

/// A field for the event, as the walk of its record found it.
struct EventField {
  Field field;
  FieldRole role;
  bool is_untrusted;
  int column;

  EventField(const Field& f, const FieldPlan& plan)
      : field(f), role(plan.role), is_untrusted(plan.is_untrusted), column(plan.column) {}
};

/// Of a line with more, none are kept: they are read from the line again.
inline constexpr size_t kMostEventFields = 256;

/// Who reads what of audit logs; null: nobody does, or not by slot.
struct Layouts {
  const data::Layout* records = nullptr;
  const data::Layout* events = nullptr;
};

/// Records of one type.
class RecordShape {
 public:
  /// `keeps`: plans serve again.
  RecordShape(std::string_view type, const Layouts& layouts, bool keeps);

  const std::string& type() const { return type_; }

  RecordKind kind() const { return kind_; }

  /// Who reads what is no field of the log: of the record, by slot.
  struct Targets {
    Row::Target type, serial, node, arch_name, call_name;
  };

  const Targets& targets() const { return targets_; }

  /// Whether anybody reads `_values` or `_text` of such records, and what then says no of some.
  bool reads_texts() const { return reads_texts_; }

  const data::TextGate* text_gate() const { return text_gate_; }

  /// Whether anybody reads such records at all, and what says no of most of them; null: nothing.
  bool is_read() const { return !reads_ || reads_->is_read; }

  const data::RowGate* row_gate() const { return reads_ ? reads_->row_gate.get() : nullptr; }

 private:
  friend class PlannedWalk;
  friend class RecordShapes;

  FieldPlan& plan(std::string_view name);
  void fill(FieldPlan& plan, std::string_view name) const;
  bool reads(int slot) const;
  Row::Target target(std::string_view name) const;

  std::string log_type_;  // as the log has it
  std::string type_;
  RecordKind kind_;
  RecordShape* next_ = nullptr;  // what was asked for behind it last; not of those that pass
  const data::Layout* layout_;   // of the records
  const data::Layout* event_layout_;
  const data::Layout::Kind* reads_;  // of layout_; null: all kinds are read alike
  Targets targets_;
  bool reads_texts_;
  const data::TextGate* text_gate_;
  bool keeps_;
  std::vector<std::unique_ptr<FieldPlan>> plans_;
  NameTable numbers_;  // of plans_
  FieldPlan start_;    // before the first field
  FieldPlan passing_;  // of a name that is not kept
};

class RecordShapes {
 public:
  explicit RecordShapes(const Layouts& layouts) : layouts_(layouts) {}

  /// By the type as the log has it ("UNKNOWN[1334]"); lasts until the next call.
  RecordShape& of(std::string_view type);

 private:
  Layouts layouts_;
  std::vector<std::unique_ptr<RecordShape>> shapes_;
  NameTable numbers_;  // of shapes_, by the type in the log
  RecordShape* last_ = nullptr;
  std::unique_ptr<RecordShape> passing_;
};

/// The fields of a record with their plans.
class PlannedWalk {
 public:
  /// `readable`: see Line.
  PlannedWalk(RecordShape& shape, std::string_view body, const char* readable = nullptr)
      : shape_(shape), walk_(body, readable), last_(&shape.start_) {}

  /// The next field that is_noted, or is an untrusted string that may be in hex.
  const FieldPlan* next_noted(Field& field) {
    const auto is_noted = [](const FieldPlan& plan, bool quoted) {
      return plan.is_noted || (plan.is_untrusted && !quoted);
    };
    const auto guess = [this]() { return last_->next ? &last_->next->guess : nullptr; };
    const auto wants = [&](bool quoted) {
      last_ = last_->next;
      return is_noted(*last_, quoted);
    };
    for (;;) {
      if (walk_.next_guessed(field, guess, wants)) return last_;
      const FieldPlan* plan = next(field);
      if (!plan || is_noted(*plan, field.quote != 0)) return plan;
    }
  }

  /// Null at the end. The plan lasts until the next call.
  const FieldPlan* next(Field& field) {
    FieldPlan* guessed = last_->next;
    if (!walk_.next(field, guessed ? &guessed->guess : nullptr)) return nullptr;
    if (!walk_.is_guessed()) {
      guessed = &shape_.plan(field.name);
      last_->next = guessed == &shape_.passing_ ? nullptr : guessed;
    }
    return last_ = guessed;
  }

 private:
  RecordShape& shape_;
  FieldWalk walk_;
  FieldPlan* last_;
};

}  // namespace postern::input::auditd
