// Equality with Pillow is tested in tests/preprocess. These tests cover formats, rotations, reuse
// and refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "hvit_edge/preprocess.h"

namespace {

bool counting = false;
int allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace hvit_edge {
namespace {

PreprocessSpec small_spec(Resize resize = Resize::shortest) {
  PreprocessSpec spec;
  spec.input_height = 12;
  spec.input_width = 9;
  spec.resize = resize;
  spec.resize_size = resize == Resize::shortest ? 14 : 0;
  return spec;
}

struct Photo {
  std::vector<std::uint8_t> bytes;
  ImageView view;
};

// Returns an upright RGB photo stored in `format`, with padded rows, rotated so that `rotation`
// undoes it, and mirrored before that so that `mirror` undoes it.
Photo stored(int width, int height, PixelFormat format, Rotation rotation, bool mirror = false) {
  const int pixel = bytes_per_pixel(format);
  const bool swapped = rotation == Rotation::by_90 || rotation == Rotation::by_270;
  const int stored_width = swapped ? height : width;
  const int stored_height = swapped ? width : height;
  const int stride = stored_width * pixel + 5;
  Photo photo;
  photo.bytes.assign(static_cast<std::size_t>(stride) * stored_height, 0xEE);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int ux = mirror ? width - 1 - x : x;
      int sx = ux;
      int sy = y;
      if (rotation == Rotation::by_90) sx = y, sy = width - 1 - ux;
      if (rotation == Rotation::by_180) sx = width - 1 - ux, sy = height - 1 - y;
      if (rotation == Rotation::by_270) sx = height - 1 - y, sy = ux;
      std::uint8_t* out = photo.bytes.data() + sy * stride + sx * pixel;
      const auto red = static_cast<std::uint8_t>((x * 29 + y * 7) % 256);
      const auto green = static_cast<std::uint8_t>((x * y) % 256);
      const auto blue = static_cast<std::uint8_t>((x * 3 + y * 31) % 256);
      if (pixel == 1) {
        out[0] = red;
      } else {
        out[format == PixelFormat::bgra8888 ? 2 : 0] = red;
        out[1] = green;
        out[format == PixelFormat::bgra8888 ? 0 : 2] = blue;
      }
    }
  }
  photo.view = {
      photo.bytes.data(), stored_width, stored_height, static_cast<std::size_t>(stride), format,
      rotation,           mirror};
  return photo;
}

std::vector<float> preprocessed(const PreprocessSpec& spec, const ImageView& image) {
  Result<Preprocessor> preprocessor = Preprocessor::create(spec);
  EXPECT_TRUE(preprocessor.ok()) << preprocessor.status().message();
  std::vector<float> output(3 * static_cast<std::size_t>(spec.input_height) * spec.input_width);
  const Status status = preprocessor->run(image, output.data());
  EXPECT_TRUE(status.ok()) << status.message();
  return output;
}

TEST(Preprocessor, FormatsAndRotationsOfOnePhotoAgree) {
  // Columns first, rows first, and shapes for which a pass is skipped.
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{
           {40, 30}, {30, 40}, {20, 300}, {9, 12}, {14, 14}, {1, 1}, {9, 200}, {200, 12}}) {
    for (const Resize resize : {Resize::shortest, Resize::stretch}) {
      const PreprocessSpec spec = small_spec(resize);
      const auto upright = stored(width, height, PixelFormat::rgb888, Rotation::none);
      const std::vector<float> expected = preprocessed(spec, upright.view);
      for (const Rotation rotation :
           {Rotation::none, Rotation::by_90, Rotation::by_180, Rotation::by_270}) {
        for (const PixelFormat format :
             {PixelFormat::rgb888, PixelFormat::rgba8888, PixelFormat::bgra8888}) {
          for (const bool mirror : {false, true}) {
            const Photo photo = stored(width, height, format, rotation, mirror);
            EXPECT_EQ(preprocessed(spec, photo.view), expected)
                << width << "x" << height << " turned " << static_cast<int>(rotation);
          }
        }
      }
    }
  }
}

TEST(Preprocessor, GreyBecomesThreeEqualChannels) {
  const Photo photo = stored(40, 30, PixelFormat::gray8, Rotation::none);
  const std::vector<float> output = preprocessed(small_spec(), photo.view);
  const std::size_t plane = output.size() / 3;
  EXPECT_TRUE(std::equal(output.begin(), output.begin() + plane, output.begin() + plane));
  EXPECT_TRUE(std::equal(output.begin(), output.begin() + plane, output.begin() + 2 * plane));
}

TEST(Preprocessor, NormalisesInTheNetworksChannelOrder) {
  const std::uint8_t pixel[] = {255, 0, 51};
  PreprocessSpec spec;
  spec.input_height = spec.input_width = 1;
  spec.resize = Resize::stretch;
  spec.mean = {0.5F, 0.25F, 0.0F};
  spec.std = {0.5F, 2.0F, 4.0F};
  const ImageView image{pixel, 1, 1, 0, PixelFormat::rgb888, Rotation::none};
  EXPECT_EQ(
      preprocessed(spec, image),
      (std::vector<float>{(1.0F - 0.5F) / 0.5F, (0.0F - 0.25F) / 2.0F, 51.0F / 255.0F / 4.0F}));
  spec.channel_order = ChannelOrder::bgr;
  EXPECT_EQ(preprocessed(spec, image), (std::vector<float>{(51.0F / 255.0F - 0.5F) / 0.5F,
                                                           (0.0F - 0.25F) / 2.0F, 1.0F / 4.0F}));
}

// Returns a YUV frame with contiguous planes and padded rows.
Photo yuv(int width, int height, PixelFormat format, Rotation rotation) {
  Photo photo;
  photo.bytes.resize(3 * static_cast<std::size_t>(width + 10) * (height + 1));
  for (std::size_t i = 0; i < photo.bytes.size(); ++i) {
    photo.bytes[i] = static_cast<std::uint8_t>(i * i / 7);
  }
  photo.view = {
      photo.bytes.data(), width, height, static_cast<std::size_t>(width) + 3, format, rotation};
  const std::size_t luma = photo.view.row_stride_bytes * height;
  photo.view.chroma[0].data = photo.view.chroma[1].data = photo.bytes.data() + luma;
  photo.view.chroma[0].row_stride_bytes = photo.view.chroma[1].row_stride_bytes = width + 7;
  return photo;
}

void expect_no_allocation(const ImageView& frame) {
  Result<Preprocessor> preprocessor = Preprocessor::create(small_spec());
  ASSERT_TRUE(preprocessor.ok());
  std::vector<float> output(3 * 12 * 9);
  ASSERT_TRUE(preprocessor->run(frame, output.data()).ok());
  allocations = 0;
  counting = true;
  const bool ok = preprocessor->run(frame, output.data()).ok();
  counting = false;
  EXPECT_TRUE(ok);
  EXPECT_EQ(allocations, 0);
}

TEST(Preprocessor, AllocatesNothingAfterTheFirstFrame) {
  for (const Rotation rotation : {Rotation::none, Rotation::by_90}) {
    for (const int height : {30, 300}) {
      for (const PixelFormat format : {PixelFormat::rgb888, PixelFormat::bgra8888}) {
        expect_no_allocation(stored(40, height, format, rotation).view);
      }
      for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::nv21, PixelFormat::i420}) {
        expect_no_allocation(yuv(40, height, format, rotation).view);
      }
    }
  }
}

TEST(Preprocessor, RefusesBadImages) {
  Result<Preprocessor> preprocessor = Preprocessor::create(small_spec());
  ASSERT_TRUE(preprocessor.ok());
  std::vector<float> output(3 * 12 * 9);
  EXPECT_EQ(preprocessor->run(ImageView(), output.data()).code(), StatusCode::invalid_argument);
  const Photo photo = stored(40, 30, PixelFormat::rgb888, Rotation::none);
  for (const Status& status : {preprocessor->run(photo.view, nullptr),
                               preprocessor->resize_and_crop(photo.view, nullptr)}) {
    EXPECT_EQ(status.code(), StatusCode::invalid_argument);
    EXPECT_NE(status.message().find("expected memory for the result, got a null pointer"),
              std::string::npos);
  }
}

TEST(Preprocessor, RefusesInstructionSetsThatThisMachineLacks) {
  const Result<Preprocessor> preprocessor = Preprocessor::create(small_spec(), "mmx");
  ASSERT_FALSE(preprocessor.ok());
  const std::string& message = preprocessor.status().message();
  EXPECT_NE(message.find("scalar), got mmx"), std::string::npos) << message;
  EXPECT_EQ(instruction_sets().back(), "scalar");
}

TEST(Preprocessor, RefusesBadSpecificationsWithEveryFault) {
  PreprocessSpec spec = small_spec();
  spec.resize_size = 11;
  spec.std[1] = 0;
  const Result<Preprocessor> preprocessor = Preprocessor::create(spec);
  ASSERT_FALSE(preprocessor.ok());
  const std::string& message = preprocessor.status().message();
  EXPECT_NE(message.find("resize_size: expected 12 to 16384, got 11"), std::string::npos)
      << message;
  EXPECT_NE(message.find("channel 1"), std::string::npos) << message;
}

}  // namespace
}  // namespace hvit_edge
