// The plans of every version in data/plans are read and give the right answers. make_plans.py wrote
// them; each has all that its version added.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "native/read_plan.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

std::string path_of(std::int64_t version, const char* ending) {
  return HVIT_EDGE_TEST_DATA "/plans/v" + std::to_string(version) + ending;
}

/// A file's bytes in memory that is aligned as a plan must be.
struct File {
  std::vector<std::int64_t> words;
  std::size_t size = 0;
};

File read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  File file;
  file.size = bytes.size();
  file.words.resize((bytes.size() + 7) / 8);
  if (!bytes.empty()) std::memcpy(file.words.data(), bytes.data(), bytes.size());
  return file;
}

/// A part of a plan's output, or its input.
struct Part {
  std::string name;
  double tolerance = 0;
  std::vector<double> values;
};

std::vector<Part> read_parts(const std::string& path) {
  std::ifstream stream(path);
  std::vector<Part> parts;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    Part part;
    words >> part.name >> part.tolerance;
    for (double value = 0; words >> value;) part.values.push_back(value);
    parts.push_back(part);
  }
  return parts;
}

std::vector<float> run_plan(const Plan& plan, const InstructionSet& set,
                            const std::vector<double>& given) {
  std::vector<float> input(given.begin(), given.end());
  std::vector<float> output(plan.output_bytes / sizeof(float), kUntouched);
  std::vector<float> arena(plan.arena_bytes / sizeof(float), kUntouched);
  Bases bases;
  bases.of[static_cast<int>(Space::arena)] = reinterpret_cast<char*>(arena.data());
  bases.of[static_cast<int>(Space::constants)] = const_cast<char*>(plan.constants);
  bases.of[static_cast<int>(Space::input)] = reinterpret_cast<char*>(input.data());
  bases.of[static_cast<int>(Space::output)] = reinterpret_cast<char*>(output.data());
  for (const Operation& operation : plan.operations) run_packed(set, operation, bases);
  return output;
}

void expect_parts(const std::vector<float>& output, const std::vector<Part>& parts) {
  std::size_t next = 0;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const Part& part = parts[i];
    ASSERT_LE(next + part.values.size(), output.size());
    for (const double expected : part.values) {
      EXPECT_NEAR(output[next++], expected, part.tolerance) << part.name;
    }
  }
  EXPECT_EQ(next, output.size());
}

class NativePlanVersions : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(NativePlanVersions, AreReadAndRun) {
  const File file = read_file(path_of(GetParam(), ".plan"));
  ASSERT_GT(file.size, 72U) << "make_plans.py writes the plan of a new version";
  EXPECT_EQ(file.words[1], GetParam());
  const Result<Plan> plan = read_plan(file.words.data(), file.size);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const std::vector<Part> parts = read_parts(path_of(GetParam(), ".txt"));
  ASSERT_GT(parts.size(), 1U);
  ASSERT_EQ(parts[0].values.size(), plan->input_bytes / sizeof(float));
  for (const InstructionSet& set : present_sets()) {
    SCOPED_TRACE(set.name);
    expect_parts(run_plan(*plan, set, parts[0].values), parts);
  }
}

class NativeNewerPlans : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(NativeNewerPlans, NeedTheirVersion) {
  File file = read_file(path_of(GetParam(), ".plan"));
  ASSERT_GT(file.size, 72U);
  file.words[1] = GetParam() - 1;
  const Status status = read_plan(file.words.data(), file.size).status();
  EXPECT_EQ(status.code(), StatusCode::invalid_artifact);
  EXPECT_NE(status.message().find("a kind that is unknown"), std::string::npos) << status.message();
}

INSTANTIATE_TEST_SUITE_P(All, NativePlanVersions, ::testing::Range(kOldestVersion, kVersion + 1));
INSTANTIATE_TEST_SUITE_P(All, NativeNewerPlans, ::testing::Range(kOldestVersion + 1, kVersion + 1));

}  // namespace
}  // namespace hvit_edge::native::testing
