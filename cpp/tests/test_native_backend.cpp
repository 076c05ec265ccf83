// Programs of the native backend in a Session. They do not run under ThreadSanitizer, see
// test_native_threads.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "artifact.h"
#include "hvit_edge/backends.h"
#include "hvit_edge/session.h"

namespace hvit_edge {
namespace {

std::string path_of(const char* name) { return std::string(HVIT_EDGE_TEST_DATA) + "/" + name; }
std::string native_path() { return path_of("native_v1.pte"); }
std::string half_path() { return path_of("native_half_v1.pte"); }

class NativeBackend : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < input_.size(); ++i) input_[i] = std::sin(0.1F * i);
  }

  std::vector<float> run(Session& session) {
    std::vector<float> output(7);
    const Status status =
        session.run({{input_.data(), {1, 3, 32, 24}, DType::float32}}, {output.data()});
    EXPECT_TRUE(status.ok()) << status.message();
    return output;
  }

  std::vector<float> input_ = std::vector<float>(3 * 32 * 24);
};

TEST_F(NativeBackend, IsThereBeforeAnythingIsLoaded) {
  EXPECT_TRUE(backend_available("HvitEdgeBackend"));
}

TEST_F(NativeBackend, PassesTheSelfTestOfItsArtifact) {
  Result<Session> session = Session::load(native_path());
  ASSERT_TRUE(session.ok()) << session.status().message();
  EXPECT_EQ(session->metadata().target, "native");
  const auto result = session->self_test();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->passed);
  EXPECT_LT(result->max_rel, 1e-5);
}

TEST_F(NativeBackend, GivesNearlyTheSameInFloat16) {
  Result<Session> half = Session::load(half_path());
  Result<Session> whole = Session::load(native_path());
  ASSERT_TRUE(half.ok()) << half.status().message();
  const auto result = half->self_test();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->passed);
  const std::vector<float> rounded = run(*half), expected = run(*whole);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(rounded[i], expected[i], 2e-3F);
  EXPECT_NE(rounded, expected);
  EXPECT_EQ(run(*half), rounded);
}

TEST_F(NativeBackend, GivesTheSameBitsTimedAndUntimedAndAgain) {
  SessionOptions timed;
  timed.time_operators = true;
  Result<Session> with = Session::load(native_path(), timed);
  Result<Session> without = Session::load(native_path());
  ASSERT_TRUE(with.ok() && without.ok());
  const std::vector<float> output = run(*with);
  EXPECT_EQ(run(*without), output);
  EXPECT_EQ(run(*with), output);
}

TEST_F(NativeBackend, NamesItsOperationsAndTheirModules) {
  SessionOptions timed;
  timed.time_operators = true;
  Result<Session> session = Session::load(native_path(), timed);
  ASSERT_TRUE(session.ok());
  run(*session);
  std::vector<std::string> names;
  for (const OperatorTime& each : session->operators()) {
    names.push_back(each.name);
    EXPECT_LE(each.start_ns, each.end_ns);
  }
  const std::vector<std::string> expected = {
      "Pad", "Linear stem", "InvertedResidual depthwise", "LayerNorm norm", "Mean", "Linear head"};
  EXPECT_EQ(names, expected);
}

// The plan is stored in the file unchanged: change one word of it, and seal the file again.
TEST_F(NativeBackend, RefusesANewerPlanAndNamesItsWriter) {
  std::vector<std::uint8_t> bytes = testing::read_file(native_path());
  bytes.resize(bytes.size() - 32);
  const char magic[] = "HVITPN01";
  const auto plan = std::search(bytes.begin(), bytes.end(), magic, magic + 8);
  ASSERT_NE(plan, bytes.end());
  plan[8] = 99;
  const std::string ours = std::string("hvit-edge=") + version();
  const auto writer = std::search(bytes.begin(), bytes.end(), ours.begin(), ours.end());
  ASSERT_NE(writer, bytes.end());
  writer[ours.size() - 1] += 1;
  std::string later = version();
  later.back() += 1;
  const std::vector<std::uint8_t> altered = testing::sealed(bytes);
  const Result<Session> session = Session::load(altered.data(), altered.size());
  ASSERT_FALSE(session.ok());
  const std::string message = session.status().message();
  EXPECT_NE(message.find(" at most, got version 99; update hvit-edge"), std::string::npos)
      << message;
  EXPECT_NE(message.find(std::string(" (written by hvit-edge ") + later + ", read by " + version()),
            std::string::npos)
      << message;
}

}  // namespace
}  // namespace hvit_edge
