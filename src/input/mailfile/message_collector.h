// One mail while it passes: its headers, its attachments, and its contents for the scanner.
// Tests: tests/unit/input/message_collector_test.cc.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/mailfile/archive_members.h"
#include "input/mailfile/mail_output.h"
#include "mime/magic.h"
#include "mime/parser.h"

namespace postern::input {

struct AttachmentFacts {
  std::string name;
  std::string other_name;    ///< that other readers take; "" the same
  std::string container;     ///< TNEF attachment that it was in; "" none
  std::string reading;       ///< how it was decoded where readers differ; "" as most do
  std::string content_type;  ///< declared
  std::string real_type;     ///< by content
  std::string encoding;
  std::string disposition;
  uint64_t size = 0;   ///< decoded bytes
  double entropy = 0;  ///< bits per byte
  std::string md5, sha1, sha256;
  bool cut = false;  ///< too large to be held: no digests
  ArchiveFacts archive;
};

/// What the headers and parts of a message say. Text is decoded to UTF-8; lists keep their order.
struct MessageFacts {
  std::string date, from, reply_to, msg_id, in_reply_to, subject;
  std::vector<std::string> to, cc;
  std::string x_originating_ip, first_received, second_received, user_agent;
  std::vector<std::string> received;      ///< Received headers, newest hop first
  std::vector<std::string> received_ips;  ///< one of each Received header, newest hop first
  std::vector<std::string> header_names;  ///< as written, in order, of the message itself
  std::string return_path;
  std::vector<std::string> delivered_to;
  bool is_webmail = false;
  std::string body;               ///< texts that a reader shows, one after the other, cut
  std::vector<std::string> urls;  ///< in them, distinct
  uint64_t bytes = 0;
  uint64_t lost_bytes = 0;
  std::vector<AttachmentFacts> attachments;
  uint64_t attachment_bytes = 0;
  AnomalyNames anomalies;
};

class MessageCollector final : public mime::Handler {
 public:
  /// `origin` must outlive the collector.
  MessageCollector(MailOutput& output,
                   const MailOrigin& origin,
                   std::string mail_from,
                   std::vector<std::string> recipients);
  ~MessageCollector() override;

  void feed(std::string_view bytes);
  void gap(uint64_t num_bytes);
  void finish();

  const MessageFacts& facts() const { return facts_; }

  void part_begin(const mime::Part& part) override;
  void part_data(const mime::Part& part, std::string_view bytes) override;
  void part_other(const mime::Part& part, std::string_view bytes) override;
  void part_end(const mime::Part& part) override;
  void anomaly(std::string_view name, std::string_view detail) override;

 private:
  struct Open;
  class TnefParts;

  void headers(const mime::Part& part);
  void end_text(const mime::Part& part, const Open& open);
  void read_text(const mime::Part& part, std::string_view bytes);
  void keep_text(std::string_view text);
  void end_attachment(const mime::Part& part, Open& open);
  void add_attachment(AttachmentFacts facts, std::string_view head, std::string_view content);
  void read_tnef_parts(const std::string& container, std::string_view content);

  ScanContext context() const { return {origin_, mail_from_, &recipients_, facts_.subject}; }

  MailOutput& output_;
  const MailOrigin& origin_;
  std::string mail_from_;
  std::vector<std::string> recipients_;
  MessageFacts facts_;
  mime::Parser parser_;
  ContentBuffer raw_;
  std::map<uint32_t, std::unique_ptr<Open>> open_;  // parts between begin and end, by index
  uint64_t num_anomalies_ = 0;
};

/// Writes the mail.attachment rows of a message.
void write_attachments(MailOutput& output,
                       const MailOrigin& origin,
                       std::string_view mail_from,
                       const std::vector<std::string>& recipients,
                       const MessageFacts& facts);

class EncodedRow;
/// The columns that all mail tables begin with: ts, uid, id.*.
void add_origin(EncodedRow& row, const MailOrigin& origin);
/// The columns of mail.message that come from the message itself.
void add_message(EncodedRow& row, const MailOrigin& origin, const MessageFacts& facts);

}  // namespace postern::input
