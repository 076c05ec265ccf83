// Limits and sizes that both the writer and the kernels of a plan rely on.
// hvit_edge/targets/native/plan_limits.py has the same ones;
// tests/targets/native/test_plan_limits.py compares the two files.
#pragma once

#include <cstdint>

namespace hvit_edge::native {

constexpr std::int64_t kPanel = 16;      // outputs that are packed side by side in a weight matrix
constexpr std::int64_t kAlignment = 64;  // bytes: of constants, buffers and parts of a job's memory
constexpr std::int64_t kMostKeys = 4096;      // of attention, whose scores are on the stack
constexpr std::int64_t kMostWidth = 256;      // of a head of attention
constexpr std::int64_t kMostTaps = 256;       // of a convolution or a pool
constexpr std::int64_t kMostChannels = 8192;  // of a map that a convolution pads

}  // namespace hvit_edge::native
