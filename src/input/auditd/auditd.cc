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
    while (records_.ok() && reader.next()) {
      if (!progress.at(reader.done())) break;
      if (is_listing_mark(reader.line()) || is_long_line(reader, input_, context_)) continue;
      if (!records_.add(reader.line(), reader.offset(), reader.number())) bad_line(reader);
    }
    progress.at(reader.done());
    records_.finish();
  }

 private:
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
  Decoder(input, context).run();
}

}  // namespace postern::input::auditd
