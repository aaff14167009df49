// Header fields of messages and parts: unfolding, encoded words, structured values with parameters,
// address lists. Sources: RFC 5322 (fields, folding), RFC 2047 (encoded words), RFC 2045
// (Content-*), RFC 2183 (disposition), RFC 2231 (parameters in pieces and charsets). Tests:
// tests/unit/mime/header_test.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

/// One field; `value` is unfolded (line ends taken out, blanks kept) and without its leading blank.
struct HeaderField {
  std::string name;
  std::string value;
};

/// Encoded words decoded, the rest as UTF-8 (8-bit text of no declared charset: see to_utf8).
std::string decode_words(std::string_view value);

struct Parameter {
  std::string name;   ///< lower case, without the marks of RFC 2231
  std::string value;  ///< decoded to UTF-8
};

/// "multipart/mixed; boundary=x" and its kin.
struct StructuredValue {
  std::string token;  ///< lower case, comments taken out: "multipart/mixed", "attachment", "base64"
  std::vector<Parameter> parameters;

  /// First parameter of that name, or "".
  std::string_view parameter(std::string_view name) const;
};

/// Never fails: what is malformed is read as the common mail readers do.
StructuredValue parse_structured(std::string_view value);

/// The addresses of a list, split at commas outside quotes, comments and angle brackets, trimmed.
std::vector<std::string> split_addresses(std::string_view value);

/// The bare address of one mailbox: `"A" <a@b>` is "a@b"; "" when there is none.
std::string bare_address(std::string_view mailbox);

/// IP addresses in a text, in order: dotted quads, and v6 addresses in brackets ("[IPv6:…]").
std::vector<std::string> ip_addresses(std::string_view text);

}  // namespace postern::mime
