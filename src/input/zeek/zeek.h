// Zeek logs as Zeek writes them: tab-separated values under a header. Table zeek.<path>; columns
// carry Zeek's names; sets and vectors are dynamic arrays, intervals are seconds, `ts` is the event
// time.
//
// Anomalies: zeek-no-header (a record before #fields), zeek-short-line, zeek-bad-path,
// zeek-bad-utf8. Source: docs.zeek.org, Zeek log formats. Tests: tests/unit/input/zeek_test.cc,
// fuzz_zeek.
#pragma once
#include <memory>
#include <string_view>

#include "input/format.h"

namespace postern::input::zeek {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
/// At line ends; a slice carries the header lines that count where it begins.
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::zeek
