#include "input/mailfile/mail_output.h"

#include <algorithm>

#include "base/text.h"

namespace postern::input {

void AnomalyNames::add(std::string_view name) {
  if (names_.size() < kMaxNames && std::find(names_.begin(), names_.end(), name) == names_.end())
    names_.emplace_back(name);
}

void ContentBuffer::append(std::string_view bytes) {
  const uint64_t room = kMaxBytes - std::min<uint64_t>(kMaxBytes, bytes_.size());
  if (cut_ || bytes.size() > room || !budget_->take(bytes.size())) {
    cut_ = true;
    return;
  }
  bytes_.append(bytes);
}

void ContentBuffer::clear() {
  budget_->give(bytes_.size());
  std::string().swap(bytes_);
}

MailOutput::MailOutput(const Input& input, DecodeContext& context, TableSet& tables)
    : input_(input),
      context_(context),
      tables_(tables),
      wants_message_(context.layout("mail.message") != nullptr),
      wants_attachment_(context.layout("mail.attachment") != nullptr),
      wants_command_(context.layout("mail.command") != nullptr) {
  if (const data::Layout* l = context.layout("mail.message"))
    wants_text_ =
        l->raw_slot() >= 0 || l->values_slot() >= 0 || l->slot("body") >= 0 || l->slot("urls") >= 0;
  if (const data::Layout* l = context.layout("mail.attachment")) {
    // Digests cost more than all the rest, so each is made only for a reader.
    const bool whole = l->raw_slot() >= 0 || l->values_slot() >= 0;
    wants_md5_ = whole || l->slot("md5") >= 0;
    wants_sha1_ = whole || l->slot("sha1") >= 0;
    wants_sha256_ = whole || l->slot("sha256") >= 0;
    wants_members_ = whole || l->slot("encrypted") >= 0 || l->slot("num_members") >= 0 ||
                     l->slot("member_names") >= 0;
  }
}

void MailOutput::scan(std::string_view view,
                      std::string_view name,
                      std::string_view bytes,
                      const ScanContext& context) {
  if (!context_.scanner || bytes.empty()) return;
  const MailOrigin& from = context.origin;
  match::ContentOrigin origin;
  origin.view = std::string(view);
  origin.path = input_.path;
  origin.offset = from.offset;
  origin.record = from.record;
  origin.time = from.time;
  origin.name = std::string(name);
  const auto field = [&](const char* key, std::string_view value) {
    if (!value.empty()) origin.fields.emplace_back(key, std::string(value));
  };
  if (from.has_flow) {
    field("SrcIp", from.orig_h);
    field("SrcPort", std::to_string(from.orig_p));
    field("DstIp", from.resp_h);
    field("DstPort", std::to_string(from.resp_p));
    field("Uid", from.uid);
  }
  if (!from.tunnel.empty()) {
    field("TunnelHost", from.tunnel_host);
    field("TunnelPort", std::to_string(from.tunnel_port));
  }
  field("Protocol", from.protocol);
  field("Direction", from.direction);
  field("Mailbox", from.mailbox);
  field("MailFrom", context.mail_from);
  if (context.recipients) {
    std::string all;
    for (const std::string& r : *context.recipients) {
      constexpr size_t kMaxText = 4096;
      if (all.size() > kMaxText) break;
      if (!all.empty()) all += ',';
      all += r;
    }
    field("RcptTo", all);
  }
  field("Subject", context.subject);
  if (view == "mail.attachment" || view == "mail.member") field("Attachment", name);
  // What a finding shows of the text itself.
  constexpr size_t kMaxShown = 2000;
  if (view == "mail.body") field("Body", repair_utf8(bytes.substr(0, kMaxShown)));
  const Result<uint32_t> done = context_.scanner->scan(origin, bytes);
  if (!done.ok()) anomaly("scan-failed", from.offset, done.error().message);
}

void MailOutput::anomaly(std::string_view name, uint64_t offset, std::string_view detail) {
  context_.anomalies.add(name, input_.path, offset, detail);
}

}  // namespace postern::input
