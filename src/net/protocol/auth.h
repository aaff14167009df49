// Who logs in, and how: the user name in the exchange of an AUTH or AUTHENTICATE command, passwords
// left alone.
// Sources: RFC 4954 (AUTH), 4616 (PLAIN), draft-murchison-sasl-login (LOGIN), 2195 (CRAM-MD5),
// 7628 (OAUTHBEARER), 5802 (SCRAM), 2831 (DIGEST-MD5), MS-NLMP (NTLM).
// Tests: tests/unit/net_protocol/smtp_auth_test.cc.
#pragma once
#include <string>
#include <string_view>

namespace postern::net::protocol {

/// One AUTH exchange as the client's lines show it.
class AuthExchange {
 public:
  /// The argument of AUTH: "LOGIN", "PLAIN dGVzdA==", …
  void begin(std::string_view argument);
  /// A further line of the client.
  void line(std::string_view text);

  bool active() const { return lines_expected_ > 0; }

  void end() { lines_expected_ = 0; }

  const std::string& mechanism() const { return mechanism_; }  ///< upper case

  const std::string& user() const { return user_; }  ///< UTF-8; "" unknown

 private:
  void response(std::string_view encoded);

  std::string mechanism_;
  std::string user_;
  int num_responses_ = 0;
  int lines_expected_ = 0;
};

}  // namespace postern::net::protocol
