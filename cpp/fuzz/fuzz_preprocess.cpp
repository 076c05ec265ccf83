// Frames of any geometry: every instruction set must give the bytes of the scalar loops, and those
// must be the bytes of the same frame written upright as RGB. Planes have exactly the bytes that
// may be read.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/preprocess.h"
#include "image/frame_layout.h"
#include "image/yuv.h"

namespace {

using namespace hvit_edge;  // NOLINT

using Plane = std::unique_ptr<std::uint8_t[]>;

constexpr std::size_t kMostPixels = 1 << 14;
constexpr std::size_t kMostPadding = 40;

void require(bool holds) {
  if (!holds) std::abort();
}

bool accepted(const Status& status) {
  if (status.ok()) return true;
  require(status.code() == StatusCode::invalid_argument ||
          status.code() == StatusCode::out_of_memory);
  require(!status.message().empty() && status.message()[0] == '[');
  return false;
}

struct Frame {
  ImageView view;
  Plane planes[3];
};

PreprocessSpec pick_spec(FuzzedDataProvider& given) {
  PreprocessSpec spec;
  spec.input_height = given.ConsumeIntegralInRange(given.ConsumeBool() ? 1 : -1, 48);
  spec.input_width = given.ConsumeIntegralInRange(1, 48);
  spec.resize = static_cast<Resize>(given.ConsumeIntegralInRange(0, 2));
  const int longest = std::max(spec.input_height, spec.input_width);
  if (spec.resize != Resize::stretch || given.ConsumeBool()) {
    spec.resize_size = given.ConsumeIntegralInRange(std::max(longest - 1, 0), 64);
  }
  spec.interpolation = static_cast<Interpolation>(given.ConsumeIntegralInRange(0, 2));
  spec.channel_order = given.ConsumeBool() ? ChannelOrder::rgb : ChannelOrder::bgr;
  for (int c = 0; c < 3; ++c) {
    spec.mean[c] = 0.25F * static_cast<float>(given.ConsumeIntegralInRange(-4, 4));
    spec.std[c] = 0.25F * static_cast<float>(given.ConsumeIntegralInRange(0, 4));
  }
  return spec;
}

// Picks a side, rarely a very long one.
int pick_side(FuzzedDataProvider& given) {
  const int most = given.ConsumeIntegralInRange(0, 15) == 0 ? (1 << 20) + 1 : 130;
  return given.ConsumeIntegralInRange(0, most);
}

ImageView pick_view(FuzzedDataProvider& given) {
  ImageView view;
  view.format = static_cast<PixelFormat>(given.ConsumeIntegralInRange(0, 7));
  view.rotation = static_cast<Rotation>(90 * given.ConsumeIntegralInRange(0, 4));
  view.mirror = given.ConsumeBool();
  view.matrix = static_cast<YuvMatrix>(given.ConsumeIntegralInRange(0, 2));
  view.range = static_cast<YuvRange>(given.ConsumeIntegralInRange(0, 2));
  view.width = pick_side(given);
  view.height = pick_side(given);
  for (ChromaPlane& plane : view.chroma)
    plane.pixel_stride_bytes = given.ConsumeIntegralInRange(0, 3);
  return view;
}

// Picks 0, or a stride near the length of a row: too short, exact or padded.
std::size_t pick_stride(FuzzedDataProvider& given, std::size_t row_bytes) {
  const auto padding = given.ConsumeIntegralInRange<std::size_t>(0, kMostPadding);
  return padding == 0 ? 0 : row_bytes + padding - std::min<std::size_t>(row_bytes, 2);
}

// Fills as many bytes as are read of a plane, from a seed.
Plane fill(FuzzedDataProvider& given, const PlaneExtent& extent) {
  const std::size_t size = (extent.rows - 1) * extent.row_step + extent.row_bytes;
  Plane plane(new std::uint8_t[size]);
  std::uint32_t state = given.ConsumeIntegral<std::uint32_t>();
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    // A quarter of the bytes are at the ends of the range, where sums are largest.
    const std::uint32_t kind = state >> 29;
    plane[i] = static_cast<std::uint8_t>(kind == 0 ? 0 : kind == 1 ? 255 : state >> 16);
  }
  return plane;
}

// Picks strides: they depend on the rows, which depend on format and sides.
void pick_strides(FuzzedDataProvider& given, ImageView& view) {
  const auto width = static_cast<std::size_t>(std::max(view.width, 0));
  view.row_stride_bytes = pick_stride(given, width * bytes_per_pixel(view.format));
  for (ChromaPlane& plane : view.chroma) plane.row_stride_bytes = pick_stride(given, width);
}

bool too_large(const ImageView& view) {
  return static_cast<std::size_t>(view.width) * view.height > kMostPixels;
}

// Makes a frame; returns false if the geometry is refused or too large to be filled here.
bool make_frame(FuzzedDataProvider& given, Frame& frame) {
  static const std::uint8_t nothing = 0;
  ImageView& view = frame.view;
  view = pick_view(given);
  pick_strides(given, view);
  // The geometry is refused whatever the planes hold.
  view.data = view.chroma[0].data = view.chroma[1].data = &nothing;
  if (!accepted(validate(view)) || too_large(view)) return false;
  for (int i = 0; i <= chroma_planes(view.format); ++i) {
    frame.planes[i] = fill(given, plane_extent(view, i));
  }
  view.data = frame.planes[0].get();
  for (int i = 0; i < chroma_planes(view.format); ++i) {
    view.chroma[i].data = frame.planes[i + 1].get();
  }
  return true;
}

Rgb pixel_of(const ImageView& view, int x, int y) {
  const std::uint8_t* pixel = view.data + y * row_step(view) +
                              static_cast<std::ptrdiff_t>(x) * bytes_per_pixel(view.format);
  if (chroma_planes(view.format) > 0) {
    const auto sample = [&](int plane) {
      return view.chroma[plane].data + y / 2 * chroma_row_step(view, plane) +
             static_cast<std::ptrdiff_t>(x / 2) * chroma_step(view, plane);
    };
    const bool pairs = view.format != PixelFormat::i420;
    const std::uint8_t first = *sample(0);
    const std::uint8_t second = pairs ? sample(0)[1] : *sample(1);
    const bool u_first = view.format != PixelFormat::nv21;
    return to_rgb(*pixel, u_first ? first : second, u_first ? second : first,
                  yuv_weights(view.matrix, view.range));
  }
  if (view.format == PixelFormat::gray8) return {pixel[0], pixel[0], pixel[0]};
  if (view.format == PixelFormat::bgra8888) return {pixel[2], pixel[1], pixel[0]};
  return {pixel[0], pixel[1], pixel[2]};
}

// Returns the pixel that is seen at column `x`, row `y`: the definition of the rotation.
Rgb upright_pixel(const ImageView& view, int x, int y) {
  const bool swapped = view.rotation == Rotation::by_90 || view.rotation == Rotation::by_270;
  const int width = swapped ? view.height : view.width;
  const int height = swapped ? view.width : view.height;
  if (view.mirror) x = width - 1 - x;
  switch (view.rotation) {
    case Rotation::by_90:
      return pixel_of(view, y, width - 1 - x);
    case Rotation::by_180:
      return pixel_of(view, width - 1 - x, height - 1 - y);
    case Rotation::by_270:
      return pixel_of(view, height - 1 - y, x);
    case Rotation::none:
      break;
  }
  return pixel_of(view, x, y);
}

Frame upright(const ImageView& view) {
  const bool swapped = view.rotation == Rotation::by_90 || view.rotation == Rotation::by_270;
  Frame frame;
  frame.view.width = swapped ? view.height : view.width;
  frame.view.height = swapped ? view.width : view.height;
  frame.planes[0].reset(new std::uint8_t[3 * static_cast<std::size_t>(view.width) * view.height]);
  frame.view.data = frame.planes[0].get();
  std::uint8_t* output = frame.planes[0].get();
  for (int y = 0; y < frame.view.height; ++y) {
    for (int x = 0; x < frame.view.width; ++x, output += 3) {
      const Rgb pixel = upright_pixel(view, x, y);
      output[0] = pixel.red;
      output[1] = pixel.green;
      output[2] = pixel.blue;
    }
  }
  return frame;
}

// Memory of exactly as many bytes as are written.
struct Cropped {
  bool ok = false;
  std::vector<std::uint8_t> bytes;
  bool operator==(const Cropped& other) const { return ok == other.ok && bytes == other.bytes; }
};

Cropped crop(Preprocessor& preprocessor, const ImageView& view) {
  const PreprocessSpec& spec = preprocessor.spec();
  Cropped result;
  result.bytes.resize(3 * static_cast<std::size_t>(spec.input_height) * spec.input_width);
  result.ok = accepted(preprocessor.resize_and_crop(view, result.bytes.data()));
  if (!result.ok) result.bytes.clear();
  return result;
}

void check_numbers(Preprocessor& preprocessor, const ImageView& view, const Cropped& cropped) {
  const PreprocessSpec& spec = preprocessor.spec();
  const std::size_t plane = static_cast<std::size_t>(spec.input_height) * spec.input_width;
  std::vector<float> numbers(3 * plane);
  require(preprocessor.run(view, numbers.data()).ok());
  for (int c = 0; c < 3; ++c) {
    const int from = spec.channel_order == ChannelOrder::bgr ? 2 - c : c;
    for (std::size_t i = 0; i < plane; ++i) {
      const double unit = cropped.bytes[3 * i + from] / 255.0;
      const double exact = (unit - spec.mean[c]) / spec.std[c];
      require(std::fabs(numbers[c * plane + i] - exact) <= 1e-5 * (1 + std::fabs(exact)));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider given(data, size);
  Result<Preprocessor> scalar = Preprocessor::create(pick_spec(given), "scalar");
  if (!accepted(scalar.status())) return 0;
  // Two frames of different geometry check that nothing is left from the first one.
  for (int turn = 0; turn < 2; ++turn) {
    Frame frame;
    if (!make_frame(given, frame)) continue;
    const Cropped expected = crop(*scalar, frame.view);
    require(crop(*scalar, upright(frame.view).view) == expected);
    for (const std::string& name : instruction_sets()) {
      Result<Preprocessor> fast = Preprocessor::create(scalar->spec(), name);
      require(fast.ok());
      require(crop(*fast, frame.view) == expected);
    }
    if (expected.ok) check_numbers(*scalar, frame.view, expected);
  }
  return 0;
}
