// Opening and reading. A mapped file must not be cut while it is read (the kernel would end the
// program): evidence is read where nobody writes; what still grows arrives through a pipe.
#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern {
namespace {

// A pipe has no size to look at first; beyond this it belongs in a file.
constexpr size_t kMaxStreamBytes = size_t{4} * 1024 * 1024 * 1024;
constexpr size_t kReadBytes = size_t{256} * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error io_error(const std::string& path, int number) {
  return {number == ENOENT || number == ENOTDIR ? Code::kNotFound : Code::kIo,
          "cannot read " + path + ": " + std::strerror(number)};
}

/// Closes on the way out.
struct Descriptor {
  explicit Descriptor(int n) : number(n) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (number > STDERR_FILENO) ::close(number);
  }

  int number;
};

Result<std::string> read_to_end(int fd, const std::string& path) {
  std::string out;
  size_t used = 0;
  for (;;) {
    if (out.size() - used < kReadBytes) {
      try {
        out.resize(std::max(out.size() * 2, kReadBytes * 2));
      } catch (const std::bad_alloc&) {
        return Error{Code::kLimit, path + ": does not fit into memory; save it to a file first"};
      }
    }
    const ssize_t n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(path, errno);
    if (n == 0) break;
    used += static_cast<size_t>(n);
    if (used > kMaxStreamBytes)
      return Error{Code::kLimit, path + ": more than 4 GiB from a pipe; save it to a file first"};
  }
  out.resize(used);
  return out;
}

}  // namespace

FileBytes::~FileBytes() {
  if (mapped_) ::munmap(const_cast<char*>(data_), size_);
}

std::shared_ptr<const FileBytes> FileBytes::from_string(std::string bytes) {
  auto file = std::make_shared<FileBytes>();
  file->owned_ = std::move(bytes);
  file->data_ = file->owned_.data();
  file->size_ = file->owned_.size();
  return file;
}

Result<std::shared_ptr<const FileBytes>> FileBytes::open(const std::string& path) {
  const bool standard_input = path == "-";
  const Descriptor fd(standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.number < 0) return io_error(path, errno);

  struct stat info {};

  if (::fstat(fd.number, &info) != 0) return io_error(path, errno);
  if (S_ISDIR(info.st_mode)) return Error{Code::kInvalid, path + " is a folder, not a file"};

  // Standard input may stand somewhere inside its file; a file of size 0 may be one of /proc.
  if (S_ISREG(info.st_mode) && info.st_size > 0 && !standard_input) {
    const auto size = static_cast<size_t>(info.st_size);
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.number, 0);
    if (at != MAP_FAILED) {
      auto file = std::make_shared<FileBytes>();
      file->data_ = static_cast<const char*>(at);
      file->size_ = size;
      file->mapped_ = true;
      return std::shared_ptr<const FileBytes>(std::move(file));
    }
  }
  POSTERN_TRY(std::string bytes, read_to_end(fd.number, path));
  return from_string(std::move(bytes));
}

Result<std::string> read_text_file(const std::string& path) {
  POSTERN_TRY(const std::shared_ptr<const FileBytes> file, FileBytes::open(path));
  std::string_view text = file->view();
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return std::string(text);
}

}  // namespace postern
