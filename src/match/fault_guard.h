// Division faults of a library caught: `~9223372036854775807 \ -1` in a YARA rule makes libyara
// divide the smallest integer by -1, which the processor answers with SIGFPE. Tests:
// tests/unit/match/yara_test.cc.
#pragma once

namespace postern::match {

/// Calls `call(argument)`; false if a division fault ended it. Nothing between here and the fault
/// may need a destructor, and what the library was working on must not be used again.
bool run_guarding_division(void (*call)(void*), void* argument);

}  // namespace postern::match
