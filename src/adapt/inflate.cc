#include "adapt/inflate.h"

#include <algorithm>
#include <limits>

#include <zlib.h>

namespace postern::adapt {

struct Inflater::State {
  z_stream stream{};
  bool good = false;
  char buffer[16 * 1024];
};

Inflater::Inflater() : state_(std::make_unique<State>()) {
  // Negative: raw deflate, without header and checksum.
  state_->good = inflateInit2(&state_->stream, -MAX_WBITS) == Z_OK;
}

Inflater::~Inflater() {
  inflateEnd(&state_->stream);
}

bool Inflater::feed(std::string_view in, const std::function<void(std::string_view)>& out) {
  State& s = *state_;
  while (s.good && !in.empty()) {
    const size_t n = std::min<size_t>(in.size(), std::numeric_limits<uInt>::max());
    // zlib does not write to its input; its interface is older than const.
    s.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    s.stream.avail_in = static_cast<uInt>(n);
    do {
      s.stream.next_out = reinterpret_cast<Bytef*>(s.buffer);
      s.stream.avail_out = sizeof s.buffer;
      const int code = inflate(&s.stream, Z_SYNC_FLUSH);
      const size_t made = sizeof s.buffer - s.stream.avail_out;
      if (made > 0) out({s.buffer, made});
      if (code != Z_OK && code != Z_BUF_ERROR) s.good = false;
    } while (s.good && s.stream.avail_out == 0);
    in.remove_prefix(n - s.stream.avail_in);
    if (s.stream.avail_in > 0 && s.good) break;  // no progress is possible
  }
  return s.good;
}

}  // namespace postern::adapt
