// Dates of mail headers and of mbox separators. Source: RFC 5322, 3.3 and 4.3 (obsolete forms).
// Tests: tests/unit/mime/date_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace postern::mime {

/// "Mon, 5 Oct 2009 11:36:07 +0530 (IST)" in ticks; nullopt when it is none.
std::optional<int64_t> parse_date(std::string_view text);

/// "Thu Jan  1 00:00:00 2015", as in "From " lines of an mbox (UTC unless a zone follows).
std::optional<int64_t> parse_ctime(std::string_view text);

}  // namespace postern::mime
