#include "input/pcap/mailbox_content.h"

#include <algorithm>

#include "base/text.h"
#include "input/encoded_row.h"
#include "mime/transfer.h"
#include "net/protocol/imap/session.h"
#include "net/protocol/pop3/session.h"

namespace postern::input::pcap {

namespace {

/// Sections that begin with the header of the message.
bool has_header(std::string_view section) {
  return section.empty() || section == "HEADER" || section == "TOP";
}

/// All of it is base64, and enough to be no word.
bool looks_base64(std::string_view text) {
  constexpr size_t kMinLength = 16;
  size_t letters = 0;
  for (const char c : text) {
    if (ascii_space(c) || c == '=') continue;
    if (!ascii_alpha(c) && !ascii_digit(c) && c != '+' && c != '/') return false;
    ++letters;
  }
  return letters >= kMinLength;
}

}  // namespace

MailboxContent::MailboxContent(bool imap, bool midstream, MailOutput& output, Link link)
    : DialogueContent(output, std::move(link)) {
  if (imap)
    session_ = std::make_unique<net::protocol::imap::Session>(*this, midstream);
  else
    session_ = std::make_unique<net::protocol::pop3::Session>(*this, midstream);
}

void MailboxContent::add_session(EncodedRow& row) const {
  const net::protocol::MailboxSummary& s = session_->summary();
  add_summary(row, s);
  row.texts("anomalies", anomalies_.names());
  row.text("client_software", s.client_id);
  row.boolean("compressed", s.compressed);
  row.texts("mailboxes", s.mailboxes);
  row.texts("searches", s.searches);
  row.count("num_polls", s.num_polls);
  row.count("num_fetched", s.num_fetched);
  row.count("fetched_bytes", s.fetched_bytes);
  row.count("num_appended", s.num_appended);
  row.count("appended_bytes", s.appended_bytes);
  row.count("num_deleted", s.num_deleted);
  row.count("num_expunged", s.num_expunged);
}

// ---- messages

MailOrigin MailboxContent::origin_of_message(const Message& m) const {
  MailOrigin o = origin_at(link_.origin(), m.begin);
  o.has_envelope = false;
  o.direction = m.to_server ? "to_server" : "to_client";
  o.mailbox = m.mailbox;
  return o;
}

void MailboxContent::message_begin(const Message& m) {
  if (!output_.wants_mime()) return;
  OpenMail& mail = mails_.add(m.id, origin_of_message(m));
  if (has_header(m.section)) {
    mail.collector = std::make_unique<MessageCollector>(output_, *mail.origin, std::string(),
                                                        std::vector<std::string>());
  } else if (output_.scans()) {
    mail.part = std::make_unique<ContentBuffer>(output_.budget());
  }
}

void MailboxContent::message_data(const Message& m, std::string_view bytes) {
  OpenMail* const mail = mails_.find(m.id);
  if (!mail) return;
  if (mail->collector) mail->collector->feed(bytes);
  if (mail->part) mail->part->append(bytes);
}

void MailboxContent::message_gap(const Message& m, uint64_t num_bytes) {
  OpenMail* const mail = mails_.find(m.id);
  if (mail && mail->collector) mail->collector->gap(num_bytes);
}

void MailboxContent::message_end(const Message& m) {
  OpenMail* const mail = mails_.find(m.id);
  if (!mail) return;
  if (mail->collector) mail->collector->finish();
  if (mail->part) scan_part(*mail);
}

/// A part that was fetched without its header: how it is encoded is not said, so it is scanned as
/// it is and as what it seems to be.
void MailboxContent::scan_part(const OpenMail& mail) {
  const std::string_view raw = mail.part->view();
  output_.scan("mail.raw", "", raw, {*mail.origin, {}, nullptr, {}});
  std::string decoded;
  if (looks_base64(raw)) {
    decoded = mime::decode_base64(raw);
  } else if (raw.find('=') != std::string_view::npos) {
    mime::QuotedPrintableDecoder d;
    d.feed(raw, decoded);
    d.finish(decoded);
    if (d.num_invalid() > 0 || decoded == raw) return;
  }
  output_.scan("mail.body", "", decoded, {*mail.origin, {}, nullptr, {}});
}

void MailboxContent::message_done(const Message& m) {
  OpenMail* const mail = mails_.find(m.id);
  if (!has_header(m.section)) {
    mails_.remove(m.id);
    return;
  }
  const MailOrigin o = origin_of_message(m);
  static const MessageFacts kNoMessage;
  const MessageFacts& facts = mail && mail->collector ? mail->collector->facts() : kNoMessage;
  EncodedRow row;
  add_origin(row, o);
  row.text("protocol", o.protocol);
  row.text("direction", o.direction);
  row.text("command", m.command);
  row.text("mailbox", m.mailbox);
  row.text("message_number", m.number);
  row.text("section", m.section);
  row.count("trans_depth", m.id);
  row.text("mailfrom", facts.return_path);
  row.texts("rcptto", facts.delivered_to);
  row.text("last_reply", m.status + (m.reply.empty() ? "" : " " + m.reply));
  row.boolean("tls", false);
  add_message(row, o, facts);
  row.text("auth_user", m.user);
  row.boolean("complete", m.complete && m.section.empty());
  if (m.to_server && !m.status.empty()) row.boolean("accepted", m.status == "OK");
  row.write(output_.tables(), "mail.message", {o.offset, o.record}, o.time);
  write_attachments(output_, o, facts.return_path, facts.delivered_to, facts);
  mails_.remove(m.id);
}

}  // namespace postern::input::pcap
