#include "image/placement.h"

#include <algorithm>

#include "image/frame_layout.h"
#include "text.h"

namespace hvit_edge {
namespace {

struct Geometry {
  AxisCrop columns;
  AxisCrop rows;

  // The rule of Pillow 13. Each pass rounds to bytes, so the order affects the result.
  bool rows_first() const {
    const std::int64_t fewer_rows = rows.source - rows.resized;
    const std::int64_t fewer_columns = columns.source - columns.resized;
    return fewer_rows > 0 && fewer_rows > 2 * fewer_columns;
  }
};

// Rounds as Python's round() does: an odd half goes to the even neighbor.
int rounded_half(int difference) {
  const int half = difference / 2;
  return difference % 2 == 0 ? half : half + half % 2;
}

Result<Geometry> plan(const PreprocessSpec& spec, int width, int height) {
  const bool stretched = spec.resize == Resize::stretch;
  std::int64_t new_width = spec.resize_size > 0 ? spec.resize_size : spec.input_width;
  std::int64_t new_height = spec.resize_size > 0 ? spec.resize_size : spec.input_height;
  if (!stretched) {
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
  const int wider = static_cast<int>(new_width) - spec.input_width;
  const int higher = static_cast<int>(new_height) - spec.input_height;
  const bool floor = spec.resize == Resize::shortest_floor;
  const int left = floor ? wider / 2 : rounded_half(wider);
  const int top = floor ? higher / 2 : rounded_half(higher);
  return Geometry{{width, static_cast<int>(new_width), left, spec.input_width},
                  {height, static_cast<int>(new_height), top, spec.input_height}};
}

}  // namespace

Result<Placement> place(const PreprocessSpec& spec, const ImageView& image) {
  const Orientation orientation = orientation_of(image);
  const bool swapped = orientation.swapped;
  const Result<Geometry> upright =
      plan(spec, swapped ? image.height : image.width, swapped ? image.width : image.height);
  if (!upright.ok()) return upright.status();
  Placement placement;
  placement.swapped = swapped;
  placement.columns.crop = swapped ? upright->rows : upright->columns;
  placement.rows.crop = swapped ? upright->columns : upright->rows;
  placement.columns.crop.reversed = orientation.columns_reversed;
  placement.rows.crop.reversed = orientation.rows_reversed;
  placement.columns_first = upright->rows_first() == swapped;
  return placement;
}

}  // namespace hvit_edge
