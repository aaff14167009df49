// Where mails go, from captures and from mail files alike: rows of the mail tables, and contents to
// the scanner while they pass. Also the bound on the bytes that are held for the scanner.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input/format.h"
#include "input/rows.h"

namespace postern::input {

/// Bytes held for scanning by all contents of one file together.
class BufferBudget {
 public:
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

  bool take(uint64_t n) {
    if (n > kMaxBytes - used_) return false;
    used_ += n;
    return true;
  }

  void give(uint64_t n) { used_ -= n; }

 private:
  uint64_t used_ = 0;
};

/// The bytes of one content, up to a limit; what is beyond it is not kept.
class ContentBuffer {
 public:
  /// A single content that is longer is scanned in its beginning only.
  static constexpr uint64_t kMaxBytes = uint64_t{32} << 20;

  explicit ContentBuffer(BufferBudget& budget) : budget_(&budget) {}

  ~ContentBuffer() { clear(); }

  ContentBuffer(const ContentBuffer&) = delete;
  ContentBuffer& operator=(const ContentBuffer&) = delete;

  void append(std::string_view bytes);
  void clear();

  std::string_view view() const { return bytes_; }

  /// Something did not fit.
  bool cut() const { return cut_; }

 private:
  BufferBudget* budget_;
  std::string bytes_;
  bool cut_ = false;
};

/// Distinct names of the anomalies of one session or mail, as its row tells them; the first few of
/// what may be many.
class AnomalyNames {
 public:
  static constexpr size_t kMaxNames = 50;

  void add(std::string_view name);

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

/// The connection or the file that a mail came from; shown in rows and findings.
struct MailOrigin {
  std::string protocol;  ///< "smtp", "imap", "pop3", "eml", "mbox"
  std::string uid;       ///< of the flow; "" for files
  std::string orig_h, resp_h;
  uint16_t orig_p = 0, resp_p = 0;
  bool has_flow = false;
  bool has_envelope = true;  ///< sender and recipients were named outside of the message
  std::string direction;     ///< "to_server", "to_client"; "" for files
  std::string mailbox;       ///< IMAP
  std::string tunnel;        ///< "socks4", "socks5", "http"; "" when the flow leads there itself
  std::string tunnel_host, tunnel_user;  ///< where it leads, and who asked the proxy
  uint16_t tunnel_port = 0;
  int64_t time = 0;  ///< ticks
  uint64_t offset = 0;
  uint64_t record = 0;
};

/// What a content is scanned with besides its bytes.
struct ScanContext {
  const MailOrigin& origin;
  std::string_view mail_from;
  const std::vector<std::string>* recipients = nullptr;
  std::string_view subject;
};

class MailOutput {
 public:
  MailOutput(const Input& input, DecodeContext& context, TableSet& tables);

  TableSet& tables() { return tables_; }

  BufferBudget& budget() { return budget_; }

  const std::string& path() const { return input_.path; }

  bool scans() const { return context_.scanner != nullptr; }

  /// Somebody reads mails or attachments: their contents must be taken apart.
  bool wants_mime() const { return scans() || wants_message_ || wants_attachment_; }

  /// Attachments are shown: their sizes, types and digests are wanted.
  bool wants_attachments() const { return wants_attachment_; }

  bool wants_commands() const { return wants_command_; }

  /// The text of messages is shown, or what is in it.
  bool wants_text() const { return wants_text_; }

  bool wants_md5() const { return wants_md5_; }

  bool wants_sha1() const { return wants_sha1_; }

  bool wants_sha256() const { return wants_sha256_; }

  /// What is inside of archives is shown.
  bool wants_members() const { return wants_members_; }

  bool wants_digests() const { return wants_md5_ || wants_sha1_ || wants_sha256_; }

  /// Scans one content; a scanner that fails is the anomaly scan-failed.
  void scan(std::string_view view,
            std::string_view name,
            std::string_view bytes,
            const ScanContext& context);
  void anomaly(std::string_view name, uint64_t offset, std::string_view detail = "");

 private:
  const Input& input_;
  DecodeContext& context_;
  TableSet& tables_;
  BufferBudget budget_;
  bool wants_message_;
  bool wants_attachment_;
  bool wants_command_;
  bool wants_text_ = false;
  bool wants_md5_ = false;
  bool wants_sha1_ = false;
  bool wants_sha256_ = false;
  bool wants_members_ = false;
};

}  // namespace postern::input
