#include "input/pcap/flow_content.h"

#include <algorithm>

#include "adapt/hash.h"
#include "base/text.h"
#include "input/encoded_row.h"
#include "input/pcap/flow_row.h"

namespace postern::input::pcap {

using net::packet::Bytes;
using net::protocol::Protocol;

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

FlowContent::FlowContent(net::stream::Flow& flow, MailOutput& output)
    : flow_(flow),
      output_(output),
      views_{ContentBuffer(output.budget()), ContentBuffer(output.budget())},
      viewing_(output.scans()) {}

FlowContent::~FlowContent() = default;

bool FlowContent::patient() const {
  return protocol_ == Protocol::kSmtp || protocol_ == Protocol::kImap ||
         protocol_ == Protocol::kPop3;
}

void FlowContent::data(Side raw_side, Bytes bytes, const Moment& at) {
  const Side side = effective(raw_side);
  if (protocol_ != Protocol::kUndecided) return deliver(side, bytes, at);
  if (!detector_) detector_.emplace(flow_.originator().port, flow_.responder().port, midstream());
  early_.push_back({side, std::string(bytes), 0, at});
  const Protocol p = detector_->feed(side, bytes);
  if (p != Protocol::kUndecided) decided(p);
}

void FlowContent::gap(Side raw_side, uint64_t num_bytes, const Moment& at) {
  const Side side = effective(raw_side);
  if (protocol_ != Protocol::kUndecided) return deliver_gap(side, num_bytes, at);
  early_.push_back({side, std::string(), num_bytes, at});
}

/// Neither a SYN nor its answer was captured: the beginning is missing.
bool FlowContent::midstream() const {
  return flow_.history().find_first_of("SsHh") == std::string::npos;
}

void FlowContent::decided(Protocol p) {
  protocol_ = p;
  if (detector_ && detector_->reversed()) {
    swapped_ = true;
    for (Early& e : early_)
      e.side = net::stream::other(e.side);
    flow_.request_flip();
  }
  const std::string_view name = net::protocol::service_name(p);
  if (!name.empty()) flow_.add_service(name);
  if (p == Protocol::kTls || p == Protocol::kSsh) stop_views();
  if (p == Protocol::kTls && !mail_protocol().empty())
    tls_ = std::make_unique<net::protocol::tls::Handshake>();
  if (p == Protocol::kSmtp)
    smtp_ = std::make_unique<net::protocol::smtp::Session>(*this, midstream());
  if (p == Protocol::kImap || p == Protocol::kPop3)
    mailbox_ = std::make_unique<MailboxContent>(
        p == Protocol::kImap, midstream(), output_,
        MailboxContent::Link{[this] { return origin(); }, [this] { tls_started({}); }});
  const std::vector<Early> early = std::move(early_);
  early_.clear();
  for (const Early& e : early) {
    if (e.gap > 0) {
      deliver_gap(e.side, e.gap, e.at);
    } else {
      deliver(e.side, e.bytes, e.at);
    }
  }
}

void FlowContent::deliver(Side side, Bytes bytes, const Moment& at) {
  if (viewing_) views_[static_cast<size_t>(side)].append(bytes);
  const bool was_tls = tls_ != nullptr;
  session(side, bytes, at);
  if (!tls_) return;
  tls_bytes_[static_cast<size_t>(side)] += bytes.size();
  // What agreed to TLS is no part of it, unless only these bytes show that it was agreed to.
  if (was_tls || net::protocol::looks_tls(bytes)) tls_->feed(side == Side::kOriginator, bytes);
}

void FlowContent::session(Side side, Bytes bytes, const Moment& at) {
  const bool from_client = side == Side::kOriginator;
  if (smtp_ && from_client) smtp_->client(bytes, at);
  if (smtp_ && !from_client) smtp_->server(bytes, at);
  if (mailbox_ && from_client) mailbox_->client(bytes, at);
  if (mailbox_ && !from_client) mailbox_->server(bytes, at);
}

/// The mail protocol inside a connection that began in TLS, by its port; "" for none.
std::string_view FlowContent::mail_protocol() const {
  if (protocol_ != Protocol::kTls) return net::protocol::service_name(protocol_);
  switch (swapped_ ? flow_.originator().port : flow_.responder().port) {
    case 465:
      return "smtp";
    case 993:
      return "imap";
    case 995:
      return "pop3";
    default:
      return "";
  }
}

void FlowContent::deliver_gap(Side side, uint64_t num_bytes, const Moment& at) {
  // A byte that is in no text keeps what is left of the hole apart from what is right of it.
  if (viewing_) views_[static_cast<size_t>(side)].append(std::string_view("\0", 1));
  const bool from_client = side == Side::kOriginator;
  if (smtp_ && from_client) smtp_->client_gap(num_bytes, at);
  if (smtp_ && !from_client) smtp_->server_gap(num_bytes, at);
  if (mailbox_ && from_client) mailbox_->client_gap(num_bytes, at);
  if (mailbox_ && !from_client) mailbox_->server_gap(num_bytes, at);
  if (tls_) tls_->gap(from_client);
}

void FlowContent::conflict(Side raw_side, Bytes, Bytes second, const Moment&) {
  // Either copy may be what the receiver read: the one that was not used is scanned by itself.
  if (!viewing_) return;
  MailOrigin o = origin();
  output_.scan(effective(raw_side) == Side::kOriginator ? "tcp.client" : "tcp.server",
               "second copy", second, {o, {}, nullptr, {}});
}

/// What follows is encrypted: the views end here.
void FlowContent::stop_views() {
  if (!viewing_) return;
  viewing_ = false;
  if (protocol_ != Protocol::kTls && protocol_ != Protocol::kSsh) {
    const MailOrigin o = origin();
    output_.scan("tcp.client", "", views_[0].view(), {o, {}, nullptr, {}});
    output_.scan("tcp.server", "", views_[1].view(), {o, {}, nullptr, {}});
  }
  views_[0].clear();
  views_[1].clear();
}

void FlowContent::finish(const Moment& at) {
  if (protocol_ == Protocol::kUndecided && detector_) decided(detector_->finish());
  if (smtp_) smtp_->finish(at);
  if (mailbox_) mailbox_->finish(at);
  if (viewing_ && (views_[0].cut() || views_[1].cut()))
    output_.anomaly("stream-too-large", flow_.first().offset, flow_.uid());
  stop_views();
  write_session();
}

MailOrigin FlowContent::origin() const {
  MailOrigin o = origin_of(flow_);
  if (swapped_) {
    std::swap(o.orig_h, o.resp_h);
    std::swap(o.orig_p, o.resp_p);
  }
  o.protocol = std::string(mail_protocol());
  return o;
}

/// What the clear part of the handshake tells.
void FlowContent::add_tls(EncodedRow& row) const {
  if (!tls_) return;
  const net::protocol::tls::ClientHello& hello = tls_->client_hello();
  const net::protocol::tls::Certificate& certificate = tls_->certificate();
  row.text("tls_version", net::protocol::tls::version_name(tls_->version()));
  if (hello.valid) {
    row.text("tls_server_name", hello.server_name);
    row.texts("tls_alpn", hello.alpn);
    row.text("tls_ja3", adapt::md5(ja3_text(hello)));
    row.text("tls_ja4", ja4(hello));
  }
  row.text("tls_subject", certificate.subject);
  row.text("tls_issuer", certificate.issuer);
  row.texts("tls_names", certificate.names);
}

void FlowContent::write_session() {
  if (!smtp_ && !mailbox_ && !tls_) return;
  const MailOrigin o = origin();
  EncodedRow row;
  add_origin(row, o);
  row.text("protocol", o.protocol);
  if (mailbox_) {
    mailbox_->add_session(row);
    row.text("software", server_software(mailbox_->summary().banner));
  } else if (!smtp_) {
    row.boolean("tls", true);
    row.count("client_bytes", tls_bytes_[0]);
    row.count("server_bytes", tls_bytes_[1]);
  } else {
    const net::protocol::smtp::Summary& s = smtp_->summary();
    row.text("helo", s.helo);
    row.text("banner", s.banner);
    row.text("software", server_software(s.banner));
    row.text("client_software", client_software_);
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
    row.texts("anomalies", anomalies_.names());
  }
  add_tls(row);
  row.write(output_.tables(), "mail.session", {o.offset, o.record}, o.time);
}

// ---- mails of an SMTP session

FlowContent::Mail* FlowContent::find(uint64_t id) {
  for (Mail& m : mails_)
    if (m.transaction == id) return &m;
  return nullptr;
}

void FlowContent::content_begin(const Transaction& t) {
  if (!output_.wants_mime()) return;
  Mail m;
  m.transaction = t.id;
  m.origin = std::make_unique<MailOrigin>(origin());
  m.origin->time = t.begin.time;
  m.origin->offset = t.begin.offset;
  m.origin->record = t.begin.number;
  m.origin->direction = "to_server";
  m.collector = std::make_unique<MessageCollector>(output_, *m.origin, t.mail_from, t.recipients);
  mails_.push_back(std::move(m));
}

void FlowContent::content(const Transaction& t, std::string_view bytes) {
  if (Mail* m = find(t.id)) m->collector->feed(bytes);
}

void FlowContent::content_gap(const Transaction& t, uint64_t num_bytes) {
  if (Mail* m = find(t.id)) m->collector->gap(num_bytes);
}

void FlowContent::content_end(const Transaction& t) {
  if (Mail* m = find(t.id)) m->collector->finish();
}

void FlowContent::transaction(const Transaction& t) {
  Mail* const m = find(t.id);
  MailOrigin o = origin();
  o.time = t.begin.time;
  o.offset = t.begin.offset;
  o.record = t.begin.number;
  o.direction = "to_server";
  static const MessageFacts kNoMessage;
  const MessageFacts& facts = m ? m->collector->facts() : kNoMessage;
  if (!facts.user_agent.empty()) client_software_ = facts.user_agent;

  EncodedRow row;
  add_origin(row, o);
  row.text("protocol", o.protocol);
  row.text("direction", "to_server");
  row.count("trans_depth", t.depth);
  row.text("helo", t.helo);
  row.text("mailfrom", t.mail_from);
  row.texts("rcptto", t.recipients);
  row.count("num_recipients", t.num_recipients);
  row.count("num_rejected_recipients", t.num_rejected_recipients);
  row.text("last_reply", t.last_reply);
  row.boolean("tls", t.tls);
  add_message(row, o, facts);
  row.text("auth_user", smtp_ ? std::string_view(smtp_->summary().auth_user) : std::string_view());
  row.boolean("complete", t.complete && t.lost_bytes == 0);
  if (t.final_code != 0) row.boolean("accepted", t.final_code / 100 == 2);
  row.text("smuggling", t.smuggling.sequence);
  row.text("smuggled_mailfrom", t.smuggling.mail_from);
  row.texts("smuggled_rcptto", t.smuggling.recipients);
  row.write(output_.tables(), "mail.message", {o.offset, o.record}, o.time);
  write_attachments(output_, o, t.mail_from, t.recipients, facts);

  if (!m) return;
  const auto index = m - mails_.data();
  mails_.erase(mails_.begin() + index);
}

void FlowContent::command(const net::protocol::CommandRecord& c) {
  if (output_.wants_commands()) write_command(output_, origin(), smtp_->summary().auth_user, c);
}

void FlowContent::tls_started(const Moment&) {
  flow_.add_service("ssl");
  if (!tls_) tls_ = std::make_unique<net::protocol::tls::Handshake>();
  stop_views();
}

void FlowContent::anomaly(std::string_view name, const Moment& at, std::string_view detail) {
  anomalies_.add(name);
  output_.anomaly(name, at.offset, detail);
}

// ---- UDP

void DatagramContent::data(net::stream::Side, Bytes bytes, const net::stream::Moment&) {
  constexpr int kMaxLooks = 4;
  if (looks_ >= kMaxLooks || !flow_.service().empty()) return;
  ++looks_;
  const Protocol p =
      net::protocol::detect_datagram(flow_.originator().port, flow_.responder().port, bytes);
  const std::string_view name = net::protocol::service_name(p);
  if (!name.empty()) flow_.add_service(name);
}

}  // namespace postern::input::pcap
