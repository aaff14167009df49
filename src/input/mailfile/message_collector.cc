#include "input/mailfile/message_collector.h"

#include <algorithm>

#include "adapt/hash.h"
#include "base/text.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/tnef.h"
#include "mime/urls.h"

namespace postern::input {
namespace {

constexpr size_t kMaxAddresses = 1000;
constexpr size_t kMaxReceived = 100;
constexpr size_t kMaxHeaderNames = 100;
constexpr size_t kMaxBody = 32u << 10;
constexpr size_t kMaxUrls = 100;
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
  std::unique_ptr<ContentBuffer> other;  // the content in its other reading
};

namespace {

/// Worth holding whole although nobody asked for its digests: the attachments are inside.
bool may_be_tnef(const mime::Part& part) {
  return part.type == "application/ms-tnef" || part.type == "application/vnd.ms-tnef" ||
         equal_ignore_case(part.name, "winmail.dat");
}

}  // namespace

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
  open->keep = output_.scans() ||
               (open->attachment && (output_.wants_digests() || output_.wants_members())) ||
               (output_.wants_attachments() && may_be_tnef(part)) ||
               (output_.wants_text() && !open->attachment);
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

void MessageCollector::part_other(const mime::Part& part, std::string_view bytes) {
  const auto found = open_.find(part.index);
  if (found == open_.end() || !found->second->keep) return;
  Open& open = *found->second;
  if (!open.other) open.other = std::make_unique<ContentBuffer>(output_.budget());
  open.other->append(bytes);
}

void MessageCollector::part_end(const mime::Part& part) {
  const auto found = open_.find(part.index);
  if (found == open_.end()) return;
  Open& open = *found->second;
  if (open.attachment) {
    end_attachment(part, open);
  } else if (open.keep) {
    end_text(part, open);
  }
  open_.erase(found);
}

void MessageCollector::end_text(const mime::Part& part, const Open& open) {
  if (open.buffer.cut()) output_.anomaly("mail-part-too-large", origin_.offset);
  read_text(part, open.buffer.view());
  if (open.other && !part.other_encoding.empty()) read_text(part, open.other->view());
}

/// A text as each of its readers shows it.
void MessageCollector::read_text(const mime::Part& part, std::string_view bytes) {
  std::string text;
  if (!mime::to_utf8(part.charset, bytes, text) && !part.charset.empty())
    anomaly("mime-unknown-charset", part.charset);
  output_.scan("mail.body", "", text, context());
  keep_text(text);
  const auto others = mime::other_texts(bytes, text, part.other_charset, part.type == "text/html");
  if (!others.empty()) anomaly("mime-charset-doubt", part.charset);
  for (const std::string& other : others) {
    output_.scan("mail.body", "", other, context());
    keep_text(other);
  }
}

void MessageCollector::keep_text(std::string_view text) {
  if (!output_.wants_text() || text.empty()) return;
  std::string& body = facts_.body;
  if (body.size() < kMaxBody) {
    if (!body.empty()) body += '\n';
    body += repair_utf8(text.substr(0, kMaxBody - std::min(kMaxBody, body.size())));
  }
  mime::add_urls(text, kMaxUrls, facts_.urls);
}

void MessageCollector::end_attachment(const mime::Part& part, Open& open) {
  AttachmentFacts a;
  a.name = part.name;
  a.other_name = part.other_name;
  a.content_type = part.type;
  a.encoding = part.encoding;
  a.disposition = part.disposition;
  a.size = open.size;
  a.entropy = open.histogram.entropy();
  a.cut = open.buffer.cut();
  add_attachment(a, open.head, open.buffer.view());
  const auto other = [&](std::string_view reading, std::string_view content, bool cut) {
    a.reading = std::string(reading);
    a.size = content.size();
    a.cut = cut;
    mime::ByteHistogram histogram;
    histogram.add(content);
    a.entropy = histogram.entropy();
    add_attachment(a, content.substr(0, mime::kMagicBytes), content);
  };
  if (open.other && !part.other_encoding.empty())
    other(part.other_encoding, open.other->view(), open.other->cut());
  if (part.strict_bytes > 0 && part.strict_bytes < open.buffer.view().size())
    other("base64-strict", open.buffer.view().substr(0, part.strict_bytes), false);
}

/// An attachment whose declared side, size and entropy are known.
void MessageCollector::add_attachment(AttachmentFacts a,
                                      std::string_view head,
                                      std::string_view content) {
  a.real_type = std::string(mime::content_type(head));
  if (a.cut) {
    output_.anomaly("mail-part-too-large", origin_.offset, a.name);
  } else {
    if (output_.wants_md5()) a.md5 = adapt::md5(content);
    if (output_.wants_sha1()) a.sha1 = adapt::sha1(content);
    if (output_.wants_sha256()) a.sha256 = adapt::sha256(content);
  }
  output_.scan("mail.attachment", a.name, content, context());
  // Of a cut archive what came is read.
  if (output_.scans() || output_.wants_members())
    a.archive = read_members(output_, context(), a.name, content);
  const bool contained = !a.container.empty();
  const std::string name = a.name;
  if (!contained && a.reading.empty()) facts_.attachment_bytes += a.size;
  facts_.attachments.push_back(std::move(a));
  if (!contained && mime::is_tnef(content)) read_tnef_parts(name, content);
}

/// What Outlook packed into one attachment, as attachments and texts of the mail.
class MessageCollector::TnefParts final : public mime::TnefHandler {
 public:
  TnefParts(MessageCollector& mail, const std::string& container)
      : mail_(mail), container_(container) {}

  void tnef_file(std::string_view name, std::string_view type, std::string_view bytes) override {
    AttachmentFacts a;
    a.name = std::string(name);
    a.container = container_;
    a.content_type = std::string(type);
    a.size = bytes.size();
    mime::ByteHistogram histogram;
    histogram.add(bytes);
    a.entropy = histogram.entropy();
    mail_.add_attachment(std::move(a), bytes.substr(0, mime::kMagicBytes), bytes);
  }

  void tnef_body(std::string_view, std::string_view charset, std::string_view bytes) override {
    std::string text;
    mime::to_utf8(charset, bytes, text);
    mail_.output_.scan("mail.body", "", text, mail_.context());
    mail_.keep_text(text);
  }

 private:
  MessageCollector& mail_;
  const std::string& container_;
};

void MessageCollector::read_tnef_parts(const std::string& container, std::string_view content) {
  // In a row an empty name would say that there is no container.
  const std::string name = container.empty() ? "winmail.dat" : container;
  TnefParts parts(*this, name);
  switch (mime::read_tnef(content, parts)) {
    case mime::TnefResult::kGood:
      break;
    case mime::TnefResult::kDamaged:
      anomaly("tnef-damaged", name);
      break;
    case mime::TnefResult::kTooLarge:
      anomaly("tnef-too-large", name);
      break;
  }
}

}  // namespace postern::input
