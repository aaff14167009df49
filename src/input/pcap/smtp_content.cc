#include "input/pcap/smtp_content.h"

#include "input/encoded_row.h"

namespace postern::input::pcap {

using net::protocol::smtp::Transaction;

SmtpContent::SmtpContent(bool midstream, MailOutput& output, Link link)
    : DialogueContent(output, std::move(link)), session_(*this, midstream) {}

void SmtpContent::add_session(EncodedRow& row) const {
  row.text("helo", session_.summary().helo);
  row.text("client_software", client_software_);
  add_summary(row, session_.summary());
  row.texts("anomalies", anomalies_.names());
}

MailOrigin SmtpContent::origin_of(const Transaction& t) const {
  MailOrigin o = origin_at(link_.origin(), t.begin);
  o.direction = "to_server";
  return o;
}

void SmtpContent::content_begin(const Transaction& t) {
  if (!output_.wants_mime()) return;
  OpenMail& m = mails_.add(t.id, origin_of(t));
  m.collector = std::make_unique<MessageCollector>(output_, *m.origin, t.mail_from, t.recipients);
}

void SmtpContent::content(const Transaction& t, std::string_view bytes) {
  if (OpenMail* m = mails_.find(t.id)) m->collector->feed(bytes);
}

void SmtpContent::content_gap(const Transaction& t, uint64_t num_bytes) {
  if (OpenMail* m = mails_.find(t.id)) m->collector->gap(num_bytes);
}

void SmtpContent::content_end(const Transaction& t) {
  if (OpenMail* m = mails_.find(t.id)) m->collector->finish();
}

void SmtpContent::transaction(const Transaction& t) {
  OpenMail* const m = mails_.find(t.id);
  const MailOrigin o = origin_of(t);
  static const MessageFacts kNoMessage;
  const MessageFacts& facts = m ? m->collector->facts() : kNoMessage;
  if (!facts.user_agent.empty()) client_software_ = facts.user_agent;

  EncodedRow row;
  add_origin(row, o);
  row.text("protocol", o.protocol);
  row.text("direction", o.direction);
  row.count("trans_depth", t.depth);
  row.text("helo", t.helo);
  row.text("mailfrom", t.mail_from);
  row.texts("rcptto", t.recipients);
  row.count("num_recipients", t.num_recipients);
  row.count("num_rejected_recipients", t.num_rejected_recipients);
  row.text("last_reply", t.last_reply);
  row.boolean("tls", t.tls);
  add_message(row, o, facts);
  row.text("auth_user", session_.summary().auth_user);
  row.boolean("complete", t.complete && t.lost_bytes == 0);
  if (t.final_code != 0) row.boolean("accepted", t.final_code / 100 == 2);
  row.text("smuggling", t.smuggling.sequence);
  row.text("smuggled_mailfrom", t.smuggling.mail_from);
  row.texts("smuggled_rcptto", t.smuggling.recipients);
  row.write(output_.tables(), "mail.message", {o.offset, o.record}, o.time);
  write_attachments(output_, o, t.mail_from, t.recipients, facts);
  mails_.remove(t.id);
}

}  // namespace postern::input::pcap
