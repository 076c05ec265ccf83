#include "hvit_edge/preprocess.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "guard.h"
#include "pixel_rows.h"
#include "resample.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMaxInputSide = 1 << 14;

// Python's round() of an odd half goes to the even neighbour.
int rounded_half(int difference) {
  const int half = difference / 2;
  return difference % 2 == 0 ? half : half + half % 2;
}

struct Geometry {
  AxisCrop columns;
  AxisCrop rows;

  // Pillow 13's rule. Each pass rounds to bytes, so the order shows in the result.
  bool rows_first() const {
    const std::int64_t fewer_rows = rows.source - rows.resized;
    const std::int64_t fewer_columns = columns.source - columns.resized;
    return fewer_rows > 0 && fewer_rows > 2 * fewer_columns;
  }
};

Result<Geometry> plan(const PreprocessSpec& spec, int width, int height) {
  std::int64_t new_width = spec.input_width;
  std::int64_t new_height = spec.input_height;
  if (spec.resize == Resize::shortest) {
    const std::int64_t shorter = std::min(width, height);
    const std::int64_t longer = std::max(width, height);
    const auto scaled = static_cast<std::int64_t>(static_cast<double>(spec.resize_size * longer) /
                                                  static_cast<double>(shorter));
    new_width = height <= width ? scaled : spec.resize_size;
    new_height = height <= width ? spec.resize_size : scaled;
  }
  if (std::max(new_width, new_height) > (std::int64_t{1} << 30)) {
    return Status(
        StatusCode::invalid_argument,
        concat("[Preprocessor.run] expected a photo that is less elongated, got ", width, "x",
               height, ", resized ", new_width, "x", new_height, "; crop the photo first"));
  }
  const int left = rounded_half(static_cast<int>(new_width) - spec.input_width);
  const int top = rounded_half(static_cast<int>(new_height) - spec.input_height);
  return Geometry{{width, static_cast<int>(new_width), left, spec.input_width},
                  {height, static_cast<int>(new_height), top, spec.input_height}};
}

}  // namespace

Status validate(const PreprocessSpec& spec) {
  std::vector<std::string> faults;
  if (std::min(spec.input_height, spec.input_width) < 1 ||
      std::max(spec.input_height, spec.input_width) > kMaxInputSide) {
    faults.push_back(concat("input size: expected 1 to ", kMaxInputSide, " pixels a side, got ",
                            spec.input_height, "x", spec.input_width));
  }
  const int longest = std::max(spec.input_height, spec.input_width);
  const bool shortest = spec.resize == Resize::shortest;
  if (shortest && (spec.resize_size < longest || spec.resize_size > kMaxInputSide)) {
    faults.push_back(concat("resize_size: expected ", longest, " to ", kMaxInputSide, ", got ",
                            spec.resize_size));
  }
  if (!shortest && spec.resize_size != 0) {
    faults.push_back(concat("resize_size: expected 0 with 'stretch', got ", spec.resize_size));
  }
  for (int c = 0; c < 3; ++c) {
    if (!std::isfinite(spec.mean[c]) || !std::isfinite(spec.std[c]) || spec.std[c] <= 0) {
      faults.push_back(concat("channel ", c, ": expected a finite mean and a std above 0, got ",
                              spec.mean[c], " and ", spec.std[c]));
    }
  }
  if (faults.empty()) return Status();
  return Status(StatusCode::invalid_argument, "[PreprocessSpec] " + join(faults, "; "));
}

struct Preprocessor::State {
  explicit State(const PreprocessSpec& wanted);
  Status resize_and_crop(const ImageView& image, std::uint8_t* output);
  void columns_then_rows(const PixelRows& pixels, std::uint8_t* output);
  void rows_then_columns(const PixelRows& pixels, std::uint8_t* output);
  RowBlock stored_rows(const PixelRows& pixels);
  void normalise(float* output) const;

  PreprocessSpec spec;
  float table[3][256];  // network's channel, byte
  AxisFilter columns;
  AxisFilter rows;
  std::vector<std::uint8_t> source;   // source rows as RGB, where they are not so in memory
  std::vector<std::uint8_t> between;  // after the first pass
  std::vector<std::int32_t> sums;     // one row
  std::vector<std::uint8_t> cropped;  // input_height x input_width x 3
};

Preprocessor::State::State(const PreprocessSpec& wanted) : spec(wanted) {
  for (int c = 0; c < 3; ++c) {
    for (int byte = 0; byte < 256; ++byte) {
      // numpy's float32 steps, each rounded: divide, subtract, divide.
      const float unit = static_cast<float>(byte) / 255.0F;
      const float centred = unit - spec.mean[c];
      table[c][byte] = centred / spec.std[c];
    }
  }
  cropped.resize(static_cast<std::size_t>(spec.input_height) * spec.input_width * 3);
}

Status Preprocessor::State::resize_and_crop(const ImageView& image, std::uint8_t* output) {
  if (Status status = validate(image); !status.ok()) return status;
  const PixelRows pixels(image);
  Result<Geometry> geometry = plan(spec, pixels.width(), pixels.height());
  if (!geometry.ok()) return geometry.status();
  columns.prepare(geometry->columns, spec.interpolation);
  rows.prepare(geometry->rows, spec.interpolation);

  if (geometry->rows_first()) {
    rows_then_columns(pixels, output);
  } else {
    columns_then_rows(pixels, output);
  }
  return Status();
}

void Preprocessor::State::columns_then_rows(const PixelRows& pixels, std::uint8_t* output) {
  const int row_bytes = 3 * spec.input_width;
  const int needed = rows.source_last() - rows.source_first();
  between.resize(static_cast<std::size_t>(needed) * row_bytes);
  source.resize(3 * static_cast<std::size_t>(columns.source_last() - columns.source_first()));
  for (int y = 0; y < needed; ++y) {
    const std::uint8_t* row = pixels.row(rows.source_first() + y, columns.source_first(),
                                         columns.source_last(), source.data());
    resample_row(columns, row, between.data() + static_cast<std::size_t>(y) * row_bytes);
  }
  sums.resize(row_bytes);
  const RowBlock narrow{between.data(), row_bytes, row_bytes};
  for (int y = 0; y < spec.input_height; ++y, output += row_bytes) {
    resample_column(rows, y, narrow, sums.data(), output);
  }
}

void Preprocessor::State::rows_then_columns(const PixelRows& pixels, std::uint8_t* output) {
  const RowBlock wide = stored_rows(pixels);
  between.resize(wide.bytes);
  sums.resize(wide.bytes);
  for (int y = 0; y < spec.input_height; ++y, output += 3 * spec.input_width) {
    resample_column(rows, y, wide, sums.data(), between.data());
    resample_row(columns, between.data(), output);
  }
}

// The needed rows and columns as RGB: the caller's own memory, or a copy where that is not RGB.
RowBlock Preprocessor::State::stored_rows(const PixelRows& pixels) {
  const int first = columns.source_first();
  const int last = columns.source_last();
  const int bytes = 3 * (last - first);
  if (pixels.are_rgb()) {
    return {pixels.row(rows.source_first(), first, last, nullptr), pixels.row_step(), bytes};
  }
  const int needed = rows.source_last() - rows.source_first();
  source.resize(static_cast<std::size_t>(needed) * bytes);
  for (int y = 0; y < needed; ++y) {
    pixels.row(rows.source_first() + y, first, last,
               source.data() + static_cast<std::size_t>(y) * bytes);
  }
  return {source.data(), bytes, bytes};
}

void Preprocessor::State::normalise(float* output) const {
  const std::size_t plane = static_cast<std::size_t>(spec.input_height) * spec.input_width;
  for (int c = 0; c < 3; ++c) {
    const int from = spec.channel_order == ChannelOrder::bgr ? 2 - c : c;
    const std::uint8_t* bytes = cropped.data() + from;
    for (std::size_t i = 0; i < plane; ++i) output[i] = table[c][bytes[3 * i]];
    output += plane;
  }
}

Preprocessor::Preprocessor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Preprocessor::Preprocessor(Preprocessor&&) noexcept = default;
Preprocessor& Preprocessor::operator=(Preprocessor&&) noexcept = default;
Preprocessor::~Preprocessor() = default;

const PreprocessSpec& Preprocessor::spec() const { return state_->spec; }

Result<Preprocessor> Preprocessor::create(const PreprocessSpec& spec) {
  return guarded("Preprocessor.create", [&]() -> Result<Preprocessor> {
    if (Status status = validate(spec); !status.ok()) return status;
    return Preprocessor(std::make_unique<State>(spec));
  });
}

Status Preprocessor::run(const ImageView& image, float* output) {
  return guarded("Preprocessor.run", [&]() -> Status {
    Status status = state_->resize_and_crop(image, state_->cropped.data());
    if (status.ok()) state_->normalise(output);
    return status;
  });
}

Status Preprocessor::resize_and_crop(const ImageView& image, std::uint8_t* output) {
  return guarded("Preprocessor.resize_and_crop",
                 [&]() -> Status { return state_->resize_and_crop(image, output); });
}

}  // namespace hvit_edge
