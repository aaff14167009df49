// Adds the time until the end of a block to a sum of seconds.
#pragma once
#include <chrono>

namespace postern {

class ScopedSeconds {
 public:
  /// `sum` lives as long as this; null: nothing is measured.
  explicit ScopedSeconds(double* sum) : sum_(sum) {
    if (sum_) begin_ = Clock::now();
  }

  ScopedSeconds(const ScopedSeconds&) = delete;
  ScopedSeconds& operator=(const ScopedSeconds&) = delete;

  ~ScopedSeconds() {
    if (sum_) *sum_ += std::chrono::duration<double>(Clock::now() - begin_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  double* sum_;
  Clock::time_point begin_;
};

}  // namespace postern
