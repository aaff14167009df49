// How a resolved record becomes a row, a whole event, or XML.
//
//   frames -> raw provider and channel -> table -> bound ops of that table -> cells
//
// Ops are bound once per program and table. So for each cell there is one look at the value's type
// and one conversion, straight into the arena of the batch.
#include "data/dynamic.h"
#include "input/evtx/record.h"
#include "input/evtx/value.h"
#include "input/evtx/xml.h"

namespace postern::input::evtx {
namespace {

constexpr size_t kMaxXmlBytes = size_t{1} << 20;

}  // namespace

// --- Rows -----------------------------------------------------------------------------------

const std::vector<BoundOp>& RecordDecoder::bound_ops(Program& program,
                                                     WindowsTable t,
                                                     const data::BatchBuilder& b) {
  const bool with_values = b.wants_values();
  auto& bound = (with_values ? program.bound : program.bound_to_columns)[static_cast<size_t>(t)];
  if (!bound)
    bound = std::make_unique<std::vector<BoundOp>>(
        bind(program, b.layout(), with_values, *program.texts));
  return *bound;
}

/// Whether any value of the open record may hold what the gate looks for.
bool RecordDecoder::may_hold(const data::TextGate& gate) {
  search_.start(gate, chunk_);
  for (const Frame& f : frames_) {
    Program& program = *f.program;
    if (program.gate != &gate) search_literals(program, gate);
    // What is out of budget is not searched, and so may hold anything.
    if (program.literals_may_hold ||
        !spend(1 + (record_.payload_end - record_.payload) / kSearchedPerWork))
      return true;
    search_.add(values_.data() + f.first_value, f.num_values);
    for (const uint32_t op : program.mixed_ops) {
      scratch_.assign("\n");
      append_parts(f, program.ops[op].value, scratch_);
      search_.add_text(scratch_);
      if (budget_ == 0) return true;
    }
  }
  return search_.may_hold();
}

void RecordDecoder::write_row(WindowsTable t, data::BatchBuilder& b, data::Position position) {
  b.begin(position);
  const data::TextGate* gate = b.layout().text_gate();
  if (gate && b.wants_values() && !may_hold(*gate)) b.leave_out_texts();
  if (const auto ticks = event_time()) b.set_time(*ticks);
  num_gathered_ = 0;
  for (const Frame& f : frames_)
    for (const BoundOp& bound : bound_ops(*f.program, t, b))
      if (bound.sole_value < 0 || b.wants_values() || !write_sole_value(f, bound, b))
        write_field(f, bound, b);
  write_gathered(b);
  if (b.layout().raw_slot() >= 0) b.made_raw(xml());
  b.end();
}

/// The short way of most fields: one look at the type, one conversion. False: not for this one.
bool RecordDecoder::write_sole_value(const Frame& f, const BoundOp& bound, data::BatchBuilder& b) {
  const auto index = static_cast<uint32_t>(bound.sole_value);
  const RawValue v = index < f.num_values ? values_[f.first_value + index] : RawValue{};
  if (v.is_array()) return false;
  if (!spend(kWorkPerOp + v.bytes.size()) || v.is(ValueType::kBinXml)) return true;
  if (v.is(ValueType::kNull) && f.program->ops[bound.op].is_attribute) return true;
  if (bound.target == BoundOp::Target::kText) {
    b.borrowed_text(bound.slot, text(v, b.arena()).text);
    return true;
  }
  if (const auto number = as_integer(v))
    b.integer(bound.slot, *number);
  else
    b.text(bound.slot, text(v, b.arena()).text, true);
  return true;
}

void RecordDecoder::write_field(const Frame& f, const BoundOp& bound, data::BatchBuilder& b) {
  const Op& op = f.program->ops[bound.op];
  const auto single = single_value(f, op.value);
  if (!spend(kWorkPerOp + (single ? single->bytes.size() : 0)) || is_absent(f, op)) return;
  if (single && bound.target == BoundOp::Target::kInteger && !b.wants_values()) {
    if (const auto number = as_integer(*single)) return b.integer(bound.slot, *number);
  }
  std::string_view column = bound.column;
  if (op.dynamic_name.count != 0) {
    std::string renamed;
    column = b.arena().copy(data_column(text(f, op.dynamic_name, b.arena()).text, renamed));
    if (!spend(kWorkPerListedByte * column.size())) return;
  }
  if (single && single->is_array()) {
    elements_.clear();
    split_array(*single, elements_);
    // Windows repeats the element for each value of an array, and writes it once when there is
    // none.
    if (elements_.empty()) elements_.push_back({{}, static_cast<uint8_t>(ValueType::kNull)});
    for (const RawValue& v : elements_)
      gather(column, text(v, b.arena()).text);
    return;
  }
  if (bound.target == BoundOp::Target::kMultivalue)
    return gather(column, text(f, op.value, b.arena()).text);
  write_text(bound, column, text(f, op.value, b.arena()), b);
}

void RecordDecoder::write_text(const BoundOp& bound,
                               std::string_view column,
                               const Text& t,
                               data::BatchBuilder& b) {
  // A name that only the record knows is looked up; others have their slot, or nobody reads them.
  if (column.data() != bound.column.data()) {
    b.field(column, t.text, t.in_arena);
  } else {
    if (b.wants_values()) b.feed_values(t.text);
    b.text(bound.slot, t.text, t.in_arena);
  }
  b.text(bound.alias_slot, t.text, t.in_arena);
}

// Few columns of a row are lists, so a linear search is enough (and charged for).
void RecordDecoder::gather(std::string_view column, std::string_view text) {
  if (!spend(kWorkPerOp + num_gathered_ + kWorkPerListedByte * text.size())) return;
  for (size_t i = 0; i < num_gathered_; ++i)
    if (gathered_[i].column == column) return gathered_[i].texts.push_back(text);
  if (num_gathered_ == gathered_.size()) gathered_.emplace_back();
  Gathered& g = gathered_[num_gathered_++];
  g.column = column;
  g.texts.assign(1, text);
}

void RecordDecoder::write_gathered(data::BatchBuilder& b) {
  for (size_t i = 0; i < num_gathered_; ++i) {
    const Gathered& g = gathered_[i];
    // A named field that came once is a plain value; nameless Data always is a list.
    if (g.texts.size() == 1 && g.column != "Data") {
      b.field(g.column, g.texts[0]);
      continue;
    }
    data::DynamicWriter w;
    w.begin_array();
    for (const std::string_view text : g.texts)
      w.string(text);
    w.end();
    b.field(g.column, data::Value::dynamic(w.take()));
  }
}

// --- Whole events ---------------------------------------------------------------------------

void RecordDecoder::read_event(Arena& arena, WindowsEvent& out) {
  out.clear();
  out.time = event_time();
  for (const Frame& f : frames_)
    for (const Op& op : f.program->ops)
      read_field(f, op, arena, out);
}

void RecordDecoder::read_field(const Frame& f, const Op& op, Arena& arena, WindowsEvent& out) {
  const auto single = single_value(f, op.value);
  if (op.kind == Op::Kind::kNested || is_absent(f, op)) return;
  if (!spend(kWorkPerOp + (single ? single->bytes.size() : 0))) return;
  const auto kept = [&](const Text& t) { return t.in_arena ? t.text : arena.copy(t.text); };
  if (op.kind == Op::Kind::kSystem) {
    out[op.field] = kept(text(f, op.value, arena));
    return;
  }
  const std::string_view name =
      op.dynamic_name.count == 0 ? arena.copy(op.name) : kept(text(f, op.dynamic_name, arena));
  if (op.dynamic_name.count != 0 && !spend(kWorkPerListedByte * name.size())) return;
  if (single && single->is_array()) {
    std::vector<RawValue> elements;
    split_array(*single, elements);
    if (elements.empty()) elements.push_back({{}, static_cast<uint8_t>(ValueType::kNull)});
    for (const RawValue& v : elements)
      out.data.push_back({name, text(v, arena).text});
    return;
  }
  out.data.push_back({name, kept(text(f, op.value, arena))});
}

std::string RecordDecoder::xml() {
  std::string out;
  spend(render_xml(chunk_, record_.payload, record_.payload_end, kMaxXmlBytes, out));
  return out;
}

}  // namespace postern::input::evtx
