// Reports the progress of a command on standard error, for users who wait for a slow device.
#pragma once

#include <cstdint>
#include <cstdio>

#include "stopwatch.h"

namespace hvit_edge {

// Writes "progress DONE TOTAL", at most twice a second, and always the last one. A single step is
// not reported.
class Progress {
 public:
  explicit Progress(std::int64_t total) : total_(total) {}

  void step() {
    ++done_;
    if (total_ < 2 || (done_ < total_ && shown_ && since_.seconds() < 0.5)) return;
    std::fprintf(stderr, "progress %lld %lld\n", static_cast<long long>(done_),
                 static_cast<long long>(total_));
    since_ = Stopwatch();
    shown_ = true;
  }

 private:
  std::int64_t total_;
  std::int64_t done_ = 0;
  Stopwatch since_;
  bool shown_ = false;
};

}  // namespace hvit_edge
