#include <gtest/gtest.h>

#include "artifact.h"
#include "hvit_edge/embedder.h"

namespace hvit_edge {
namespace {

TEST(CosineSimilarity, IsThatOfTheAngle) {
  const float one[] = {3, 0, 4};
  const float same[] = {6, 0, 8};
  const float opposite[] = {-3, 0, -4};
  const float across[] = {0, 2, 0};
  EXPECT_FLOAT_EQ(cosine_similarity(one, same, 3), 1);
  EXPECT_FLOAT_EQ(cosine_similarity(one, opposite, 3), -1);
  EXPECT_FLOAT_EQ(cosine_similarity(one, across, 3), 0);
  const float diagonal[] = {1, 0, 0};
  EXPECT_FLOAT_EQ(cosine_similarity(one, diagonal, 3), 0.6F);
}

TEST(CosineSimilarity, OfAVectorOfZerosIsZero) {
  const float zeros[] = {0, 0};
  const float one[] = {1, 2};
  EXPECT_EQ(cosine_similarity(zeros, one, 2), 0);
  EXPECT_EQ(cosine_similarity(zeros, zeros, 2), 0);
  EXPECT_EQ(cosine_similarity(one, one, 0), 0);
}

TEST(CosineSimilarity, DoesNotOverflow) {
  const float large[] = {3e38F, 3e38F};
  EXPECT_FLOAT_EQ(cosine_similarity(large, large, 2), 1);
}

TEST(Embedder, RefusesAClassifierByItsTask) {
  const Status status = Embedder::load(testing::tiny_path()).status();
  EXPECT_EQ(status.code(), StatusCode::invalid_artifact);
  EXPECT_EQ(status.message(),
            "[Embedder.create] expected an artifact of the task embed, got one of the task "
            "classify; use Classifier");
}

}  // namespace
}  // namespace hvit_edge
