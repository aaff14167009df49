#include "base/spill.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace postern {
namespace {

// What waits in memory to be written, once there is a file.
constexpr size_t kWriteBytes = size_t{1} << 20;
constexpr size_t kReadBytes = size_t{256} << 10;

/// A file without a name: the kernel makes one where the file system can, else it is unlinked.
int open_unnamed(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = folder + "/postern.XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

Error no_space(int number) {
  return {Code::kIo, std::string("no room for a temporary file: ") + std::strerror(number) +
                         "; set TMPDIR to a folder with more"};
}

}  // namespace

Spill::~Spill() {
  if (fd_ >= 0) ::close(fd_);
}

Result<bool> Spill::to_file() {
  const char* wanted = std::getenv("TMPDIR");
  int number = ENOENT;
  for (const char* folder : {wanted, "/var/tmp", "/tmp"}) {
    if (folder == nullptr || *folder == '\0') continue;
    fd_ = open_unnamed(folder);
    if (fd_ >= 0) {
      const std::string before = std::exchange(memory_, {});
      return write_out(before);
    }
    number = errno;
  }
  return no_space(number);
}

Result<bool> Spill::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return no_space(errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

Result<bool> Spill::append(std::string_view bytes) {
  size_ += bytes.size();
  if (fd_ < 0 && memory_.size() + bytes.size() > memory_bytes_) {
    POSTERN_TRY([[maybe_unused]] const bool moved, to_file());
  }
  if (fd_ < 0) {
    memory_.append(bytes);
    return true;
  }
  // Blocks of archives are small; writes are not.
  if (memory_.size() + bytes.size() < kWriteBytes) {
    memory_.append(bytes);
    return true;
  }
  POSTERN_TRY([[maybe_unused]] const bool before, write_out(memory_));
  memory_.clear();
  return write_out(bytes);
}

Result<bool> Spill::extend(uint64_t size) {
  static const std::array<char, 65536> kZeros{};
  while (size_ < size) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(size - size_, kZeros.size()));
    POSTERN_TRY([[maybe_unused]] const bool added, append({kZeros.data(), n}));
  }
  return true;
}

Result<bool> Spill::flush() {
  if (fd_ < 0) return to_file();
  const std::string waiting = std::exchange(memory_, {});
  return write_out(waiting);
}

Result<bool> Spill::read(uint64_t at, char* to, size_t n) const {
  while (n > 0) {
    const ssize_t got = ::pread(fd_, to, n, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return Error{Code::kIo, std::string("cannot read a temporary file: ") +
                                  (got < 0 ? std::strerror(errno) : "it is cut")};
    to += got;
    at += static_cast<uint64_t>(got);
    n -= static_cast<size_t>(got);
  }
  return true;
}

Result<std::shared_ptr<const FileBytes>> read_stream(int descriptor,
                                                     const std::string& name,
                                                     const std::atomic<bool>* cancelled) {
  constexpr int kLookEvery = 100;  // milliseconds
  Spill bytes;
  std::string block(kReadBytes, '\0');
  while (!cancelled || !cancelled->load(std::memory_order_relaxed)) {
    // Whoever waits for a pipe wants to be able to stop waiting.
    struct pollfd waited = {descriptor, POLLIN, 0};
    if (cancelled && ::poll(&waited, 1, kLookEvery) <= 0) continue;  // nothing yet, or a signal
    const ssize_t n = ::read(descriptor, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Code::kIo, "cannot read " + name + ": " + std::strerror(errno)};
    if (n == 0) break;
    const auto added = bytes.append({block.data(), static_cast<size_t>(n)});
    if (!added) return Error{added.error().code, name + ": " + added.error().message};
  }
  return bytes.take();
}

Result<std::shared_ptr<const FileBytes>> Spill::take() {
  size_ = 0;
  if (fd_ < 0) return FileBytes::from_string(std::exchange(memory_, {}));
  POSTERN_TRY([[maybe_unused]] const bool written, write_out(std::exchange(memory_, {})));
  const int fd = std::exchange(fd_, -1);
  Result<std::shared_ptr<const FileBytes>> mapped = FileBytes::map(fd);
  ::close(fd);
  return mapped;
}

}  // namespace postern
