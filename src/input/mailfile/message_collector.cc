#include "input/mailfile/message_collector.h"

#include <algorithm>

#include "adapt/hash.h"
#include "base/text.h"
#include "input/encoded_row.h"
#include "mime/charset.h"
#include "mime/header.h"

namespace postern::input {
namespace {

constexpr size_t kMaxAddresses = 1000;
constexpr size_t kMaxReceived = 100;
constexpr size_t kMaxHeaderNames = 100;
/// Anomalies of one mail that are counted; a mail of ten thousand broken parts says enough sooner.
constexpr uint64_t kMaxAnomalies = 1000;

/// Programs that people use in a browser, by what they write as X-Mailer or User-Agent.
bool is_webmail_agent(std::string_view agent) {
  constexpr std::string_view kNames[] = {"squirrelmail",
                                         "roundcube",
                                         "horde",
                                         "imp/",
                                         "(imp)",
                                         "zimbrawebclient",
                                         "neomail",
                                         "openwebmail",
                                         "open webmail",
                                         "iplanet messenger",
                                         "sun java(tm) system messenger express",
                                         "rainloop",
                                         "snappymail",
                                         "atmail",
                                         "yahoomailwebservice",
                                         "yahoo! mail",
                                         "gmail",
                                         "outlook web",
                                         "webmail",
                                         "sogo",
                                         "nextcloud mail"};
  return std::any_of(std::begin(kNames), std::end(kNames), [agent](std::string_view n) {
    return find_ignore_case(agent, n) != std::string_view::npos;
  });
}

std::vector<std::string> addresses(std::string_view value) {
  std::vector<std::string> out;
  for (std::string& a : mime::split_addresses(value)) {
    std::string text = mime::decode_words(a);
    if (out.size() < kMaxAddresses && std::find(out.begin(), out.end(), text) == out.end())
      out.push_back(std::move(text));
  }
  return out;
}

void append_addresses(std::vector<std::string>& to, std::string_view value) {
  for (std::string& a : addresses(value))
    if (to.size() < kMaxAddresses) to.push_back(std::move(a));
}

}  // namespace

/// A leaf part whose bytes are coming.
struct MessageCollector::Open {
  explicit Open(BufferBudget& budget) : buffer(budget) {}

  bool attachment = false;
  bool keep = false;  // the bytes are wanted whole
  std::string head;   // for the real type
  uint64_t size = 0;
  mime::ByteHistogram histogram;
  ContentBuffer buffer;
};

MessageCollector::MessageCollector(MailOutput& output,
                                   const MailOrigin& origin,
                                   std::string mail_from,
                                   std::vector<std::string> recipients)
    : output_(output),
      origin_(origin),
      mail_from_(std::move(mail_from)),
      recipients_(std::move(recipients)),
      parser_(*this),
      raw_(output.budget()) {}

MessageCollector::~MessageCollector() = default;

void MessageCollector::feed(std::string_view bytes) {
  facts_.bytes += bytes.size();
  if (output_.scans()) raw_.append(bytes);
  parser_.feed(bytes);
}

void MessageCollector::gap(uint64_t num_bytes) {
  facts_.lost_bytes += num_bytes;
  parser_.gap();
}

void MessageCollector::finish() {
  parser_.finish();
  if (raw_.cut()) output_.anomaly("mail-too-large", origin_.offset);
  output_.scan("mail.raw", "", raw_.view(), context());
  raw_.clear();
}

void MessageCollector::anomaly(std::string_view name, std::string_view detail) {
  facts_.anomalies.add(name);
  if (++num_anomalies_ <= kMaxAnomalies) output_.anomaly(name, origin_.offset, detail);
}

void MessageCollector::part_begin(const mime::Part& part) {
  // Headers of the message itself; those of messages inside it belong to them.
  if (part.index == 0) headers(part);
  if (part.multipart) return;
  auto open = std::make_unique<Open>(output_.budget());
  open->attachment = part.is_attachment();
  open->keep =
      output_.scans() || (open->attachment && (output_.wants_digests() || output_.wants_members()));
  open_[part.index] = std::move(open);
}

void MessageCollector::headers(const mime::Part& part) {
  MessageFacts& f = facts_;
  for (const mime::HeaderField& h : part.headers) {
    const auto is = [&h](std::string_view name) { return equal_ignore_case(h.name, name); };
    if (f.header_names.size() < kMaxHeaderNames) f.header_names.push_back(h.name);
    if (is("subject")) {
      f.subject = mime::decode_words(h.value);
    } else if (is("from")) {
      f.from = mime::decode_words(h.value);
    } else if (is("to")) {
      append_addresses(f.to, h.value);
    } else if (is("cc")) {
      append_addresses(f.cc, h.value);
    } else if (is("reply-to")) {
      f.reply_to = mime::decode_words(h.value);
    } else if (is("date")) {
      f.date = h.value;
    } else if (is("message-id")) {
      f.msg_id = h.value;
    } else if (is("in-reply-to")) {
      f.in_reply_to = h.value;
    } else if (is("x-mailer") || is("user-agent") || is("x-user-agent")) {
      f.user_agent = mime::decode_words(h.value);
    } else if (is("x-originating-ip")) {
      const auto ips = mime::ip_addresses(h.value);
      if (!ips.empty()) f.x_originating_ip = ips[0];
    } else if (is("received")) {
      f.second_received = std::move(f.first_received);
      f.first_received = h.value;
      if (f.received.size() < kMaxReceived) f.received.push_back(h.value);
      const auto ips = mime::ip_addresses(h.value);
      // The second address of a hop is the one that the receiver saw, where there are two.
      if (!ips.empty() && f.received_ips.size() < kMaxAddresses) {
        const std::string& ip = ips.size() > 1 ? ips[1] : ips[0];
        if (f.received_ips.empty() || f.received_ips.back() != ip) f.received_ips.push_back(ip);
      }
    } else if (is("return-path")) {
      f.return_path = mime::bare_address(h.value);
    } else if (is("delivered-to") || is("x-original-to") || is("envelope-to")) {
      append_addresses(f.delivered_to, h.value);
    }
  }
  if (!origin_.has_envelope) {
    // A mail file and a mailbox have no envelope but what the last server noted.
    mail_from_ = f.return_path;
    recipients_ = f.delivered_to;
  }
  f.is_webmail = is_webmail_agent(f.user_agent) || part.header("x-squirrelmail-version") != nullptr;
}

void MessageCollector::part_data(const mime::Part& part, std::string_view bytes) {
  const auto found = open_.find(part.index);
  if (found == open_.end()) return;
  Open& open = *found->second;
  if (open.head.size() < mime::kMagicBytes)
    open.head.append(bytes.substr(0, mime::kMagicBytes - open.head.size()));
  open.size += bytes.size();
  if (open.attachment && output_.wants_attachments()) open.histogram.add(bytes);
  if (open.keep) open.buffer.append(bytes);
}

void MessageCollector::part_end(const mime::Part& part) {
  const auto found = open_.find(part.index);
  if (found == open_.end()) return;
  Open& open = *found->second;
  if (open.attachment) {
    end_attachment(part, open);
  } else if (output_.scans()) {
    if (open.buffer.cut()) output_.anomaly("mail-part-too-large", origin_.offset);
    std::string text;
    if (!mime::to_utf8(part.charset, open.buffer.view(), text) && !part.charset.empty())
      anomaly("mime-unknown-charset", part.charset);
    output_.scan("mail.body", "", text, context());
  }
  open_.erase(found);
}

void MessageCollector::end_attachment(const mime::Part& part, Open& open) {
  AttachmentFacts a;
  a.name = part.name;
  a.content_type = part.type;
  a.real_type = std::string(mime::content_type(open.head));
  a.encoding = part.encoding;
  a.disposition = part.disposition;
  a.size = open.size;
  a.entropy = open.histogram.entropy();
  a.cut = open.buffer.cut();
  if (a.cut) output_.anomaly("mail-part-too-large", origin_.offset, a.name);
  if (!a.cut) {
    if (output_.wants_md5()) a.md5 = adapt::md5(open.buffer.view());
    if (output_.wants_sha1()) a.sha1 = adapt::sha1(open.buffer.view());
    if (output_.wants_sha256()) a.sha256 = adapt::sha256(open.buffer.view());
  }
  output_.scan("mail.attachment", a.name, open.buffer.view(), context());
  // Of a cut archive what came is read.
  if (output_.scans() || output_.wants_members())
    a.archive = read_members(output_, context(), a.name, open.buffer.view());
  if (a.real_type == "application/vnd.ms-tnef") anomaly("mail-tnef-not-read", a.name);
  facts_.attachment_bytes += a.size;
  facts_.attachments.push_back(std::move(a));
}

void add_origin(EncodedRow& row, const MailOrigin& origin) {
  if (origin.time != 0) row.datetime("ts", origin.time);
  if (!origin.has_flow) return;
  row.text("uid", origin.uid);
  row.text("id.orig_h", origin.orig_h);
  row.integer("id.orig_p", origin.orig_p);
  row.text("id.resp_h", origin.resp_h);
  row.integer("id.resp_p", origin.resp_p);
}

void add_message(EncodedRow& row, const MailOrigin& origin, const MessageFacts& f) {
  row.text("date", f.date);
  row.text("from", f.from);
  row.texts("to", f.to);
  row.texts("cc", f.cc);
  row.text("reply_to", f.reply_to);
  row.text("msg_id", f.msg_id);
  row.text("in_reply_to", f.in_reply_to);
  row.text("subject", f.subject);
  row.text("x_originating_ip", f.x_originating_ip);
  row.text("first_received", f.first_received);
  row.text("second_received", f.second_received);
  row.texts("received", f.received);
  std::vector<std::string> path;
  if (origin.has_flow) path = {origin.resp_h, origin.orig_h};
  for (const std::string& ip : f.received_ips)
    if (path.empty() || path.back() != ip) path.push_back(ip);
  row.texts("path", path);
  row.texts("header_names", f.header_names);
  row.texts("anomalies", f.anomalies.names());
  row.text("user_agent", f.user_agent);
  row.boolean("is_webmail", f.is_webmail);
  row.count("message_bytes", f.bytes);
  row.count("missed_bytes", f.lost_bytes);
  row.count("num_attachments", f.attachments.size());
  std::vector<std::string> names;
  std::vector<std::string> types;
  for (const AttachmentFacts& a : f.attachments) {
    names.push_back(a.name);
    types.push_back(a.content_type);
  }
  row.texts("attachment_names", names);
  row.texts("attachment_types", types);
  row.count("attachment_bytes", f.attachment_bytes);
}

void write_attachments(MailOutput& output,
                       const MailOrigin& origin,
                       std::string_view mail_from,
                       const std::vector<std::string>& recipients,
                       const MessageFacts& facts) {
  for (const AttachmentFacts& a : facts.attachments) {
    EncodedRow row;
    add_origin(row, origin);
    row.text("protocol", origin.protocol);
    row.text("direction", origin.direction);
    row.text("mailbox", origin.mailbox);
    row.text("mailfrom", mail_from);
    row.texts("rcptto", recipients);
    row.text("subject", facts.subject);
    row.text("msg_id", facts.msg_id);
    row.text("filename", a.name);
    row.text("content_type", a.content_type);
    row.text("real_type", a.real_type);
    row.text("disposition", a.disposition);
    row.text("encoding", a.encoding);
    row.count("size", a.size);
    row.real("entropy", a.entropy);
    row.text("md5", a.md5);
    row.text("sha1", a.sha1);
    row.text("sha256", a.sha256);
    if (a.archive.is_archive) {
      row.boolean("encrypted", a.archive.encrypted);
      row.count("num_members", a.archive.num_members);
      row.texts("member_names", a.archive.names);
    }
    row.write(output.tables(), "mail.attachment", {origin.offset, origin.record},
              origin.time != 0 ? std::optional(origin.time) : std::nullopt);
  }
}

}  // namespace postern::input
