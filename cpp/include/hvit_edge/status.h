// The result of a call: Status (a code and a message) and Result<T> (a Status or a value).
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace hvit_edge {

enum class StatusCode {
  ok = 0,
  invalid_argument,     ///< a wrong argument, path, shape, dtype or image
  invalid_artifact,     ///< truncated, altered, foreign or incomplete file
  unsupported_version,  ///< written for a newer runtime
  missing_backend,      ///< the program needs a backend that is not linked in
  execution_failed,     ///< ExecuTorch failed while running the program
  out_of_memory,
  internal,  ///< a bug in hvit-edge
};

/// A code and a complete sentence: `[where] expected ..., got ...; how to fix`.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::ok; }
  StatusCode code() const { return code_; }
  /// Returns the message; it is empty if ok().
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::ok;
  std::string message_;
};

/// A value, or the Status that says why there is none. Check ok() before value().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {}

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

/// Returns the name of a code for logs, such as "invalid_artifact".
const char* to_string(StatusCode code);

}  // namespace hvit_edge
