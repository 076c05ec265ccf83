#include <gtest/gtest.h>

#include <fstream>

#include "read_ppm.h"

namespace hvit_edge {
namespace {

Result<PpmPhoto> parse(const std::string& text) {
  return parse_ppm(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), "photo");
}

void expect_refused(const std::string& text, const std::string& part) {
  const Result<PpmPhoto> photo = parse(text);
  ASSERT_FALSE(photo.ok()) << text;
  EXPECT_EQ(photo.status().code(), StatusCode::invalid_argument);
  EXPECT_NE(photo.status().message().find(part), std::string::npos) << photo.status().message();
}

TEST(ReadPpm, GivesThePixels) {
  const Result<PpmPhoto> photo = parse("P6\n2 1\n255\nabcdef");
  ASSERT_TRUE(photo.ok()) << photo.status().message();
  EXPECT_EQ(photo->width, 2);
  EXPECT_EQ(photo->height, 1);
  EXPECT_EQ(std::string(photo->pixels.begin(), photo->pixels.end()), "abcdef");
  EXPECT_EQ(photo->view().data, photo->pixels.data());
  EXPECT_TRUE(validate(photo->view()).ok());
}

TEST(ReadPpm, HeadersMayHoldComments) {
  for (const char* header : {"P6 1 1 255 ", "P6#a\n# b\n1#c\n 1\t255\n", "P6\r\n1\r\n1 255\r"}) {
    const Result<PpmPhoto> photo = parse(std::string(header) + "#\n ");
    ASSERT_TRUE(photo.ok()) << photo.status().message();
    EXPECT_EQ(std::string(photo->pixels.begin(), photo->pixels.end()), "#\n ");
  }
}

TEST(ReadPpm, RefusesOtherFormats) {
  for (const char* text : {"", "P", "P6", "P3\n1 1\n255\n1 2 3", "P5 1 1 255 a", "P61 1 255 abc",
                           "\xff\xd8\xff\xe0 JFIF"}) {
    expect_refused(text, "expected a file that begins with P6");
  }
}

TEST(ReadPpm, RefusesDamagedHeaders) {
  for (const char* text : {"P6 ", "P6 1", "P6 1 1", "P6 1 1 255", "P6 1 1 255x", "P6 -1 1 255 abc",
                           "P6 1.5 1 255 abc", "P6 99999999999 1 255 abc", "P6 # without an end"}) {
    expect_refused(text, "got a damaged one");
  }
}

TEST(ReadPpm, RefusesOtherDepths) {
  expect_refused("P6 1 1 65535 abcdef", "expected the maximum 255, got 65535");
  expect_refused("P6 1 1 15 abc", "expected the maximum 255, got 15");
}

TEST(ReadPpm, RefusesImpossibleSizesBeforeTakingMemory) {
  for (const char* sides :
       {"0 1", "1 0", "1048577 1", "9999999999 9999999999", "1048576 1048576"}) {
    expect_refused(std::string("P6 ") + sides + " 255 abc", "pixels, got");
  }
}

TEST(ReadPpm, RefusesTooFewAndTooManyBytes) {
  expect_refused("P6 2 1 255 abcde", "expected 6 bytes of pixels (2 x 1), got 5");
  expect_refused("P6 2 1 255 ", "got 0");
  expect_refused("P6 2 1 255 abcdefg", "got 7");
}

TEST(ReadPpm, ReadsFiles) {
  const std::string path = ::testing::TempDir() + "/read_ppm.ppm";
  std::ofstream(path, std::ios::binary) << "P6 1 1 255 abc";
  ASSERT_TRUE(read_ppm(path).ok());
  std::remove(path.c_str());
  const Result<PpmPhoto> missing = read_ppm(path);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.status().message().find("No such file"), std::string::npos);
  const Result<PpmPhoto> folder = read_ppm(::testing::TempDir());
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.status().message().find("got a directory or device"), std::string::npos);
}

}  // namespace
}  // namespace hvit_edge
