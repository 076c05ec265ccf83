// Captures what ExecuTorch writes to its log: the reason for an error code.
#pragma once

#include <string>

namespace hvit_edge {

/// While it lives, ExecuTorch's log messages of this thread go here instead of stderr.
class RuntimeLog {
 public:
  RuntimeLog();
  ~RuntimeLog();
  RuntimeLog(const RuntimeLog&) = delete;
  RuntimeLog& operator=(const RuntimeLog&) = delete;

  /// Returns the first error, without a trailing period; empty if there is none.
  const std::string& first_error() const { return first_error_; }

 private:
  friend struct RuntimeLogSink;
  std::string first_error_;
  RuntimeLog* outer_;
};

}  // namespace hvit_edge
