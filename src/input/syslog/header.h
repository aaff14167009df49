// The head of a syslog message, in all layouts that daemons, relays and exports write.
//
//   <34>Oct 11 22:14:15 host su[12]: text               RFC 3164; in files mostly without <34>
//   2026-03-07T14:31:00.123456+01:00 host su[12]: text  rsyslog's file format, journalctl -o
//   short-iso <165>1 2026-03-07T14:31:00.003Z host app 12 ID47 [exampleSDID@32473 iut="3"] text RFC
//   5424 52 <165>1 …                                         with its length in front (RFC 6587)
//
// Tests: tests/unit/input/syslog_test.cc, fuzz_syslog.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::input::syslog {

/// Borrowed from the line; a part that is not there is empty.
struct Header {
  int priority = -1;  ///< facility * 8 + severity; -1: not said
  std::optional<int64_t> time;
  bool has_year = true;  ///< else `time` is in the year that was given to parse_header
  std::string_view host;
  std::string_view program;
  std::string_view pid;
  std::string_view message_id;
  std::string_view structured_data;  ///< with its brackets
  size_t message_at = 0;             ///< offset of the text in the line
};

/// False: the line does not begin as a syslog message. `now` dates what names no year: it is the
/// last such day that is not more than a day in the future.
bool parse_header(std::string_view line, int64_t now, Header& out);

/// "auth", "info"; "" for numbers that have no name.
std::string_view facility_name(int priority);
std::string_view severity_name(int priority);

/// Structured data as an encoded dynamic: {"exampleSDID@32473":{"iut":"3"}}; "" when it is none.
std::string structured_data(std::string_view text);

}  // namespace postern::input::syslog
