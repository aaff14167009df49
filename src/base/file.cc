// Opening and reading. A mapped file must not be cut while it is read (the kernel would end the
// program): evidence is read where nobody writes; what still grows arrives through a pipe.
#include "base/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spill.h"

namespace postern {
namespace {

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

}  // namespace

FileBytes::~FileBytes() {
  if (mapped_) ::munmap(const_cast<char*>(data_), size_);
}

void FileBytes::release(uint64_t begin, uint64_t end) const {
  if (!mapped_) return;
  // Whole pages only: what shares a page with bytes outside may still be wanted.
  static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  begin = (begin + page - 1) / page * page;
  end = end >= size_ ? size_ : end / page * page;
  if (begin >= end) return;
  ::madvise(const_cast<char*>(data_) + begin, end - begin, MADV_DONTNEED);
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
    if (auto mapped = map(fd.number)) return mapped;
  }
  return read_stream(fd.number, path);
}

Result<std::shared_ptr<const FileBytes>> FileBytes::map(int descriptor) {
  struct stat info {};

  if (::fstat(descriptor, &info) != 0) return io_error("a file", errno);
  auto file = std::make_shared<FileBytes>();
  if (info.st_size == 0) return std::shared_ptr<const FileBytes>(std::move(file));
  const auto size = static_cast<size_t>(info.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (at == MAP_FAILED) return io_error("a file", errno);
  file->data_ = static_cast<const char*>(at);
  file->size_ = size;
  file->mapped_ = true;
  return std::shared_ptr<const FileBytes>(std::move(file));
}

Result<std::string> read_text_file(const std::string& path) {
  POSTERN_TRY(const std::shared_ptr<const FileBytes> file, FileBytes::open(path));
  std::string_view text = file->view();
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return std::string(text);
}

}  // namespace postern
