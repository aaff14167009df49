#include "input/pcap/flow_content.h"

#include <algorithm>

#include "adapt/hash.h"
#include "input/encoded_row.h"
#include "input/pcap/flow_row.h"
#include "input/pcap/mailbox_content.h"
#include "input/pcap/smtp_content.h"

namespace postern::input::pcap {

using net::packet::Bytes;
using net::protocol::Protocol;
namespace tunnel = net::protocol::tunnel;

FlowContent::FlowContent(net::stream::Flow& flow, MailOutput& output)
    : flow_(flow),
      output_(output),
      views_{ContentBuffer(output.budget()), ContentBuffer(output.budget())},
      viewing_(output.scans()) {}

FlowContent::~FlowContent() = default;

bool FlowContent::patient() const {
  return mail_ != nullptr;
}

FlowContent::AtRest FlowContent::at_rest() const {
  const bool untouched = !detector_ && !tunnel_ && early_.empty() && !swapped_;
  if (untouched) return AtRest::kMadeAgain;
  if (protocol_ == Protocol::kUndecided || mail_ || tls_ || viewing_) return AtRest::kStays;
  return AtRest::kForgotten;
}

void FlowContent::data(Side raw_side, Bytes bytes, const Moment& at) {
  take(effective(raw_side), bytes, at);
}

void FlowContent::gap(Side raw_side, uint64_t num_bytes, const Moment& at) {
  take_gap(effective(raw_side), num_bytes, at);
}

/// Bytes from the outside: of a tunnel's handshake, or what is spoken.
void FlowContent::take(Side side, Bytes bytes, const Moment& at) {
  const bool from_client = side == Side::kOriginator;
  if (!tunnel_ || tunnel_->inside(from_client)) return recognise(side, bytes, at);
  see(side, bytes);
  const std::vector<tunnel::Said> said = tunnel_->feed(from_client, bytes);
  if (tunnel_->failed() && protocol_ == Protocol::kUndecided) {
    if (!tunnel_->refused()) output_.anomaly("tunnel-bad-handshake", at.offset, flow_.uid());
    protocol_ = Protocol::kUnknown;
  }
  for (const tunnel::Said& s : said)
    recognise(s.from_client ? Side::kOriginator : Side::kResponder, s.bytes, at);
}

void FlowContent::take_gap(Side side, uint64_t num_bytes, const Moment& at) {
  const bool from_client = side == Side::kOriginator;
  // Where in the handshake the hole is nobody knows.
  if (tunnel_ && !tunnel_->inside(from_client)) protocol_ = Protocol::kUnknown;
  if (protocol_ == Protocol::kUndecided) {
    early_.push_back({side, std::string(), num_bytes, at});
    return;
  }
  // A byte that is in no text keeps what is left of the hole apart from what is right of it.
  see(side, std::string_view("\0", 1));
  if (mail_) mail_->gap(from_client, num_bytes, at);
  if (tls_) tls_->gap(from_client);
}

void FlowContent::recognise(Side side, Bytes bytes, const Moment& at) {
  if (protocol_ != Protocol::kUndecided) return deliver(side, bytes, at);
  if (!detector_)
    detector_.emplace(flow_.originator().port, server_port(), num_tunnels_ == 0 && midstream());
  early_.push_back({side, std::string(bytes), 0, at});
  const Protocol p = detector_->feed(side, bytes);
  if (p != Protocol::kUndecided) decided(p);
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
  const std::vector<Early> early = std::move(early_);
  early_.clear();
  if (enter_tunnel(p)) return replay(early);
  if (p == Protocol::kTls || p == Protocol::kSsh) stop_views();
  if (p == Protocol::kTls && !mail_protocol().empty())
    tls_ = std::make_unique<net::protocol::tls::Handshake>();
  const MailContent::Link link{[this] { return origin(); }, [this] { tls_started(); }};
  const bool middle = num_tunnels_ == 0 && midstream();
  if (p == Protocol::kSmtp) mail_ = std::make_unique<SmtpContent>(middle, output_, link);
  if (p == Protocol::kImap || p == Protocol::kPop3)
    mail_ = std::make_unique<MailboxContent>(p == Protocol::kImap, middle, output_, link);
  replay(early);
}

/// True when what was recognised is the beginning of a tunnel.
bool FlowContent::enter_tunnel(Protocol p) {
  const bool begins =
      p == Protocol::kSocks4 || p == Protocol::kSocks5 || p == Protocol::kHttpConnect;
  if (!begins || num_tunnels_ >= kMaxTunnels) return false;
  ++num_tunnels_;
  tunnel_ =
      std::make_unique<tunnel::Handshake>(p == Protocol::kSocks4   ? tunnel::Kind::kSocks4
                                          : p == Protocol::kSocks5 ? tunnel::Kind::kSocks5
                                                                   : tunnel::Kind::kHttpConnect);
  detector_.reset();
  protocol_ = Protocol::kUndecided;
  return true;
}

void FlowContent::replay(const std::vector<Early>& early) {
  for (const Early& e : early) {
    if (e.gap > 0) {
      take_gap(e.side, e.gap, e.at);
    } else {
      take(e.side, e.bytes, e.at);
    }
  }
}

/// Keeps bytes for the scanner.
void FlowContent::see(Side side, Bytes bytes) {
  if (viewing_) views_[static_cast<size_t>(side)].append(bytes);
}

void FlowContent::deliver(Side side, Bytes bytes, const Moment& at) {
  see(side, bytes);
  const bool was_tls = tls_ != nullptr;
  const bool from_client = side == Side::kOriginator;
  if (mail_) mail_->data(from_client, bytes, at);
  if (!tls_) return;
  tls_bytes_[static_cast<size_t>(side)] += bytes.size();
  // What agreed to TLS is no part of it, unless only these bytes show that it was agreed to.
  if (was_tls || net::protocol::looks_tls(bytes)) tls_->feed(from_client, bytes);
}

/// Where the connection leads: the port inside of the tunnel, if there is one.
uint16_t FlowContent::server_port() const {
  if (tunnel_ && tunnel_->asked()) return tunnel_->target().port;
  return swapped_ ? flow_.originator().port : flow_.responder().port;
}

/// The mail protocol inside a connection that began in TLS, by its port; "" for none.
std::string_view FlowContent::mail_protocol() const {
  if (protocol_ != Protocol::kTls) return net::protocol::service_name(protocol_);
  switch (server_port()) {
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

void FlowContent::conflict(Side raw_side, Bytes, Bytes second, const Moment&) {
  // Either copy may be what the receiver read: the one that was not used is scanned by itself.
  if (!viewing_) return;
  const MailOrigin o = origin();
  output_.scan(effective(raw_side) == Side::kOriginator ? "tcp.client" : "tcp.server",
               "second copy", second, {o, {}, nullptr, {}});
}

void FlowContent::tls_started() {
  flow_.add_service("ssl");
  if (!tls_) tls_ = std::make_unique<net::protocol::tls::Handshake>();
  stop_views();
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
  // What was recognised may be a tunnel whose inside is not recognised yet.
  for (int i = 0; i <= kMaxTunnels && protocol_ == Protocol::kUndecided && detector_; ++i)
    decided(detector_->finish());
  if (mail_) mail_->finish(at);
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
  if (tunnel_ && tunnel_->asked()) {
    o.tunnel = std::string(tunnel::kind_name(tunnel_->kind()));
    o.tunnel_host = tunnel_->target().host;
    o.tunnel_port = tunnel_->target().port;
    o.tunnel_user = tunnel_->target().user;
  }
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
  if (!mail_ && !tls_) return;
  const MailOrigin o = origin();
  EncodedRow row;
  add_origin(row, o);
  row.text("protocol", o.protocol);
  if (mail_) {
    mail_->add_session(row);
  } else {
    row.boolean("tls", true);
    row.count("client_bytes", tls_bytes_[0]);
    row.count("server_bytes", tls_bytes_[1]);
  }
  add_tls(row);
  row.write(output_.tables(), "mail.session", {o.offset, o.record}, o.time);
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
