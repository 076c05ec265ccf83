// Artifacts of arrays that make_tensors.py wrote: sums = x W + counts, masked = sums * mask, and
// for XNNPACK also largest = argmax of sums; W[i][j] = 3 j + i.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "artifact.h"
#include "hvit_edge/classifier.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

constexpr float kTolerance = 1e-4F;  // of sums of magnitude 50

std::string path_of(const std::string& name) {
  return std::string(HVIT_EDGE_TEST_DATA) + "/" + name + "_v2.pte";
}

class TensorSessionTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    Result<Session> loaded = Session::load(path_of(GetParam()));
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    session_ = std::make_unique<Session>(std::move(loaded).value());
  }

  std::vector<TensorView> row() const {
    return {{x_.data(), {2, 3}, DType::float32},
            {counts_.data(), {2, 4}, DType::int64},
            {mask_.data(), {4}, DType::boolean}};
  }

  float sum(int i, int j) const {
    float value = static_cast<float>(counts_[4 * i + j]);
    for (int k = 0; k < 3; ++k) value += x_[3 * i + k] * static_cast<float>(3 * j + k);
    return value;
  }

  void check(const Result<std::vector<TensorView>>& outputs) const {
    ASSERT_TRUE(outputs.ok()) << outputs.status().message();
    ASSERT_EQ(outputs->size(), session_->outputs().size());
    const auto* sums = static_cast<const float*>((*outputs)[0].data);
    const auto* masked = static_cast<const float*>((*outputs)[1].data);
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 4; ++j) {
        EXPECT_NEAR(sums[4 * i + j], sum(i, j), kTolerance);
        EXPECT_NEAR(masked[4 * i + j], mask_[j] ? sum(i, j) : 0.0F, kTolerance);
      }
    }
    if (outputs->size() == 2) return;
    ASSERT_EQ((*outputs)[2].dtype, DType::int64);
    const auto* largest = static_cast<const std::int64_t*>((*outputs)[2].data);
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 4; ++j) EXPECT_GE(sum(i, static_cast<int>(largest[i])), sum(i, j));
    }
  }

  std::array<float, 6> x_ = {0.5F, -1.0F, 2.0F, 1.0F, 0.25F, -3.0F};
  std::array<std::int64_t, 8> counts_ = {7, 0, -3, 2, 1, 40, 5, 6};
  std::array<bool, 4> mask_ = {true, false, true, true};
  std::unique_ptr<Session> session_;
};

TEST_P(TensorSessionTest, DescribesItself) {
  EXPECT_EQ(session_->metadata().task, kTensorTask);
  EXPECT_EQ(session_->metadata().schema_version, kSchemaVersion);
  ASSERT_EQ(session_->inputs().size(), 3U);
  EXPECT_EQ(session_->inputs()[1].name, "counts");
  EXPECT_EQ(session_->inputs()[1].dtype, DType::int64);
  EXPECT_EQ(session_->inputs()[2].shape, (std::vector<std::int64_t>{4}));
  EXPECT_EQ(session_->outputs()[0].name, "sums");
  EXPECT_EQ(session_->outputs()[1].name, "masked");
}

TEST_P(TensorSessionTest, RunsByPositionAndByName) {
  check(session_->run(row()));
  const std::vector<TensorView> views = row();
  check(session_->run_named({{"mask", views[2]}, {"x", views[0]}, {"counts", views[1]}}));
}

TEST_P(TensorSessionTest, PassesItsSelfTest) {
  const Result<SelfTest> result = session_->self_test();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->passed);
  EXPECT_TRUE(result->top1_agree);
  EXPECT_LE(result->max_rel, 1e-5);
}

TEST_P(TensorSessionTest, RefusesWrongArraysByName) {
  std::vector<TensorView> views = row();
  views[1].dtype = DType::int32;
  const std::string dtype = session_->run(views).status().message();
  EXPECT_NE(dtype.find("input 1 (counts): expected int64 [2, 4], got int32 [2, 4]; convert"),
            std::string::npos)
      << dtype;
  views = row();
  const std::string names =
      session_->run_named({{"x", views[0]}, {"x", views[0]}, {"other", views[1]}})
          .status()
          .message();
  EXPECT_EQ(names,
            "[Session.run] expected the inputs x, counts, mask, got x twice, no counts, no mask, "
            "an unknown other; Session.inputs lists them");
}

TEST_P(TensorSessionTest, IsNoClassifier) {
  const Result<Classifier> classifier = Classifier::load(path_of(GetParam()));
  ASSERT_FALSE(classifier.ok());
  EXPECT_NE(classifier.status().message().find("task classify, got one of the task tensor; use "
                                               "Session, which takes and returns arrays"),
            std::string::npos)
      << classifier.status().message();
}

std::vector<const char*> artifacts() {
  if (testing::kSmall) return {"native_tensors"};
  return {"tensors", "native_tensors"};
}

INSTANTIATE_TEST_SUITE_P(Targets, TensorSessionTest, ::testing::ValuesIn(artifacts()));

TEST(TensorSession, AClassifierHasNoNames) {
  Result<Session> session = Session::load(testing::tiny_path());
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session->metadata().task, kClassifyTask);
  EXPECT_EQ(session->metadata().schema_version, kClassifierSchemaVersion);
  EXPECT_EQ(session->inputs()[0].name, "");
  const std::vector<float> values(3 * 32 * 24);
  const Status status =
      session->run_named({{"", {values.data(), {1, 3, 32, 24}, DType::float32}}}).status();
  EXPECT_NE(status.message().find("no input without a name"), std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace hvit_edge
