// Command lines and reply lines of SMTP (RFC 5321, 4.1 and 4.2).
// Tests: tests/unit/net_protocol/smtp_command_test.cc.
#pragma once
#include <string>
#include <string_view>

namespace postern::net::protocol::smtp {

struct Command {
  std::string verb;           ///< upper case; "" for an empty line
  std::string_view argument;  ///< the rest, trimmed
  bool known = false;         ///< a verb of RFC 5321 or of an extension
};

/// A line without its line end.
Command parse_command(std::string_view line);

/// "FROM:<a@b> SIZE=1" taken apart.
struct Path {
  bool valid = false;           ///< the keyword was there
  std::string address;          ///< without brackets and source route; "" for the null sender
  std::string_view parameters;  ///< what follows it
};

Path parse_path(std::string_view argument, std::string_view keyword);

struct Reply {
  int code = 0;      ///< 0: not a reply line
  bool last = true;  ///< no further line of the same reply
  std::string_view text;
};

Reply parse_reply(std::string_view line);

}  // namespace postern::net::protocol::smtp
