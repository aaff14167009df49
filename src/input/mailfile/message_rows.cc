// The rows of mails: columns of mail.message that come from the message, and mail.attachment.
#include <optional>

#include "input/encoded_row.h"
#include "input/mailfile/message_collector.h"

namespace postern::input {

void add_origin(EncodedRow& row, const MailOrigin& origin) {
  if (origin.time != 0) row.datetime("ts", origin.time);
  if (!origin.has_flow) return;
  row.text("uid", origin.uid);
  row.text("id.orig_h", origin.orig_h);
  row.integer("id.orig_p", origin.orig_p);
  row.text("id.resp_h", origin.resp_h);
  row.integer("id.resp_p", origin.resp_p);
  if (origin.tunnel.empty()) return;
  row.text("tunnel", origin.tunnel);
  row.text("tunnel_host", origin.tunnel_host);
  row.integer("tunnel_port", origin.tunnel_port);
  row.text("tunnel_user", origin.tunnel_user);
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
  std::vector<std::string> names;
  std::vector<std::string> types;
  for (const AttachmentFacts& a : f.attachments) {
    if (!a.reading.empty()) continue;  // one that is counted already
    names.push_back(a.name);
    types.push_back(a.content_type);
  }
  row.count("num_attachments", names.size());
  row.texts("attachment_names", names);
  row.texts("attachment_types", types);
  row.count("attachment_bytes", f.attachment_bytes);
  row.text("body", f.body);
  row.texts("urls", f.urls);
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
    row.text("other_filename", a.other_name);
    row.text("container", a.container);
    row.text("reading", a.reading);
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
