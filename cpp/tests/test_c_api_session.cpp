#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

#include "artifact.h"
#include "c_api.h"
#include "hvit_edge/session.h"
#include "sanitizer.h"

namespace hvit_edge {
namespace {

using testing::contains;
using testing::Reason;

using testing::data_path;

class CApiSession : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::size_t i = 0; i < input_.size(); ++i) input_[i] = std::sin(0.1F * i);
    owned_ = testing::open_session(data_path(testing::kTwoOutputs));
    ASSERT_NE(owned_, nullptr);
    handle_ = owned_.get();
  }

  hve_status run() { return hve_session_run(handle_, &in_, 1, outputs_, 2, reason_); }

  std::vector<float> input_ = std::vector<float>(3 * 32 * 24);
  float logits_[7] = {};
  float features_[16] = {};
  hve_input in_ = {input_.data(), input_.size()};
  hve_output outputs_[2] = {{logits_, 7, 0}, {features_, 16, 0}};
  testing::OwnedSession owned_;
  hve_session* handle_ = nullptr;
  Reason reason_;
};

TEST_F(CApiSession, GivesWhatTheCppSessionGives) {
  Result<Session> reference = Session::load(data_path(testing::kTwoOutputs));
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  const TensorView view{input_.data(), {1, 3, 32, 24}, DType::float32};
  const Result<std::vector<TensorView>> expected = reference->run({view});
  ASSERT_TRUE(expected.ok()) << expected.status().message();
  ASSERT_EQ(run(), HVE_OK) << reason_.text();
  EXPECT_EQ(outputs_[0].count, 7U);
  EXPECT_EQ(outputs_[1].count, 16U);
  EXPECT_EQ(std::memcmp(logits_, (*expected)[0].data, sizeof(logits_)), 0);
  EXPECT_EQ(std::memcmp(features_, (*expected)[1].data, sizeof(features_)), 0);
  EXPECT_NE(logits_[0], 0);
}

TEST_F(CApiSession, DescribesItsTensors) {
  std::size_t count = 0;
  ASSERT_EQ(hve_session_tensor_count(handle_, HVE_INPUT, &count, reason_), HVE_OK);
  EXPECT_EQ(count, 1U);
  ASSERT_EQ(hve_session_tensor_count(handle_, HVE_OUTPUT, &count, reason_), HVE_OK);
  EXPECT_EQ(count, 2U);
  std::int64_t shape[4] = {};
  std::size_t rank = 0;
  ASSERT_EQ(hve_session_tensor_shape(handle_, HVE_INPUT, 0, shape, 4, &rank, reason_), HVE_OK);
  EXPECT_EQ(std::vector<std::int64_t>(shape, shape + rank),
            (std::vector<std::int64_t>{1, 3, 32, 24}));
  EXPECT_EQ(hve_session_tensor_shape(handle_, HVE_INPUT, 0, shape, 3, &rank, reason_),
            HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(rank, 4U);
  EXPECT_EQ(hve_session_tensor_shape(handle_, HVE_OUTPUT, 1, nullptr, 0, &rank, reason_), HVE_OK);
  EXPECT_EQ(rank, 2U);
  std::int32_t dtype = -1;
  ASSERT_EQ(hve_session_tensor_dtype(handle_, HVE_OUTPUT, 1, &dtype, reason_), HVE_OK);
  EXPECT_EQ(dtype, HVE_DTYPE_FLOAT32);
}

TEST_F(CApiSession, RefusesTensorsThatAreNotThere) {
  std::size_t count = 99;
  EXPECT_EQ(hve_session_tensor_count(handle_, 2, &count, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(count, 0U);
  EXPECT_EQ(hve_session_tensor_count(handle_, HVE_INPUT, nullptr, reason_), HVE_INVALID_ARGUMENT);
  std::int32_t dtype = -1;
  EXPECT_EQ(hve_session_tensor_dtype(handle_, HVE_OUTPUT, 2, &dtype, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(reason_.text(),
            "[hve_session_tensor_dtype] expected an index below 2, got 2; ask for the count first");
  EXPECT_EQ(hve_session_tensor_dtype(handle_, HVE_OUTPUT, 0, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_tensor_shape(handle_, HVE_INPUT, 0, nullptr, 4, &count, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_tensor_shape(handle_, HVE_INPUT, 0, nullptr, 0, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
}

TEST_F(CApiSession, RefusesInputsThatDoNotFit) {
  EXPECT_EQ(hve_session_run(handle_, nullptr, 1, outputs_, 2, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_run(handle_, &in_, 0, outputs_, 2, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected 1 inputs, got 0");
  in_.data = nullptr;
  EXPECT_EQ(run(), HVE_INVALID_ARGUMENT);
  in_ = {input_.data(), 0};
  EXPECT_EQ(run(), HVE_INVALID_ARGUMENT);
  in_.count = input_.size() - 1;
  EXPECT_EQ(run(), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(),
               "input 0: expected 2304 floats of shape [1, 3, 32, 24], got 2303");
  in_.count = input_.size();
  input_[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(run(), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "finite");
}

TEST_F(CApiSession, RefusesOutputsThatDoNotFit) {
  EXPECT_EQ(hve_session_run(handle_, &in_, 1, nullptr, 2, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_run(handle_, &in_, 1, outputs_, 1, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "expected 2 outputs, got 1");
  outputs_[0].capacity = 6;
  outputs_[1].capacity = 0;
  EXPECT_EQ(run(), HVE_BUFFER_TOO_SMALL);
  EXPECT_EQ(outputs_[0].count, 7U);
  EXPECT_EQ(outputs_[1].count, 16U);
  EXPECT_EQ(logits_[0], 0);
  outputs_[0].capacity = 7;
  outputs_[1] = {nullptr, 0, 5};
  EXPECT_EQ(run(), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(outputs_[1].count, 0U);
}

#if !defined(HVIT_EDGE_SMALL)  // every output of a native program is float32
TEST_F(CApiSession, RefusesOutputsOfOtherTypes) {
  const testing::OwnedSession session = testing::open_session(data_path("integer_output_v1.pte"));
  ASSERT_NE(session, nullptr);
  std::int32_t dtype = -1;
  ASSERT_EQ(hve_session_tensor_dtype(session.get(), HVE_OUTPUT, 0, &dtype, reason_), HVE_OK);
  EXPECT_EQ(dtype, HVE_DTYPE_INT64);
  EXPECT_EQ(hve_session_run(session.get(), &in_, 1, outputs_, 1, reason_), HVE_INVALID_ARGUMENT);
  EXPECT_PRED2(contains, reason_.text(), "output 0: expected a float32 tensor, got int64");
}
#endif

TEST_F(CApiSession, TestsItself) {
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  ASSERT_EQ(hve_session_self_test(handle_, &result, reason_), HVE_OK) << reason_.text();
  EXPECT_EQ(result.passed, 0);  // its golden photo was replaced
  EXPECT_GT(result.max_abs, 0);
  const testing::OwnedSession tiny = testing::open_session(testing::tiny_path());
  ASSERT_EQ(hve_session_self_test(tiny.get(), &result, reason_), HVE_OK) << reason_.text();
  EXPECT_EQ(result.passed, 1);
  EXPECT_EQ(result.top1_agree, 1);
  EXPECT_LE(result.max_rel, 1e-5);  // as in test_session.cpp
  EXPECT_EQ(hve_session_self_test(tiny.get(), nullptr, reason_), HVE_INVALID_ARGUMENT);
  result.struct_size = 8;
  EXPECT_EQ(hve_session_self_test(tiny.get(), &result, reason_), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiSession, IsNullOnceClosed) {
  hve_session* handle = owned_.release();
  EXPECT_EQ(hve_session_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(handle, nullptr);
  EXPECT_EQ(hve_session_close(&handle, reason_), HVE_OK);
  EXPECT_EQ(hve_session_close(nullptr, reason_), HVE_OK);
  handle_ = handle;
  EXPECT_EQ(run(), HVE_INVALID_ARGUMENT);
  EXPECT_EQ(reason_.text(),
            "[hve_session_run] expected a session, got NULL; open it first, and do not use it once "
            "closed");
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(handle, &result, reason_), HVE_INVALID_ARGUMENT);
}

class CApiOpen : public ::testing::Test {
 protected:
  // A failed call leaves no handle.
  void expect_refused(hve_status status, hve_status expected, const std::string& part) {
    EXPECT_EQ(status, expected) << reason_.text();
    EXPECT_EQ(handle_, nullptr);
    EXPECT_PRED2(contains, reason_.text(), part);
    handle_ = reinterpret_cast<hve_session*>(this);
  }
  hve_status open_bytes(const std::vector<std::uint8_t>& bytes,
                        const hve_options* options = nullptr) {
    return hve_session_open_memory(bytes.data(), bytes.size(), options, &handle_, reason_);
  }

  hve_session* handle_ = reinterpret_cast<hve_session*>(this);
  Reason reason_;
};

TEST_F(CApiOpen, RefusesPathsThatLeadNowhere) {
  expect_refused(hve_session_open(nullptr, nullptr, &handle_, reason_), HVE_INVALID_ARGUMENT,
                 "expected the path of an artifact, got none");
  expect_refused(hve_session_open("", nullptr, &handle_, reason_), HVE_INVALID_ARGUMENT,
                 "expected the path of an artifact, got none");
  expect_refused(hve_session_open("/no/such.pte", nullptr, &handle_, reason_), HVE_INVALID_ARGUMENT,
                 "no such file: /no/such.pte");
  expect_refused(hve_session_open("/no/\xff\xc3.pte", nullptr, &handle_, reason_),
                 HVE_INVALID_ARGUMENT, "no such file: /no/?\?.pte");
  EXPECT_EQ(hve_session_open(testing::tiny_path().c_str(), nullptr, nullptr, reason_),
            HVE_INVALID_ARGUMENT);
  EXPECT_EQ(hve_session_open(nullptr, nullptr, &handle_, nullptr), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiOpen, ReadsFilesOfAnyName) {
  const std::string path = ::testing::TempDir() + "c_api_\xff.pte";
  const std::vector<std::uint8_t> bytes = testing::read_file(testing::tiny_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  const testing::OwnedSession session = testing::open_session(path);
  std::remove(path.c_str());
  EXPECT_NE(session, nullptr);
}

TEST_F(CApiOpen, RefusesMemoryThatHoldsNoArtifact) {
  expect_refused(hve_session_open_memory(nullptr, 8, nullptr, &handle_, reason_),
                 HVE_INVALID_ARGUMENT, "expected an artifact in memory, got nothing");
  expect_refused(hve_session_open_memory("x", 0, nullptr, &handle_, reason_), HVE_INVALID_ARGUMENT,
                 "expected an artifact in memory, got nothing");
  expect_refused(hve_session_open_memory("x", 1, nullptr, &handle_, reason_), HVE_INVALID_ARTIFACT,
                 "expected an hvit-edge artifact");
  std::vector<std::uint8_t> bytes = testing::read_file(testing::tiny_path());
  bytes[bytes.size() / 2] ^= 1;
  expect_refused(open_bytes(bytes), HVE_INVALID_ARTIFACT, "the file was altered");
  bytes = testing::read_file(testing::tiny_path());
  bytes.resize(bytes.size() - 32);
  expect_refused(open_bytes(testing::sealed(bytes, 99)), HVE_UNSUPPORTED_VERSION,
                 "update hvit-edge");
  EXPECT_EQ(hve_session_open_memory("x", 1, nullptr, nullptr, reason_), HVE_INVALID_ARGUMENT);
}

TEST_F(CApiOpen, RefusesArtifactsOfOtherBackends) {
  std::vector<std::uint8_t> bytes = testing::read_file(testing::tiny_path());
  bytes.resize(bytes.size() - 32);
  const std::string name = testing::kBackend;
  const auto found = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
  ASSERT_NE(found, bytes.end());
  std::fill_n(found, name.size(), 'M');
  bytes = testing::sealed(bytes);
  expect_refused(open_bytes(bytes), HVE_MISSING_BACKEND, "expected the backend MMMMMMMMMMMMMM");
  hve_options later = HVE_OPTIONS_INIT;
  later.prepare_later = 1;
  ASSERT_EQ(open_bytes(bytes, &later), HVE_OK) << reason_.text();
  const testing::OwnedSession session(handle_);
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(handle_, &result, reason_), HVE_MISSING_BACKEND);
}

TEST_F(CApiOpen, RefusesOptionsThatCannotBe) {
  const std::string path = testing::tiny_path();
  hve_options options = HVE_OPTIONS_INIT;
  options.threads = -1;
  expect_refused(hve_session_open(path.c_str(), &options, &handle_, reason_), HVE_INVALID_ARGUMENT,
                 "threads, got -1");
  for (std::int32_t hve_options::* member :
       {&hve_options::prepare_later, &hve_options::memory, &hve_options::reserved}) {
    options = HVE_OPTIONS_INIT;
    options.*member = 2;
    expect_refused(hve_session_open(path.c_str(), &options, &handle_, reason_),
                   HVE_INVALID_ARGUMENT, "start from HVE_OPTIONS_INIT");
  }
  options = HVE_OPTIONS_INIT;
  options.struct_size = 0;
  expect_refused(hve_session_open(path.c_str(), &options, &handle_, reason_), HVE_INVALID_ARGUMENT,
                 "expected a struct_size of");
}

TEST_F(CApiOpen, BorrowsMemoryWhereAsked) {
  const std::vector<std::uint8_t> bytes = testing::read_file(testing::tiny_path());
  std::vector<std::uint8_t> room(bytes.size() + 32);
  const auto address = reinterpret_cast<std::uintptr_t>(room.data());
  std::uint8_t* aligned = room.data() + (16 - address % 16) % 16;
  std::copy(bytes.begin(), bytes.end(), aligned);
  hve_options borrow = HVE_OPTIONS_INIT;
  borrow.memory = HVE_MEMORY_BORROW;
  ASSERT_EQ(hve_session_open_memory(aligned, bytes.size(), &borrow, &handle_, reason_), HVE_OK)
      << reason_.text();
  testing::OwnedSession session(handle_);
  hve_self_test_result result = HVE_SELF_TEST_RESULT_INIT;
  EXPECT_EQ(hve_session_self_test(handle_, &result, reason_), HVE_OK) << reason_.text();
  session.reset();
  expect_refused(hve_session_open_memory(aligned + 4, bytes.size() - 4, &borrow, &handle_, reason_),
                 HVE_INVALID_ARGUMENT, "aligned to 16 bytes");
}

TEST_F(CApiOpen, SaysSoWhereMemoryRunsOut) {
  if (testing::kUnderAddressSanitizer || testing::kUnderThreadSanitizer) {
    GTEST_SKIP() << "sanitizers end the process where operator new should throw";
  }
  expect_refused(hve_session_open_memory(this, SIZE_MAX / 4, nullptr, &handle_, reason_),
                 HVE_OUT_OF_MEMORY, "[hve_session_open_memory] expected enough memory, got none");
}

}  // namespace
}  // namespace hvit_edge
