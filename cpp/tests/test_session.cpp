#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "artifact.h"
#include "hvit_edge/session.h"
#include "hvit_edge/threads.h"

namespace hvit_edge {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < input_.size(); ++i) input_[i] = std::sin(0.1F * i);
    view_ = {input_.data(), {1, 3, 32, 24}, DType::float32};
  }

  std::vector<float> input_ = std::vector<float>(3 * 32 * 24);
  TensorView view_;
};

Session load_tiny(const SessionOptions& options = {}) {
  Result<Session> session = Session::load(testing::tiny_path(), options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  return std::move(session).value();
}

std::vector<float> run_once(Session& session, const TensorView& view) {
  std::vector<float> output(7);
  const Status status = session.run({view}, {output.data()});
  EXPECT_TRUE(status.ok()) << status.message();
  return output;
}

// A vector whose data() + offset is aligned to 64 bytes.
struct Aligned {
  explicit Aligned(const std::vector<std::uint8_t>& bytes, std::size_t offset = 0)
      : storage(bytes.size() + 128) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
    data = storage.data() + (64 - address % 64) % 64 + offset;
    std::memcpy(data, bytes.data(), bytes.size());
  }
  std::vector<std::uint8_t> storage;
  std::uint8_t* data;
};

TEST_F(SessionTest, DescribesItself) {
  const Session session = load_tiny();
  EXPECT_EQ(session.metadata().model_name, "tiny");
  EXPECT_EQ(session.metadata().labels.size(), 7U);
  EXPECT_EQ(session.metadata().preprocess.input_height, 32);
  ASSERT_EQ(session.inputs().size(), 1U);
  EXPECT_EQ(session.inputs()[0].shape, (std::vector<std::int64_t>{1, 3, 32, 24}));
  EXPECT_EQ(session.outputs()[0].shape, (std::vector<std::int64_t>{1, 7}));
  EXPECT_GT(session.planned_memory_bytes(), 0U);
}

TEST_F(SessionTest, PassesItsSelfTest) {
  Session session = load_tiny();
  const Result<SelfTest> result = session.self_test();
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_TRUE(result->passed);
  EXPECT_TRUE(result->top1_agree);
  EXPECT_LE(result->max_rel, 1e-5);  // a tiny model; the artifact's tolerance is 1e-4
}

TEST_F(SessionTest, BothFormsOfRunAgree) {
  Session session = load_tiny();
  const std::vector<float> copied = run_once(session, view_);
  const Result<std::vector<TensorView>> views = session.run({view_});
  ASSERT_TRUE(views.ok()) << views.status().message();
  ASSERT_EQ(views->size(), 1U);
  EXPECT_EQ((*views)[0].shape, session.outputs()[0].shape);
  EXPECT_EQ(std::memcmp((*views)[0].data, copied.data(), 7 * sizeof(float)), 0);
}

TEST_F(SessionTest, LoadsFromMemoryInPlace) {
  const Aligned memory(testing::read_file(testing::tiny_path()));
  Result<Session> session =
      Session::load(memory.data, testing::read_file(testing::tiny_path()).size());
  ASSERT_TRUE(session.ok()) << session.status().message();
  Session from_file = load_tiny();
  EXPECT_EQ(run_once(*session, view_), run_once(from_file, view_));
}

TEST_F(SessionTest, RefusesMemoryThatIsNotAlignedOrNotThere) {
  const std::vector<std::uint8_t> bytes = testing::read_file(testing::tiny_path());
  const Aligned memory(bytes, 4);
  const Result<Session> odd = Session::load(memory.data, bytes.size());
  ASSERT_FALSE(odd.ok());
  EXPECT_NE(odd.status().message().find("aligned to 16 bytes"), std::string::npos);
  EXPECT_EQ(Session::load(nullptr, 10).status().code(), StatusCode::invalid_argument);
  EXPECT_EQ(Session::load(memory.data, 0).status().code(), StatusCode::invalid_argument);
}

TEST_F(SessionTest, RefusesMissingBackends) {
  std::vector<std::uint8_t> bytes = testing::read_file(testing::tiny_path());
  bytes.resize(bytes.size() - 32);
  const std::string name = testing::kBackend;
  const auto found = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
  ASSERT_NE(found, bytes.end());
  std::fill_n(found, name.size(), 'M');
  const std::vector<std::uint8_t> renamed = testing::sealed(bytes);
  const Aligned memory(renamed);
  const Result<Session> session = Session::load(memory.data, renamed.size());
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::missing_backend);
  EXPECT_NE(session.status().message().find("expected the backend MMMMMMMMMMMMMM"),
            std::string::npos);
  SessionOptions unprepared;
  unprepared.prepare = false;
  Result<Session> readable = Session::load(memory.data, renamed.size(), unprepared);
  ASSERT_TRUE(readable.ok());
  EXPECT_EQ(readable.value().metadata().target, testing::kTarget);
  EXPECT_EQ(readable.value().run({view_}).status().code(), StatusCode::missing_backend);
}

TEST_F(SessionTest, RefusesWrongInputsAndOutputs) {
  Session session = load_tiny();
  EXPECT_EQ(session.run(std::vector<TensorView>{}).status().code(), StatusCode::invalid_argument);
  TensorView wrong = view_;
  wrong.shape = {1, 3, 24, 32};
  const Status shape = session.run({wrong}).status();
  EXPECT_NE(shape.message().find("input 0: expected float32 [1, 3, 32, 24], got float32 [1, 3, 24"),
            std::string::npos)
      << shape.message();
  input_[17] = std::nanf("");
  EXPECT_NE(session.run({view_}).status().message().find("got nan at element 17"),
            std::string::npos);
  EXPECT_EQ(session.run({view_}, {nullptr}).code(), StatusCode::invalid_argument);
  EXPECT_EQ(session.run({view_}, {}).code(), StatusCode::invalid_argument);
}

TEST_F(SessionTest, AdaptsWhenTheThreadPoolIsReplaced) {
  Session session = load_tiny();
  const std::vector<float> expected = run_once(session, view_);
  for (const int count : {1, 3, 2, 4, 1}) {
    ASSERT_TRUE(set_threads(count).ok());
    EXPECT_EQ(run_once(session, view_), expected);
  }
  ASSERT_TRUE(set_threads(0).ok());
}

TEST_F(SessionTest, SeveralRunAtOnceWhileThreadsChange) {
  Session reference = load_tiny();
  const std::vector<float> expected = run_once(reference, view_);
  const auto work = [&](int* wrong) {
    Session session = load_tiny();
    for (int i = 0; i < 200; ++i) *wrong += run_once(session, view_) == expected ? 0 : 1;
  };
  int wrong[2] = {};
  std::thread first(work, &wrong[0]);
  std::thread second(work, &wrong[1]);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(set_threads(1 + i % 3).ok());
  first.join();
  second.join();
  EXPECT_EQ(wrong[0] + wrong[1], 0);
  ASSERT_TRUE(set_threads(0).ok());
}

TEST_F(SessionTest, MovesWithoutLosingItsProgram) {
  Session first = load_tiny();
  const std::vector<float> expected = run_once(first, view_);
  Session second = std::move(first);
  EXPECT_EQ(run_once(second, view_), expected);
}

}  // namespace
}  // namespace hvit_edge
