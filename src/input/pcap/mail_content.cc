#include "input/pcap/mail_content.h"

#include <algorithm>

#include "base/text.h"
#include "base/time.h"
#include "input/encoded_row.h"

namespace postern::input::pcap {
namespace {

/// The server program that a greeting names: "ESMTP Postfix (Debian/GNU)" is "Postfix".
std::string server_software(std::string_view banner) {
  constexpr std::string_view kNames[] = {
      "Postfix",       "Exim",         "Sendmail",        "Microsoft ESMTP MAIL Service",
      "Haraka",        "OpenSMTPD",    "qmail",           "Zimbra",
      "Exchange",      "hMailServer",  "MailEnable",      "MDaemon",
      "Kerio Connect", "Lotus Domino", "CommuniGate Pro", "gsmtp",
      "Coremail",      "Dovecot",      "Courier",         "Cyrus",
      "Proofpoint",    "Symantec",     "Barracuda",       "PowerMTA",
      "aiosmtpd",      "MailHog"};
  for (const std::string_view n : kNames)
    if (find_ignore_case(banner, n) != std::string_view::npos) return std::string(n);
  return {};
}

}  // namespace

OpenMail* OpenMails::find(uint64_t id) {
  for (OpenMail& m : mails_)
    if (m.id == id) return &m;
  return nullptr;
}

OpenMail& OpenMails::add(uint64_t id, MailOrigin origin) {
  OpenMail m;
  m.id = id;
  m.origin = std::make_unique<MailOrigin>(std::move(origin));
  mails_.push_back(std::move(m));
  return mails_.back();
}

void OpenMails::remove(uint64_t id) {
  mails_.erase(
      std::remove_if(mails_.begin(), mails_.end(), [id](const OpenMail& m) { return m.id == id; }),
      mails_.end());
}

MailOrigin origin_at(MailOrigin origin, const Moment& at) {
  origin.time = at.time;
  origin.offset = at.offset;
  origin.record = at.number;
  return origin;
}

void add_summary(EncodedRow& row, const net::protocol::SessionSummary& s) {
  row.text("banner", s.banner);
  row.text("software", server_software(s.banner));
  row.texts("extensions", s.extensions);
  row.text("auth_mechanism", s.auth_mechanism);
  row.text("auth_user", s.auth_user);
  row.count("auth_attempts", s.auth_attempts);
  if (s.auth_attempts > 0) row.boolean("auth_success", s.auth_accepted);
  row.boolean("starttls_offered", s.starttls_offered);
  row.boolean("starttls", s.starttls);
  row.boolean("tls", s.tls);
  row.count("num_messages", s.num_messages);
  row.count("num_commands", s.num_commands);
  row.count("client_bytes", s.client_bytes);
  row.count("server_bytes", s.server_bytes);
  row.text("last_reply", s.last_reply);
  row.boolean("early_talker", s.early_talker);
  row.boolean("quit", s.quit);
}

void write_command(MailOutput& output,
                   const MailOrigin& origin,
                   std::string_view user,
                   const net::protocol::CommandRecord& c) {
  const MailOrigin o = origin_at(origin, c.at);
  EncodedRow row;
  add_origin(row, o);
  row.text("protocol", o.protocol);
  row.count("number", c.number);
  row.text("tag", c.tag);
  row.text("command", c.verb);
  row.text("argument", c.argument);
  row.text("mailbox", c.mailbox);
  row.text("auth_user", user);
  row.text("status", c.status);
  row.text("reply", c.reply);
  if (c.latency >= 0)
    row.real("latency", static_cast<double>(c.latency) / static_cast<double>(kTicksPerSecond));
  row.count("content_bytes", c.content_bytes);
  row.write(output.tables(), "mail.command", {o.offset, o.record}, o.time);
}

}  // namespace postern::input::pcap
