// Little-endian numbers at unaligned places, and a cursor that cannot leave its bytes.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace postern::input::evtx {

static_assert(std::endian::native == std::endian::little, "EVTX numbers are read as they lie");

template <class T>
inline T load(const char* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// Reads forward through `bytes`; a read past the end gives 0 and sets failed() for good.
class Cursor {
 public:
  Cursor(std::string_view bytes, size_t at) : bytes_(bytes), at_(at), failed_(at > bytes.size()) {}

  template <class T>
  T take() {
    if (!has(sizeof(T))) return fail<T>();
    const T v = load<T>(bytes_.data() + at_);
    at_ += sizeof(T);
    return v;
  }

  std::string_view take_bytes(size_t n) {
    if (!has(n)) return fail<std::string_view>();
    const std::string_view v = bytes_.substr(at_, n);
    at_ += n;
    return v;
  }

  void skip(size_t n) { take_bytes(n); }

  size_t at() const { return at_; }

  size_t left() const { return failed_ ? 0 : bytes_.size() - at_; }

  bool failed() const { return failed_; }

 private:
  bool has(size_t n) const { return !failed_ && bytes_.size() - at_ >= n; }

  template <class T>
  T fail() {
    failed_ = true;
    return T{};
  }

  std::string_view bytes_;
  size_t at_;
  bool failed_;
};

}  // namespace postern::input::evtx
