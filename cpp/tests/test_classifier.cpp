#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "artifact.h"
#include "hvit_edge/classifier.h"

namespace hvit_edge {
namespace {

Classifier load_tiny() {
  Result<Classifier> classifier = Classifier::load(testing::tiny_path());
  EXPECT_TRUE(classifier.ok()) << classifier.status().message();
  return std::move(classifier).value();
}

std::vector<std::uint8_t> gradient(int width, int height) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 3 * width * height; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7));
  return bytes;
}

TEST(Classifier, PredictionsAreSortedSoftmaxOfTheLogits) {
  Classifier classifier = load_tiny();
  EXPECT_EQ(classifier.num_classes(), 7);
  const std::vector<std::uint8_t> bytes = gradient(60, 50);
  const ImageView image{bytes.data(), 60, 50, 0, PixelFormat::rgb888, Rotation::none};
  const Result<const std::vector<float>*> logits = classifier.logits(image);
  ASSERT_TRUE(logits.ok()) << logits.status().message();
  double total = 0;
  for (const float logit : **logits) total += std::exp(static_cast<double>(logit));

  const Result<std::vector<Prediction>> predictions = classifier.classify(image, 100);
  ASSERT_TRUE(predictions.ok()) << predictions.status().message();
  ASSERT_EQ(predictions->size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) {
    const Prediction& prediction = (*predictions)[i];
    EXPECT_NEAR(prediction.score, std::exp((**logits)[prediction.index]) / total, 1e-6);
    EXPECT_EQ(prediction.label, classifier.session().metadata().labels[prediction.index]);
    EXPECT_GE((*predictions)[i > 0 ? i - 1 : 0].score, prediction.score);
  }
}

TEST(Classifier, RefusesWhatCannotBe) {
  Classifier classifier = load_tiny();
  const std::vector<std::uint8_t> bytes = gradient(4, 4);
  const ImageView image{bytes.data(), 4, 4, 0, PixelFormat::rgb888, Rotation::none};
  EXPECT_EQ(classifier.classify(image, 0).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(classifier.classify(ImageView()).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(Classifier::load("/no/such.pte").status().code(), StatusCode::invalid_argument);
}

}  // namespace
}  // namespace hvit_edge
