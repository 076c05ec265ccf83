#include "int8_pairs.h"

#include <cstring>

#include "scratch.h"

namespace hvit_edge::native {
namespace {

constexpr std::int64_t kFour = 4 * kPanel;  // bytes of four codes of each column of a panel

struct Packed {
  Int8Weights* weights;
  std::int64_t blocks, depth;  // one block for each panel and tap

  std::int64_t bytes() const { return blocks * depth * kPanel; }
};

Packed packed_of(Int8Weights& weights, std::int64_t columns, std::int64_t taps,
                 std::int64_t depth) {
  return {&weights, padded_to_panels(columns) / kPanel * taps, code_bytes(depth)};
}

Packed packed_of(LinearInt8& layer) {
  return packed_of(layer.weights, layer.columns, 1, layer.depth);
}

Packed packed_of(ConvolutionInt8& layer) {
  return packed_of(layer.weights, layer.columns, layer.window.taps(), layer.window.channels);
}

// Returns the int8 weights of all operations.
std::vector<Packed> all_packed(std::vector<Operation>& operations) {
  std::vector<Packed> all;
  for (Operation& operation : operations) {
    if (auto* linear = std::get_if<LinearInt8>(&operation)) all.push_back(packed_of(*linear));
    if (auto* layer = std::get_if<ConvolutionInt8>(&operation)) all.push_back(packed_of(*layer));
    if (auto* both = std::get_if<InvertedResidual>(&operation)) {
      if (both->expand.is_int8) all.push_back(packed_of(both->expand.in_int8));
      if (both->project.is_int8) all.push_back(packed_of(both->project.in_int8));
    }
  }
  return all;
}

void pack_block(const std::int8_t* from, std::int64_t depth, std::int8_t* to) {
  std::int64_t k = 0;
  for (; k + 8 <= depth; k += 8, from += 2 * kFour, to += 2 * kFour) {
    for (std::int64_t column = 0; column < kPanel; ++column) {
      std::memcpy(to + 8 * column, from + 4 * column, 4);
      std::memcpy(to + 8 * column + 4, from + kFour + 4 * column, 4);
    }
  }
  if (k < depth) std::memcpy(to, from, kFour);
}

}  // namespace

AlignedMemory pack_pairs(std::vector<Operation>& operations) {
  const std::vector<Packed> all = all_packed(operations);
  std::int64_t bytes = 0;
  for (const Packed& one : all) bytes += one.bytes();
  AlignedMemory memory = allocate_aligned(static_cast<std::size_t>(bytes));
  if (memory == nullptr) return memory;
  auto* to = reinterpret_cast<std::int8_t*>(memory.get());
  for (const Packed& one : all) {
    const std::int8_t* from = one.weights->codes;
    one.weights->codes = to;
    const std::int64_t block = one.depth * kPanel;
    for (std::int64_t i = 0; i < one.blocks; ++i) {
      pack_block(from + i * block, one.depth, to + i * block);
    }
    to += one.bytes();
  }
  return memory;
}

}  // namespace hvit_edge::native
