#include "net/protocol/tls/handshake.h"

#include <algorithm>
#include <cstdio>

#include "adapt/hash.h"
#include "base/text.h"
#include "net/packet/wire.h"

namespace postern::net::protocol::tls {
namespace {

using packet::be16;
using packet::u8;

/// Handshakes are a few kilobytes; a longer one is not read.
constexpr size_t kMaxHeld = 64u << 10;
constexpr size_t kMaxListed = 1024;

/// Takes bytes from the front; once there are too few, everything is empty.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(size_t n) {
    if (n > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }

  uint8_t byte() {
    const std::string_view b = take(1);
    return b.empty() ? uint8_t{0} : u8(b, 0);
  }

  uint16_t word() {
    const std::string_view b = take(2);
    return b.empty() ? uint16_t{0} : be16(b, 0);
  }

  std::string_view block8() { return take(byte()); }

  std::string_view block16() { return take(word()); }

  bool empty() const { return rest_.empty(); }

  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::vector<uint16_t> word_list(std::string_view bytes) {
  std::vector<uint16_t> out;
  for (size_t i = 0; i + 1 < bytes.size() && out.size() < kMaxListed; i += 2)
    out.push_back(be16(bytes, i));
  return out;
}

/// Values that clients put in to keep servers flexible (RFC 8701).
bool is_grease(uint16_t v) {
  return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

std::string decimal_list(const std::vector<uint16_t>& values) {
  std::string out;
  for (const uint16_t v : values)
    if (!is_grease(v)) out += (out.empty() ? "" : "-") + std::to_string(v);
  return out;
}

std::string hex4(uint16_t v) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "%04x", v);
  return buffer;
}

std::string two_digits(size_t n) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "%02zu", std::min<size_t>(n, 99));
  return buffer;
}

std::string joined_hex(const std::vector<uint16_t>& values) {
  std::string out;
  for (const uint16_t v : values)
    out += (out.empty() ? "" : ",") + hex4(v);
  return out;
}

constexpr uint16_t kServerName = 0;
constexpr uint16_t kAlpn = 16;

void extension(ClientHello& h, uint16_t type, std::string_view body) {
  Cursor c(body);
  if (type == kServerName) {
    Cursor list(c.block16());
    while (!list.empty()) {
      const uint8_t kind = list.byte();
      const std::string_view name = list.block16();
      if (kind == 0 && h.server_name.empty()) h.server_name = repair_utf8(name.substr(0, 255));
    }
  } else if (type == kAlpn) {
    Cursor list(c.block16());
    constexpr size_t kMaxProtocols = 32;
    while (!list.empty() && h.alpn.size() < kMaxProtocols)
      h.alpn.emplace_back(list.block8());
  } else if (type == 10) {  // supported groups
    h.groups = word_list(c.block16());
  } else if (type == 11) {  // point formats
    for (const char p : c.block8())
      h.point_formats.push_back(static_cast<uint8_t>(p));
  } else if (type == 13) {  // signature algorithms
    h.signatures = word_list(c.block16());
  } else if (type == 43) {  // supported versions
    h.versions = word_list(c.block8());
  }
}

// ---- DER

struct Element {
  uint8_t tag = 0;  // 0: none
  std::string_view content;
};

Element next_element(std::string_view& der) {
  Element e;
  if (der.size() < 2) {
    der = {};
    return e;
  }
  size_t length = u8(der, 1);
  size_t head = 2;
  if (length >= 0x80) {
    const size_t n = length & 0x7f;
    length = 0;
    if (n == 0 || n > 4 || der.size() < 2 + n) {
      der = {};
      return e;
    }
    for (size_t i = 0; i < n; ++i)
      length = length << 8 | u8(der, 2 + i);
    head += n;
  }
  if (length > der.size() - head) {
    der = {};
    return e;
  }
  e.tag = u8(der, 0);
  e.content = der.substr(head, length);
  der.remove_prefix(head + length);
  return e;
}

/// A Name as "CN=…,O=…"; other attributes are left out.
std::string name_text(std::string_view der) {
  std::string out;
  constexpr size_t kMaxName = 512;
  while (!der.empty() && out.size() < kMaxName) {
    std::string_view set = next_element(der).content;
    std::string_view attribute = next_element(set).content;
    const std::string_view type = next_element(attribute).content;
    const std::string_view value = next_element(attribute).content;
    const char* label = nullptr;
    if (type == "\x55\x04\x03") label = "CN=";
    if (type == "\x55\x04\x0a") label = "O=";
    if (label && !value.empty())
      out += (out.empty() ? "" : ",") + std::string(label) + repair_utf8(value.substr(0, 256));
  }
  return out;
}

}  // namespace

ClientHello parse_client_hello(std::string_view body) {
  ClientHello h;
  Cursor c(body);
  h.version = c.word();
  c.take(32);  // random
  c.block8();  // session id
  h.ciphers = word_list(c.block16());
  c.block8();  // compression
  h.valid = !c.failed() && !h.ciphers.empty();
  if (c.empty()) return h;
  Cursor list(c.block16());
  while (!list.empty() && h.extensions.size() < kMaxListed) {
    const uint16_t type = list.word();
    const std::string_view content = list.block16();
    if (list.failed()) break;
    h.extensions.push_back(type);
    extension(h, type, content);
  }
  return h;
}

std::string ja3_text(const ClientHello& h) {
  std::string formats;
  for (const uint8_t p : h.point_formats)
    formats += (formats.empty() ? "" : "-") + std::to_string(p);
  return std::to_string(h.version) + "," + decimal_list(h.ciphers) + "," +
         decimal_list(h.extensions) + "," + decimal_list(h.groups) + "," + formats;
}

std::string ja4(const ClientHello& h) {
  const auto without_grease = [](std::vector<uint16_t> v) {
    v.erase(std::remove_if(v.begin(), v.end(), is_grease), v.end());
    return v;
  };
  std::vector<uint16_t> ciphers = without_grease(h.ciphers);
  std::vector<uint16_t> extensions = without_grease(h.extensions);
  const std::vector<uint16_t> versions = without_grease(h.versions);
  const uint16_t version =
      versions.empty() ? h.version : *std::max_element(versions.begin(), versions.end());
  std::string out = "t";
  switch (version) {
    case 0x0304:
      out += "13";
      break;
    case 0x0303:
      out += "12";
      break;
    case 0x0302:
      out += "11";
      break;
    case 0x0301:
      out += "10";
      break;
    case 0x0300:
      out += "s3";
      break;
    default:
      out += "00";
      break;
  }
  const bool named =
      std::find(extensions.begin(), extensions.end(), kServerName) != extensions.end();
  out += named ? "d" : "i";
  out += two_digits(ciphers.size()) + two_digits(extensions.size());
  std::string first = h.alpn.empty() ? std::string("00") : h.alpn[0];
  const auto plain = [](char c) { return ascii_alpha(c) || ascii_digit(c); };
  if (first.empty()) first = "00";
  if (!plain(first.front()) || !plain(first.back())) {
    // First and last digit of its bytes in hexadecimal.
    const char digits[] = "0123456789abcdef";
    const char high = digits[u8(first, 0) >> 4];
    const char low = digits[u8(first, first.size() - 1) & 15];
    first = {high, low};
  }
  out += first.front();
  out += first.back();

  constexpr size_t kDigits = 12;
  const auto digest = [](const std::string& text) {
    return text.empty() ? std::string(kDigits, '0') : adapt::sha256(text).substr(0, kDigits);
  };
  std::sort(ciphers.begin(), ciphers.end());
  out += "_" + digest(joined_hex(ciphers));
  extensions.erase(std::remove_if(extensions.begin(), extensions.end(),
                                  [](uint16_t e) { return e == kServerName || e == kAlpn; }),
                   extensions.end());
  std::sort(extensions.begin(), extensions.end());
  std::string tail = joined_hex(extensions);
  const std::vector<uint16_t> signatures = without_grease(h.signatures);
  if (!tail.empty() && !signatures.empty()) tail += "_" + joined_hex(signatures);
  return out + "_" + digest(tail);
}

Certificate parse_certificate(std::string_view der) {
  Certificate out;
  std::string_view outer = next_element(der).content;
  std::string_view body = next_element(outer).content;  // what is signed
  // [0] version, serial, algorithm, issuer, validity, subject, key, …, [3] extensions
  Element e = next_element(body);
  if (e.tag == 0xa0) e = next_element(body);
  next_element(body);
  out.issuer = name_text(next_element(body).content);
  next_element(body);
  out.subject = name_text(next_element(body).content);
  while (!body.empty()) {
    e = next_element(body);
    if (e.tag != 0xa3) continue;
    std::string_view wrapped = e.content;
    std::string_view extensions = next_element(wrapped).content;
    while (!extensions.empty()) {
      std::string_view one = next_element(extensions).content;
      if (next_element(one).content != "\x55\x1d\x11") continue;  // subjectAltName
      Element value = next_element(one);
      if (value.tag == 0x01) value = next_element(one);  // critical
      std::string_view list = value.content;
      list = next_element(list).content;
      constexpr size_t kMaxNames = 64;
      while (!list.empty() && out.names.size() < kMaxNames) {
        const Element name = next_element(list);
        if (name.tag == 0x82) out.names.push_back(repair_utf8(name.content.substr(0, 255)));
      }
    }
  }
  return out;
}

std::string version_name(uint16_t version) {
  switch (version) {
    case 0x0304:
      return "TLS 1.3";
    case 0x0303:
      return "TLS 1.2";
    case 0x0302:
      return "TLS 1.1";
    case 0x0301:
      return "TLS 1.0";
    case 0x0300:
      return "SSL 3.0";
    default:
      return "";
  }
}

void Handshake::feed(bool from_client, std::string_view bytes) {
  Side& s = sides_[from_client ? 0 : 1];
  if (s.done) return;
  if (s.held.size() + bytes.size() > kMaxHeld + (32u << 10)) bytes = bytes.substr(0, kMaxHeld);
  s.held.append(bytes);
  records(s, from_client);
}

void Handshake::gap(bool from_client) {
  sides_[from_client ? 0 : 1] = Side();
  sides_[from_client ? 0 : 1].done = true;
}

void Handshake::records(Side& s, bool from_client) {
  constexpr size_t kHead = 5;
  constexpr uint8_t kHandshakeRecord = 22;
  size_t at = 0;
  while (!s.done && s.held.size() - at >= kHead) {
    const std::string_view record = std::string_view(s.held).substr(at);
    const size_t length = be16(record, 3);
    // Anything else ends the clear part.
    if (u8(record, 0) != kHandshakeRecord || u8(record, 1) != 3) {
      s.done = true;
      break;
    }
    if (record.size() < kHead + length) break;
    s.messages.append(record.substr(kHead, length));
    at += kHead + length;
    messages(s, from_client);
    if (s.messages.size() > kMaxHeld) s.done = true;
  }
  s.held.erase(0, at);
  if (s.held.size() > kMaxHeld) s.done = true;
  if (s.done) {
    std::string().swap(s.held);
    std::string().swap(s.messages);
  }
}

void Handshake::messages(Side& s, bool from_client) {
  constexpr size_t kHead = 4;
  size_t at = 0;
  while (s.messages.size() - at >= kHead) {
    const std::string_view m = std::string_view(s.messages).substr(at);
    const size_t length = static_cast<size_t>(u8(m, 1)) << 16 | static_cast<size_t>(be16(m, 2));
    if (m.size() - kHead < length) break;
    const std::string_view body = m.substr(kHead, length);
    at += kHead + length;
    const uint8_t type = u8(m, 0);
    if (from_client && type == 1) {
      hello_ = parse_client_hello(body);
      s.done = true;
      return;
    }
    if (!from_client && type == 2) server_hello(body);
    if (!from_client && type == 11) {
      // The list of certificates, the server's own first; lengths of three bytes.
      if (body.size() > 6) {
        const size_t size = static_cast<size_t>(u8(body, 3)) << 16 | be16(body, 4);
        certificate_ = parse_certificate(body.substr(6, size));
      }
      s.done = true;
      return;
    }
  }
  s.messages.erase(0, at);
}

void Handshake::server_hello(std::string_view body) {
  Cursor c(body);
  version_ = c.word();
  c.take(32);
  c.block8();
  c.take(3);  // cipher, compression
  Cursor list(c.block16());
  while (!list.empty()) {
    const uint16_t type = list.word();
    const std::string_view content = list.block16();
    if (type == 43 && content.size() == 2) version_ = be16(content, 0);
  }
}

}  // namespace postern::net::protocol::tls
