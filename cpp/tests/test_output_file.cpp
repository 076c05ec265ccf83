#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "artifact.h"
#include "output_file.h"

namespace hvit_edge {
namespace {

using testing::read_file;

class OutputFileTest : public ::testing::Test {
 protected:
  OutputFileTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  ~OutputFileTest() override { std::filesystem::remove_all(folder_); }

  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++count;
    return count;
  }

  const std::string folder_ = ::testing::TempDir() + "/output_file_" +
                              ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string path_ = folder_ + "/out";
};

TEST_F(OutputFileTest, AppearsWithCommit) {
  Result<OutputFile> file = OutputFile::create(path_);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_TRUE(file->write("abc", 3).ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(read_file(path_), (std::vector<std::uint8_t>{'a', 'b', 'c'}));
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFileTest, LeavesNothingWithoutCommit) {
  {
    Result<OutputFile> file = OutputFile::create(path_);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("abc", 3).ok());
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(OutputFileTest, LeavesNothingOnAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  std::filesystem::create_symlink("/dev/full", path_ + ".part");
  Result<OutputFile> file = OutputFile::create(path_);
  ASSERT_TRUE(file.ok());
  // One byte stays in the buffer until commit(), a million cannot.
  ASSERT_TRUE(file->write("a", 1).ok());
  const Status late = file->commit();
  EXPECT_EQ(late.code(), StatusCode::internal);
  EXPECT_NE(late.message().find("No space left"), std::string::npos) << late.message();
  EXPECT_EQ(files(), 0U);

  std::filesystem::create_symlink("/dev/full", path_ + ".part");
  Result<OutputFile> large = OutputFile::create(path_);
  ASSERT_TRUE(large.ok());
  const std::vector<char> bytes(1000000);
  EXPECT_FALSE(large->write(bytes.data(), bytes.size()).ok());
}

TEST_F(OutputFileTest, RefusesPathsThatCannotBeWritten) {
  for (const std::string& path : {folder_, std::string("/dev/null"), folder_ + "/no/out"}) {
    const Result<OutputFile> file = OutputFile::create(path);
    ASSERT_FALSE(file.ok()) << path;
    EXPECT_EQ(file.status().code(), StatusCode::invalid_argument);
    EXPECT_NE(file.status().message().find(path), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace hvit_edge
