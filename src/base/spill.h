// Bytes of unknown number on their way to a decoder: what came through a pipe, or out of an
// archive.
//
// Up to a limit they are kept in memory; from there on they go to a file that has no name (in
// $TMPDIR, else /var/tmp, else /tmp) and are mapped at the end, so that memory stays bounded and
// nothing is left behind when the program dies. Tests: tests/unit/base/spill_test.cc.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"

namespace postern {

class Spill {
 public:
  /// Beyond this many bytes a file is used.
  static constexpr size_t kMemoryBytes = size_t{32} << 20;

  explicit Spill(size_t memory_bytes = kMemoryBytes) : memory_bytes_(memory_bytes) {}

  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;
  ~Spill();

  uint64_t size() const { return size_; }

  bool is_in_file() const { return fd_ >= 0; }

  /// Error: no place for a file, or its disk is full.
  Result<bool> append(std::string_view bytes);
  /// Zeros up to `size`, as sparse members of archives have them.
  Result<bool> extend(uint64_t size);
  /// Writes what waits in memory, so that read() sees it. Error as of append().
  Result<bool> flush();
  /// `n` bytes from `at` on, all of them flushed before. Error: the file cannot be read.
  Result<bool> read(uint64_t at, char* to, size_t n) const;
  /// All of them; the spill is empty afterwards.
  Result<std::shared_ptr<const FileBytes>> take();

 private:
  Result<bool> to_file();
  Result<bool> write_out(std::string_view bytes);

  size_t memory_bytes_;
  std::string memory_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

/// Reads a pipe to its end, or until `cancelled` is set: then what has come so far is the answer.
Result<std::shared_ptr<const FileBytes>> read_stream(int descriptor,
                                                     const std::string& name,
                                                     const std::atomic<bool>* cancelled = nullptr);

}  // namespace postern
