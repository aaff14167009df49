#include "input/auditd/auditd.h"

#include <algorithm>
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

  /// An event belongs to the slice that its last line is in. Its first lines may be in the slice
  /// before: some of that is read for them.
  void run(const Slice& slice) {
    Slice from = slice;
    from.begin = warm_up(slice.begin);
    from.lines_before -= static_cast<uint64_t>(
        std::count(input_.bytes.begin() + static_cast<std::ptrdiff_t>(from.begin),
                   input_.bytes.begin() + static_cast<std::ptrdiff_t>(slice.begin), '\n'));
    LineReader reader(input_.bytes, &from);
    Progress progress(context_, &input_);
    records_.give_out(false);
    while (reader.done() < slice.begin && reader.next())
      if (!is_listing_mark(reader.line()) && reader.line().size() <= kMaxLineBytes)
        records_.add(reader.line(), reader.offset(), reader.number());
    records_.give_out(true);
    read(reader, progress, slice.end);
    if (slice.end == input_.bytes.size())
      records_.finish();
    else
      records_.finish_slice(warm_up(slice.end));
  }

 private:
  /// Where reading for a slice begins that begins at `at`. Lines of one event are written within
  /// moments; an event that goes on behind more than this would become two.
  size_t warm_up(size_t at) const {
    constexpr size_t kWarmUpBytes = size_t{1} << 20;
    if (at <= kWarmUpBytes) return 0;
    const size_t line_end = input_.bytes.find('\n', at - kWarmUpBytes);
    return std::min(at, line_end + 1);
  }

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
  return std::make_unique<LineCutter>(input.bytes, slice_bytes,
                                      [](std::string_view) { return true; });
}

}  // namespace postern::input::auditd
