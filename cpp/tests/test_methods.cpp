// An artifact of several methods, which make_methods.py wrote: 32x32, 24x32 and 32x24 pixels, in
// batches of 1 and 3.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "artifact.h"
#include "hvit_edge/frame_classifier.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

std::string path() { return std::string(HVIT_EDGE_TEST_DATA) + "/methods_v1.pte"; }

Session load(const std::string& method = "") {
  SessionOptions options;
  options.method = method;
  Result<Session> session = Session::load(path(), options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  return std::move(session).value();
}

std::vector<float> waves(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::sin(0.1F * static_cast<float>(i));
  return values;
}

std::vector<float> run(Session& session, const std::vector<float>& input) {
  std::vector<float> output(static_cast<std::size_t>(session.outputs()[0].numel()));
  const Status status =
      session.run({{input.data(), session.inputs()[0].shape, DType::float32}}, {output.data()});
  EXPECT_TRUE(status.ok()) << status.message();
  return output;
}

ImageView gray(int width, int height, const std::vector<std::uint8_t>& bytes) {
  ImageView image;
  image.data = bytes.data();
  image.width = width;
  image.height = height;
  image.format = PixelFormat::gray8;
  return image;
}

TEST(Methods, AreListedAndTheFirstOneRuns) {
  Session session = load();
  const Metadata& metadata = session.metadata();
  ASSERT_EQ(metadata.methods.size(), 6U);
  EXPECT_EQ(metadata.method, "32x32");
  EXPECT_EQ(metadata.methods[1].name, "24x32");
  EXPECT_EQ(metadata.methods[5].name, "32x24-batch3");
  EXPECT_EQ(metadata.methods[5].batch, 3);
  EXPECT_EQ(session.inputs()[0].shape, (std::vector<std::int64_t>{1, 3, 32, 32}));
}

TEST(Methods, EachPassesItsSelfTest) {
  Session session = load();
  const std::vector<MethodInfo> methods = session.metadata().methods;
  for (const MethodInfo& method : methods) {
    ASSERT_TRUE(session.select(method.name).ok());
    EXPECT_EQ(session.inputs()[0].shape,
              (std::vector<std::int64_t>{method.batch, 3, method.height, method.width}));
    EXPECT_EQ(session.outputs()[0].shape, (std::vector<std::int64_t>{method.batch, 7}));
    EXPECT_EQ(session.metadata().preprocess.input_height, method.height);
    const Result<SelfTest> result = session.self_test();
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_TRUE(result->passed) << method.name;
    EXPECT_TRUE(result->top1_agree) << method.name;
    EXPECT_LT(result->max_rel, 1e-5) << method.name;
  }
}

TEST(Methods, ABatchGivesTheAnswersOfItsPhotos) {
  Session batch = load("24x32-batch3");
  Session single = load("24x32");
  const std::vector<float> photos = waves(3 * 3 * 24 * 32);
  const std::vector<float> together = run(batch, photos);
  ASSERT_EQ(together.size(), 21U);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto begin = photos.begin() + static_cast<std::ptrdiff_t>(k * 3 * 24 * 32);
    const std::vector<float> alone = run(single, {begin, begin + 3 * 24 * 32});
    for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(together[7 * k + i], alone[i], 1e-5F);
  }
}

TEST(Methods, SwitchingGivesTheSameAnswersAsLoadingOne) {
  Session session = load();
  const std::vector<float> wide = waves(3 * 24 * 32), square = waves(3 * 32 * 32);
  const std::vector<float> first = run(session, square);
  const Metadata& before = session.metadata();
  ASSERT_TRUE(session.select("24x32").ok());
  Session other = load("24x32");
  EXPECT_EQ(run(session, wide), run(other, wide));
  EXPECT_EQ(session.planned_memory_bytes(), other.planned_memory_bytes());
  EXPECT_EQ(before.method, "32x32");  // what was returned before stays
  ASSERT_TRUE(session.select("32x32").ok());
  EXPECT_EQ(run(session, square), first);
  EXPECT_GT(session.planned_memory_bytes(), other.planned_memory_bytes());
}

TEST(Methods, RefusesOthersAndKeepsTheSelectedOne) {
  Session session = load("24x32");
  const Status status = session.select("24x33");
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_NE(status.message().find("[Session.select] expected one of the methods 32x32, 24x32"),
            std::string::npos);
  EXPECT_NE(status.message().find("did you mean '24x32'?"), std::string::npos);
  EXPECT_EQ(session.metadata().method, "24x32");
  SessionOptions options;
  options.method = "64x64";
  EXPECT_EQ(Session::load(path(), options).status().code(), StatusCode::invalid_argument);
  options.method = "32x24";
  EXPECT_NE(Session::load(testing::tiny_path(), options)
                .status()
                .message()
                .find("expected no method for an artifact of one input size"),
            std::string::npos);
}

TEST(Methods, AClassifierChoosesByTheUprightAspectRatio) {
  Result<Classifier> classifier = Classifier::load(path());
  ASSERT_TRUE(classifier.ok()) << classifier.status().message();
  const std::vector<std::uint8_t> bytes(80 * 60, 90);
  const auto chosen = [&](int width, int height, Rotation rotation) {
    ImageView image = gray(width, height, bytes);
    image.rotation = rotation;
    const auto logits = classifier->logits(image);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    EXPECT_EQ((*logits)->size(), 7U);
    return classifier->session().metadata().method;
  };
  EXPECT_EQ(chosen(80, 60, Rotation::none), "24x32");
  EXPECT_EQ(chosen(80, 60, Rotation::by_90), "32x24");
  EXPECT_EQ(chosen(80, 60, Rotation::by_180), "24x32");
  EXPECT_EQ(chosen(60, 60, Rotation::none), "32x32");
  EXPECT_EQ(chosen(60, 80, Rotation::by_270), "24x32");
}

TEST(Methods, AClassifierAnswersAsOneOfTheChosenMethod) {
  Result<Classifier> any = Classifier::load(path());
  SessionOptions options;
  options.method = "24x32";
  Result<Classifier> wide = Classifier::load(path(), options);
  ASSERT_TRUE(any.ok() && wide.ok());
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 80 * 60; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7));
  const ImageView image = gray(80, 60, bytes);
  ASSERT_TRUE(any->logits(gray(60, 60, bytes)).ok());
  EXPECT_EQ(**any->logits(image), **wide->logits(image));
  ASSERT_TRUE(wide->logits(gray(60, 80, bytes)).ok());
  EXPECT_EQ(wide->session().metadata().method, "24x32");  // the caller chose it
}

TEST(Methods, AClassifierTakesNoBatch) {
  SessionOptions options;
  options.method = "32x32-batch3";
  const Status status = Classifier::load(path(), options).status();
  EXPECT_EQ(status.code(), StatusCode::invalid_argument);
  EXPECT_EQ(status.message(),
            "[Classifier.create] expected a method with a batch of 1, got 32x32-batch3; use "
            "Session, which takes [batch, 3, height, width]");
  Result<Classifier> created = Classifier::create(load("32x32-batch3"));
  ASSERT_TRUE(created.ok()) << created.status().message();  // it chooses another method
  EXPECT_EQ(created->session().metadata().methods[0].batch, 1);
}

TEST(Methods, FramesOfBothOrientationsAreClassified) {
  Result<Classifier> classifier = Classifier::load(path());
  ASSERT_TRUE(classifier.ok());
  std::vector<std::size_t> found;
  Result<FrameClassifier> frames =
      FrameClassifier::create(std::move(classifier).value(), [&](const FrameResult& result) {
        EXPECT_TRUE(result.status.ok()) << result.status.message();
        found.push_back(result.predictions.size());
      });
  ASSERT_TRUE(frames.ok());
  const std::vector<std::uint8_t> bytes(80 * 60, 90);
  for (const Rotation rotation : {Rotation::none, Rotation::by_90, Rotation::none}) {
    ImageView image = gray(80, 60, bytes);
    image.rotation = rotation;
    ASSERT_TRUE(frames->submit(image).ok());
    ASSERT_TRUE(frames->drain().ok());
  }
  EXPECT_EQ(found, (std::vector<std::size_t>{5, 5, 5}));
}

}  // namespace
}  // namespace hvit_edge
