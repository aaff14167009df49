// What is inside an attachment that is an archive: names, whether a password is asked for, and the
// members' contents to the scanner (`mail.member`), also those of archives in archives.
//
// Bounded against bombs: members, bytes and ratio of adapt::ArchiveLimits, and the depth.
// Anomalies: archive-encrypted, archive-too-large, archive-too-deep, archive-damaged.
// Tests: tests/unit/input/mailfile_test.cc.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "input/mailfile/mail_output.h"

namespace postern::input {

struct ArchiveFacts {
  static constexpr size_t kMaxNames = 100;
  static constexpr uint32_t kMaxDepth = 5;

  bool is_archive = false;
  bool encrypted = false;          ///< a member, or all of it
  uint64_t num_members = 0;        ///< of the outermost archive
  std::vector<std::string> names;  ///< theirs, at most kMaxNames
};

/// `name` is the attachment's. Nothing happens when `bytes` are no archive.
ArchiveFacts read_members(MailOutput& output,
                          const ScanContext& context,
                          std::string_view name,
                          std::string_view bytes);

}  // namespace postern::input
