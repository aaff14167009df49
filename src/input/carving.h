// Decoding that also looks for what is left over: records behind the end of chunks, in damaged
// parts, and in files that are no logs. Tests: tests/unit/input/evtx_carve_test.cc.
#pragma once
#include "input/format.h"

namespace postern::input {

/// The format to decode a file with where left-over records are wanted too. `known` is what
/// detect_format() said; for null, which is what no format knows, the answer looks for records
/// anywhere and has no detect().
const Format* with_carving(const Format* known);

}  // namespace postern::input
