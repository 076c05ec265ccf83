#include <gtest/gtest.h>

#include <vector>

#include "artifact.h"
#include "artifact/seal.h"

namespace hvit_edge {
namespace {

using Bytes = std::vector<std::uint8_t>;

Result<std::size_t> check(const Bytes& bytes) {
  return check_seal(bytes.data(), bytes.size(), "x.pte");
}

void expect_refused(const Bytes& bytes, const std::string& part,
                    StatusCode code = StatusCode::invalid_artifact) {
  const Result<std::size_t> result = check(bytes);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), code);
  EXPECT_NE(result.status().message().find(part), std::string::npos) << result.status().message();
}

const Bytes kBody = {0, 0, 0, 0, 'E', 'T', '1', '2', 5, 6, 7};

TEST(Seal, IntactOnesGiveTheProgramsSize) {
  const Result<std::size_t> result = check(testing::sealed(kBody));
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(*result, kBody.size());
}

TEST(Seal, EveryFlippedBitIsSeen) {
  const Bytes intact = testing::sealed(kBody);
  for (std::size_t i = 0; i < intact.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = intact;
      damaged[i] ^= static_cast<std::uint8_t>(1 << bit);
      EXPECT_FALSE(check(damaged).ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(Seal, EveryTruncationIsSeen) {
  const Bytes intact = testing::sealed(kBody);
  for (std::size_t size = 1; size < intact.size(); ++size) {
    EXPECT_FALSE(check(Bytes(intact.begin(), intact.begin() + size)).ok()) << size;
  }
}

TEST(Seal, HasItsOwnWordsForEachFault) {
  expect_refused(kBody, "expected an artifact with a seal");
  expect_refused(Bytes(200, 7), "which is something else");
  expect_refused(testing::sealed(kBody, 2), "expected container version 1, got 2 in x.pte; update",
                 StatusCode::unsupported_version);
  expect_refused(testing::sealed(kBody, 0), "got a damaged one");
  Bytes longer = testing::sealed(kBody);
  longer.insert(longer.begin(), 9);
  expect_refused(longer, "expected 11 bytes before the seal, got 12");
  Bytes altered = testing::sealed(kBody);
  altered[8] ^= 1;
  expect_refused(altered, "checksum");
}

}  // namespace
}  // namespace hvit_edge
