#include "mime/parser.h"

#include <algorithm>

#include "base/text.h"
#include "mime/parser_shared.h"

namespace postern::mime {
namespace {

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

void declare_charset(Part& part, const std::string& charset) {
  if (part.charset.empty()) {
    part.charset = charset;
  } else if (part.other_charset.empty() && !equal_ignore_case(part.charset, charset)) {
    part.other_charset = charset;
  }
}

}  // namespace

bool Parser::plain_encoding(std::string_view token) {
  return token.empty() || token == "7bit" || token == "8bit" || token == "binary";
}

Parser::Coding Parser::coding_of(std::string_view token) {
  if (token == "base64") return Coding::kBase64;
  if (token == "quoted-printable") return Coding::kQuotedPrintable;
  if (token == "x-uuencode" || token == "uuencode" || token == "x-uue") return Coding::kUuencode;
  return Coding::kIdentity;
}

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
    : shared_(std::make_shared<Shared>(Shared{handler, limits, 0, 0, false})),
      lines_(limits.max_line_bytes) {
  begin_part(nullptr).part.message = true;
}

Parser::Parser(std::shared_ptr<Shared> shared, const Part& container)
    : shared_(std::move(shared)), lines_(shared_->limits.max_line_bytes) {
  begin_part(&container).part.message = true;
}

Parser::~Parser() = default;

void Parser::feed(std::string_view bytes) {
  while (lines_.next(bytes)) {
    if (skip_to_line_end_ && !lines_.begins()) continue;
    skip_to_line_end_ = false;
    line(lines_.piece(), lines_.begins(), lines_.ends());
  }
}

void Parser::gap() {
  // The line that was cut is dropped on both sides of the hole; groups of base64 begin with lines.
  lines_.lose();
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
  const std::string rest(lines_.held());
  if (!rest.empty() && !(skip_to_line_end_ && !lines_.next_begins()))
    line(rest, lines_.next_begins(), false);
  lines_.clear();
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
      if (begins && encoded_multipart(e, text)) body_line(text, begins, ends);
      return;  // shown by no reader
    case State::kEpilogue:
      return;
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
    e.header_bytes += t.size();
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
  // All continuations of a field that is kept count, so the block ends within one field of it.
  if (e.header_bytes > limits.max_block_bytes) {
    if (!e.told_block) shared_->handler.anomaly("mime-header-block-too-long", "");
    e.told_block = true;
    if (!well_known(name) || e.header_bytes > 2 * limits.max_block_bytes) {
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
  e.header_bytes += e.part.headers.back().name.size() + e.part.headers.back().value.size();
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
    const StructuredValue v = parse_structured(h.value);
    const bool again = seen;
    if (again) shared_->handler.anomaly("mime-duplicate-header", h.name);
    seen = true;
    // Readers differ in which one they take. The first is the most common; but one that says that
    // there are parts is not passed over, or they would not be seen.
    const bool multipart = starts_with(v.token, "multipart/");
    if (v.token.find('/') != std::string::npos &&
        (!again || (multipart && !starts_with(e.part.type, "multipart/"))))
      e.part.type = v.token;
    for (const Parameter& p : v.parameters) {
      if (p.name == "charset") {
        declare_charset(e.part, p.value);
      } else if (p.name == "name") {
        if (e.part.name.empty()) e.part.name = p.value;
      } else if (p.name == "boundary" && !p.value.empty() && p.value.size() <= kMaxBoundary) {
        if (std::find(e.boundaries.begin(), e.boundaries.end(), p.value) != e.boundaries.end())
          continue;
        if (!e.boundaries.empty()) shared_->handler.anomaly("mime-duplicate-parameter", "boundary");
        if (p.value.size() > shared_->limits.long_boundary)
          shared_->handler.anomaly("mime-long-boundary", std::to_string(p.value.size()));
        // Some readers take the first, some the last: both delimit here.
        if (e.boundaries.size() < 4) e.boundaries.push_back(p.value);
      }
    }
  }
}

void Parser::declare_rest(Entity& e) {
  Part& part = e.part;
  bool named = false;
  for (const HeaderField& h : part.headers) {
    if (!equal_ignore_case(h.name, "content-disposition")) continue;
    const StructuredValue v = parse_structured(h.value);
    if (part.disposition.empty()) part.disposition = v.token;
    const std::string file(v.parameter("filename"));
    if (file.empty() || file == part.name) continue;
    // The first filename wins over a name; whatever else there is some readers take.
    const std::string loser = named ? file : part.name;
    if (!loser.empty()) {
      shared_->handler.anomaly("mime-name-conflict", loser);
      if (part.other_name.empty()) part.other_name = loser;
    }
    if (!named) part.name = file;
    named = true;
  }
  bool seen = false;
  for (const HeaderField& h : part.headers) {
    if (!equal_ignore_case(h.name, "content-transfer-encoding")) continue;
    const std::string token = parse_structured(h.value).token;
    if (seen && token != part.encoding) {
      shared_->handler.anomaly("mime-duplicate-header", h.name);
      if (!e.other && coding_of(token) != e.coding) begin_other(e, coding_of(token), token);
    }
    if (seen) continue;
    seen = true;
    part.encoding = token;
    e.coding = coding_of(token);
    if (e.coding == Coding::kIdentity && !plain_encoding(token))
      shared_->handler.anomaly("mime-unknown-encoding", std::string_view(token).substr(0, 80));
  }
}

void Parser::body_line(std::string_view text, bool begins, bool ends) {
  Entity& e = *open_.back();
  if (!e.held_eol.empty()) {
    const std::string_view held = e.held_eol;
    e.held_eol = {};
    decode(e, held);
  }
  if (begins && !e.body_begun) {
    doubt_body(e, text);
    doubt_encoding(e, text);
  }
  if (begins && uu_line(e, text)) return;
  if (ends && open_.size() > 1) {
    const std::string_view content = strip_eol(text);
    e.held_eol = text.size() - content.size() == 2 ? "\r\n" : "\n";
    text = content;
  }
  decode(e, text);
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
  if (e.other) feed_other(e, text);
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
  if (!e.part.multipart) shared_->handler.part_data(e.part, decoded_);
  if (e.inner) e.inner->feed(decoded_);
  decoded_.clear();
}

void Parser::end_part() {
  Entity& e = *open_.back();
  if (e.coding == Coding::kBase64) e.base64.finish(decoded_);
  if (e.coding == Coding::kQuotedPrintable) e.quoted.finish(decoded_);
  flush(e);
  end_other(e);
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
  if (e.base64.data_after_padding()) {
    shared_->handler.anomaly("mime-base64-after-padding", "");
    e.part.strict_bytes = e.base64.bytes_before_padding();
  }
  if (e.quoted.num_invalid() > 0)
    shared_->handler.anomaly("mime-bad-quoted-printable", std::to_string(e.quoted.num_invalid()));
}

}  // namespace postern::mime
