#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "artifact.h"
#include "hvit_edge/version.h"
#include "runner.h"

namespace hvit_edge {
namespace {

using testing::read_file;
using testing::tiny_path;

constexpr std::size_t kInputBytes = 3 * 32 * 24 * sizeof(float);
constexpr std::size_t kClasses = 7;

std::string temporary(const std::string& name) { return ::testing::TempDir() + "/runner_" + name; }

void write_file(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

Outcome succeed(const std::vector<std::string>& words, const std::vector<std::string>& parts) {
  const Outcome outcome = execute(words);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.output.substr(0, 1) + outcome.output.substr(outcome.output.size() - 2), "{}\n");
  for (const std::string& part : parts) {
    EXPECT_NE(outcome.output.find(part), std::string::npos) << part << " in " << outcome.output;
  }
  return outcome;
}

void refuse(const std::vector<std::string>& words, const std::string& part) {
  const Outcome outcome = execute(words);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.output, "");
  EXPECT_NE(outcome.error.find(part), std::string::npos) << outcome.error;
  EXPECT_EQ(outcome.error.back(), '\n');
}

TEST(Runner, RefusesBadUsage) {
  refuse({}, "usage:\n");
  refuse({"fly"}, "expected a command, got fly");
  refuse({"facts", "x"}, "expected 0 operands, got 1");
  refuse({"bench", tiny_path(), "--iterations", "0"}, "expected a whole number from 1 to");
  refuse({"self-test", tiny_path(), "--threads", "-1"}, "from 0 to 1024, got -1");
}

TEST(Runner, RefusesMissingAndForeignArtifacts) {
  for (const char* command : {"self-test", "bench", "profile", "count"}) {
    refuse({command, "no.pte"}, "got no such file: no.pte");
  }
  const std::string foreign = temporary("foreign.pte");
  write_file(foreign, std::vector<std::uint8_t>(100, 'x'));
  refuse({"self-test", foreign}, foreign);
  std::remove(foreign.c_str());
}

TEST(Runner, TellsFacts) {
  succeed({"facts"},
          {R"("architecture":")", R"("features":[)", R"("instruction_set":")", R"("cores":)",
           R"("threads":)", R"("memory_bytes":)", "\"version\":\"" HVIT_EDGE_VERSION "\"}"});
}

TEST(Runner, TestsArtifacts) {
  succeed({"self-test", tiny_path(), "--threads", "2"},
          {R"({"passed":true,"max_abs":)", R"("max_rel":)", R"("top1_agree":true})"});
}

TEST(Runner, RunsEveryInputOfAFile) {
  const std::string inputs = temporary("inputs");
  const std::string outputs = temporary("outputs");
  write_file(inputs, std::vector<std::uint8_t>(3 * kInputBytes));
  succeed({"run", tiny_path(), inputs, outputs}, {R"({"count":3,"shape":[1,7],"milliseconds":[)"});
  const std::vector<std::uint8_t> bytes = read_file(outputs);
  ASSERT_EQ(bytes.size(), 3 * kClasses * sizeof(float));
  float values[3 * kClasses];
  std::memcpy(values, bytes.data(), bytes.size());
  for (std::size_t i = 0; i < 3 * kClasses; ++i) {
    EXPECT_TRUE(std::isfinite(values[i]));
    EXPECT_EQ(values[i], values[i % kClasses]);
  }
  std::remove(inputs.c_str());
  std::remove(outputs.c_str());
}

// Inputs are float32 [2, 3], int64 [2, 4] and bool [4]; see test_tensor_session.cpp.
TEST(Runner, RunsSamplesOfSeveralDtypes) {
  const std::string inputs = temporary("arrays");
  const std::string outputs = temporary("arrays_out");
  constexpr std::size_t kSampleBytes = 6 * 4 + 8 * 8 + 4;
  std::vector<std::uint8_t> samples(2 * kSampleBytes);
  const std::int64_t count = 5;  // of the first sum in the second sample
  std::memcpy(samples.data() + kSampleBytes + 24, &count, sizeof(count));
  samples[2 * kSampleBytes - 4] = 1;  // the mask keeps the first column there
  write_file(inputs, samples);
  // The program for XNNPACK has an output of integers too.
  const std::string path = std::string(HVIT_EDGE_TEST_DATA) +
                           (testing::kSmall ? "/native_tensors_v2.pte" : "/tensors_v2.pte");
  const std::string last = testing::kSmall ? R"({"shape":[2,4],"dtype":"float32"}]})"
                                           : R"({"shape":[2],"dtype":"int64"}]})";
  succeed(
      {"run", path, inputs, outputs},
      {R"({"count":2,"shape":[2,4],)", R"("outputs":[{"shape":[2,4],"dtype":"float32"},)", last});
  const std::vector<std::uint8_t> bytes = read_file(outputs);
  const std::size_t integer_bytes = testing::kSmall ? 0 : 2 * sizeof(std::int64_t);
  const std::size_t output_bytes = 2 * 8 * sizeof(float) + integer_bytes;
  ASSERT_EQ(bytes.size(), 2 * output_bytes);
  float values[2][16];
  for (std::size_t i = 0; i < 2; ++i) {
    std::memcpy(values[i], bytes.data() + i * output_bytes, sizeof(values[i]));
  }
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(values[0][i], 0.0F) << i;
  EXPECT_NEAR(values[1][0], 5.0F, 1e-4F);  // the sum
  EXPECT_NEAR(values[1][8], 5.0F, 1e-4F);  // the masked one
  std::remove(inputs.c_str());
  std::remove(outputs.c_str());
}

TEST(Runner, RefusesInputsOfAWrongSize) {
  const std::string inputs = temporary("wrong");
  const std::string outputs = temporary("none");
  for (const std::size_t size : {std::size_t{0}, kInputBytes - 1, kInputBytes + 4}) {
    write_file(inputs, std::vector<std::uint8_t>(size));
    refuse({"run", tiny_path(), inputs, outputs}, "expected a multiple of 9216 bytes (one sample)");
  }
  std::remove(inputs.c_str());
  refuse({"run", tiny_path(), inputs, outputs}, "No such file");
  refuse({"run", tiny_path(), ::testing::TempDir(), outputs}, "got a directory or device");
  EXPECT_FALSE(std::filesystem::exists(outputs));
}

TEST(Runner, RefusesInputsThatAreNotFinite) {
  const std::string inputs = temporary("nan");
  const std::string outputs = temporary("nan_outputs");
  write_file(inputs, std::vector<std::uint8_t>(kInputBytes, 0xff));
  refuse({"run", tiny_path(), inputs, outputs}, "[Session.run] input 0: expected finite");
  EXPECT_FALSE(std::filesystem::exists(outputs));
  EXPECT_FALSE(std::filesystem::exists(outputs + ".part"));
  std::remove(inputs.c_str());
}

TEST(Runner, ClassifiesPhotos) {
  const std::string photo = temporary("photo.ppm");
  std::ofstream(photo, std::ios::binary) << "P6 4 2 255 abcdefghijklmnopqrstuvwx";
  succeed({"classify", tiny_path(), photo, "--top-k", "2"},
          {R"({"predictions":[{"label":")", R"("score":0.)", "}]}"});
  refuse({"classify", tiny_path(), "no.ppm"}, "No such file");
  std::remove(photo.c_str());
}

TEST(Runner, MeasuresTime) {
  succeed({"bench", tiny_path(), "--iterations", "3", "--warmup", "0", "--threads", "1"},
          {R"({"threads":1,"instruction_set":")", R"(","load_seconds":)", R"("first_run_seconds":)",
           R"("seconds":[)", R"("peak_bytes":)", R"("planned_memory_bytes":)"});
}

TEST(Runner, TimesOperators) {
  const Outcome outcome =
      succeed({"profile", tiny_path(), "--iterations", "3", "--warmup", "1", "--threads", "1"},
              {R"({"threads":1,"seconds":[)",
               testing::kSmall ? R"("operators":[{"name":"Pad","nanoseconds":[)"
                               : R"("operators":[{"name":"Transpose (ND, X32) #1","nanoseconds":[)",
               testing::kSmall ? R"({"name":"Mean","nanoseconds":[)"
                               : R"({"name":"instruction 1","nanoseconds":[)",
               testing::kSmall ? R"({"name":"Linear head","nanoseconds":[)"
                               : R"({"name":"Fully Connected (NC, F32) )"});
  const std::string numbers = R"("nanoseconds":[)";
  std::size_t operators = 0;
  for (std::size_t at = 0; (at = outcome.output.find(numbers, at)) != std::string::npos;) {
    at += numbers.size();
    const std::string list = outcome.output.substr(at, outcome.output.find(']', at) - at);
    EXPECT_EQ(std::count(list.begin(), list.end(), ','), 2) << list;
    ++operators;
  }
  EXPECT_EQ(operators, testing::kSmall ? 4U : 5U);
}

TEST(Runner, ChecksPixels) {
  succeed({"check-pixels"}, {R"("instruction_sets":[")", R"("scalar"],"frames":196,"crc32":")"});
  refuse({"check-pixels", "x"}, "expected 0 operands, got 1");
}

TEST(Runner, CountsOnOneThread) {
  if (testing::kSmall) {
    succeed({"count", tiny_path()},
            {R"({"threads":1,"operators":[{"name":"Pad","first":1,"last":2},)",
             R"({"name":"Linear head","first":4,"last":5}]})"});
    return;
  }
  succeed({"count", tiny_path()},
          {R"({"threads":1,"operators":[{"name":"Transpose (ND, X32) #1","first":1,"last":2},)",
           R"({"name":"Transpose (ND, X32) #2","first":3,"last":4},)",
           R"({"name":"instruction 1","first":5,"last":6},{"name":"Fully Connected )",
           R"("first":8,"last":9}]})"});
}

}  // namespace
}  // namespace hvit_edge
