// Compiling follows the tokens with an EventShape beside it. Where the shape says that an attribute
// or a text is a field, the pieces collected since it began become an Op; everything else
// (containers, namespaces, indentation) leaves no trace in the program.
#include "input/evtx/program.h"

#include "base/text.h"
#include "input/evtx/utf16.h"
#include "input/evtx/value.h"

namespace postern::input::evtx {
namespace {

using Kind = Token::Kind;

char32_t entity_character(std::string_view utf8_name) {
  if (utf8_name == "amp") return '&';
  if (utf8_name == "lt") return '<';
  if (utf8_name == "gt") return '>';
  if (utf8_name == "quot") return '"';
  if (utf8_name == "apos") return '\'';
  return 0;
}

/// Follows the tokens of one fragment and writes ops into a Program.
class Compiler {
 public:
  Compiler(std::string_view chunk,
           size_t begin,
           size_t end,
           bool in_template,
           EventShape::Place start,
           Arena& arena,
           Program& out)
      : scanner_(chunk, begin, end, in_template), shape_(start), arena_(arena), out_(out) {}

  bool run() {
    for (;;) {
      const Token t = scanner_.next();
      switch (t.kind) {
        case Kind::kEnd:
          return shape_.depth() == 0;
        case Kind::kOpen:
          if (!open(t)) return false;
          break;
        case Kind::kAttribute:
          if (shape_.depth() == 0 || !in_start_) return false;
          end_attribute();
          in_attribute_ = true;
          attribute_ = shape_.attribute(utf8_in_arena(arena_, t.text));
          break;
        case Kind::kCloseStart:
          end_attribute();
          in_start_ = false;
          break;
        case Kind::kCloseEmpty:
          end_attribute();
          in_start_ = false;
          if (!close()) return false;
          break;
        case Kind::kEndElement:
          if (!close()) return false;
          break;
        case Kind::kOther:
          break;
        case Kind::kTemplate:  // no instance inside a definition or between elements
        case Kind::kError:
          return false;
        default:
          add_part(t);
      }
    }
  }

  size_t at() const { return scanner_.at(); }

 private:
  bool open(const Token& t) {
    end_attribute();
    if (in_start_) return false;
    if (!shape_.open(utf8_in_arena(arena_, t.text))) return false;
    in_start_ = true;
    value_ = {};
    dynamic_name_ = {};
    return true;
  }

  // The text of an element is only a field if no child element came, so it is judged here.
  bool close() {
    emit(shape_.text(), value_, false);
    value_ = {};
    dynamic_name_ = {};
    return shape_.close();
  }

  /// Writes the op of a finished attribute or text, if it means anything.
  void emit(const EventShape::Meaning& m, PartRange value, bool is_attribute) {
    Op op;
    op.place = shape_.place();
    op.value = value;
    op.is_attribute = is_attribute;
    if (m.kind == EventShape::Kind::kSystem) {
      op.kind = Op::Kind::kSystem;
      op.field = m.field;
      const int i = static_cast<int>(out_.ops.size());
      if (m.field == SystemField::kProviderName) out_.provider_op = i;
      if (m.field == SystemField::kEventId) out_.event_id_op = i;
      if (m.field == SystemField::kChannel) out_.channel_op = i;
      if (m.field == SystemField::kTimeCreated) out_.time_op = i;
    } else if (m.kind == EventShape::Kind::kData) {
      op.kind = Op::Kind::kData;
      op.name = m.name;
      op.dynamic_name = dynamic_name_;
    } else {
      return;
    }
    out_.ops.push_back(op);
  }

  /// An attribute has no end token: the next attribute, or the end of the start tag, is it.
  void end_attribute() {
    if (!in_attribute_) return;
    in_attribute_ = false;
    if (attribute_.kind == EventShape::Kind::kDataName) {
      if (value_.count == 1 && out_.parts[value_.first].is_literal)
        shape_.set_data_name(out_.parts[value_.first].literal);
      else
        dynamic_name_ = value_;
    } else {
      emit(attribute_, value_, true);
    }
    value_ = {};
  }

  /// A piece of the current value, literal or substituted.
  void add_part(const Token& t) {
    Part p;
    if (t.kind == Kind::kSubstitution) {
      p.index = t.code;
      // Straight below a container: the place of a nested fragment.
      if (!in_attribute_) {
        out_.may_nest = true;
        if (shape_.text().kind == EventShape::Kind::kNothing) return add_nested(p);
      }
    } else {
      p.is_literal = true;
      p.literal = literal(t);
      if (p.literal.empty()) return;
    }
    if (value_.count == 0) value_.first = static_cast<uint32_t>(out_.parts.size());
    ++value_.count;
    out_.parts.push_back(p);
  }

  void add_nested(const Part& p) {
    Op op;
    op.place = shape_.place();
    op.value = {static_cast<uint32_t>(out_.parts.size()), 1};
    out_.parts.push_back(p);
    out_.ops.push_back(op);
  }

  std::string_view literal(const Token& t) {
    scratch_.clear();
    switch (t.kind) {
      case Kind::kValue:
        append_text(scratch_, t.value.element_type(), t.value.bytes);
        break;
      case Kind::kCdata:
        append_utf8_from_utf16(scratch_, t.text);
        break;
      case Kind::kCharacter:
        append_utf8(scratch_, t.code);
        break;
      case Kind::kEntity: {
        std::string name;
        append_utf8_from_utf16(name, t.text);
        // An entity that XML does not define stays as it was written.
        if (const char32_t c = entity_character(name))
          append_utf8(scratch_, c);
        else
          scratch_ = "&" + name + ";";
        break;
      }
      default:
        break;
    }
    return arena_.copy(scratch_);
  }

  BinXmlScanner scanner_;
  EventShape shape_;
  Arena& arena_;
  Program& out_;
  PartRange value_;  // of the attribute, or of the text of the innermost element
  PartRange dynamic_name_;
  EventShape::Meaning attribute_;
  bool in_attribute_ = false;
  bool in_start_ = false;
  std::string scratch_;
};

/// How a value reaches a column of a type; integers skip the detour over text.
BoundOp::Target target_of(data::Type type) {
  if (type == data::Type::kString) return BoundOp::Target::kText;
  if (data::is_integer(type)) return BoundOp::Target::kInteger;
  if (type == data::Type::kDynamic) return BoundOp::Target::kMultivalue;
  return BoundOp::Target::kOther;
}

}  // namespace

void Program::clear() {
  ops.clear();
  parts.clear();
  failed = false;
  provider_op = event_id_op = channel_op = time_op = -1;
  may_nest = false;
  for (size_t t = 0; t < kNumWindowsTables; ++t) {
    bound[t].reset();
    bound_to_columns[t].reset();
  }
  gate = nullptr;
}

bool append_key(
    std::string_view chunk, size_t begin, size_t end, size_t max_bytes, std::string& key) {
  const auto put = [&](std::string_view bytes) {
    const auto size = static_cast<uint32_t>(bytes.size());
    key.append(reinterpret_cast<const char*>(&size), sizeof size).append(bytes);
  };
  BinXmlScanner scanner(chunk, begin, end, true);
  for (;;) {
    const Token t = scanner.next();
    if (t.kind == Kind::kEnd) return true;
    if (t.kind == Kind::kError || key.size() > max_bytes) return false;
    key.push_back(static_cast<char>(t.kind));
    switch (t.kind) {
      case Kind::kOpen:
      case Kind::kAttribute:
      case Kind::kCdata:
      case Kind::kEntity:
        put(t.text);
        break;
      case Kind::kValue:
        key.push_back(static_cast<char>(t.value.type));
        put(t.value.bytes);
        break;
      case Kind::kCharacter:
      case Kind::kSubstitution:
        key.append(reinterpret_cast<const char*>(&t.code), sizeof t.code);
        break;
      default:
        break;
    }
  }
}

bool compile(std::string_view chunk,
             size_t begin,
             size_t end,
             bool in_template,
             EventShape::Place start,
             Arena& arena,
             Program& out,
             size_t* end_at) {
  out.texts = &arena;
  Compiler compiler(chunk, begin, end, in_template, start, arena, out);
  out.failed = !compiler.run();
  if (end_at) *end_at = compiler.at();
  return !out.failed;
}

std::vector<BoundOp> bind(const Program& program,
                          const data::Layout& layout,
                          bool with_values,
                          Arena& arena) {
  std::vector<BoundOp> bound;
  std::string scratch;
  const bool all = with_values && layout.values_slot() >= 0;
  std::vector<int> feeder(layout.fields().size(), -1);  // by slot: the bound op that feeds it
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    if (op.kind == Op::Kind::kNested) continue;
    BoundOp b;
    b.op = static_cast<uint32_t>(i);
    if (op.kind == Op::Kind::kSystem) {
      b.column = system_column(op.field);
      if (op.field == SystemField::kUserId) b.alias_slot = layout.slot("UserID");
    } else if (op.dynamic_name.count == 0) {
      b.column = data_column(op.name, scratch);
      if (b.column.data() == scratch.data()) b.column = arena.copy(b.column);
    }
    b.slot = layout.slot(b.column);
    // A Name that only the record knows may be that of any column.
    const bool unknown_name = op.kind == Op::Kind::kData && op.dynamic_name.count != 0;
    if (b.slot < 0 && b.alias_slot < 0 && !all && !unknown_name) continue;
    if (b.slot >= 0) {
      const auto slot = static_cast<size_t>(b.slot);
      b.target = target_of(layout.fields()[slot].type);
      // Two ops for one column: neither may overwrite the other, so both go through a list.
      if (feeder[slot] >= 0)
        bound[static_cast<size_t>(feeder[slot])].target = b.target = BoundOp::Target::kMultivalue;
      feeder[slot] = static_cast<int>(bound.size());
    }
    bound.push_back(b);
  }
  for (BoundOp& b : bound) {
    const Op& op = program.ops[b.op];
    const bool is_scalar =
        b.target == BoundOp::Target::kText || b.target == BoundOp::Target::kInteger;
    if (b.slot < 0 || b.alias_slot >= 0 || !is_scalar || op.dynamic_name.count != 0) continue;
    if (op.value.count != 1 || program.parts[op.value.first].is_literal) continue;
    b.sole_value = program.parts[op.value.first].index;
  }
  return bound;
}

void search_literals(Program& program, const data::TextGate& gate) {
  program.gate = &gate;
  program.literals_may_hold = false;
  program.mixed_ops.clear();
  std::string joined;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    if (op.kind == Op::Kind::kNested) continue;
    size_t num_literals = 0;
    joined.clear();
    for (uint32_t p = 0; p < op.value.count; ++p) {
      const Part& part = program.parts[op.value.first + p];
      num_literals += part.is_literal ? 1 : 0;
      joined.append(part.literal);
    }
    if (num_literals == op.value.count)
      program.literals_may_hold = program.literals_may_hold || gate.may_hold_plain(joined);
    else if (op.value.count > 1)
      program.mixed_ops.push_back(static_cast<uint32_t>(i));
  }
}

}  // namespace postern::input::evtx
