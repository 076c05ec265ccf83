// After the first frame, masks and boxes are made without an allocation.
#include <gtest/gtest.h>

#include "counted_allocations.h"
#include "task_samples.h"
#include "tasks/box_finder.h"
#include "tasks/mask_maker.h"

namespace hvit_edge {
namespace {

using testing::allocations;
using testing::cells_of;
using testing::placement_of;
using testing::random_floats;

TEST(TaskMemory, MasksAllocateOnlyInTheFirstFrame) {
  const std::vector<float> values = random_floats(21 * 32 * 32, 1);
  const LogitMap logits = {values.data(), 21, 32, 32};
  MaskMaker maker;
  Mask mask;
  maker.run(logits, placement_of(640, 480), true, mask);
  const long before = allocations;
  for (const Rotation rotation : {Rotation::none, Rotation::by_180}) {
    maker.run(logits, placement_of(640, 480, rotation), true, mask);
    maker.run(logits, placement_of(320, 240, rotation), true, mask);
  }
  EXPECT_EQ(allocations, before);
}

TEST(TaskMemory, BoxesAllocateOnlyInTheFirstFrame) {
  const DetectSpec spec = cells_of(20, 20);
  const std::vector<float> quiet(400 * 11, 0.0F);
  const std::vector<float> logits = random_floats(400 * 11, 2);
  const std::vector<float> offsets = random_floats(400 * 4, 3);
  BoxFinder finder(spec, 11);
  std::vector<Detection> found;
  found.reserve(500);
  const DetectLimits limits = {0, 0.5, 200, 500};
  finder.run(quiet.data(), offsets.data(), {0.9, 0.5, 200, 500}, placement_of(640, 480), found);
  EXPECT_TRUE(found.empty());
  const long before = allocations;
  finder.run(logits.data(), offsets.data(), limits, placement_of(640, 480), found);
  EXPECT_EQ(found.size(), 500U);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace hvit_edge
