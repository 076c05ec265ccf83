// How the memory of one job of an inverted residual is divided.
#pragma once

#include "operations.h"

namespace hvit_edge::native {

/// Bytes from the beginning of a job's memory, and of it all.
struct ScratchOfJob {
  std::int64_t ring, row, codes, ranges, bytes;
};

inline std::int64_t whole_lines(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

inline ScratchOfJob scratch_of(const InvertedResidual& layer, std::int64_t value_bytes) {
  const Window& window = layer.depthwise.window;
  ScratchOfJob scratch{};
  scratch.ring = 0;
  scratch.row = whole_lines(window.ring * window.width * window.channels * value_bytes);
  scratch.codes = scratch.row + whole_lines(window.out_width * window.channels * value_bytes);
  scratch.ranges = scratch.codes;
  scratch.bytes = scratch.codes;
  if (layer.project.is_int8) {
    scratch.ranges += whole_lines(window.out_width * ((window.channels + 3) / 4 * 4));
    scratch.bytes = scratch.ranges + whole_lines(window.out_width * 8);
  }
  return scratch;
}

}  // namespace hvit_edge::native
