// What ExecuTorch wrote to its log while something failed: the reason behind its error code.
#pragma once

#include <string>

namespace hvit_edge {

/// While it lives, ExecuTorch's log messages of this thread come here and not to stderr.
class RuntimeLog {
 public:
  RuntimeLog();
  ~RuntimeLog();
  RuntimeLog(const RuntimeLog&) = delete;
  RuntimeLog& operator=(const RuntimeLog&) = delete;

  /// The first error, without a trailing full stop; empty where none was written.
  const std::string& first_error() const { return first_error_; }

 private:
  friend struct RuntimeLogSink;
  std::string first_error_;
  RuntimeLog* outer_;
};

}  // namespace hvit_edge
