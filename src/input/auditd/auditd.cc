#include "input/auditd/auditd.h"

#include <string>

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

/// Puts the events together as the decoder does, to know which are open where a slice begins.
class EventCutter final : public Cutter {
 public:
  EventCutter(std::string_view text, uint64_t slice_bytes)
      : text_(text), slice_bytes_(slice_bytes), reader_(text), open_(text) {}

  bool next(Slice& slice) override {
    if (at_ >= text_.size()) return false;
    slice.begin = at_;
    slice.lines_before = reader_.number();
    slice.carried = open_.lines();
    const uint64_t enough = at_ + slice_bytes_of(text_.size() - at_, slice_bytes_);
    while (reader_.done() < enough && reader_.next())
      if (!is_listing_mark(reader_.line()) && reader_.line().size() <= kMaxLineBytes)
        open_.add(reader_.line(), reader_.number());
    slice.end = at_ = reader_.done();
    return true;
  }

 private:
  std::string_view text_;
  uint64_t slice_bytes_;
  LineReader reader_;
  OpenEvents open_;
  uint64_t at_ = 0;
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
