#include "net/protocol/smtp/command.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace postern::net::protocol::smtp {
namespace {

constexpr std::string_view kVerbs[] = {
    "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA",     "BDAT",           "RSET",    "NOOP",
    "QUIT", "VRFY", "EXPN", "HELP", "AUTH", "STARTTLS", "X-ANONYMOUSTLS", "XCLIENT", "TURN",
    "ETRN", "SEND", "SOML", "SAML", "BURL", "XFORWARD", "X-EXPS",         "XEXCH50"};

constexpr size_t kMaxVerb = 32;

}  // namespace

Command parse_command(std::string_view line) {
  Command c;
  line = trim(line);
  size_t end = 0;
  while (end < line.size() && line[end] != ' ' && line[end] != '\t')
    ++end;
  c.argument = trim(line.substr(end));
  for (const char ch : line.substr(0, std::min(end, kMaxVerb))) {
    // A NUL in a verb is dropped, as some servers do.
    if (ch == '\0') continue;
    c.verb += static_cast<char>(ch >= 'a' && ch <= 'z' ? ch - 32 : ch);
  }
  c.known = std::find(std::begin(kVerbs), std::end(kVerbs), c.verb) != std::end(kVerbs);
  return c;
}

Path parse_path(std::string_view argument, std::string_view keyword) {
  Path p;
  // "FROM :" and "FROM: <…>" are wrong, and taken by servers.
  const std::string_view word = keyword.substr(0, keyword.size() - 1);
  if (!starts_with_ignore_case(argument, word)) return p;
  std::string_view rest = trim(argument.substr(word.size()));
  if (rest.empty() || rest[0] != ':') return p;
  rest = trim(rest.substr(1));
  p.valid = true;
  std::string_view address;
  if (!rest.empty() && rest[0] == '<') {
    // A quoted local part may hold ">".
    bool quoted = false;
    size_t end = 1;
    while (end < rest.size() && (quoted || rest[end] != '>')) {
      if (rest[end] == '"') quoted = !quoted;
      if (rest[end] == '\\') ++end;
      ++end;
    }
    end = std::min(end, rest.size());
    address = rest.substr(1, end - 1);
    p.parameters = trim(rest.substr(std::min(end + 1, rest.size())));
  } else {
    const size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    address = rest.substr(0, end);
    p.parameters = trim(rest.substr(end));
  }
  address = trim(address);
  if (!address.empty() && address[0] == '@') {
    const size_t colon = address.find(':');
    if (colon != std::string_view::npos) address.remove_prefix(colon + 1);
  }
  p.address = std::string(address);
  return p;
}

Reply parse_reply(std::string_view line) {
  Reply r;
  if (line.size() < 3 || !ascii_digit(line[0]) || !ascii_digit(line[1]) || !ascii_digit(line[2]))
    return r;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-' && line[3] != '\t') return r;
  r.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  r.last = line.size() < 4 || line[3] != '-';
  if (line.size() > 4) r.text = trim(line.substr(4));
  return r;
}

}  // namespace postern::net::protocol::smtp
