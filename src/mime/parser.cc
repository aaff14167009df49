#include "mime/parser.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace postern::mime {
namespace {

/// Decoded bytes are handed over in pieces of about this size.
constexpr size_t kFlushBytes = 64u << 10;
constexpr size_t kMaxBoundary = 1024;

std::string_view strip_eol(std::string_view line) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool starts_with(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

/// Fields that mean something to us and are kept however many others came before.
bool well_known(std::string_view name) {
  constexpr std::string_view kNames[] = {"content-type",
                                         "content-transfer-encoding",
                                         "content-disposition",
                                         "from",
                                         "to",
                                         "cc",
                                         "subject",
                                         "date",
                                         "message-id",
                                         "reply-to",
                                         "in-reply-to",
                                         "x-mailer",
                                         "user-agent",
                                         "x-originating-ip"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [name](std::string_view n) { return equal_ignore_case(n, name); });
}

bool is_message_type(std::string_view type) {
  return type == "message/rfc822" || type == "message/global" || type == "message/news";
}

}  // namespace

struct Parser::Shared {
  Handler& handler;
  Limits limits;
  uint32_t num_parts = 0;
  uint32_t num_messages = 0;  // nested, open now
  bool told_too_many = false;
};

const std::string* Part::header(std::string_view field) const {
  for (const HeaderField& h : headers)
    if (equal_ignore_case(h.name, field)) return &h.value;
  return nullptr;
}

bool Part::is_attachment() const {
  if (multipart) return false;
  if (!name.empty() || disposition == "attachment") return true;
  return !starts_with(type, "text/") && !starts_with(type, "message/");
}

Parser::Parser(Handler& handler, Limits limits)
    : shared_(std::make_shared<Shared>(Shared{handler, limits, 0, 0, false})) {
  begin_part(nullptr).part.message = true;
}

Parser::Parser(std::shared_ptr<Shared> shared, const Part& container) : shared_(std::move(shared)) {
  begin_part(&container).part.message = true;
}

Parser::~Parser() = default;

void Parser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const void* found = std::memchr(bytes.data(), '\n', bytes.size());
    if (skip_to_line_end_) {
      if (!found) return;
      bytes.remove_prefix(static_cast<size_t>(static_cast<const char*>(found) - bytes.data()) + 1);
      skip_to_line_end_ = false;
      continue;
    }
    if (!found) {
      partial_.append(bytes);
      if (partial_.size() >= shared_->limits.max_line_bytes) {
        line(partial_, !line_continues_, false);
        partial_.clear();
        line_continues_ = true;
      }
      return;
    }
    const size_t length = static_cast<size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    if (partial_.empty()) {
      line(bytes.substr(0, length), !line_continues_, true);
    } else {
      partial_.append(bytes.substr(0, length));
      line(partial_, !line_continues_, true);
      partial_.clear();
    }
    line_continues_ = false;
    bytes.remove_prefix(length);
  }
}

void Parser::gap() {
  // The line that was cut is dropped on both sides of the hole; groups of base64 begin with lines.
  partial_.clear();
  line_continues_ = false;
  skip_to_line_end_ = true;
  Entity& e = *open_.back();
  e.gap = true;
  e.base64.restart();
  if (e.inner) {
    flush(e);
    e.inner->gap();
  }
}

void Parser::finish() {
  if (finished_) return;
  finished_ = true;
  if (!partial_.empty()) line(partial_, !line_continues_, false);
  partial_.clear();
  if (open_.back()->state == State::kHeader) end_headers();
  while (!open_.empty()) {
    Entity& e = *open_.back();
    // Without a boundary after it, the last line end is content.
    if (!e.held_eol.empty()) decode(e, e.held_eol);
    if (e.part.multipart && !e.closed)
      shared_->handler.anomaly("mime-unclosed-boundary",
                               e.boundaries.empty() ? std::string_view() : e.boundaries[0]);
    end_part();
  }
}

void Parser::line(std::string_view text, bool begins, bool ends) {
  if (begins && starts_with(text, "--") && boundary_line(text)) return;
  Entity& e = *open_.back();
  switch (e.state) {
    case State::kHeader:
      return header_line(text, begins);
    case State::kBody:
      return body_line(text, begins, ends);
    case State::kPreamble:
    case State::kEpilogue:
      return;  // shown by no reader
  }
}

/// Looks for the boundary from the innermost multipart outwards; true when the line was one.
bool Parser::boundary_line(std::string_view text) {
  std::string_view t = strip_eol(text);
  while (!t.empty() && (t.back() == ' ' || t.back() == '\t'))
    t.remove_suffix(1);
  t.remove_prefix(std::min<size_t>(2, t.size()));
  Entity& innermost = *open_.back();
  if (innermost.sniff_boundary && innermost.state == State::kPreamble && !t.empty() &&
      t.size() <= kMaxBoundary) {
    innermost.boundaries.emplace_back(t);
    innermost.sniff_boundary = false;
  }
  for (size_t level = open_.size(); level-- > 0;) {
    Entity& e = *open_[level];
    if (!e.part.multipart || e.closed) continue;
    for (const std::string& boundary : e.boundaries) {
      if (!starts_with(t, boundary)) continue;
      const std::string_view rest = t.substr(boundary.size());
      const bool last = rest == "--";
      // A longer line is another boundary, not this one: "--AAB" is not "--AA".
      if (!rest.empty() && !last) continue;
      while (open_.size() > level + 1) {
        Entity& inner = *open_.back();
        if (inner.state == State::kHeader) end_headers();
        if (inner.part.multipart && !inner.closed)
          shared_->handler.anomaly("mime-unclosed-boundary", inner.boundaries.empty()
                                                                 ? std::string_view()
                                                                 : inner.boundaries[0]);
        // The line end that the part holds belongs to this boundary (RFC 2046, 5.1.1).
        end_part();
      }
      if (last) {
        e.closed = true;
        e.state = State::kEpilogue;
      } else if (shared_->num_parts >= shared_->limits.max_parts) {
        if (!shared_->told_too_many) shared_->handler.anomaly("mime-too-many-parts", "");
        shared_->told_too_many = true;
        e.state = State::kEpilogue;
      } else {
        begin_part(&e.part);
      }
      return true;
    }
  }
  return false;
}

Parser::Entity& Parser::begin_part(const Part* parent) {
  auto made = std::make_unique<Entity>();
  made->part.index = shared_->num_parts++;
  if (parent) {
    made->part.parent = parent->index;
    made->part.depth = parent->depth + 1;
  }
  if (!open_.empty() && open_.back()->digest) {
    made->part.type = "message/rfc822";
  }
  open_.push_back(std::move(made));
  return *open_.back();
}

void Parser::header_line(std::string_view text, bool begins) {
  Entity& e = *open_.back();
  const Limits& limits = shared_->limits;
  const std::string_view t = strip_eol(text);
  if (begins && t.empty()) return end_headers();
  const bool continues = !begins || text[0] == ' ' || text[0] == '\t';
  if (continues) {
    if (e.dropped_field || !e.in_field) return;
    std::string& value = e.part.headers.back().value;
    if (value.size() + t.size() > limits.max_header_bytes) {
      shared_->handler.anomaly("mime-header-too-long", e.part.headers.back().name);
      value.append(
          t.substr(0, limits.max_header_bytes - std::min(limits.max_header_bytes, value.size())));
      e.dropped_field = true;
      return;
    }
    // A value that begins on its second line begins without the blank of the fold.
    value.append(value.empty() ? trim(t) : t);
    return;
  }
  const size_t colon = t.find(':');
  std::string_view name = t.substr(0, colon);
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
    name.remove_suffix(1);
  if (colon == std::string_view::npos || name.empty()) {
    // Archives put "From " before a message; otherwise text without a field is the body.
    if (e.part.headers.empty() && (starts_with(t, "From ") || starts_with(t, ">From "))) return;
    // The blank line before the body may be among what was lost, too.
    if (e.part.headers.empty() || e.gap) {
      end_headers();
      return line(text, begins, text.back() == '\n');
    }
    shared_->handler.anomaly("mime-bad-header", t.substr(0, 80));
    // A parameter on a line that should have begun with a blank.
    if (e.in_field && !e.dropped_field) {
      std::string& value = e.part.headers.back().value;
      const size_t end = value.find_last_not_of(" \t");
      if (end != std::string::npos && value[end] == ';' &&
          value.size() + t.size() < limits.max_header_bytes) {
        value.append(" ").append(t);
        return;
      }
    }
    e.dropped_field = true;
    return;
  }
  e.in_field = true;
  e.dropped_field = false;
  if (e.part.headers.size() >= limits.max_headers) {
    if (!e.told_too_many) shared_->handler.anomaly("mime-too-many-headers", "");
    e.told_too_many = true;
    // Fields beyond the limit are kept when they matter, within a second limit.
    if (!well_known(name) || e.part.headers.size() > limits.max_headers + 100) {
      e.dropped_field = true;
      return;
    }
  }
  std::string_view value = t.substr(colon + 1);
  while (!value.empty() && (value[0] == ' ' || value[0] == '\t'))
    value.remove_prefix(1);
  constexpr size_t kMaxName = 1024;
  if (value.size() > limits.max_header_bytes || name.size() > kMaxName) {
    shared_->handler.anomaly("mime-header-too-long", name.substr(0, 80));
    e.dropped_field = true;  // its continuations
  }
  e.part.headers.push_back({std::string(name.substr(0, kMaxName)),
                            std::string(value.substr(0, limits.max_header_bytes))});
}

/// The header block is whole: decides what the body is.
void Parser::end_headers() {
  Entity& e = *open_.back();
  declare_type(e);
  declare_rest(e);
  const Limits& limits = shared_->limits;
  if (starts_with(e.part.type, "multipart/")) {
    if (e.part.depth >= limits.max_depth) {
      shared_->handler.anomaly("mime-too-deep", "");
    } else {
      e.part.multipart = true;
      e.state = State::kPreamble;
      e.digest = e.part.type == "multipart/digest";
      if (e.boundaries.empty()) {
        shared_->handler.anomaly("mime-no-boundary", "");
        e.sniff_boundary = true;
      }
    }
  }
  if (!e.part.multipart) e.state = State::kBody;
  shared_->handler.part_begin(e.part);
  if (is_message_type(e.part.type) && !e.part.multipart) {
    if (shared_->num_messages >= limits.max_messages || e.part.depth >= limits.max_depth) {
      shared_->handler.anomaly("mime-too-deep", "");
    } else {
      ++shared_->num_messages;
      e.inner.reset(new Parser(shared_, e.part));
    }
  }
}

void Parser::declare_type(Entity& e) {
  bool seen = false;
  for (const HeaderField& h : e.part.headers) {
    if (!equal_ignore_case(h.name, "content-type")) continue;
    if (seen) {
      // Readers differ in which one they take; the first is the most common.
      shared_->handler.anomaly("mime-duplicate-header", h.name);
      break;
    }
    seen = true;
    const StructuredValue v = parse_structured(h.value);
    if (v.token.find('/') != std::string::npos) e.part.type = v.token;
    e.part.charset = std::string(v.parameter("charset"));
    e.part.name = std::string(v.parameter("name"));
    for (const Parameter& p : v.parameters) {
      if (p.name != "boundary" || p.value.empty() || p.value.size() > kMaxBoundary) continue;
      if (std::find(e.boundaries.begin(), e.boundaries.end(), p.value) != e.boundaries.end())
        continue;
      if (!e.boundaries.empty()) shared_->handler.anomaly("mime-duplicate-parameter", "boundary");
      // Some readers take the first, some the last: both delimit here.
      if (e.boundaries.size() < 4) e.boundaries.push_back(p.value);
    }
  }
}

void Parser::declare_rest(Entity& e) {
  if (const std::string* d = e.part.header("content-disposition")) {
    const StructuredValue v = parse_structured(*d);
    e.part.disposition = v.token;
    const std::string_view file = v.parameter("filename");
    if (!file.empty()) {
      if (!e.part.name.empty() && e.part.name != file)
        shared_->handler.anomaly("mime-name-conflict", e.part.name);
      e.part.name = std::string(file);
    }
  }
  const std::string* declared = e.part.header("content-transfer-encoding");
  if (!declared) return;
  for (const HeaderField& h : e.part.headers)
    if (equal_ignore_case(h.name, "content-transfer-encoding") &&
        parse_structured(h.value).token != parse_structured(*declared).token)
      shared_->handler.anomaly("mime-duplicate-header", h.name);
  e.part.encoding = parse_structured(*declared).token;
  const std::string_view c = e.part.encoding;
  if (c == "base64") {
    e.coding = Coding::kBase64;
  } else if (c == "quoted-printable") {
    e.coding = Coding::kQuotedPrintable;
  } else if (c == "x-uuencode" || c == "uuencode" || c == "x-uue") {
    e.coding = Coding::kUuencode;
  } else if (c != "7bit" && c != "8bit" && c != "binary" && !c.empty()) {
    shared_->handler.anomaly("mime-unknown-encoding", c.substr(0, 80));
  }
}

void Parser::body_line(std::string_view text, bool begins, bool ends) {
  Entity& e = *open_.back();
  if (!e.held_eol.empty()) {
    const std::string_view held = e.held_eol;
    e.held_eol = {};
    decode(e, held);
  }
  if (begins && !e.body_begun) doubt_encoding(e, text);
  if (begins && uu_line(e, text)) return;
  if (ends && open_.size() > 1) {
    const std::string_view content = strip_eol(text);
    e.held_eol = text.size() - content.size() == 2 ? "\r\n" : "\n";
    text = content;
  }
  decode(e, text);
}

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

/// True when the line belongs to a uuencoded file: declared, or just standing in a text.
bool Parser::uu_line(Entity& e, std::string_view text) {
  const bool declared = e.coding == Coding::kUuencode;
  if (e.coding == Coding::kBase64 || e.coding == Coding::kQuotedPrintable) return false;
  if (!declared && !starts_with(e.part.type, "text/")) return false;
  if (declared || e.uu) {
    std::string bytes;
    if (starts_with(text, "end") && trim(text) == "end") {
      end_uu(e);
      return true;
    }
    if (decode_uu_line(text, bytes)) {
      if (e.uu) {
        shared_->handler.part_data(*e.uu, bytes);
      } else {
        emit(e, bytes);
      }
      return true;
    }
    if (e.uu && !declared) end_uu(e);
    if (declared) return true;  // "begin", blank lines
  }
  if (!starts_with(text, "begin ")) return false;
  // "begin 644 name"
  const std::string_view t = trim(text.substr(6));
  const size_t blank = t.find(' ');
  if (blank < 3 || blank > 4 || blank == std::string_view::npos) return false;
  if (!std::all_of(t.begin(), t.begin() + static_cast<std::ptrdiff_t>(blank),
                   [](char c) { return c >= '0' && c <= '7'; }))
    return false;
  if (shared_->num_parts >= shared_->limits.max_parts) return false;
  e.uu = std::make_unique<Part>();
  e.uu->index = shared_->num_parts++;
  e.uu->parent = e.part.index;
  e.uu->depth = e.part.depth + 1;
  e.uu->type = "application/octet-stream";
  e.uu->encoding = "uuencode";
  e.uu->disposition = "attachment";
  e.uu->name = decode_words(trim(t.substr(blank)));
  shared_->handler.part_begin(*e.uu);
  return true;
}

void Parser::end_uu(Entity& e) {
  if (!e.uu) return;
  shared_->handler.part_end(*e.uu);
  e.uu.reset();
}

void Parser::decode(Entity& e, std::string_view text) {
  switch (e.coding) {
    case Coding::kIdentity:
    case Coding::kUuencode:
      decoded_.append(text);
      break;
    case Coding::kBase64:
      e.base64.feed(text, decoded_);
      break;
    case Coding::kQuotedPrintable:
      e.quoted.feed(text, decoded_);
      break;
  }
  if (decoded_.size() >= kFlushBytes) flush(e);
}

void Parser::emit(Entity& e, std::string_view bytes) {
  decoded_.append(bytes);
  if (decoded_.size() >= kFlushBytes) flush(e);
}

void Parser::flush(Entity& e) {
  if (decoded_.empty()) return;
  if (!e.part.multipart) {
    shared_->handler.part_data(e.part, decoded_);
    if (e.inner) e.inner->feed(decoded_);
  }
  decoded_.clear();
}

void Parser::end_part() {
  Entity& e = *open_.back();
  if (e.coding == Coding::kBase64) e.base64.finish(decoded_);
  if (e.coding == Coding::kQuotedPrintable) e.quoted.finish(decoded_);
  flush(e);
  report_decoding(e);
  end_uu(e);
  if (e.inner) {
    e.inner->finish();
    --shared_->num_messages;
  }
  shared_->handler.part_end(e.part);
  open_.pop_back();
}

void Parser::report_decoding(Entity& e) {
  if (e.base64.num_junk() > 0)
    shared_->handler.anomaly("mime-bad-base64", std::to_string(e.base64.num_junk()));
  if (e.base64.data_after_padding()) shared_->handler.anomaly("mime-base64-after-padding", "");
  if (e.quoted.num_invalid() > 0)
    shared_->handler.anomaly("mime-bad-quoted-printable", std::to_string(e.quoted.num_invalid()));
}

}  // namespace postern::mime
