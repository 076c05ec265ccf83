#include "operators_impl.h"

namespace hvit_edge::native {

void run_portable(const Operation& operation, const Bases& bases) {
  run_operation(operation, bases);
}

void apply_function_portable(Function function, float a, float b, const float* from, float* to,
                             std::int64_t count) {
  apply_function(FunctionOf{function, a, b}, from, to, count);
}

#if defined(__aarch64__)

void convolve_row_portable(const Depthwise& layer, const Bases& bases, bool of_codes,
                           std::int64_t oy) {
  const DepthwiseWork work{&layer, &bases, of_codes ? Accuracy::codes : Accuracy::float32};
  convolve_row(&work, oy);
}

#endif

}  // namespace hvit_edge::native
