#include "executorch/explain.h"

#include <cstdio>

#include "text.h"

namespace hvit_edge {
namespace {

using executorch::runtime::Error;

struct Explanation {
  StatusCode code;
  const char* advice;
};

struct Explained {
  Error error;
  Explanation explanation;
};

constexpr Explanation kMissingBackend = {
    StatusCode::missing_backend,
    "a backend or method is not in this runtime; link the backend that the program's "
    "target names, or compile for xnnpack"};
constexpr Explanation kMissingOperator = {
    StatusCode::missing_backend,
    "an operator stayed outside the delegate and has no kernel here; compile the model "
    "again with this version of hvit-edge"};
constexpr Explanation kUnfit = {
    StatusCode::invalid_artifact,
    "the program does not fit this runtime; compile it again with this version of "
    "hvit-edge"};
constexpr Explanation kNoMemory = {StatusCode::out_of_memory,
                                   "close other applications or take a smaller model"};
constexpr Explanation kBadInput = {
    StatusCode::execution_failed,
    "an input does not fit the program; compare it with Session.inputs"};

// The errors of ExecuTorch that say more than that something failed.
constexpr Explained kExplained[] = {
    {Error::NotFound, kMissingBackend},
    {Error::OperatorMissing, kMissingOperator},
    {Error::InvalidProgram, kUnfit},
    {Error::InvalidExternalData, kUnfit},
    {Error::DelegateInvalidCompatibility, kUnfit},
    {Error::MemoryAllocationFailed, kNoMemory},
    {Error::OutOfResources, kNoMemory},
    {Error::DelegateMemoryAllocationFailed, kNoMemory},
    {Error::InvalidArgument, kBadInput},
};

// XNNPACK logs this if it got no memory; its delegate reports that as an internal error.
constexpr char kXnnpackMemory[] = "xnn_status_out_of_memory";

Explanation explanation_of(Error error, const std::string& log) {
  if (log.find(kXnnpackMemory) != std::string::npos) error = Error::MemoryAllocationFailed;
  for (const Explained& known : kExplained) {
    if (known.error == error) return known.explanation;
  }
  return {StatusCode::execution_failed, "compile the model again, and report this if it stays"};
}

}  // namespace

Status explain(Error error, const std::string& where, const std::string& doing,
               const std::string& log) {
  const Explanation known = explanation_of(error, log);
  const std::string cause = log.empty() ? "" : ": " + log;
  char code[16];
  std::snprintf(code, sizeof(code), "0x%x", static_cast<unsigned>(error));
  return Status(known.code,
                concat("[", where, "] expected to ", doing, ", got ExecuTorch error ", code, " (",
                       executorch::runtime::to_string(error), cause, "); ", known.advice));
}

}  // namespace hvit_edge
