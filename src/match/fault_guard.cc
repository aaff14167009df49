#include "match/fault_guard.h"

#include <csetjmp>
#include <csignal>
#include <mutex>

namespace postern::match {
namespace {

/// Where the call under guard on this thread goes back to; null outside of one.
thread_local sigjmp_buf* way_back = nullptr;  // NOLINT: a signal handler has no other way to it

void on_division_fault(int signal_number) {
  if (way_back != nullptr) siglongjmp(*way_back, 1);
  // Not ours: die of it as the program would have.
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void install_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_handler = on_division_fault;
    sigemptyset(&action.sa_mask);
    sigaction(SIGFPE, &action, nullptr);
  });
}

}  // namespace

bool run_guarding_division(void (*call)(void*), void* argument) {
  install_once();
  sigjmp_buf here;
  sigjmp_buf* const volatile outer = way_back;
  if (sigsetjmp(here, 1) != 0) {
    way_back = outer;
    return false;
  }
  way_back = &here;
  call(argument);
  way_back = outer;
  return true;
}

}  // namespace postern::match
