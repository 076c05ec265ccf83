#include <gtest/gtest.h>

#include "hvit_edge/tensor.h"

namespace hvit_edge {
namespace {

struct Known {
  DType dtype;
  const char* name;
  std::size_t size;
};

constexpr Known kKnown[] = {{DType::uint8, "uint8", 1},     {DType::int8, "int8", 1},
                            {DType::int16, "int16", 2},     {DType::int32, "int32", 4},
                            {DType::int64, "int64", 8},     {DType::float16, "float16", 2},
                            {DType::float32, "float32", 4}, {DType::float64, "float64", 8},
                            {DType::boolean, "bool", 1},    {DType::other, "another dtype", 0}};

TEST(Tensor, DtypesHaveNamesAndSizes) {
  for (const Known& known : kKnown) {
    EXPECT_STREQ(to_string(known.dtype), known.name);
    EXPECT_EQ(element_size(known.dtype), known.size) << known.name;
  }
}

TEST(Tensor, ShapesAreWrittenAsLists) {
  EXPECT_EQ(to_string(std::vector<std::int64_t>{}), "[]");
  EXPECT_EQ(to_string(std::vector<std::int64_t>{7}), "[7]");
  EXPECT_EQ(to_string(std::vector<std::int64_t>{1, 3, 32, 24}), "[1, 3, 32, 24]");
}

TEST(Tensor, ElementsAreTheProductOfTheSides) {
  TensorSpec spec;
  EXPECT_EQ(spec.numel(), 1);
  spec.shape = {1, 3, 32, 24};
  EXPECT_EQ(spec.numel(), 2304);
  spec.shape = {1 << 20, 1 << 20, 4};
  EXPECT_EQ(spec.numel(), std::int64_t{1} << 42);
  TensorView view;
  view.shape = {5, 0};
  EXPECT_EQ(view.numel(), 0);
}

}  // namespace
}  // namespace hvit_edge
