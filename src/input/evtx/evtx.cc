// The file level: chunk after chunk, record after record, each to the builder of its table. A
// record whose table nobody reads costs its header, its list of values and two comparisons.
#include "input/evtx/evtx.h"

#include <algorithm>
#include <array>
#include <utility>

#include "input/evtx/carve.h"
#include "input/evtx/chunk.h"
#include "input/evtx/record.h"
#include "input/text_input.h"
#include "input/windows_event.h"

namespace postern::input::evtx {
namespace {

/// Where a record lies, and the chunk that its offsets count from.
struct Place {
  uint64_t offset = 0;
  uint64_t chunk = 0;
};

/// Reads records again by their places.
class Reader : public data::RecordReader {
 public:
  Reader(std::string_view file, std::shared_ptr<const void> owner, std::vector<Place> places)
      : file_(file), owner_(std::move(owner)), places_(std::move(places)) {}

  void read(uint32_t row, data::FieldVisitor& out) const override {
    if (row >= places_.size()) return;
    const uint64_t offset = places_[row].offset;
    const auto at = static_cast<size_t>(places_[row].chunk);
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
  std::vector<Place> places_;
};

/// One pass over the chunks of one file.
class FileDecoder {
 public:
  FileDecoder(const Input& input, DecodeContext& context, bool carve)
      : input_(input),
        context_(context),
        carve_(carve),
        writer_(context, input.path),
        report_([this](std::string_view name, uint64_t offset, std::string_view detail) {
          context_.anomalies.add(name, input_.path, offset, detail);
        }),
        decoder_(report_),
        carver_(input.bytes, report_) {
    writer_.set_reader_factory([this](WindowsTable t) {
      return std::make_shared<Reader>(input_.bytes, input_.owner,
                                      std::exchange(places_[static_cast<size_t>(t)], {}));
    });
  }

  void run() {
    const std::string_view file = input_.bytes;
    const Slice* slice = context_.slice;
    const size_t stop = slice ? slice->end : file.size();
    Progress progress(context_, &input_);
    for (size_t at = slice && slice->begin > 0 ? slice->begin : first_chunk(file); at < stop;
         at += kChunkBytes) {
      if (!writer_.ok()) break;
      chunk(file.substr(at, kChunkBytes), at);
      if (!progress.at(std::min(file.size(), at + kChunkBytes))) break;
    }
    writer_.flush();
  }

  /// Looks for records in a file that is no log.
  void carve() {
    constexpr size_t kStep = size_t{1} << 20;  // of progress
    const std::string_view file = input_.bytes;
    Progress progress(context_, &input_);
    for (size_t at = 0; at < file.size() && writer_.ok(); at += kStep) {
      const size_t end = std::min(file.size(), at + kStep);
      carver_.region(at, end, each_carved());
      if (!progress.at(end)) break;
    }
    writer_.flush();
  }

 private:
  void chunk(std::string_view bytes, size_t at) {
    size_t used = 0;
    if (is_unused(bytes) || !check_chunk(bytes, at, report_, used)) {
      if (carve_) carver_.region(at, at + bytes.size(), each_carved());
      return;
    }
    decoder_.start_chunk(bytes, at);
    for_each_record(bytes, at, used, report_, [&](const RecordHeader& h) {
      if (decoder_.open(h)) record(h, at + h.at);
      return writer_.ok();
    });
    if (carve_) {
      carved_chunk_ = at;
      carver_.skip_to(at + used);
      carver_.slack(at, used, each_carved());
    }
  }

  EachCarved each_carved() {
    return [this](const CarvedRecord& r) {
      if (carved_chunk_ != r.chunk) {
        // Chunks that overlap, which hostile bytes can claim by the thousand, share one budget.
        const bool is_new = r.chunk >= budgeted_;
        if (is_new) budgeted_ = r.chunk + kChunkBytes;
        decoder_.start_chunk(input_.bytes.substr(r.chunk, kChunkBytes), r.chunk, is_new);
        carved_chunk_ = r.chunk;
      }
      if (decoder_.open(r.header)) record(r.header, r.chunk + r.header.at);
      return writer_.ok() && !context_.stopped();
    };
  }

  void record(const RecordHeader& h, uint64_t offset) {
    const WindowsTable table = decoder_.table();
    data::BatchBuilder* b = writer_.builder(table);
    if (!b) return writer_.skip(table);
    // An event whose kind cannot be told is decoded: it might be any.
    const auto id = decoder_.event_id();
    if (id && !b->layout().wants_event(*id)) return writer_.skip(table);
    // Before the row: the one that fills a batch hands it over, and its offset belongs to it.
    places_[static_cast<size_t>(table)].push_back({offset, offset - h.at});
    decoder_.write_row(table, *b, {offset, h.id});
  }

  const Input& input_;
  DecodeContext& context_;
  bool carve_;
  WindowsEventWriter writer_;
  Report report_;
  RecordDecoder decoder_;
  std::array<std::vector<Place>, kNumWindowsTables> places_;  // of rows not yet handed over
  Carver carver_;
  uint64_t carved_chunk_ = UINT64_MAX;  // the one that decoder_ was started on while carving
  uint64_t budgeted_ = 0;               // bytes before this have had their budget of work
};

class ChunkCutter final : public Cutter {
 public:
  ChunkCutter(std::string_view file, uint64_t slice_bytes)
      : first_(first_chunk(file)), size_(file.size()), slice_bytes_(slice_bytes) {}

  bool next(Slice& slice) override {
    if (at_ >= size_) return false;
    slice.begin = at_;
    const uint64_t chunks =
        std::max<uint64_t>(1, slice_bytes_of(size_ - at_, slice_bytes_) / kChunkBytes);
    at_ = std::min<size_t>(size_, std::max(at_, first_) + chunks * kChunkBytes);
    slice.end = at_;
    return true;
  }

 private:
  size_t first_;
  size_t size_;
  uint64_t slice_bytes_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes) {
  if (input.bytes.size() < 2 * slice_bytes) return nullptr;
  return std::make_unique<ChunkCutter>(input.bytes, slice_bytes);
}

bool detect(std::string_view head) {
  return is_evtx(head);
}

void decode(const Input& input, DecodeContext& context) {
  FileDecoder(input, context, false).run();
}

void decode_and_carve(const Input& input, DecodeContext& context) {
  FileDecoder(input, context, true).run();
}

void carve(const Input& input, DecodeContext& context) {
  FileDecoder(input, context, true).carve();
}

}  // namespace postern::input::evtx
