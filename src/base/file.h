// Files as bytes: the only place that opens evidence, rules and outputs.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern {

/// Read-only bytes of a file, mapped where possible; immovable once made, shared by what reads it.
class FileBytes {
 public:
  FileBytes() = default;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  std::string_view view() const { return {data_, size_}; }

  /// Says that bytes [begin, end) have been read: memory that only repeats the file goes back to
  /// the system. Reading them again is allowed and reads the file again.
  void release(uint64_t begin, uint64_t end) const;

  /// Maps a regular file, or reads a pipe or "-" (standard input) to its end, through a temporary
  /// file where there is much.
  static Result<std::shared_ptr<const FileBytes>> open(const std::string& path);
  /// Maps an open file, which may be closed afterwards.
  static Result<std::shared_ptr<const FileBytes>> map(int descriptor);
  /// Bytes that came from elsewhere (a test, an archive member).
  static std::shared_ptr<const FileBytes> from_string(std::string bytes);

 private:
  const char* data_ = "";
  size_t size_ = 0;
  bool mapped_ = false;
  std::string owned_;
};

/// All regular files under `path` (a file, a folder, recursed, or a glob), sorted bytewise; hidden
/// files and `__MACOSX` are left out below a folder. Error when nothing is there, or anything
/// cannot be looked at; with `unlisted` the latter is told there, next to what could.
Result<std::vector<std::string>> list_files(const std::string& path,
                                            std::vector<std::string>* unlisted = nullptr);

Result<std::string> read_text_file(const std::string& path);

}  // namespace postern
