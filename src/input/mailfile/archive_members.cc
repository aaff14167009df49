#include "input/mailfile/archive_members.h"

#include <algorithm>

#include "adapt/compress.h"

namespace postern::input {
namespace {

constexpr adapt::ArchiveLimits kLimits = {uint64_t{256} << 20, 10'000, 100};

/// `left` bounds what comes out of one attachment, archives in archives included.
void read_level(MailOutput& output,
                const ScanContext& context,
                const std::string& name,
                std::string_view bytes,
                uint32_t depth,
                uint64_t& left,
                ArchiveFacts& facts) {
  const uint64_t offset = context.origin.offset;
  adapt::ArchiveLimits limits = kLimits;
  limits.max_bytes = left;
  const Result<uint32_t> done = adapt::for_each_member(
      bytes, limits, [&](const std::string& member, const std::string& content) {
        left -= std::min<uint64_t>(left, content.size());
        if (depth == 0) {
          ++facts.num_members;
          if (facts.names.size() < ArchiveFacts::kMaxNames) facts.names.push_back(member);
        }
        const std::string path = name + "!" + member;
        output.scan("mail.member", path, content, context);
        if (adapt::archive_kind(content).empty()) return left > 0;
        if (depth + 1 >= ArchiveFacts::kMaxDepth) {
          output.anomaly("archive-too-deep", offset, path);
        } else {
          read_level(output, context, path, content, depth + 1, left, facts);
        }
        return left > 0;
      });
  if (!done.ok() && done.error().code == Code::kUnsupported) {
    facts.encrypted = true;
    output.anomaly("archive-encrypted", offset, name);
  } else if ((!done.ok() && done.error().code == Code::kLimit) || left == 0) {
    output.anomaly("archive-too-large", offset, name);
  } else if (!done.ok()) {
    output.anomaly("archive-damaged", offset, name);
  }
}

}  // namespace

ArchiveFacts read_members(MailOutput& output,
                          const ScanContext& context,
                          std::string_view name,
                          std::string_view bytes) {
  ArchiveFacts facts;
  if (adapt::archive_kind(bytes).empty()) return facts;
  facts.is_archive = true;
  uint64_t left = kLimits.max_bytes;
  read_level(output, context, std::string(name), bytes, 0, left, facts);
  return facts;
}

}  // namespace postern::input
