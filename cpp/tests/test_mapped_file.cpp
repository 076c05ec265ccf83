#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "artifact.h"
#include "artifact/mapped_file.h"

namespace hvit_edge {
namespace {

std::string place(const std::string& name) { return ::testing::TempDir() + "mapped_file_" + name; }

void expect_refused(const std::string& path, StatusCode code, const std::string& part) {
  const Result<MappedFile> file = MappedFile::open(path);
  ASSERT_FALSE(file.ok()) << path;
  EXPECT_EQ(file.status().code(), code);
  EXPECT_NE(file.status().message().find(part), std::string::npos) << file.status().message();
}

TEST(MappedFile, HasTheBytesOfTheFile) {
  const std::vector<std::uint8_t> expected = testing::read_file(testing::tiny_path());
  Result<MappedFile> file = MappedFile::open(testing::tiny_path());
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_EQ(file->size(), expected.size());
  EXPECT_EQ(std::memcmp(file->data(), expected.data(), expected.size()), 0);
}

TEST(MappedFile, MovesWithItsMemory) {
  Result<MappedFile> file = MappedFile::open(testing::tiny_path());
  ASSERT_TRUE(file.ok());
  const void* data = file->data();
  MappedFile moved(std::move(file).value());
  EXPECT_EQ(moved.data(), data);
  Result<MappedFile> other = MappedFile::open(testing::tiny_path());
  ASSERT_TRUE(other.ok());
  moved = std::move(other).value();
  EXPECT_EQ(
      std::memcmp(moved.data(), testing::read_file(testing::tiny_path()).data(), moved.size()), 0);
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  expect_refused(place("missing"), StatusCode::invalid_argument, "got no such file: ");
  expect_refused(testing::tiny_path() + "/below", StatusCode::invalid_argument,
                 "got no such file: ");
  expect_refused(::testing::TempDir(), StatusCode::invalid_argument, "got the directory ");
  expect_refused(std::string(5000, 'x'), StatusCode::invalid_argument,
                 "check the path and its permissions");
}

TEST(MappedFile, RefusesEmptyFilesAndThoseThatAreNoPlainOnes) {
  const std::string empty = place("empty");
  std::ofstream(empty).close();
  expect_refused(empty, StatusCode::invalid_artifact, "got the empty file ");
  std::remove(empty.c_str());
  expect_refused("/dev/null", StatusCode::invalid_argument, "expected a regular file, got ");
}

// Opening a pipe to read waits for a writer.
TEST(MappedFile, DoesNotWaitForPipes) {
  const std::string pipe = place("pipe");
  std::remove(pipe.c_str());
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_refused(pipe, StatusCode::invalid_argument, "expected a regular file, got ");
  std::remove(pipe.c_str());
}

}  // namespace
}  // namespace hvit_edge
