// How a record is resolved into frames, and its values into text.
//
//   payload -> instance -> frame {program, values} (+ a frame for each nested fragment)
//
// Programs are compiled once per chunk, because a chunk is where names and templates live. What is
// then done with the frames is in record_row.cc.
#include "input/evtx/record.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "input/evtx/utf16.h"
#include "input/evtx/value.h"

namespace postern::input::evtx {
namespace {

constexpr uint32_t kRecordMagic = 0x00002a2a;
constexpr size_t kTrailingSizeBytes = 4;
constexpr int kMaxNesting = 8;
constexpr size_t kMaxFrames = 64;

// Units of work, a few nanoseconds each; see the head of record.h. The most that a chunk of 479
// real files took is 130,000.
constexpr size_t kChunkBudget = 4'000'000;
constexpr size_t kWorkPerTemplateByte = 8;

// Templates kept for later chunks. One key of real files has some 2,000 bytes.
constexpr size_t kMaxKeyBytes = 64 * 1024;
constexpr size_t kMaxKnownBytes = 1024 * 1024;

}  // namespace

std::optional<RecordHeader> record_header(std::string_view chunk, size_t at) {
  Cursor c(chunk, at);
  if (c.take<uint32_t>() != kRecordMagic) return std::nullopt;
  const size_t size = c.take<uint32_t>();
  RecordHeader h;
  h.id = c.take<uint64_t>();
  h.written = c.take<uint64_t>();
  if (c.failed() || size < kRecordHeaderBytes + kTrailingSizeBytes || size > chunk.size() - at)
    return std::nullopt;
  h.at = at;
  h.payload = at + kRecordHeaderBytes;
  h.payload_end = at + size - kTrailingSizeBytes;
  return h;
}

void RecordDecoder::start_chunk(std::string_view chunk, uint64_t file_offset, bool new_budget) {
  chunk_ = chunk;
  file_offset_ = file_offset;
  if (new_budget) budget_ = kChunkBudget;
  templates_.clear();
  damaged_templates_.clear();
  routed_.program = nullptr;
  names_ = std::make_unique<Arena>();
  // Only here: until the next chunk, frames and the chunk's own list point to programs.
  if (known_.texts && known_.bytes < kMaxKnownBytes) return;
  known_.by_key.clear();
  known_.bytes = 0;
  known_.texts = std::make_unique<Arena>();
}

// Reports once, when the budget runs out; what is asked for afterwards is simply not done.
bool RecordDecoder::spend(size_t work) {
  if (budget_ == 0) return false;
  if (budget_ > work) {
    budget_ -= work;
    return true;
  }
  budget_ = 0;
  return fail("evtx-chunk-over-budget", record_.at,
              "templates and values expand beyond any real chunk");
}

bool RecordDecoder::fail(std::string_view name, size_t at, std::string_view detail) {
  report_(name, file_offset_ + at, detail);
  return false;
}

// --- Resolving a record into frames ---------------------------------------------------------

bool RecordDecoder::open(const RecordHeader& record) {
  record_ = record;
  frames_.clear();
  values_.clear();
  num_record_programs_ = 0;
  if (budget_ == 0)
    return fail("evtx-chunk-over-budget", record.at,
                "record not read: its chunk used up its budget");
  // A nested fragment that cannot be read has been reported; the rest of the record still counts.
  open_fragment(record.payload, record.payload_end, EventShape::Place::kOutside, 0);
  return !frames_.empty();
}

// Fragment: header, then either an instance of a template or an element. Headers and processing
// instructions in front are skipped.
bool RecordDecoder::open_fragment(size_t begin, size_t end, EventShape::Place place, int depth) {
  if (depth > kMaxNesting) return fail("evtx-bad-template", begin, "fragments nested too deep");
  BinXmlScanner scanner(chunk_, begin, end, false);
  for (;;) {
    const size_t at = scanner.at();
    const Token t = scanner.next();
    switch (t.kind) {
      case Token::Kind::kOther:
        continue;
      case Token::Kind::kEnd:
        return true;
      case Token::Kind::kTemplate:
        return open_instance(scanner.at(), end, place, depth);
      case Token::Kind::kOpen: {
        Frame f;
        f.program = record_program(at, end, place);
        return f.program && add_frame(f);
      }
      default:
        return fail("evtx-bad-record", at, "no fragment of binary XML");
    }
  }
}

bool RecordDecoder::open_instance(size_t at, size_t end, EventShape::Place place, int depth) {
  const auto instance = read_instance(chunk_, at, end, values_);
  if (!instance) return fail("evtx-truncated-record", at, "values of the record lie outside of it");
  // Values past the cut are null; those before it are still evidence.
  if (instance->is_cut) fail("evtx-truncated-record", at, "values of the record run past its end");
  if (!spend(instance->num_values)) return false;
  Frame f;
  f.is_shared = true;
  f.first_value = instance->first_value;
  f.num_values = instance->num_values;
  f.program = template_program(instance->definition, place);
  if (!f.program || !add_frame(f)) return false;
  return !instance->has_nested || open_nested(f, depth);
}

// The values that are fragments, in the order in which the template names them; one that no op
// names stands where no field can be.
bool RecordDecoder::open_nested(const Frame& frame, int depth) {
  const Program& program = *frame.program;
  for (const Op& op : program.ops) {
    if (op.is_attribute) continue;
    for (uint32_t i = 0; i < op.value.count; ++i) {
      const Part& part = program.parts[op.value.first + i];
      if (part.is_literal) continue;
      const RawValue v = value_of(frame, part);
      if (!v.is(ValueType::kBinXml) || v.bytes.empty()) continue;
      const auto begin = static_cast<size_t>(v.bytes.data() - chunk_.data());
      if (!open_fragment(begin, begin + v.bytes.size(), op.place, depth + 1)) return false;
    }
  }
  return true;
}

bool RecordDecoder::add_frame(const Frame& frame) {
  if (frames_.size() >= kMaxFrames)
    return fail("evtx-bad-template", record_.at, "more nested fragments than any event has");
  frames_.push_back(frame);
  return true;
}

Program* RecordDecoder::template_program(size_t definition, EventShape::Place place) {
  // The same definition means other fields at another place of the event.
  const uint64_t key = uint64_t{definition} << 8 | static_cast<uint8_t>(place);
  Program*& program = templates_[key];
  if (program) return program;
  const auto tokens = definition_tokens(chunk_, definition);
  if (tokens) {
    const auto [begin, end] = *tokens;
    // What the budget no longer allows is empty from now on.
    if (spend((end - begin) * kWorkPerTemplateByte)) program = known_program(begin, end, place);
    if (program) return program;
  }
  damaged_templates_.push_back(std::make_unique<Program>());
  program = damaged_templates_.back().get();
  program->failed = true;
  program->texts = names_.get();
  if (!tokens) {
    fail("evtx-bad-template", definition, "definition lies outside of its chunk");
    return program;
  }
  if (budget_ == 0) return nullptr;
  // What came before the fault is kept: a damaged tail must not hide the fields in front of it.
  if (!compile(chunk_, tokens->first, tokens->second, true, place, *names_, *program))
    fail("evtx-bad-template", definition, "definition is no well-formed binary XML");
  return program;
}

/// The program of a definition that this chunk or one before has; null when it is damaged or large.
Program* RecordDecoder::known_program(size_t begin, size_t end, EventShape::Place place) {
  known_.key.assign(1, static_cast<char>(place));
  if (known_.bytes >= kMaxKnownBytes || !append_key(chunk_, begin, end, kMaxKeyBytes, known_.key))
    return nullptr;
  if (const auto it = known_.by_key.find(known_.key); it != known_.by_key.end())
    return it->second.get();
  auto program = std::make_unique<Program>();
  if (!compile(chunk_, begin, end, true, place, *known_.texts, *program)) return nullptr;
  known_.bytes += known_.key.size();
  return known_.by_key.emplace(known_.key, std::move(program)).first->second.get();
}

// Compiled for one record, in a program that is used again for the next.
Program* RecordDecoder::record_program(size_t begin, size_t end, EventShape::Place place) {
  if (!spend((end - begin) * kWorkPerTemplateByte)) return nullptr;
  if (num_record_programs_ == record_programs_.size())
    record_programs_.push_back(std::make_unique<Program>());
  Program* p = record_programs_[num_record_programs_++].get();
  p->clear();
  if (!compile(chunk_, begin, end, false, place, *names_, *p))
    fail("evtx-bad-record", begin, "record without a template is no well-formed binary XML");
  return p;
}

// --- Values ---------------------------------------------------------------------------------

// An index beyond the list is a null, as Windows has it.
RawValue RecordDecoder::value_of(const Frame& f, const Part& p) const {
  return p.index < f.num_values ? values_[f.first_value + p.index] : RawValue{};
}

std::optional<RawValue> RecordDecoder::single_value(const Frame& f, PartRange r) const {
  if (r.count != 1 || f.program->parts[r.first].is_literal) return std::nullopt;
  return value_of(f, f.program->parts[r.first]);
}

RecordDecoder::Text RecordDecoder::text(const RawValue& v, Arena& arena) {
  // The common case goes straight into the arena.
  if (v.is(ValueType::kString)) return {utf8_in_arena(arena, trim_utf16(v.bytes)), true};
  if (v.bytes.empty()) return {{"", 0}, true};
  scratch_.clear();
  append_text(scratch_, v.element_type(), v.bytes);
  return {arena.copy(scratch_), true};
}

RecordDecoder::Text RecordDecoder::text(const Frame& f, PartRange r, Arena& arena) {
  if (r.count == 0) return {{"", 0}, true};
  const Part& first = f.program->parts[r.first];
  if (r.count == 1 && first.is_literal) return {first.literal, false};
  if (r.count == 1) {
    const RawValue v = value_of(f, first);
    if (!v.is_array()) return text(v, arena);
  }
  std::string joined;
  append_parts(f, r, joined);
  return {arena.copy(joined), true};
}

void RecordDecoder::append_parts(const Frame& f, PartRange r, std::string& out) {
  for (uint32_t i = 0; i < r.count; ++i) {
    const Part& p = f.program->parts[r.first + i];
    if (p.is_literal) {
      out.append(p.literal);
      continue;
    }
    const RawValue v = value_of(f, p);
    if (v.is(ValueType::kBinXml)) continue;
    // Before the text is made: one value may be named by thousands of parts.
    if (!spend(kWorkPerOp + v.bytes.size())) break;
    elements_.clear();
    if (v.is_array())
      split_array(v, elements_);
    else
      elements_.push_back(v);
    for (size_t e = 0; e < elements_.size(); ++e) {
      if (e != 0) out.push_back(' ');
      append_text(out, elements_[e].element_type(), elements_[e].bytes);
    }
  }
}

bool RecordDecoder::is_absent(const Frame& f, const Op& op) const {
  const auto v = single_value(f, op.value);
  return v && ((op.is_attribute && v->is(ValueType::kNull)) || v->is(ValueType::kBinXml));
}

/// The bytes that tell one provider or channel from another, without making text of them.
std::string_view RecordDecoder::raw_bytes(const Frame& f, int op) const {
  if (op < 0) return {};
  const PartRange r = f.program->ops[static_cast<size_t>(op)].value;
  if (const auto v = single_value(f, r)) return v->bytes;
  return r.count == 0 ? std::string_view{} : f.program->parts[r.first].literal;
}

WindowsTable RecordDecoder::table() {
  const auto at = std::find_if(frames_.begin(), frames_.end(), [](const Frame& f) {
    return f.program->provider_op >= 0 || f.program->channel_op >= 0;
  });
  if (at == frames_.end()) return WindowsTable::kEvent;
  const Frame& f = *at;
  const std::string_view provider = raw_bytes(f, f.program->provider_op);
  const std::string_view channel = raw_bytes(f, f.program->channel_op);
  // Neighbours nearly always agree, so most records cost two comparisons.
  if (routed_.program == f.program && f.is_shared && routed_.provider == provider &&
      routed_.channel == channel)
    return routed_.table;
  Arena arena(256);
  const auto text_of = [&](int op) {
    return op < 0 ? std::string_view{}
                  : text(f, f.program->ops[static_cast<size_t>(op)].value, arena).text;
  };
  routed_.program = f.program;
  routed_.provider = provider;
  routed_.channel = channel;
  routed_.table = windows_table(text_of(f.program->provider_op), text_of(f.program->channel_op));
  return routed_.table;
}

std::optional<int64_t> RecordDecoder::event_id() {
  for (const Frame& f : frames_) {
    if (f.program->event_id_op < 0) continue;
    const Op& op = f.program->ops[static_cast<size_t>(f.program->event_id_op)];
    if (const auto v = single_value(f, op.value))
      if (const auto id = as_integer(*v)) return id;
    Arena arena(256);
    return parse_int(trim(text(f, op.value, arena).text));
  }
  return std::nullopt;
}

std::optional<int64_t> RecordDecoder::event_time() {
  const auto of_filetime = [](uint64_t filetime) -> std::optional<int64_t> {
    if (filetime == 0 || filetime > uint64_t{kMaxTicks - kFiletimeEpochTicks}) return std::nullopt;
    return kFiletimeEpochTicks + static_cast<int64_t>(filetime);
  };
  for (const Frame& f : frames_) {
    if (f.program->time_op < 0) continue;
    const Op& op = f.program->ops[static_cast<size_t>(f.program->time_op)];
    const auto v = single_value(f, op.value);
    if (v && v->is(ValueType::kFiletime) && v->bytes.size() == 8) {
      if (const auto ticks = of_filetime(load<uint64_t>(v->bytes.data()))) return ticks;
      continue;
    }
    Arena arena(256);
    if (const auto ticks = parse_rfc3339(text(f, op.value, arena).text)) return ticks;
  }
  return of_filetime(record_.written);  // when the service wrote it: moments later
}

}  // namespace postern::input::evtx
