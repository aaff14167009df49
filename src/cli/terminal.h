// The terminal: width, colour, progress line, interruption.
#pragma once
#include <atomic>
#include <string>
#include <thread>

#include "engine/hunt.h"
#include "output/finding_output.h"

namespace postern::cli {

bool stdout_is_terminal();
bool stderr_is_terminal();
output::TableStyle table_style();

/// Set by Ctrl-C; a second Ctrl-C ends the program at once.
const std::atomic<bool>& interrupted();
void install_signal_handlers();

/// Shows bytes, rate, time left and findings on stderr until destroyed; nothing when not wanted.
class ProgressLine {
 public:
  ProgressLine(const engine::Progress& progress, bool wanted);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

 private:
  void show() const;

  const engine::Progress& progress_;
  std::atomic<bool> stop_{false};
  int64_t start_ = 0;
  std::thread thread_;
};

}  // namespace postern::cli
