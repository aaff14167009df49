// Audit records as rows of linux.auditd.record: fields by their own names. Tests:
// tests/unit/input/auditd_test.cc.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "data/dynamic.h"
#include "input/auditd/line.h"
#include "input/auditd/shape.h"
#include "input/auditd/syscalls.h"
#include "input/rows.h"

namespace postern::input::auditd {

inline constexpr std::string_view kRecordTable = "linux.auditd.record";

/// Several keys of one rule set come joined: then they are an array. `list` is used for it.
void write_keys(Row& row,
                Row::Target target,
                std::string_view name,
                std::string_view keys,
                data::DynamicWriter& list);

/// Writes records; keeps its buffers from one to the next.
class RecordWriter {
 public:
  /// `shapes` live as long as this.
  explicit RecordWriter(RecordShapes& shapes) : shapes_(shapes) {}

  /// Whether any filter may let the record through, as far as the row gate of its shape tells:
  /// `text` is its line. Afterwards event_fields() are those of the record where it says no.
  bool may_pass(const Line& line, std::string_view text, RecordShape& shape);

  /// Writes one record, of the shape of its type: untrusted strings decoded, several keys as an
  /// array. Where the log is not enriched, SYSCALL and ARCH are added by name.
  ///
  /// `values`: the row's builder, where `_values` are wanted of it; null where they are not, and
  /// for a row that goes to a visitor. `gate`: has said no of the line. True: it says yes of a
  /// value that is written otherwise there, in hex or as a number.
  bool write(const Line& line,
             RecordShape& shape,
             Row& row,
             data::BatchBuilder* values = nullptr,
             const data::TextGate* gate = nullptr);

  /// Fields of the record that was looked at last which its event takes: kMostEventFields of them,
  /// or one more where there are others.
  const std::vector<EventField>& event_fields() const { return event_fields_; }

  /// `_values` of a record, encoded; lasts until the next call.
  std::string_view values(const Line& line);

 private:
  void feed_keys(data::BatchBuilder& values, std::string_view keys);

  void begin();
  /// Takes note of a field for the event, and of its part in what the record is.
  void note(const Field& field, const FieldPlan& plan);

  /// What a gate says of a name of the program's own.
  template <class Gate>
  bool may_hold(const Gate& gate, std::string_view name);

  RecordShapes& shapes_;
  CallNames names_;
  std::vector<EventField> event_fields_;
  std::string scratch_;
  data::DynamicWriter list_;
  data::DynamicWriter values_;

  /// What gates said of names, which are few, by where they are.
  struct Asked {
    const char* name = nullptr;
    const void* gate = nullptr;
    bool answer = false;
  };

  std::array<Asked, 64> asked_{};
  // Of the record at hand.
  std::string_view arch_;
  std::string_view call_;
  bool enriched_ = false;  // the log names both
};

}  // namespace postern::input::auditd
