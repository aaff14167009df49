// Where a body is not encoded as it is said to be: the other way to read it.
#include <algorithm>

#include "base/text.h"
#include "mime/parser_shared.h"

namespace postern::mime {
namespace {

/// A line that is base64 and hardly anything else: long, whole groups, letters of both cases.
bool looks_base64(std::string_view line) {
  constexpr size_t kMinLength = 40;
  if (line.size() < kMinLength || line.size() % 4 != 0) return false;
  bool upper = false, lower = false;
  for (const char c : line) {
    if (!ascii_alpha(c) && !ascii_digit(c) && c != '+' && c != '/' && c != '=') return false;
    upper = upper || (c >= 'A' && c <= 'Z');
    lower = lower || (c >= 'a' && c <= 'z');
  }
  return upper && lower;
}

/// A line that cannot be base64: two or more bytes are of no group.
bool is_no_base64(std::string_view line) {
  size_t odd = 0;
  for (const char c : line)
    if (!ascii_alpha(c) && !ascii_digit(c) && c != '+' && c != '/' && c != '=') ++odd;
  return odd >= 2;
}

}  // namespace

/// A message must not be encoded as a whole (RFC 2046, 5.2.1), so some readers ignore that it is
/// said to be: one that begins with a header field is read as it stands.
void Parser::doubt_encoding(Entity& e, std::string_view text) {
  const std::string_view t = trim(text);
  if (t.empty()) return;
  e.body_begun = true;
  if (!e.inner || e.coding != Coding::kBase64) return;
  const size_t colon = t.find(':');
  if (colon == 0 || colon == std::string_view::npos) return;
  const bool field = std::all_of(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(colon),
                                 [](char c) { return c > 32 && c < 127; });
  if (!field) return;
  shared_->handler.anomaly("mime-encoding-ignored", e.part.encoding);
  e.coding = Coding::kIdentity;
}

/// The first line of a body may show that it is not encoded as it is said to be. Some readers go by
/// what they see, so it is read in that way, too.
void Parser::doubt_body(Entity& e, std::string_view text) {
  const std::string_view t = trim(text);
  if (t.empty() || e.other || e.inner) return;
  if (e.coding == Coding::kIdentity && looks_base64(t)) begin_other(e, Coding::kBase64, "base64");
  if (e.coding == Coding::kBase64 && is_no_base64(t)) begin_other(e, Coding::kIdentity, "7bit");
}

void Parser::begin_other(Entity& e, Coding coding, std::string_view name) {
  if (coding == Coding::kUuencode) return;  // found by its lines in any case
  e.other = std::make_unique<Other>();
  e.other->coding = coding;
  e.part.other_encoding = plain_encoding(name) ? "7bit" : std::string(name.substr(0, 80));
}

void Parser::feed_other(Entity& e, std::string_view text) {
  Other& o = *e.other;
  o.num_bytes += text.size();
  if (o.coding == Coding::kBase64) {
    o.base64.feed(text, o.decoded);
  } else if (o.coding == Coding::kQuotedPrintable) {
    o.quoted.feed(text, o.decoded);
  } else {
    o.decoded.append(text);
  }
  if (o.decoded.size() < kFlushBytes) return;
  shared_->handler.part_other(e.part, o.decoded);
  o.decoded.clear();
}

void Parser::end_other(Entity& e) {
  if (!e.other) return;
  Other& o = *e.other;
  if (o.coding == Coding::kBase64) o.base64.finish(o.decoded);
  if (o.coding == Coding::kQuotedPrintable) o.quoted.finish(o.decoded);
  if (!o.decoded.empty()) shared_->handler.part_other(e.part, o.decoded);
  // A line of a text may look like base64; all the text does not.
  constexpr uint64_t kJunkShare = 50;
  const bool undeclared = e.coding == Coding::kIdentity && o.coding == Coding::kBase64;
  if (!undeclared) return;
  if (o.base64.num_junk() > o.num_bytes / kJunkShare) {
    e.part.other_encoding.clear();
  } else {
    shared_->handler.anomaly("mime-encoding-undeclared", "base64");
  }
}

/// A multipart must not be encoded (RFC 2045, 6.4), so most readers ignore that it is said to be;
/// others decode it. One that begins with base64 in place of a boundary can only be meant for them.
bool Parser::encoded_multipart(Entity& e, std::string_view text) {
  const std::string_view t = trim(text);
  if (t.empty() || e.body_begun) return false;
  e.body_begun = true;
  if (e.coding != Coding::kBase64 || !looks_base64(t) ||
      shared_->num_messages >= shared_->limits.max_messages)
    return false;
  shared_->handler.anomaly("mime-encoded-multipart", e.part.encoding);
  ++shared_->num_messages;
  e.closed = true;  // what delimits its parts is inside
  e.state = State::kBody;
  e.inner.reset(new Parser(shared_, e.part));
  std::string header = "Content-Type: " + e.part.type;
  for (const std::string& b : e.boundaries)
    header += "; boundary=\"" + b + "\"";
  e.inner->feed(header + "\r\n\r\n");
  return true;
}

}  // namespace postern::mime
