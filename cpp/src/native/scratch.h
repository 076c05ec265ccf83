// Sizes of the memory that operations work in. hvit_edge/targets/native/scratch.py computes the
// same sizes; cpp/tests/data/scratch_sizes.txt has examples that tests of both languages compare
// with.
#pragma once

#include "operations.h"

namespace hvit_edge::native {

/// The offsets of the parts of an inverted residual's job memory, in bytes, and its size.
struct ScratchOfJob {
  std::int64_t ring, row, codes, ranges, bytes;
};

// Internal linkage: the kernels of each instruction set compile their own copy.
namespace {

inline std::int64_t padded_to(std::int64_t multiple, std::int64_t count) {
  return (count + multiple - 1) / multiple * multiple;
}

/// Returns the columns of a packed matrix.
inline std::int64_t padded_to_panels(std::int64_t columns) { return padded_to(kPanel, columns); }

/// Returns the bytes of an int8 row.
inline std::int64_t code_bytes(std::int64_t columns) { return padded_to(4, columns); }

inline std::int64_t whole_lines(std::int64_t bytes) { return padded_to(kAlignment, bytes); }

constexpr std::int64_t kRangeBytes = 8;  // scale and zero in float32

/// Returns the number of values of the packed keys of one head.
inline std::int64_t packed_keys_of(const Attention& layer) {
  return padded_to_panels(layer.keys) * layer.width;
}

/// Returns the number of values of the packed keys and values of one head.
inline std::int64_t packed_head_of(const Attention& layer) {
  return packed_keys_of(layer) + padded_to_panels(layer.value_width) * layer.keys;
}

/// Returns the number of values of the packed right side of one product.
inline std::int64_t packed_matrix_of(const Matmul& matmul) {
  return padded_to_panels(matmul.columns) * matmul.depth;
}

inline ScratchOfJob scratch_of(const InvertedResidual& layer, std::int64_t value_bytes) {
  const Window& window = layer.depthwise.window;
  ScratchOfJob scratch{};
  scratch.ring = 0;
  scratch.row = whole_lines(window.ring * window.width * window.channels * value_bytes);
  scratch.codes = scratch.row + whole_lines(window.out_width * window.channels * value_bytes);
  scratch.ranges = scratch.codes;
  scratch.bytes = scratch.codes;
  if (layer.project.is_int8) {
    scratch.ranges += whole_lines(window.out_width * code_bytes(window.channels));
    scratch.bytes = scratch.ranges + whole_lines(window.out_width * kRangeBytes);
  }
  return scratch;
}

}  // namespace

}  // namespace hvit_edge::native
