// A file of a wanted size that the generators write to.
#pragma once
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace postern::bench {

/// What was written; `wanted` is what the rules of the benchmarks must find.
struct Counts {
  uint64_t events = 0;
  uint64_t wanted = 0;
};

/// Writes until `bytes` are reached; hands large pieces to the file.
class Output {
 public:
  Output(const char* path, uint64_t bytes) : file_(path, std::ios::binary), left_(bytes) {}

  bool full() const { return written_ >= left_; }

  void add(std::string_view text) {
    buffer_.append(text);
    written_ += text.size();
    if (buffer_.size() > size_t{1} << 20) flush();
  }

  bool flush() {
    file_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.clear();
    file_.flush();
    return static_cast<bool>(file_);
  }

 private:
  std::ofstream file_;
  uint64_t left_;
  uint64_t written_ = 0;
  std::string buffer_;
};

}  // namespace postern::bench
