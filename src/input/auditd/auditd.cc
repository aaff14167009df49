#include "input/auditd/auditd.h"

#include <atomic>
#include <string>
#include <utility>

#include "base/text.h"
#include "input/auditd/record_stream.h"
#include "input/text_input.h"

namespace postern::input::auditd {
namespace {

/// Lines that an ausearch listing puts between events.
bool is_listing_mark(std::string_view line) {
  return line.empty() || line == "----" || line.substr(0, 6) == "time->";
}

class Decoder {
 public:
  Decoder(const Input& input, DecodeContext& context)
      : input_(input), context_(context), records_(input, context) {}

  void run() {
    LineReader reader(input_.bytes);
    Progress progress(context_, &input_);
    read(reader, progress, input_.bytes.size());
    records_.finish();
  }

  /// An event belongs to the slice in which it ends.
  void run(const Slice& slice) {
    LineReader reader(input_.bytes, &slice);
    Progress progress(context_, &input_);
    records_.carry(slice.carried);
    read(reader, progress, slice.end);
    if (slice.behind && records_.ok() && reader.done() >= slice.end) tell(*slice.behind, reader);
    if (slice.end == input_.bytes.size())
      records_.finish();
    else
      records_.finish_slice();
  }

 private:
  void read(LineReader& reader, Progress& progress, uint64_t end) {
    while (records_.ok() && reader.done() < end && reader.next()) {
      if (!progress.at(reader.done())) break;
      if (is_listing_mark(reader.line()) || is_long_line(reader, input_, context_)) continue;
      if (!records_.add(reader.line(), reader.offset(), reader.number())) bad_line(reader);
    }
    progress.at(reader.done());
  }

  void tell(SliceEnd& behind, const LineReader& reader) {
    behind.lines_before = reader.number();
    behind.carried = records_.open_lines();
    behind.is_known.store(true, std::memory_order_release);
  }

  void bad_line(const LineReader& reader) {
    constexpr size_t kShown = 60;
    std::string detail;
    if (context_.anomalies.all().find("auditd-bad-line") == context_.anomalies.all().end())
      detail = "line " + std::to_string(reader.number()) + ": " +
               repair_utf8(reader.line().substr(0, kShown));
    context_.anomalies.add("auditd-bad-line", input_.path, reader.offset(), detail);
  }

  const Input& input_;
  DecodeContext& context_;
  RecordStream records_;
};

/// Knows which events are open where a slice begins: from the decoder of the slice before, or,
/// while that is not done, by putting the events together as it does.
class EventCutter final : public Cutter {
 public:
  EventCutter(std::string_view text, uint64_t slice_bytes)
      : text_(text), slice_bytes_(slice_bytes) {}

  bool next(Slice& slice) override {
    if (last_.end >= text_.size()) return false;
    if (last_.behind) pass_last();
    last_.begin = last_.end;
    last_.end = line_end(last_.begin + slice_bytes_of(text_.size() - last_.begin, slice_bytes_));
    last_.behind = std::make_shared<SliceEnd>();
    slice = last_;
    return true;
  }

 private:
  void pass_last() {
    if (last_.behind->is_known.load(std::memory_order_acquire)) {
      last_.lines_before = last_.behind->lines_before;
      last_.carried = std::move(last_.behind->carried);
      return;
    }
    LineReader reader(text_, &last_);
    OpenEvents open(text_);
    open.carry(last_.carried);
    while (reader.next())
      if (!is_listing_mark(reader.line()) && reader.line().size() <= kMaxLineBytes)
        open.add(reader.line(), reader.number());
    last_.lines_before = reader.number();
    last_.carried = open.lines();
  }

  /// Behind the line that holds the last byte in front of `at`.
  uint64_t line_end(uint64_t at) const {
    if (at >= text_.size()) return text_.size();
    const size_t mark = text_.find('\n', at - 1);
    return mark == std::string_view::npos ? text_.size() : mark + 1;
  }

  std::string_view text_;
  uint64_t slice_bytes_;
  Slice last_;  // that was handed out
};

}  // namespace

bool detect(std::string_view head) {
  std::string converted;
  LineReader reader(text_head(head, converted));
  Line line;
  // A syslog file with some audit lines is not an audit log: the first lines must be.
  for (int lines = 0; lines < 8 && reader.next();) {
    if (is_listing_mark(reader.line())) continue;
    if (read_head(reader.line(), line)) return true;
    ++lines;
  }
  return false;
}

void decode(const Input& original, DecodeContext& context) {
  const Input input = text_input(original);
  Decoder decoder(input, context);
  if (context.slice)
    decoder.run(*context.slice);
  else
    decoder.run();
}

std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (!can_cut_text(input, slice_bytes)) return nullptr;
  return std::make_unique<EventCutter>(input.bytes, slice_bytes);
}

}  // namespace postern::input::auditd
