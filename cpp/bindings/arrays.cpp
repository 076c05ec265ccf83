#include "arrays.h"

#include <string>

#include "raise.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

DType dtype_of(const py::array& array) {
  for (const DType dtype : {DType::float32, DType::uint8, DType::int8, DType::int16, DType::int32,
                            DType::int64, DType::float16, DType::float64, DType::boolean}) {
    if (array.dtype().equal(py::dtype(to_string(dtype)))) return dtype;
  }
  return DType::other;
}

Status not_contiguous(std::size_t index) {
  return Status(StatusCode::invalid_argument,
                "[Session.run] input " + std::to_string(index) +
                    ": expected a contiguous array, got one with gaps or another order of axes; "
                    "use numpy.ascontiguousarray");
}

Status not_an_image(const py::array& image) {
  const std::string dtype = py::str(image.dtype());
  std::vector<std::int64_t> shape(image.shape(), image.shape() + image.ndim());
  return Status(StatusCode::invalid_argument,
                "[image] expected a uint8 RGB array [height, width, 3] with adjacent pixels, "
                "got " +
                    dtype + " " + to_string(shape) +
                    "; convert with PIL.Image.convert('RGB') and "
                    "numpy.ascontiguousarray");
}

}  // namespace

TensorView view_array(const py::array& array, std::size_t index) {
  if ((array.flags() & py::array::c_style) == 0) raise_if_failed(not_contiguous(index));
  TensorView view;
  view.data = array.data();
  view.shape.assign(array.shape(), array.shape() + array.ndim());
  view.dtype = dtype_of(array);
  return view;
}

ImageView view_image(const py::array& image) {
  const bool rgb = dtype_of(image) == DType::uint8 && image.ndim() == 3 && image.shape(2) == 3 &&
                   image.size() > 0;
  const bool adjacent = rgb && image.strides(2) == 1 && image.strides(1) == 3 &&
                        image.strides(0) >= 3 * image.shape(1);
  if (!adjacent) raise_if_failed(not_an_image(image));
  ImageView view;
  view.data = static_cast<const std::uint8_t*>(image.data());
  view.height = static_cast<int>(image.shape(0));
  view.width = static_cast<int>(image.shape(1));
  view.row_stride_bytes = static_cast<std::size_t>(image.strides(0));
  return view;
}

py::array copy_array(const TensorView& view) {
  return py::array(py::dtype(to_string(view.dtype)), view.shape, view.data);
}

}  // namespace hvit_edge::bindings
