#include "operators.h"

#if defined(__aarch64__)

// The rows of depthwise convolutions, which have no dot products, are those of another unit.
#define HVIT_EDGE_BORROWS_DEPTHWISE 1
#include <type_traits>

#include "operators_impl.h"

namespace hvit_edge::native {
namespace {

template <class One>
constexpr bool has_int8 =
    std::is_same_v<One, Quantise> || std::is_same_v<One, LinearInt8> ||
    std::is_same_v<One, ConvolutionInt8> || std::is_same_v<One, InvertedResidual>;

}  // namespace

// The other operations are as fast in the code for every processor: they are not compiled again.
void run_dotprod(const Operation& operation, const Bases& bases) {
  const auto run_one = [&](const auto& one) {
    if constexpr (has_int8<std::decay_t<decltype(one)>>) {
      run(one, bases);
    } else {
      run_portable(operation, bases);
    }
  };
  std::visit(run_one, operation);
}

}  // namespace hvit_edge::native

#endif
