// What a content really is, by its first bytes, and how random it looks.
// Tests: tests/unit/mime/magic_test.cc.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace postern::mime {

/// Bytes of the beginning that content_type() looks at.
inline constexpr size_t kMagicBytes = 4096;

/// A media type such as "application/x-dosexec", or "" for an empty content; text and unknown
/// binary content are "text/plain" and "application/octet-stream".
std::string_view content_type(std::string_view head);

/// Counts bytes; entropy() is Shannon's in bits per byte, 0 to 8.
class ByteHistogram {
 public:
  void add(std::string_view bytes);
  double entropy() const;

  uint64_t total() const { return total_; }

 private:
  std::array<uint64_t, 256> counts_{};
  uint64_t total_ = 0;
};

}  // namespace postern::mime
