#include "cli/terminal.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"

namespace postern::cli {
namespace {

std::atomic<bool>& flag() {
  static std::atomic<bool> f{false};
  return f;
}

extern "C" void on_signal(int) {
  if (flag().exchange(true)) std::_Exit(130);
}

}  // namespace

bool stdout_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

output::TableStyle table_style() {
  output::TableStyle s;

  struct winsize w {};

  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
    s.width = w.ws_col;
  else if (const char* columns = std::getenv("COLUMNS"))
    s.width = static_cast<size_t>(std::max(40, std::atoi(columns)));
  s.colour = stdout_is_terminal() && !std::getenv("NO_COLOR");
  return s;
}

const std::atomic<bool>& interrupted() {
  return flag();
}

void install_signal_handlers() {
  flag();  // made before a signal can come
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_DFL);
}

ProgressLine::ProgressLine(const engine::Progress& progress, bool wanted)
    : progress_(progress), start_(wall_clock_ticks()) {
  if (!wanted || !stderr_is_terminal()) return;
  thread_ = std::thread([this] {
    for (int tenth = 0; !stop_; ++tenth) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (tenth % 2 == 1 && tenth > 3) show();
    }
    std::fputs("\r\x1b[K", stderr);
  });
}

ProgressLine::~ProgressLine() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void ProgressLine::show() const {
  const double seconds =
      static_cast<double>(wall_clock_ticks() - start_) / static_cast<double>(kTicksPerSecond);
  const uint64_t done = progress_.bytes_done;
  const uint64_t total = std::max<uint64_t>(progress_.bytes_total, done);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total - done) / rate : 0;
  std::fprintf(stderr, "\r\x1b[K%s of %s  %s/s  %.0f s left  %llu events  %llu findings",
               bytes_text(done).c_str(), bytes_text(total).c_str(),
               bytes_text(static_cast<uint64_t>(rate)).c_str(), left,
               static_cast<unsigned long long>(progress_.events.load()),
               static_cast<unsigned long long>(progress_.findings.load()));
  std::fflush(stderr);
}

}  // namespace postern::cli
