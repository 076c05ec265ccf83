// The result of a call of the C interface: a Status, with the codes that C++ does not have.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "hvit_edge/c_api.h"
#include "hvit_edge/status.h"

namespace hvit_edge::capi {

class [[nodiscard]] Outcome {
 public:
  Outcome() = default;
  Outcome(hve_status code, std::string message) : code_(code), message_(std::move(message)) {}
  Outcome(const Status& status)  // NOLINT: implicit on purpose
      : code_(static_cast<hve_status>(status.code())), message_(status.message()) {}

  bool ok() const { return code_ == HVE_OK; }
  hve_status code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  hve_status code_ = HVE_OK;
  std::string message_;
};

/// Returns `[where] message` as an invalid argument.
Outcome refuse(const char* where, const std::string& message);

/// Returns the refusal of an index that is not below `size`.
Outcome refuse_index(const char* where, std::size_t index, std::size_t size);

}  // namespace hvit_edge::capi
