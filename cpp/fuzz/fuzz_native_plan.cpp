// Native plans of arbitrary bytes: read_plan refuses them with a reason, or the operations stay
// within the memory that the plan asks for, which is allocated exactly. The mutator repairs the
// header, so that the fuzzer gets to the operations.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "native/instruction_sets.h"
#include "native/operators.h"
#include "native/read_plan.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace hvit_edge::native;

constexpr std::int64_t kHeader = 72;
constexpr std::int64_t kMostMemory = 1 << 20;  // of a space of a plan that is run
constexpr double kMostWork = 1e6;              // of an operation that is run

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Bytes = std::unique_ptr<char, FreeMemory>;

// Allocates exactly `size` bytes, aligned, so that a sanitizer sees accesses beyond.
Bytes memory(std::size_t size) {
  void* found = nullptr;
  if (posix_memalign(&found, 64, std::max<std::size_t>(size, 1)) != 0) std::abort();
  std::memset(found, 0, size);
  return Bytes(static_cast<char*>(found));
}

// Returns about how many values an operation reads or writes; strides of 0 let small plans run
// forever.
double size(const Window& window) {
  return double(window.out_height) * double(window.out_width) * double(window.channels) *
         double(window.kernel_height * window.kernel_width);
}
double work(const Linear& it) { return double(it.rows) * double(it.depth) * double(it.columns); }
double work(const Convolution& it) { return size(it.window) * double(it.columns); }
double work(const Depthwise& it) { return size(it.window); }
double work(const Pooling& it) { return size(it.window); }
double work(const LayerNorm& it) { return double(it.rows) * double(it.columns); }
double work(const Attention& it) {
  return double(it.heads) * double(it.queries + 1) * double(it.keys) *
         double(it.width + it.value_width);
}
double work(const Add& it) { return double(it.rows) * double(it.columns); }
double work(const Mean& it) { return double(it.groups) * double(it.count) * double(it.columns); }
double work(const Pad& it) {
  return double(it.channels) * double(it.height + it.pad_height) * double(it.width + it.pad_width);
}
double work(const Gather& it) { return double(it.count); }
double work(const Quantise& it) { return double(it.rows) * double(it.columns); }
double work(const LinearInt8& it) {
  return double(it.rows) * double(it.depth) * double(it.columns);
}
double work(const ConvolutionInt8& it) { return size(it.window) * double(it.columns); }
double work(const AnyLinear& it) { return it.is_int8 ? work(it.in_int8) : work(it.in_float); }
double work(const InvertedResidual& it) {
  return work(it.expand) + size(it.depthwise.window) + work(it.project);
}
double work(const Unary& it) { return double(it.rows) * double(it.columns); }
double work(const Binary& it) { return double(it.rows) * double(it.columns); }
double work(const Reduction& it) {
  return double(it.groups) * double(it.count) * double(it.columns);
}
double work(const Select& it) { return double(it.rows) * double(it.columns); }
double work(const Transpose& it) {
  return double(it.batches) * double(it.rows) * double(it.columns);
}
double work(const Softmax& it) { return double(it.rows) * double(it.columns); }
double work(const Matmul& it) {
  return double(it.batches) * double(it.rows + 1) * double(it.depth) * double(it.columns);
}

void run(const Plan& plan) {
  const bool in_half = plan.number == Number::float16;
  const std::size_t most = kMostMemory;
  if (plan.arena_bytes > most || plan.input_bytes > most || plan.output_bytes > most) return;
  const Bytes arena = memory(plan.arena_bytes);
  const Bytes input = memory(plan.input_bytes);
  const Bytes output = memory(plan.output_bytes);
  Bases bases;
  bases.of[static_cast<int>(Space::arena)] = arena.get();
  bases.of[static_cast<int>(Space::constants)] = const_cast<char*>(plan.constants);
  bases.of[static_cast<int>(Space::input)] = input.get();
  bases.of[static_cast<int>(Space::output)] = output.get();
  for (const Operation& operation : plan.operations) {
    if (std::visit([](const auto& it) { return work(it); }, operation) > kMostWork) continue;
    (in_half ? run_half_portable : run_portable)(operation, bases);
    fastest_instruction_set().of(plan.number)(operation, bases);
  }
}

// Sets magic, version and sizes that fit, with little memory; the rest is left as mutated.
void repair_header(std::uint8_t* data, std::int64_t total, std::int64_t magic) {
  std::int64_t header[kHeader / 8];
  std::memcpy(header, data, sizeof(header));
  header[0] = magic;
  header[1] = kVersion;
  for (int i = 2; i < 5; ++i) header[i] &= kMostMemory - 1;
  header[5] = std::clamp<std::int64_t>(header[5], 0, (total - kHeader) / 8);
  header[6] = std::clamp<std::int64_t>(header[6], 0, total - kHeader - 8 * header[5]);
  header[7] = (kHeader + 8 * header[5] + header[6] + 63) / 64 * 64;
  header[8] = std::max<std::int64_t>(total - header[7], 0);
  std::memcpy(data, header, sizeof(header));
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  const std::size_t mutated = LLVMFuzzerMutate(data, size, most);
  constexpr unsigned int kLeftAsItIs = 32;  // one in so many is left as mutated
  if (mutated >= kHeader && seed % kLeftAsItIs != 0) {
    repair_header(data, static_cast<std::int64_t>(mutated), seed % 4 == 0 ? kHalfMagic : kMagic);
  }
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file = memory(size);
  std::memcpy(file.get(), data, size);
  const auto plan = read_plan(file.get(), size);
  if (plan.ok()) {
    run(*plan);
  } else if (plan.status().message().rfind("[native.load] ", 0) != 0) {
    std::abort();
  }
  return 0;
}
