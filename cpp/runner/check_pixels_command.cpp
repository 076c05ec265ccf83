#include <cstdio>
#include <random>

#include "artifact/crc32.h"
#include "commands.h"
#include "hvit_edge/preprocess.h"
#include "json_writer.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kSizes[][2] = {{1, 1}, {2, 1}, {33, 17}, {97, 131}, {64, 48}, {500, 30}, {321, 240}};
constexpr PixelFormat kFormats[] = {
    PixelFormat::rgb888, PixelFormat::rgba8888, PixelFormat::bgra8888, PixelFormat::gray8,
    PixelFormat::nv12,   PixelFormat::nv21,     PixelFormat::i420};

// A frame of noise and a specification, chosen by `index`. They are the same on every machine.
struct Case {
  explicit Case(int index) {
    const auto take = [&index](int choices) {
      const int choice = index % choices;
      index /= choices;
      return choice;
    };
    std::mt19937 random(static_cast<unsigned>(index));
    frame.format = kFormats[take(7)];
    frame.rotation = static_cast<Rotation>(90 * take(4));
    const auto& size = kSizes[take(7)];
    frame.width = size[0];
    frame.height = size[1];
    frame.mirror = random() % 2 == 1;
    frame.matrix = static_cast<YuvMatrix>(random() % 2);
    frame.range = static_cast<YuvRange>(random() % 2);
    const int apart = frame.format == PixelFormat::i420 ? 1 + static_cast<int>(random() % 2) : 2;
    lay_out(apart, random() % 8);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());

    spec.input_height = 32;
    spec.input_width = 24;
    spec.resize = static_cast<Resize>(random() % 2);
    spec.resize_size = spec.resize == Resize::shortest ? 36 : 0;
    spec.interpolation = static_cast<Interpolation>(random() % 2);
    spec.mean = {0.485F, 0.456F, 0.406F};
    spec.std = {0.229F, 0.224F, 0.225F};
  }

  // Lays out luma or pixels, then two chroma planes, of which formats with pairs use only one.
  void lay_out(int apart, std::size_t padding) {
    const std::size_t row = static_cast<std::size_t>(frame.width) * bytes_per_pixel(frame.format);
    const std::size_t samples = (static_cast<std::size_t>(frame.width) + 1) / 2;
    frame.row_stride_bytes = row + padding;
    const std::size_t luma = frame.row_stride_bytes * frame.height;
    const std::size_t chroma = (samples * apart + padding) * ((frame.height + 1) / 2);
    bytes.resize(luma + 2 * chroma);
    frame.data = bytes.data();
    if (bytes_per_pixel(frame.format) != 1 || frame.format == PixelFormat::gray8) return;
    for (std::size_t i = 0; i < 2; ++i) {
      frame.chroma[i] = {bytes.data() + luma + i * chroma, samples * apart + padding, apart};
    }
  }

  std::string name() const {
    return concat("frame of format ", static_cast<int>(frame.format), ", ", frame.width, "x",
                  frame.height, " turned ", static_cast<int>(frame.rotation));
  }

  ImageView frame;
  PreprocessSpec spec;
  std::vector<std::uint8_t> bytes;
};

constexpr int kCases = 7 * 4 * 7;

Result<std::vector<float>> preprocess(const Case& input, const std::string& instruction_set) {
  Result<Preprocessor> preprocessor = Preprocessor::create(input.spec, instruction_set);
  if (!preprocessor.ok()) return preprocessor.status();
  std::vector<float> output(3 * static_cast<std::size_t>(input.spec.input_height) *
                            input.spec.input_width);
  Status status = preprocessor->run(input.frame, output.data());
  if (!status.ok()) return status;
  return output;
}

}  // namespace

Result<std::string> check_pixels_command(const Arguments& /*arguments*/) {
  const std::vector<std::string> sets = instruction_sets();
  std::vector<float> all;
  for (int index = 0; index < kCases; ++index) {
    const Case input(index);
    const Result<std::vector<float>> expected = preprocess(input, "scalar");
    if (!expected.ok()) return expected.status();
    for (const std::string& set : sets) {
      const Result<std::vector<float>> actual = preprocess(input, set);
      if (!actual.ok()) return actual.status();
      if (*actual == *expected) continue;
      return Status(StatusCode::internal,
                    concat("[check-pixels] expected the results of scalar, got "
                           "other results of ",
                           set, " for a ", input.name(), "; please report this"));
    }
    all.insert(all.end(), expected->begin(), expected->end());
  }
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", crc32(all.data(), all.size() * sizeof(float)));
  return JsonWriter()
      .field("instruction_sets", sets)
      .field("frames", kCases)
      .field("crc32", digits)
      .finish();
}

}  // namespace hvit_edge
