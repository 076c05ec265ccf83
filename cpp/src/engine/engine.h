// The interface of what reads and runs a program. ExecuTorch's runtime is one implementation, our
// own reader of its file format is another; each build of the library has one of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/constant.h"
#include "engine/method_facts.h"
#include "hvit_edge/session.h"
#include "hvit_edge/status.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge {

class Engine {
 public:
  virtual ~Engine() = default;

  /// Returns the names of the program's methods.
  virtual const std::vector<std::string>& methods() const = 0;
  virtual Result<MethodFacts> describe(const std::string& method) = 0;

  /// Returns the values of a method that check_constant() accepts; they live until release().
  virtual Result<std::vector<Constant>> constants(const std::string& method) = 0;
  virtual void release(const std::string& method) = 0;

  /// Makes the following runs of a method possible. One method is loaded at a time.
  virtual Status load(const std::string& method) = 0;
  virtual void unload(const std::string& method) = 0;

  /// Runs the loaded method; the views are valid until the next run.
  virtual Result<std::vector<TensorView>> run(const std::string& method,
                                              const std::vector<TensorView>& inputs) = 0;

  /// Makes runs measure every operator, from the next load() on.
  virtual void time_operators() = 0;
  /// Returns those of the last run; none if they are not timed.
  virtual const std::vector<OperatorTime>& operators() const = 0;
};

/// How to fix a program whose backend this build does not have.
extern const char* const kBackendRemedy;

/// Reads a program in bytes that check_seal() has accepted. The bytes outlive the engine.
Result<std::unique_ptr<Engine>> open_engine(const void* data, std::size_t size);

}  // namespace hvit_edge
