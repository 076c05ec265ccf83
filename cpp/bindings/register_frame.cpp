#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "frame.h"
#include "raise.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

constexpr char kPlanes[] =
    "uint8 planes with rows and pixels at rising addresses (luma [height, width], then "
    "[(height + 1) / 2, (width + 1) / 2, 2] for nv12 and nv21, or two without the 2 for i420; "
    "[height, width, 3 or 4] for RGB; [height, width] for gray)";

void expect(bool fits, const std::string& got) {
  if (fits) return;
  raise_if_failed(
      Status(StatusCode::invalid_argument, std::string("[Frame] expected ") + kPlanes + ", got " +
                                               got + "; copy the planes to arrays of this form"));
}

// Checks that the array has the dtype and shape that the library assumes; the library checks
// strides.
void check_plane(const py::array& plane, std::vector<py::ssize_t> shape) {
  const std::string got =
      py::str(py::make_tuple(plane.attr("dtype"), plane.attr("shape"), plane.attr("strides")));
  expect(plane.dtype().equal(py::dtype::of<std::uint8_t>()), got);
  expect(std::vector<py::ssize_t>(plane.shape(), plane.shape() + plane.ndim()) == shape, got);
  if (plane.size() == 0) return;
  for (int axis = 0; axis < plane.ndim(); ++axis) expect(plane.strides(axis) > 0, got);
  if (plane.ndim() == 3) expect(plane.strides(2) == 1, got);
}

ChromaPlane view_chroma(const py::array& plane) {
  ChromaPlane chroma;
  chroma.data = static_cast<const std::uint8_t*>(plane.data());
  chroma.row_stride_bytes = static_cast<std::size_t>(plane.strides(0));
  chroma.pixel_stride_bytes = static_cast<int>(plane.strides(1));
  return chroma;
}

Frame make_frame(PixelFormat format, std::vector<py::array> planes, int rotation, bool mirror,
                 YuvMatrix matrix, YuvRange range) {
  const bool pairs = format == PixelFormat::nv12 || format == PixelFormat::nv21;
  const std::size_t wanted = format == PixelFormat::i420 ? 3 : pairs ? 2 : 1;
  expect(planes.size() == wanted && planes[0].ndim() >= 2,
         std::to_string(planes.size()) + " planes");
  const py::array& first = planes[0];
  const py::ssize_t height = first.shape(0);
  const py::ssize_t width = first.shape(1);
  const int pixel = bytes_per_pixel(format);
  check_plane(first, pixel == 1 ? std::vector<py::ssize_t>{height, width}
                                : std::vector<py::ssize_t>{height, width, pixel});
  expect(first.size() == 0 || first.strides(1) == pixel, "pixels with gaps between them");
  Frame frame;
  frame.view.data = static_cast<const std::uint8_t*>(first.data());
  frame.view.height = static_cast<int>(height);
  frame.view.width = static_cast<int>(width);
  frame.view.row_stride_bytes = static_cast<std::size_t>(first.strides(0));
  frame.view.format = format;
  frame.view.rotation = static_cast<Rotation>(rotation);
  frame.view.mirror = mirror;
  frame.view.matrix = matrix;
  frame.view.range = range;
  for (std::size_t i = 1; i < planes.size(); ++i) {
    std::vector<py::ssize_t> shape = {(height + 1) / 2, (width + 1) / 2};
    if (pairs) shape.push_back(2);
    check_plane(planes[i], shape);
    frame.view.chroma[i - 1] = view_chroma(planes[i]);
  }
  frame.planes = std::move(planes);
  return frame;
}

}  // namespace

void register_frame(py::module_& module) {
  py::enum_<PixelFormat>(module, "PixelFormat")
      .value("rgb888", PixelFormat::rgb888)
      .value("rgba8888", PixelFormat::rgba8888)
      .value("bgra8888", PixelFormat::bgra8888)
      .value("gray8", PixelFormat::gray8)
      .value("nv12", PixelFormat::nv12)
      .value("nv21", PixelFormat::nv21)
      .value("i420", PixelFormat::i420);
  py::enum_<YuvMatrix>(module, "YuvMatrix")
      .value("bt601", YuvMatrix::bt601)
      .value("bt709", YuvMatrix::bt709);
  py::enum_<YuvRange>(module, "YuvRange")
      .value("full", YuvRange::full)
      .value("video", YuvRange::video);
  py::class_<Frame>(module, "Frame")
      .def(py::init(&make_frame), py::arg("format"), py::arg("planes"), py::arg("rotation") = 0,
           py::arg("mirror") = false, py::arg("matrix") = YuvMatrix::bt601,
           py::arg("range") = YuvRange::full);
}

}  // namespace hvit_edge::bindings
