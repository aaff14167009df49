#include "cli/mail_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "adapt/hash.h"
#include "base/text.h"
#include "data/value.h"

namespace postern::cli {
namespace {

constexpr size_t kMaxName = 100;

/// Writes a file that is not there yet; EEXIST when it is.
int write_new(const std::string& path, std::string_view content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int failed = 0;
  while (!content.empty() && failed == 0) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno != EINTR) failed = errno;
      continue;
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  if (::close(fd) != 0 && failed == 0) failed = errno;
  return failed;
}

}  // namespace

std::string safe_file_name(std::string_view name) {
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  const std::string text = repair_utf8(name);
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = at;
    const char32_t c = next_code_point(text, at);
    // Control characters, marks that turn the direction of writing, and what shells and file
    // systems give a meaning.
    const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffd ||
                         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    const bool special =
        c < 0x80 &&
        std::string_view("<>:\"|?*$`;&'!%~").find(static_cast<char>(c)) != std::string_view::npos;
    if (out.size() + (at - begin) > kMaxName) break;
    if (control || special) {
      out += '_';
    } else {
      out.append(text, begin, at - begin);
    }
  }
  const size_t first = out.find_first_not_of(". -");
  out.erase(0, std::min(first, out.size()));
  while (!out.empty() && (out.back() == '.' || out.back() == ' '))
    out.pop_back();
  return out.empty() ? "unnamed" : out;
}

Result<std::unique_ptr<MailFiles>> MailFiles::open(const std::string& directory) {
  if (directory.empty()) return Error{Code::kInvalid, "--extract needs a folder"};
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed || !std::filesystem::is_directory(directory, failed))
    return Error{Code::kIo,
                 "cannot make the folder " + directory + (failed ? ": " + failed.message() : "")};
  std::unique_ptr<MailFiles> out(new MailFiles(directory));
  out->manifest_.open(directory + "/manifest.jsonl", std::ios::app);
  if (!out->manifest_) return Error{Code::kIo, "cannot write into the folder " + directory};
  return out;
}

Result<uint32_t> MailFiles::scan(const match::ContentOrigin& origin, std::string_view content) {
  const bool mail = origin.view == "mail.raw";
  if (!mail && origin.view != "mail.attachment") return uint32_t{0};
  std::string name;
  int failed = EEXIST;
  // Numbers that an earlier run has used are passed over.
  while (failed == EEXIST) {
    char number[24];
    std::snprintf(number, sizeof number, "%05llu", static_cast<unsigned long long>(next_number_++));
    name = number + (mail ? std::string(".eml") : "-" + safe_file_name(origin.name));
    failed = write_new(directory_ + "/" + name, content);
  }
  if (failed != 0)
    return Error{Code::kIo, "cannot write " + directory_ + "/" + name + ": " +
                                std::generic_category().message(failed)};
  ++num_files_;
  manifest_ << "{\"file\":" << data::json_string(name)
            << ",\"evidence\":" << data::json_string(origin.path) << ",\"offset\":" << origin.offset
            << ",\"bytes\":" << content.size() << ",\"sha256\":\"" << adapt::sha256(content) << '"';
  if (!origin.name.empty()) manifest_ << ",\"name\":" << data::json_string(origin.name);
  for (const auto& [key, value] : origin.fields)
    manifest_ << "," << data::json_string(key) << ":" << data::json_string(value);
  manifest_ << "}\n";
  return uint32_t{0};
}

Result<bool> MailFiles::finish() {
  manifest_.close();
  if (!manifest_) return Error{Code::kIo, "cannot write " + directory_ + "/manifest.jsonl"};
  return true;
}

}  // namespace postern::cli
