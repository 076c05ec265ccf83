// Session: a loaded artifact, ready to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/metadata.h"
#include "hvit_edge/status.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge {

struct SessionOptions {
  /// Passed to set_threads() while loading: process-wide, 0 = auto.
  int threads = 0;
  /// If false, the first run prepares the model, and refuses if the runtime lacks its backend. The
  /// metadata of any artifact can then be read on any machine.
  bool prepare = true;
  /// If true, operators are timed in every run, for operators(). This costs time in each run.
  bool time_operators = false;
  /// The method to run, one of Metadata::methods; empty for the first one.
  std::string method;
};

/// How the name of an operator outside the backends begins; the rest is the place of its
/// instruction in the program's method `forward`, from 0.
constexpr char kInstruction[] = "instruction ";

/// An operator in one run. Only differences of times have a meaning.
struct OperatorTime {
  std::string name;  ///< as the backend names it, with its number: "Softmax (NC, F32) #2"; outside
                     ///< of the backends "instruction 7"
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
};

/// The result of self_test(); with several outputs, that of the worst.
struct SelfTest {
  bool passed = false;
  double max_abs = 0;       ///< largest absolute difference from the golden output
  double max_rel = 0;       ///< max_abs / largest absolute golden output; for an output of integers
                            ///< or booleans, the share of its elements that differ
  bool top1_agree = false;  ///< both name the same class; true for artifacts without classes
};

/// Runs an artifact. Use a Session from one thread at a time. Several Sessions may run at once.
class Session {
 public:
  /// Maps the file, which must not change while the Session lives.
  static Result<Session> load(const std::string& path, const SessionOptions& options = {});

  /// Reads the caller's memory in place. It must be aligned to 16 bytes, and be unchanged and alive
  /// as long as the Session.
  static Result<Session> load(const void* data, std::size_t size,
                              const SessionOptions& options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const Metadata& metadata() const;
  const std::vector<TensorSpec>& inputs() const;
  const std::vector<TensorSpec>& outputs() const;

  /// Selects the method that the Session runs and describes from now on, one of Metadata::methods.
  /// The next run loads it in place of the one that was loaded, so that the Session needs the
  /// memory of one method. References that metadata(), inputs() and outputs() returned before stay
  /// valid and describe the former method.
  Status select(const std::string& method);

  /// Bytes of the activations' arena, without the weights.
  std::size_t planned_memory_bytes() const;

  /// Runs the model once. Inputs are read only during the call and must be finite. The outputs are
  /// views of the Session's memory, valid until the next call of a method of this Session.
  Result<std::vector<TensorView>> run(const std::vector<TensorView>& inputs);

  /// Runs the model with inputs in any order, by the names in inputs(). The outputs are in the
  /// order of outputs(). It is refused for a classifier, whose input has no name.
  Result<std::vector<TensorView>> run_named(const std::vector<NamedTensor>& inputs);

  /// Runs once and copies the outputs into the caller's buffers, one for each model output, each
  /// with room for `outputs()[i].numel()` floats.
  Status run(const std::vector<TensorView>& inputs, const std::vector<float*>& outputs);

  /// Returns the operators of the last run in their order, if SessionOptions asked for their times.
  /// XNNPACK measures in microseconds, rounded down. Operators outside the backends are included.
  const std::vector<OperatorTime>& operators() const;

  /// Preprocesses the artifact's golden photo, or reads its golden inputs, runs the model and
  /// compares the result with that of eager PyTorch. A failed comparison is `passed == false`, not
  /// an error.
  Result<SelfTest> self_test();

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hvit_edge
