// The file level: chunk after chunk, record after record, each to the builder of its table. A
// record whose table nobody reads costs its header, its list of values and two comparisons.
#include "input/evtx/evtx.h"

#include <algorithm>
#include <array>
#include <utility>

#include "input/evtx/chunk.h"
#include "input/evtx/record.h"
#include "input/windows_event.h"

namespace postern::input::evtx {
namespace {

/// Reads records again by their offsets.
class Reader : public data::RecordReader {
 public:
  Reader(std::string_view file, std::shared_ptr<const void> owner, std::vector<uint64_t> offsets)
      : file_(file), owner_(std::move(owner)), offsets_(std::move(offsets)) {}

  void read(uint32_t row, data::FieldVisitor& out) const override {
    if (row >= offsets_.size()) return;
    const uint64_t offset = offsets_[row];
    const size_t at = chunk_of(file_, offset);
    const std::string_view chunk = file_.substr(at, kChunkBytes);
    const auto header = record_header(chunk, static_cast<size_t>(offset) - at);
    // Anomalies were counted when the row was made.
    // A fresh decoder: this may run on another thread than the one that made the batch, and one
    // record needs no more than two templates compiled.
    RecordDecoder decoder([](std::string_view, uint64_t, std::string_view) {});
    decoder.start_chunk(chunk, at);
    if (!header || !decoder.open(*header)) return;
    Arena arena;
    WindowsEvent event;
    decoder.read_event(arena, event);
    visit(event, out);
  }

 private:
  std::string_view file_;
  std::shared_ptr<const void> owner_;
  std::vector<uint64_t> offsets_;
};

/// One pass over the chunks of one file.
class FileDecoder {
 public:
  FileDecoder(const Input& input, DecodeContext& context)
      : input_(input),
        context_(context),
        writer_(context, input.path),
        report_([this](std::string_view name, uint64_t offset, std::string_view detail) {
          context_.anomalies.add(name, input_.path, offset, detail);
        }),
        decoder_(report_) {
    writer_.set_reader_factory([this](WindowsTable t) {
      return std::make_shared<Reader>(input_.bytes, input_.owner,
                                      std::exchange(offsets_[static_cast<size_t>(t)], {}));
    });
  }

  void run() {
    const std::string_view file = input_.bytes;
    size_t done = 0;
    for (size_t at = first_chunk(file); at < file.size(); at += kChunkBytes) {
      if (context_.stopped() || !writer_.ok()) break;
      chunk(file.substr(at, kChunkBytes), at);
      const size_t end = std::min(file.size(), at + kChunkBytes);
      if (context_.bytes_done)
        context_.bytes_done->fetch_add(end - done, std::memory_order_relaxed);
      done = end;
    }
    writer_.flush();
  }

 private:
  void chunk(std::string_view bytes, size_t at) {
    size_t used = 0;
    if (is_unused(bytes) || !check_chunk(bytes, at, report_, used)) return;
    decoder_.start_chunk(bytes, at);
    for_each_record(bytes, at, used, report_, [&](const RecordHeader& h) {
      if (decoder_.open(h)) record(h, at + h.at);
      return writer_.ok();
    });
  }

  void record(const RecordHeader& h, uint64_t offset) {
    const WindowsTable table = decoder_.table();
    data::BatchBuilder* b = writer_.builder(table);
    if (!b) return writer_.skip(table);
    // An event whose kind cannot be told is decoded: it might be any.
    const auto id = decoder_.event_id();
    if (id && !b->layout().wants_event(*id)) return writer_.skip(table);
    // Before the row: the one that fills a batch hands it over, and its offset belongs to it.
    offsets_[static_cast<size_t>(table)].push_back(offset);
    decoder_.write_row(table, *b, {offset, h.id});
  }

  const Input& input_;
  DecodeContext& context_;
  WindowsEventWriter writer_;
  Report report_;
  RecordDecoder decoder_;
  std::array<std::vector<uint64_t>, kNumWindowsTables> offsets_;  // of rows not yet handed over
};

}  // namespace

bool detect(std::string_view head) {
  return is_evtx(head);
}

void decode(const Input& input, DecodeContext& context) {
  FileDecoder(input, context).run();
}

}  // namespace postern::input::evtx
