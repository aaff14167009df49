#include "mime/transfer.h"

#include <algorithm>

#include "base/hex_digit.h"
#include "base/text.h"

namespace postern::mime {
namespace {

constexpr uint8_t kJunk = 0xff;
constexpr uint8_t kBlank = 0xfe;
constexpr uint8_t kPad = 0xfd;

constexpr std::array<uint8_t, 256> make_base64_table() {
  std::array<uint8_t, 256> t{};
  for (auto& v : t)
    v = kJunk;
  for (unsigned i = 0; i < 26; ++i) {
    t['A' + i] = static_cast<uint8_t>(i);
    t['a' + i] = static_cast<uint8_t>(26 + i);
  }
  for (unsigned i = 0; i < 10; ++i)
    t['0' + i] = static_cast<uint8_t>(52 + i);
  t['+'] = 62;
  t['/'] = 63;
  for (const char c : {'\r', '\n', ' ', '\t'})
    t[static_cast<uint8_t>(c)] = kBlank;
  t['='] = kPad;
  return t;
}

constexpr std::array<uint8_t, 256> kBase64 = make_base64_table();

uint8_t base64_value(char c) {
  return kBase64[static_cast<uint8_t>(c)];
}

}  // namespace

void Base64Decoder::feed(std::string_view in, std::string& out) {
  const size_t before = out.size();
  const char* at = in.data();
  const char* const end = at + in.size();
  while (at < end) {
    // Whole groups without anything odd in them: nearly all of the input.
    if (num_held_ == 0) {
      char made[3 * 256];
      char* to = made;
      while (end - at >= 4 && to != made + sizeof made) {
        const uint8_t a = base64_value(at[0]), b = base64_value(at[1]);
        const uint8_t c = base64_value(at[2]), d = base64_value(at[3]);
        if (((a | b | c | d) & 0x80) != 0) break;
        const uint32_t v = static_cast<uint32_t>(a) << 18 | static_cast<uint32_t>(b) << 12 |
                           static_cast<uint32_t>(c) << 6 | d;
        to[0] = static_cast<char>(v >> 16);
        to[1] = static_cast<char>(v >> 8);
        to[2] = static_cast<char>(v);
        to += 3;
        at += 4;
      }
      if (to != made) {
        if (padded_) data_after_padding_ = true;
        out.append(made, to);
        continue;
      }
    }
    const uint8_t v = base64_value(*at++);
    if (v == kBlank) continue;
    if (v == kPad) {
      // The group ends here; what follows is another one.
      finish(out);
      if (!padded_) before_padding_ = num_out_ + (out.size() - before);
      padded_ = true;
    } else if (v == kJunk) {
      ++num_junk_;
    } else {
      if (padded_) data_after_padding_ = true;
      held_ = held_ << 6 | v;
      if (++num_held_ == 4) {
        out += static_cast<char>(held_ >> 16);
        out += static_cast<char>(held_ >> 8);
        out += static_cast<char>(held_);
        num_held_ = 0;
      }
    }
  }
  num_out_ += out.size() - before;
}

void Base64Decoder::finish(std::string& out) {
  if (num_held_ >= 2) {
    const uint32_t v = held_ << (6 * (4 - num_held_));
    out += static_cast<char>(v >> 16);
    if (num_held_ == 3) out += static_cast<char>(v >> 8);
  }
  num_held_ = 0;
}

void QuotedPrintableDecoder::flush_blanks(std::string& out) {
  out += blanks_;
  blanks_.clear();
}

void QuotedPrintableDecoder::plain(char c, std::string& out) {
  // Blanks before the end of a line are the transport's, not the author's.
  constexpr size_t kMaxBlanks = 1024;
  if (c == ' ' || c == '\t') {
    blanks_ += c;
    if (blanks_.size() > kMaxBlanks) flush_blanks(out);
    return;
  }
  if (c == '\r' || c == '\n') {
    blanks_.clear();
  } else {
    flush_blanks(out);
  }
  out += c;
}

/// One byte after "=": the escape may be a byte, a soft line break, or nothing of the kind.
bool QuotedPrintableDecoder::escaped(char c, std::string& out) {
  constexpr size_t kMaxTail = 256;  // blanks between "=" and the line end
  const bool tail = escape_.size() > 1 && hex_digit(escape_[1]) < 0;
  const bool blank = c == ' ' || c == '\t' || c == '\r';
  if (escape_.size() == 2 && !tail) {
    if (hex_digit(c) >= 0) {
      out += static_cast<char>(hex_digit(escape_[1]) * 16 + hex_digit(c));
      escape_.clear();
      return true;
    }
  } else if (c == '\n') {
    escape_.clear();
    return true;
  } else if ((blank && escape_.size() < kMaxTail) || (escape_.size() == 1 && hex_digit(c) >= 0)) {
    escape_ += c;
    return true;
  }
  // No escape after all: it stands for itself.
  ++num_invalid_;
  const std::string text = std::move(escape_);
  escape_.clear();
  for (const char t : text)
    plain(t, out);
  return false;
}

void QuotedPrintableDecoder::feed(std::string_view in, std::string& out) {
  const char* at = in.data();
  const char* const end = at + in.size();
  while (at != end) {
    if (!escape_.empty() && escaped(*at, out)) {
      ++at;
      continue;
    }
    const char* stop = at;
    while (stop != end && *stop != '=' && *stop != ' ' && *stop != '\t' && *stop != '\r' &&
           *stop != '\n')
      ++stop;
    if (stop != at) {
      flush_blanks(out);
      out.append(at, stop);
      at = stop;
    } else if (*at == '=') {
      flush_blanks(out);
      escape_ = "=";
      ++at;
    } else {
      plain(*at++, out);
    }
  }
}

void QuotedPrintableDecoder::finish(std::string& out) {
  // A lone "=" at the end is a soft break that lost its line end.
  if (escape_.size() > 1)
    for (const char t : escape_)
      plain(t, out);
  escape_.clear();
  blanks_.clear();
}

bool decode_uu_line(std::string_view line, std::string& out) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
    line.remove_suffix(1);
  if (line.empty()) return false;
  const auto value = [](char c) { return static_cast<uint32_t>(c - 0x20) & 0x3f; };
  if (line[0] < 0x20 || line[0] > 0x60) return false;
  const size_t length = value(line[0]);
  const std::string_view body = line.substr(1);
  // Blanks at the end of a line are often lost on the way; a character more or less is a checksum.
  if (body.size() + 4 < (length + 2) / 3 * 4) return false;
  if (body.size() > (length + 2) / 3 * 4 + 2) return false;
  std::string bytes;
  for (size_t i = 0; bytes.size() < length; i += 4) {
    uint32_t v = 0;
    for (size_t k = 0; k < 4; ++k) {
      const char c = i + k < body.size() ? body[i + k] : ' ';
      if (c < 0x20 || c > 0x60) return false;
      v = v << 6 | value(c);
    }
    bytes += static_cast<char>(v >> 16);
    bytes += static_cast<char>(v >> 8);
    bytes += static_cast<char>(v);
  }
  out.append(bytes, 0, length);
  return true;
}

std::string decode_base64(std::string_view text) {
  std::string out;
  Base64Decoder d;
  d.feed(text, out);
  d.finish(out);
  return out;
}

std::string decode_q(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] == '=' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace postern::mime
