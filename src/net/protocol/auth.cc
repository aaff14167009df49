#include "net/protocol/auth.h"

#include <algorithm>

#include "base/text.h"
#include "mime/transfer.h"
#include "net/packet/wire.h"

namespace postern::net::protocol {
namespace {

constexpr size_t kMaxUser = 256;
/// For mechanisms that are not known: the exchange ends with the server's word.
constexpr int kManyLines = 16;

/// The value after `key` up to `stop`: "user=" … "\1".
std::string field(std::string_view text, std::string_view key, std::string_view stops) {
  const size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + key.size());
  return std::string(rest.substr(0, rest.find_first_of(stops)));
}

/// User and domain of an NTLM type 3 message.
std::string ntlm_user(std::string_view m) {
  using packet::le16;
  using packet::le32;
  if (m.size() < 64 || m.substr(0, 8) != std::string_view("NTLMSSP\0", 8) || le32(m, 8) != 3)
    return {};
  const bool unicode = (le32(m, 60) & 1) != 0;
  const auto text = [&](size_t at) {
    const size_t length = le16(m, at);
    const size_t offset = le32(m, at + 4);
    std::string out;
    if (offset > m.size() || length > m.size() - offset) return out;
    const std::string_view raw = m.substr(offset, length);
    if (unicode) {
      append_utf16le(out, raw);
    } else {
      out = std::string(raw);
    }
    return out;
  };
  const std::string domain = text(28);
  const std::string user = text(36);
  return domain.empty() ? user : domain + "\\" + user;
}

}  // namespace

void AuthExchange::begin(std::string_view argument) {
  const size_t blank = std::min(argument.find_first_of(" \t"), argument.size());
  mechanism_.clear();
  for (const char c : argument.substr(0, std::min<size_t>(blank, 32)))
    mechanism_ += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  user_.clear();
  num_responses_ = 0;
  if (mechanism_ == "PLAIN" || mechanism_ == "XOAUTH2" || mechanism_ == "OAUTHBEARER" ||
      mechanism_ == "CRAM-MD5") {
    lines_expected_ = 1;
  } else if (mechanism_ == "LOGIN" || mechanism_ == "NTLM" || mechanism_ == "DIGEST-MD5" ||
             mechanism_.rfind("SCRAM-", 0) == 0) {
    lines_expected_ = 2;
  } else {
    lines_expected_ = kManyLines;
  }
  const std::string_view initial = trim(argument.substr(blank));
  if (!initial.empty()) {
    --lines_expected_;
    response(initial);
  }
}

void AuthExchange::line(std::string_view text) {
  if (lines_expected_ > 0) --lines_expected_;
  if (text == "*") {  // cancelled
    lines_expected_ = 0;
    return;
  }
  response(text);
}

void AuthExchange::response(std::string_view encoded) {
  ++num_responses_;
  constexpr size_t kMaxResponse = 16 * 1024;
  const std::string decoded = mime::decode_base64(encoded.substr(0, kMaxResponse));
  std::string user;
  if (mechanism_ == "PLAIN") {
    // authorization id NUL authentication id NUL password
    const size_t one = decoded.find('\0');
    if (one != std::string::npos)
      user = decoded.substr(one + 1, decoded.find('\0', one + 1) - one - 1);
  } else if (mechanism_ == "LOGIN") {
    if (num_responses_ == 1) user = decoded;
  } else if (mechanism_ == "XOAUTH2") {
    user = field(decoded, "user=", std::string_view("\x01", 1));
  } else if (mechanism_ == "OAUTHBEARER") {
    user = field(decoded, "a=", std::string_view(",\x01", 2));
  } else if (mechanism_ == "CRAM-MD5") {
    user = decoded.substr(0, decoded.rfind(' '));
  } else if (mechanism_ == "DIGEST-MD5") {
    user = field(decoded, "username=\"", "\"");
  } else if (mechanism_.rfind("SCRAM-", 0) == 0) {
    if (num_responses_ == 1) user = field(decoded, ",n=", ",");
    if (user.empty() && num_responses_ == 1) user = field(decoded, "n=", ",");
  } else if (mechanism_ == "NTLM") {
    user = ntlm_user(decoded);
  }
  if (!user.empty()) user_ = repair_utf8(std::string_view(user).substr(0, kMaxUser));
}

}  // namespace postern::net::protocol
