// Unpacks with libarchive, from memory, with the formats that archive_kind() names and no others:
// `support_filter_all` would also run programs (lrzip, grzip) that an evidence file asks for.
//
// The limits are kept while bytes come out, never by what headers claim. A member that breaks off
// is given as far as it goes before the error is returned: half a log is evidence too. Source: RFC
// 1952 (gzip), RFC 8878 (zstd), the formats' own magic numbers, libarchive(3). Tests:
// tests/unit/adapt/compress_test.cc; fuzz_compress.
#include "adapt/compress.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include "base/spill.h"
#include "base/text.h"

namespace postern::adapt {
namespace {

/// Below this, no ratio is suspicious.
constexpr uint64_t kRatioFrom = uint64_t{64} << 20;
constexpr size_t kTarBlock = 512;

struct ArchiveCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};

/// While it lives, libarchive converts names of this thread to UTF-8 instead of to the C locale.
class Utf8Names {
 public:
  Utf8Names()
      : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(uselocale(locale_)) {}  // a null locale changes nothing

  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

  ~Utf8Names() {
    uselocale(before_);
    if (locale_ != nullptr) freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_;
};

/// The header checksum of a tar block: the sum of its bytes with the checksum's own taken as
/// blanks.
bool is_tar_header(std::string_view head) {
  constexpr size_t kChecksumBegin = 148;
  constexpr size_t kChecksumEnd = 156;
  if (head.size() < kTarBlock || head[0] == '\0') return false;
  int64_t sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i)
    sum += i >= kChecksumBegin && i < kChecksumEnd ? ' ' : static_cast<unsigned char>(head[i]);
  std::string_view digits = head.substr(kChecksumBegin, kChecksumEnd - kChecksumBegin);
  digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
  int64_t written = 0;
  for (const char c : digits) {
    if (c < '0' || c > '7') break;
    written = written * 8 + (c - '0');
  }
  return sum == written;
}

Error archive_fault(archive* a, std::string_view kind) {
  const char* words = archive_error_string(a);
  // The gzip filter says nothing when only the trailer is missing.
  if (words == nullptr && kind == "gzip") return {Code::kTruncated, "truncated gzip trailer"};
  const std::string message = words == nullptr ? "the archive is damaged" : words;
  // How the libraries below put it: liblzma's LZMA_BUF_ERROR, zlib's Z_BUF_ERROR.
  for (const std::string_view sign : {"truncated", "no progress is possible", "failed (-5)"})
    if (find_ignore_case(message, sign) != std::string_view::npos)
      return {Code::kTruncated, message};
  return {Code::kCorrupt, message};
}

/// Lets `a` read what archive_kind() has found and nothing else, so that a compressed 7z stays one
/// file and a damaged tar is not taken for a file of its own.
void support(archive* a, std::string_view kind) {
  if (kind == "zip") {
    archive_read_support_format_zip(a);
  } else if (kind == "7z") {
    archive_read_support_format_7zip(a);
  } else {
    archive_read_support_format_tar(a);
    if (kind == "tar") return;
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
  }
}

class Unpacker {
 public:
  Unpacker(std::string_view bytes, const ArchiveLimits& limits, const MemberTaker& taker)
      : bytes_(bytes),
        limits_(limits),
        taker_(taker),
        kind_(archive_kind(bytes)),
        archive_(archive_read_new()) {}

  Result<uint32_t> run() {
    archive* a = archive_.get();
    if (kind_.empty()) return Error{Code::kUnsupported, "neither compressed nor an archive"};
    support(a, kind_);
    if (archive_read_open_memory(a, bytes_.data(), bytes_.size()) < ARCHIVE_WARN)
      return archive_fault(a, kind_);

    uint64_t headers = 0;
    for (;;) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(a, &entry);
      if (status == ARCHIVE_RETRY) continue;
      if (status == ARCHIVE_EOF) break;
      if (status < ARCHIVE_WARN) return archive_fault(a, kind_);
      if (++headers > limits_.max_members)
        return Error{Code::kLimit, "more than " + std::to_string(limits_.max_members) + " members"};
      if (const Result<bool> more = entry_members(entry); !more)
        return more.error();
      else if (!*more)
        return given_;
    }
    return finish();
  }

 private:
  /// A compressed file, no archive.
  bool is_bare() const {
    const int format = archive_format(archive_.get()) & ARCHIVE_FORMAT_BASE_MASK;
    return format == ARCHIVE_FORMAT_RAW || format == ARCHIVE_FORMAT_EMPTY;
  }

  Result<uint32_t> finish() {
    // No header comes of a compressed file of no bytes.
    if (is_bare() && given_ == 0 && !has_entry_) {
      ++given_;
      taker_.take("", FileBytes::from_string(""));
    }
    if (warning_) return *warning_;
    if (encrypted_ > 0)
      return Error{Code::kUnsupported, std::to_string(encrypted_) +
                                           " encrypted members were left out, the first is " +
                                           first_encrypted_};
    return given_;
  }

  static std::string name_of(archive_entry* entry) {
    const char* name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) name = archive_entry_pathname(entry);
    return name == nullptr ? "" : repair_utf8(name);
  }

  /// Reads one entry and gives it away if it is a file; false when the receiver wants no more.
  Result<bool> entry_members(archive_entry* entry) {
    has_entry_ = true;
    const bool regular =
        archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
    if (!regular) return true;
    const std::string name = is_bare() ? "" : name_of(entry);
    if (archive_entry_is_data_encrypted(entry) != 0) {
      if (encrypted_++ == 0) first_encrypted_ = name;
      return true;
    }
    if (taker_.wants && !taker_.wants(name)) return true;
    Spill content;
    const std::optional<Error> fault = read_content(content);
    if (stopped_) return false;
    if (fault && (fault->code == Code::kLimit || fault->code == Code::kIo)) return *fault;
    if (fault && content.size() == 0) return *fault;
    ++given_;
    POSTERN_TRY(std::shared_ptr<const FileBytes> bytes, content.take());
    const bool more = taker_.take(name, std::move(bytes));
    if (fault) return *fault;
    return more;
  }

  /// By blocks: archive_read_data() would keep back what it had when the end broke off.
  std::optional<Error> read_content(Spill& content) {
    for (;;) {
      const void* block = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(archive_.get(), &block, &size, &offset);
      if (status == ARCHIVE_EOF) return std::nullopt;
      if (status == ARCHIVE_RETRY) continue;
      if (status == ARCHIVE_WARN) {
        // Such as a wrong checksum at the end: all of it was read, but it is not what was packed.
        if (!warning_) warning_ = archive_fault(archive_.get(), kind_);
        return std::nullopt;
      }
      if (status != ARCHIVE_OK) return archive_fault(archive_.get(), kind_);
      // Sparse files leave gaps, which are zeros; they count as bytes that came out.
      const uint64_t begin = static_cast<uint64_t>(std::max<la_int64_t>(offset, 0));
      if (begin < content.size()) return Error{Code::kCorrupt, "the member's blocks overlap"};
      if (auto fault = account(begin - content.size() + size)) return fault;
      if (const auto gap = content.extend(begin); !gap) return gap.error();
      if (const auto added = content.append({static_cast<const char*>(block), size}); !added)
        return added.error();
      stopped_ = taker_.progress && !taker_.progress(consumed());
      if (stopped_) return std::nullopt;
    }
  }

  uint64_t consumed() const {
    const la_int64_t n = archive_filter_bytes(archive_.get(), -1);
    return std::min<uint64_t>(bytes_.size(), n < 0 ? 0 : static_cast<uint64_t>(n));
  }

  std::optional<Error> account(uint64_t more) {
    if (more > limits_.max_bytes || total_ > limits_.max_bytes - more)
      return Error{Code::kLimit,
                   "unpacks to more than " + std::to_string(limits_.max_bytes) + " bytes"};
    total_ += more;
    const double ratio = static_cast<double>(total_) / static_cast<double>(bytes_.size());
    if (total_ > kRatioFrom && ratio > limits_.max_ratio)
      return Error{Code::kLimit,
                   "unpacks to more than " + real_text(limits_.max_ratio) + " times its size"};
    return std::nullopt;
  }

  std::string_view bytes_;
  const ArchiveLimits& limits_;
  const MemberTaker& taker_;
  std::string_view kind_;
  std::unique_ptr<archive, ArchiveCloser> archive_;
  uint32_t given_ = 0;
  uint32_t encrypted_ = 0;
  std::string first_encrypted_;
  std::optional<Error> warning_;
  uint64_t total_ = 0;
  bool has_entry_ = false;
  bool stopped_ = false;  // the taker wants no more
};

}  // namespace

std::string_view archive_kind(std::string_view head) {
  struct Magic {
    std::string_view bytes;
    std::string_view kind;
  };

  constexpr std::array<Magic, 9> kMagic = {{
      {std::string_view("\x1f\x8b\x08", 3), "gzip"},
      {std::string_view("\x28\xb5\x2f\xfd", 4), "zstd"},
      {std::string_view("\xfd"
                        "7zXZ\x00",
                        6),
       "xz"},
      {std::string_view("\x04\x22\x4d\x18", 4), "lz4"},
      {std::string_view("PK\x03\x04", 4), "zip"},
      {std::string_view("PK\x05\x06", 4), "zip"},  // without members
      {std::string_view("PK\x07\x08", 4), "zip"},  // one part of several
      {std::string_view("7z\xbc\xaf\x27\x1c", 6), "7z"},
      {std::string_view("\x50\x2a\x4d\x18", 4), "zstd"},  // a skippable frame before the data
  }};
  for (const Magic& m : kMagic)
    if (head.starts_with(m.bytes)) return m.kind;
  // "BZh9" alone could be text; a block or the end of the stream follows it.
  if (head.size() >= 10 && head.starts_with("BZh") && head[3] >= '1' && head[3] <= '9' &&
      (head.substr(4, 6) == "1AY&SY" || head.substr(4, 6) == "\x17\x72\x45\x38\x50\x90"))
    return "bzip2";
  return is_tar_header(head) ? "tar" : "";
}

Result<uint32_t> unpack(std::string_view archive,
                        const ArchiveLimits& limits,
                        const MemberTaker& taker) {
  const Utf8Names utf8_names;
  return Unpacker(archive, limits, taker).run();
}

Result<uint32_t> for_each_member(
    std::string_view archive,
    const ArchiveLimits& limits,
    const std::function<bool(const std::string& name, std::string bytes)>& member) {
  MemberTaker taker;
  taker.take = [&](const std::string& name, const std::shared_ptr<const FileBytes>& bytes) {
    return member(name, std::string(bytes->view()));
  };
  return unpack(archive, limits, taker);
}

}  // namespace postern::adapt
