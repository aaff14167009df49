// Scanning of contents (files, TCP streams, mail parts) while they pass; hits become findings.
//
// The engine hands one ContentScanner to `input` and `net`; who scans (YARA) is hidden here.
// Tests: tests/unit/match/yara_test.cc.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "base/result.h"

namespace postern::match {

/// What a piece of content is, shown in the finding.
struct ContentOrigin {
  std::string view;     ///< "file", "tcp.client", "tcp.server", "mail.raw", "mail.headers",
                        ///< "mail.body", "mail.attachment", "mail.member"
  std::string path;     ///< evidence file
  uint64_t offset = 0;  ///< where it starts in the file (first packet of a stream)
  uint64_t record = 0;
  int64_t time = 0;  ///< event time in ticks; 0 unknown
  std::string name;  ///< attachment name, "a.zip!b.txt" of a member, or ""
  /// Fields of the finding's row: SrcIp, SrcPort, DstIp, DstPort, MailFrom, Subject, …
  std::vector<std::pair<std::string, std::string>> fields;
};

struct StringMatch {
  std::string identifier;  ///< "$s1"
  uint64_t offset = 0;     ///< in the content
  std::string data;        ///< first bytes, at most 64
};

struct ContentHit {
  uint32_t rule = 0;  ///< index given by the scanner's rule set
  std::vector<StringMatch> strings;
};

/// Scans whole contents. One scanner per thread; made by a ContentRules.
class ContentScanner {
 public:
  virtual ~ContentScanner() = default;
  /// Scans one content and reports each hit with its origin. Errors (time-out) are returned.
  virtual Result<uint32_t> scan(const ContentOrigin& origin, std::string_view content) = 0;

  /// Contents in which a string had more matches than the scanner counts, so hits may be missing.
  virtual uint64_t cut_short() const { return 0; }
};

/// Metadata of a compiled YARA rule.
struct YaraRuleInfo {
  std::string identifier;
  std::string name_space;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> meta;
  bool is_private = false;
  std::vector<std::pair<std::string, std::string>> strings;  ///< identifier, definition as written
};

using HitSink = std::function<void(const ContentOrigin&, const ContentHit&)>;

/// YARA sources compiled together (libyara 4.5+). Immutable once compiled; shared by threads.
class YaraRules {
 public:
  virtual ~YaraRules() = default;

  struct SourceText {
    std::string name_space;  ///< one per file, so that equal rule names do not clash
    std::string path;
    std::string text;
  };

  /// Compiles all sources; a source that fails is left out and its errors (line from libyara, as a
  /// Span of that line) are appended to `diagnostics[i]`. Includes are resolved beside the file.
  static std::shared_ptr<const YaraRules> compile(const std::vector<SourceText>& sources,
                                                  std::vector<Diagnostics>& diagnostics);

  virtual const std::vector<YaraRuleInfo>& rules() const = 0;
  virtual std::unique_ptr<ContentScanner> scanner(HitSink sink) const = 0;
};

}  // namespace postern::match
