// Mails and attachments as files of a folder, under names that cannot leave it.
//
// A name is a number and what is harmless of the name in the mail, so that two attachments of one
// name are two files; a file that is there already is never written over. Beside the files stands
// manifest.jsonl: where each came from, and its digest. Contents longer than what is held of one
// (32 MiB) are cut there, which is the anomaly mail-part-too-large.
// Tests: tests/cli/test_mail.py.
#pragma once
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "match/content_scanner.h"

namespace postern::cli {

/// What is left of a name that was chosen by a stranger: its last component, without control
/// characters, without what file systems and shells read as something else, at most 100 bytes;
/// "unnamed" when nothing is left.
std::string safe_file_name(std::string_view name);

/// Takes the contents that a decoder would give to a scanner, and writes them.
class MailFiles final : public match::ContentScanner {
 public:
  /// Makes the folder where it is missing.
  static Result<std::unique_ptr<MailFiles>> open(const std::string& directory);

  Result<uint32_t> scan(const match::ContentOrigin& origin, std::string_view content) override;

  /// To be called at the end: whether the manifest could be written.
  Result<bool> finish();

  uint64_t num_files() const { return num_files_; }

  const std::string& directory() const { return directory_; }

 private:
  explicit MailFiles(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
  uint64_t num_files_ = 0;
  uint64_t next_number_ = 1;
  std::ofstream manifest_;
};

}  // namespace postern::cli
