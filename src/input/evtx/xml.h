// A binary record as event XML text, as EvtRender of Windows writes it: one line, single quotes, an
// element repeated for each value of an array, an attribute left out when its optional value is
// null.
//
// It is what `_raw` shows for EVTX: free-text searches written for collected event XML then mean
// the same here. Only made when a rule or an output reads `_raw`. Tests:
// tests/unit/input/evtx_test.cc.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace postern::input::evtx {

/// Appends the fragment in chunk[begin, end) to `out`, until `max_bytes` or the first fault; the
/// text before it stays. Returns the work done, in the units of record.h.
size_t render_xml(
    std::string_view chunk, size_t begin, size_t end, size_t max_bytes, std::string& out);

}  // namespace postern::input::evtx
