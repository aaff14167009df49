// Names of architectures and system calls in audit records. Tests: tests/unit/input/auditd_test.cc.
#pragma once
#include <string_view>

namespace postern::input::auditd {

/// "c000003e" → "x86_64"; the text itself when it is unknown.
std::string_view arch_name(std::string_view hex);

/// ("c000003e", "59") → "execve"; the number itself when it is unknown. i386, x86_64, aarch64, and
/// the architectures that share aarch64's numbers.
std::string_view syscall_name(std::string_view arch, std::string_view number);

}  // namespace postern::input::auditd
