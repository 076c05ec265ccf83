// The examples that draw overlays, as programs: a frame in, its overlay out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "artifact.h"
#include "color_frame.h"

namespace hvit_edge {
namespace {

using testing::ColorFrame;
using testing::data_path;

class Examples : public ::testing::TestWithParam<const char*> {
 protected:
  Examples() {
    std::ofstream file(photo_, std::ios::binary);
    file << header();
    file.write(reinterpret_cast<const char*>(frame_.bytes.data()),
               static_cast<std::streamsize>(frame_.bytes.size()));
  }
  ~Examples() override {
    std::remove(photo_.c_str());
    std::remove(overlay_.c_str());
    std::remove(printed_.c_str());
  }

  static std::string header() {
    return "P6\n" + std::to_string(ColorFrame::kWidth) + " " + std::to_string(ColorFrame::kHeight) +
           "\n255\n";
  }
  int run(const std::string& artifact, const std::string& photo) const {
    const std::string command = std::string("\"") + GetParam() + "\" \"" + artifact + "\" \"" +
                                photo + "\" \"" + overlay_ + "\" >\"" + printed_ + "\" 2>&1";
    return std::system(command.c_str());
  }
  std::string printed() const {
    const std::vector<std::uint8_t> bytes = testing::read_file(printed_);
    return {bytes.begin(), bytes.end()};
  }
  // Returns the pixels of the overlay, after its header.
  std::vector<std::uint8_t> overlay() const {
    std::vector<std::uint8_t> bytes = testing::read_file(overlay_);
    const std::string expected = header();
    EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + static_cast<long>(expected.size())),
              expected);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<long>(expected.size()));
    EXPECT_EQ(bytes.size(), frame_.bytes.size());
    return bytes;
  }

  ColorFrame frame_;
  std::string photo_ = file_of("photo.ppm");
  std::string overlay_ = file_of("overlay.ppm");
  std::string printed_ = file_of("printed.txt");

 private:
  // Tests run side by side: each has its own files.
  static std::string file_of(const char* end) {
    std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::replace(test.begin(), test.end(), '/', '_');
    return ::testing::TempDir() + "hvit_edge_" + test + "_" + end;
  }
};

TEST_P(Examples, MixesTheColorsOfTheMask) {
  ASSERT_EQ(run(data_path(testing::kSegment), photo_), 0) << printed();
  const std::vector<std::uint8_t> pixels = overlay();
  for (int y = 0; y < ColorFrame::kHeight; ++y) {
    for (int x = 0; x < ColorFrame::kWidth; ++x) {
      if (ColorFrame::is_at_border(x, y)) continue;
      // Red and blue of the photo and of their classes are the same color.
      for (int channel = 0; channel < 3; ++channel) {
        const auto at = static_cast<std::size_t>(3 * (y * ColorFrame::kWidth + x) + channel);
        ASSERT_EQ(pixels[at], frame_.bytes[at]) << x << ", " << y;
      }
    }
  }
  // Near a border, gray pixels of the mask's cells are mixed.
  EXPECT_NE(pixels, frame_.bytes);
}

TEST_P(Examples, DrawsTheBordersOfTheBoxes) {
  ASSERT_EQ(run(data_path(testing::kDetect), photo_), 0) << printed();
  const std::vector<std::uint8_t> pixels = overlay();
  const auto is_yellow = [&](int x, int y) {
    const std::uint8_t* pixel = &pixels[static_cast<std::size_t>(3 * (y * ColorFrame::kWidth + x))];
    return pixel[0] == 255 && pixel[1] == 255 && pixel[2] == 0;
  };
  // The box of the cell below the upper left: x from 4.5 to 30.7, y from 30.4 to 62.4.
  for (int x = 4; x <= 30; ++x) EXPECT_TRUE(is_yellow(x, 30) && is_yellow(x, 62)) << x;
  for (int y = 30; y <= 62; ++y) EXPECT_TRUE(is_yellow(4, y) && is_yellow(30, y)) << y;
  EXPECT_FALSE(is_yellow(17, 46));
  EXPECT_NE(printed().find("red"), std::string::npos) << printed();
  EXPECT_NE(printed().find("blue"), std::string::npos);
}

TEST_P(Examples, RefusesWhatItCannotDraw) {
  EXPECT_NE(run(testing::tiny_path(), photo_), 0);
  EXPECT_NE(printed().find("got one of the task classify; use Classifier"), std::string::npos)
      << printed();
  EXPECT_NE(run("none.pte", photo_), 0);
  EXPECT_NE(printed().find("no such file: none.pte"), std::string::npos) << printed();
  EXPECT_NE(run(data_path(testing::kSegment), "none.ppm"), 0);
  EXPECT_NE(printed().find("expected a P6 photo"), std::string::npos) << printed();
}

INSTANTIATE_TEST_SUITE_P(Languages, Examples, ::testing::Values(HVIT_EDGE_OVERLAYS));

}  // namespace
}  // namespace hvit_edge
