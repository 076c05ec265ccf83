// Every fault of metadata is tested in tests/runtime, where artifacts are made. These tests cover
// numbers that no compiler writes.
#include <gtest/gtest.h>

#include "altered.h"
#include "text.h"

namespace hvit_edge {
namespace {

using testing::altered;
using testing::bytes_of;
using testing::refusal;

// The tiny artifact's resize_size is 36, its input 32 pixels high.
std::vector<std::uint8_t> with_integer(std::int64_t from, std::int64_t to) {
  return altered(bytes_of<std::int64_t>({from}), bytes_of<std::int64_t>({to}));
}

TEST(ReadMetadata, IntegersAreNotCutToTheirLowerHalf) {
  for (const std::int64_t value :
       {(std::int64_t{1} << 32) + 36, std::int64_t{1} << 31, INT64_MAX, INT64_MIN}) {
    const std::vector<std::uint8_t> artifact = with_integer(36, value);
    ASSERT_FALSE(artifact.empty());
    const Status status = refusal(artifact);
    EXPECT_EQ(status.code(), StatusCode::invalid_artifact) << value;
    EXPECT_NE(status.message().find(
                  concat("hve_resize_size: expected an integer of 32 bits, got ", value)),
              std::string::npos)
        << status.message();
  }
  const Status size = refusal(with_integer(32, (std::int64_t{1} << 32) + 32));
  EXPECT_NE(size.message().find("hve_input_size: expected an integer of 32 bits"),
            std::string::npos)
      << size.message();
}

TEST(ReadMetadata, ChecksTheRangesOfWhatFits) {
  EXPECT_TRUE(refusal(with_integer(36, 37)).ok());
  const Status status = refusal(with_integer(36, 31));
  EXPECT_NE(status.message().find("resize_size: expected 32 to 16384, got 31"), std::string::npos)
      << status.message();
}

// The tensor of hve_golden_output refers to its data by a number; 0 means none.
TEST(ReadMetadata, TensorsHaveValues) {
  const std::vector<std::uint8_t> artifact =
      altered(bytes_of<std::uint32_t>({16, 2, 12, 16}), bytes_of<std::uint32_t>({16, 0, 12, 16}));
  ASSERT_FALSE(artifact.empty());
  const Status status = refusal(artifact);
  EXPECT_EQ(status.code(), StatusCode::invalid_artifact);
  EXPECT_NE(status.message().find("hve_golden_output: expected a tensor with values, got none"),
            std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace hvit_edge
