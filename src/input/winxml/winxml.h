// Windows events as XML text: one or more lines per event, with or without an <Events> root, bare,
// behind a syslog header (Sysmon for Linux), in UTF-8 or UTF-16.
//
// Anomaly xml-malformed-event: an event that is cut or not well-formed. Its fields up to the fault
// are kept when it says what it is (its System element can be read); the next event is read as
// usual. Position: offset of the start tag (in the converted text for UTF-16), record = number of
// the event in the file, from 1. `_raw` is the event's text. Tests:
// tests/unit/input/winxml_test.cc, fuzz_winxml.
#pragma once
#include <memory>

#include "input/format.h"

namespace postern::input::winxml {

bool detect(std::string_view head);
void decode(const Input& input, DecodeContext& context);
std::unique_ptr<Cutter> cut(const Input& input, uint64_t slice_bytes);

}  // namespace postern::input::winxml
