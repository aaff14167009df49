// Event records where no reader looks: behind the last record of a chunk, in chunks whose header is
// gone, at positions that are no chunk's, and anywhere in files that are no logs at all (disk
// images, memory dumps, page files).
//
// A record is believed when it carries its size at both ends, begins with binary XML and has a time
// between 1990 and 2100. Its names and templates are offsets into its chunk, so the chunk has to be
// known: by its header, or, for a record that lies alone, by a template that is defined in the
// record itself, which stands in the file where the chunk's offset says. A template that later
// records have overwritten no longer has the id that the record asks for; such a record is counted
// as lost. Source: [MS-EVEN6]; Schuster, Introducing the Microsoft Vista event log file format
// (2007). Tests: tests/unit/input/evtx_carve_test.cc, fuzz_evtx.
#pragma once
#include <cstddef>
#include <functional>
#include <string_view>

#include "input/evtx/record.h"

namespace postern::input::evtx {

/// A record, and the chunk that its offsets count from: `header` is relative to it.
struct CarvedRecord {
  size_t chunk = 0;
  RecordHeader header;
};

using EachCarved = std::function<bool(const CarvedRecord&)>;

/// Looks through one place after the other of a file, in its order: places do not overlap, and what
/// was found is given once.
class Carver {
 public:
  Carver(std::string_view file, Report report) : file_(file), report_(std::move(report)) {}

  /// The rest of the chunk at `chunk`, whose last live record ends at `used` (relative).
  bool slack(size_t chunk, size_t used, const EachCarved& each);
  /// file[begin, end): no chunk is known there, but there may be some at any offset.
  bool region(size_t begin, size_t end, const EachCarved& each);

  /// Live bytes up to here were decoded by other means.
  void skip_to(size_t at) { done_ = at > done_ ? at : done_; }

 private:
  bool records_in(size_t chunk, size_t from, size_t to, const EachCarved& each);
  bool lone_record(size_t at, const EachCarved& each);
  bool give(const CarvedRecord& record, const EachCarved& each);

  std::string_view file_;
  Report report_;
  size_t done_ = 0;
  size_t base_ = std::string_view::npos;  // chunk of the last lone record
};

}  // namespace postern::input::evtx
