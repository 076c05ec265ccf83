// What ExecuTorch wrote to its log while something failed: the reason of its error code.
#pragma once

#include <string>
#include <vector>

namespace hvit_edge {

/// While it lives, ExecuTorch's log messages of this thread go here instead of stderr.
class RuntimeLog {
 public:
  RuntimeLog();
  ~RuntimeLog();
  RuntimeLog(const RuntimeLog&) = delete;
  RuntimeLog& operator=(const RuntimeLog&) = delete;

  /// The first error, without a trailing full stop; empty if none was written.
  const std::string& first_error() const { return first_error_; }

  /// The operators that have no kernel, once each, in the order of their calls.
  const std::vector<std::string>& missing_operators() const { return missing_operators_; }

 private:
  friend struct RuntimeLogSink;
  std::string first_error_;
  std::vector<std::string> missing_operators_;
  RuntimeLog* outer_;
};

}  // namespace hvit_edge
