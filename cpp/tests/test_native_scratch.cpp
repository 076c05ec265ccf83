// Sizes of scratch memory: those of scratch.h and of hvit_edge/targets/native/scratch.py are the
// same. Both are compared with data/scratch_sizes.txt.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "native/scratch.h"

namespace hvit_edge::native::testing {
namespace {

std::int64_t job_bytes(const std::vector<std::int64_t>& sizes) {
  InvertedResidual layer;
  Window& window = layer.depthwise.window;
  window.ring = sizes[0];
  window.width = sizes[1];
  window.channels = sizes[2];
  window.out_width = sizes[3];
  layer.project.is_int8 = sizes[5] == 1;
  const ScratchOfJob scratch = scratch_of(layer, sizes[4]);
  EXPECT_EQ(scratch.ring, 0);
  EXPECT_GE(scratch.row - scratch.ring, window.ring * window.width * window.channels * sizes[4]);
  EXPECT_GE(scratch.codes - scratch.row, window.out_width * window.channels * sizes[4]);
  if (layer.project.is_int8) {
    EXPECT_GE(scratch.ranges - scratch.codes, window.out_width * code_bytes(window.channels));
    EXPECT_GE(scratch.bytes - scratch.ranges, window.out_width * kRangeBytes);
  }
  return scratch.bytes;
}

std::int64_t size_of(const std::string& kind, const std::vector<std::int64_t>& sizes) {
  if (kind == "attention") {
    Attention layer;
    layer.keys = sizes[1];
    layer.width = sizes[2];
    layer.value_width = sizes[3];
    return sizes[0] * packed_head_of(layer);
  }
  if (kind == "matmul") {
    Matmul matmul;
    matmul.depth = sizes[1];
    matmul.columns = sizes[2];
    return sizes[0] * packed_matrix_of(matmul);
  }
  if (kind == "codes") return sizes[0] * code_bytes(sizes[1]);
  if (kind == "ranges") return kRangeBytes * ((sizes[0] + sizes[1] - 1) / sizes[1]);
  if (kind == "job") return job_bytes(sizes);
  ADD_FAILURE() << "unknown kind " << kind;
  return 0;
}

TEST(NativeScratch, HasTheSizesThatTheWriterReserves) {
  std::ifstream table(HVIT_EDGE_TEST_DATA "/scratch_sizes.txt");
  std::set<std::string> kinds;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    SCOPED_TRACE(line);
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    kinds.insert(kind);
    std::vector<std::int64_t> sizes;
    for (std::int64_t size = 0; words >> size;) sizes.push_back(size);
    const std::size_t arrow = line.find("-> ");
    ASSERT_NE(arrow, std::string::npos);
    EXPECT_EQ(size_of(kind, sizes), std::stoll(line.substr(arrow + 3)));
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"attention", "codes", "job", "matmul", "ranges"}));
}

}  // namespace
}  // namespace hvit_edge::native::testing
