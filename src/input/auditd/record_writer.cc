#include "input/auditd/record_writer.h"

#include <algorithm>
#include <type_traits>

#include "base/text.h"
#include "input/auditd/decode.h"

namespace postern::input::auditd {
namespace {

constexpr char kKeySeparator = '\x01';

/// Gathers what `_values` has: the text of every value.
class ValueGatherer final : public data::FieldVisitor {
 public:
  explicit ValueGatherer(data::DynamicWriter& out) : out_(out) {}

  void field(std::string_view, const data::Value& value) override {
    if (value.type() != data::Type::kDynamic) return out_.string(value.text());
    const data::Dynamic keys(value.as_bytes());
    for (uint32_t i = 0; i < keys.size(); ++i)
      out_.string(keys.at(i).text());
  }

 private:
  data::DynamicWriter& out_;
};

}  // namespace

void write_keys(Row& row,
                Row::Target target,
                std::string_view name,
                std::string_view keys,
                data::DynamicWriter& list) {
  if (keys.find(kKeySeparator) == std::string_view::npos)
    return row.text(target, name, keys, false);
  list.clear();
  list.begin_array();
  for (const std::string_view key : split(keys, kKeySeparator))
    list.string(key);
  list.end();
  row.dynamic(target, name, list.encoded());
}

template <class Gate>
bool RecordWriter::may_hold(const Gate& gate, std::string_view name) {
  Asked& asked = asked_[(reinterpret_cast<uintptr_t>(name.data()) >> 2) % asked_.size()];
  if (asked.name != name.data() || asked.gate != &gate) {
    if constexpr (std::is_same_v<Gate, data::TextGate>)
      asked = {name.data(), &gate, gate.may_hold_plain(name)};
    else
      asked = {name.data(), &gate, gate.may_hold(name)};
  }
  return asked.answer;
}

inline void RecordWriter::note(const Field& field, const FieldPlan& plan) {
  if (plan.for_event && event_fields_.size() <= kMostEventFields)
    event_fields_.emplace_back(field, plan);
  if (plan.role == FieldRole::kArch) arch_ = field.value;
  if (plan.role == FieldRole::kCall) call_ = field.value;
  enriched_ = enriched_ || plan.role == FieldRole::kCallName;
}

void RecordWriter::begin() {
  event_fields_.clear();
  arch_ = call_ = {};
  enriched_ = false;
}

bool RecordWriter::may_pass(const Line& line, std::string_view text, RecordShape& shape) {
  const data::RowGate& gate = *shape.row_gate();
  const RecordShape::Targets& slots = shape.targets();
  // What is no text is repaired, value by value.
  if (gate.may_hold(text) || !valid_utf8(text)) return true;
  begin();
  bool may = false;
  data::RowGate::Touched touched = gate.start();
  const auto see = [&](Row::Target slot, std::string_view value, std::string_view in_log) {
    if (gate.asks(slot)) touched.add(gate.touched(slot, value));
    if (value.data() != in_log.data()) may = may_hold(gate, value) || may;
  };
  see(slots.type, type_name(line.type), line.type);
  if (!line.id.node.empty()) see(slots.node, line.id.node, line.id.node);
  PlannedWalk walk(shape, line.body, line.readable);
  Field field;
  while (const FieldPlan* plan = walk.next_noted(field)) {
    note(field, *plan);
    const bool in_hex = plan->is_untrusted && field.quote == 0;
    if (!(plan->is_asked || in_hex) || plan->role == FieldRole::kHead) continue;
    // In quotes it is a text as the line is.
    const std::string_view value =
        field.quote != 0 ? field.value : text_of(in_hex, field, scratch_);
    if (value.data() != field.value.data()) may = gate.may_hold(value) || may;
    if (plan->is_asked) touched.add(gate.touched(plan->target, value));
    // Of several keys an array is made.
    if (plan->role == FieldRole::kKey)
      may = may || value.find(kKeySeparator) != std::string_view::npos;
  }
  if (!enriched_ && !call_.empty() && !arch_.empty()) {
    names_.set(arch_, call_);
    see(slots.arch_name, names_.arch(), arch_);
    see(slots.call_name, names_.call(), call_);
  }
  return may || touched.any();
}

bool RecordWriter::write(const Line& line,
                         RecordShape& shape,
                         Row& row,
                         data::BatchBuilder* values,
                         const data::TextGate* gate) {
  const bool visits = row.to_visitor();
  const RecordShape::Targets& slots = shape.targets();
  const auto target = [&](Row::Target slot) { return visits ? Row::kByName : slot; };
  const auto put = [&](Row::Target slot, std::string_view name, std::string_view value) {
    if (values) values->feed_values(value);
    row.text(target(slot), name, value, true);
  };
  bool may = false;
  // Names of the program's own, not of the log.
  const auto put_name = [&](Row::Target slot, std::string_view name, std::string_view value,
                            std::string_view in_log) {
    put(slot, name, value);
    if (gate && value.data() != in_log.data()) may = may_hold(*gate, value) || may;
  };
  row.time(line.id.time);
  put_name(slots.type, "type", type_name(line.type), line.type);
  const auto serial = static_cast<int64_t>(line.id.serial);
  if (values) values->feed_values(std::to_string(serial));
  row.integer(target(slots.serial), "serial", serial);
  if (!line.id.node.empty()) put(slots.node, "node", line.id.node);

  begin();
  PlannedWalk walk(shape, line.body, line.readable);
  Field field;
  while (const FieldPlan* plan = walk.next(field)) {
    note(field, *plan);
    if (plan->role == FieldRole::kHead) continue;
    // Several values of an array are put together by name, and become `_values` there.
    const Row::Target to = plan->is_dynamic ? Row::kByName : target(plan->target);
    const bool in_hex = plan->is_untrusted && field.quote == 0;
    if (to == Row::kUnread && !values && !(gate && in_hex)) continue;
    const std::string_view text = text_of(in_hex, field, scratch_);
    const bool borrowed = text.data() == field.value.data();
    if (gate && !borrowed) may = gate->may_hold_plain(text) || may;
    if (plan->role == FieldRole::kKey) {
      if (values && to != Row::kByName) feed_keys(*values, text);
      write_keys(row, to, field.name, text, list_);
      continue;
    }
    if (values && to != Row::kByName) values->feed_values(text);
    row.text(to, field.name, text, borrowed);
  }
  if (!enriched_ && !call_.empty() && !arch_.empty()) {
    names_.set(arch_, call_);
    put_name(slots.arch_name, "ARCH", names_.arch(), arch_);
    put_name(slots.call_name, "SYSCALL", names_.call(), call_);
  }
  return may;
}

void RecordWriter::feed_keys(data::BatchBuilder& values, std::string_view keys) {
  for (size_t at = 0; at <= keys.size();) {
    const size_t end = std::min(keys.find(kKeySeparator, at), keys.size());
    values.feed_values(keys.substr(at, end - at));
    at = end + 1;
  }
}

std::string_view RecordWriter::values(const Line& line) {
  values_.clear();
  values_.begin_array();
  ValueGatherer gatherer(values_);
  Row row(gatherer);
  write(line, shapes_.of(line.type), row);
  values_.end();
  return values_.encoded();
}

}  // namespace postern::input::auditd
