// Raw deflate as a stream, for protocols that compress a connection (IMAP COMPRESS=DEFLATE).
// Library: zlib. Tests: the session tests of imap
// (ReadsOnInACompressedConnection).
#pragma once
#include <functional>
#include <memory>
#include <string_view>

namespace postern::adapt {

class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Hands the bytes that come out to `out`, in pieces of at most 16 KiB, so that what is held does
  /// not grow with the ratio. False: the data is broken; nothing more will come out.
  bool feed(std::string_view in, const std::function<void(std::string_view)>& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace postern::adapt
