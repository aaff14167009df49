// Text of binary values exactly as Windows renders them in event XML, because rules are written
// against that text: `GrantedAccess: '0x1410'` is a 32-bit hex value, unpadded and in lower case.
//
// Table: integers decimal; reals shortest; booleans true/false; binary upper-case hex; GUID
// {UPPER-CASE}; FILETIME and SYSTEMTIME RFC 3339 with seven digits; SID S-1-…; HexInt and pointer
// sizes 0x…; text as it is (CRLF and %%1234 codes kept).
// Source: [MS-EVEN6] 2.2.12 and wevtutil output. Tests: tests/unit/input/evtx_test.cc.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/evtx/binxml.h"

namespace postern::input::evtx {

/// Appends the text of one value that is not an array. A value whose size does not fit its type is
/// written as upper-case hex, so that nothing is lost; `false` then.
bool append_text(std::string& out, ValueType type, std::string_view bytes);

/// Splits an array into its elements (strings: separated by NUL units; SIDs by their own length).
void split_array(const RawValue& value, std::vector<RawValue>& out);

/// An integer value as a number, for typed columns.
std::optional<int64_t> as_integer(const RawValue& value);

/// Appends a FILETIME (100 ns since 1601) as "2021-01-14T23:41:40.1453352Z".
void append_filetime(std::string& out, uint64_t filetime);

}  // namespace postern::input::evtx
