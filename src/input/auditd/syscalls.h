// Names of architectures and system calls in audit records. Tests: tests/unit/input/auditd_test.cc.
#pragma once
#include <string>
#include <string_view>

namespace postern::input::auditd {

/// "c000003e" → "x86_64"; the text itself when it is unknown.
std::string_view arch_name(std::string_view hex);

/// ("c000003e", "59") → "execve"; the number itself when it is unknown. i386, x86_64, aarch64, and
/// the architectures that share aarch64's numbers.
std::string_view syscall_name(std::string_view arch, std::string_view number);

/// Both of a record, quickly where they are the same as of the record before.
class CallNames {
 public:
  void set(std::string_view arch, std::string_view call) {
    const bool is_new_arch = arch != last_arch_;
    if (is_new_arch) {
      last_arch_ = arch;
      known_arch_ = auditd::arch_name(last_arch_);
    }
    if (is_new_arch || call != last_call_) {
      last_call_ = call;
      known_call_ = syscall_name(last_arch_, last_call_);
    }
    // What is unknown stays the text of this record.
    arch_ = known_arch_.data() == last_arch_.data() ? arch : known_arch_;
    call_ = known_call_.data() == last_call_.data() ? call : known_call_;
  }

  std::string_view arch() const { return arch_; }

  std::string_view call() const { return call_; }

 private:
  std::string last_arch_, last_call_;
  std::string_view known_arch_, known_call_;  // or the texts above
  std::string_view arch_, call_;
};

}  // namespace postern::input::auditd
