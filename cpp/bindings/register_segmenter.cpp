#include "hvit_edge/segmenter.h"
#include "photo_task.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

// Lets an array own the memory of a vector.
template <typename Number>
py::array_t<Number> taken(std::vector<Number> numbers, const Mask& mask) {
  auto* owned = new std::vector<Number>(std::move(numbers));
  const py::capsule owner(owned,
                          [](void* memory) { delete static_cast<std::vector<Number>*>(memory); });
  return py::array_t<Number>({mask.height, mask.width}, owned->data(), owner);
}

// Returns the classes, and their confidence or None.
py::tuple segment(Segmenter& segmenter, const ImageView& image, bool confidence) {
  Mask mask;
  SegmentOptions options;
  options.confidence = confidence;
  Status status;
  {
    const py::gil_scoped_release no_gil;
    status = segmenter.segment(image, mask, options);
  }
  raise_if_failed(status);
  py::object shares = py::none();
  if (confidence) shares = taken(std::move(mask.confidence), mask);
  return py::make_tuple(taken(std::move(mask.classes), mask), shares);
}

// Copies a mask of Python, uint8 [height, width].
Mask mask_of(const py::array_t<std::uint8_t, py::array::c_style>& classes) {
  Mask mask;
  mask.height = static_cast<int>(classes.shape(0));
  mask.width = static_cast<int>(classes.shape(1));
  mask.classes.assign(classes.data(), classes.data() + classes.size());
  return mask;
}

std::string run_length_of(const py::array_t<std::uint8_t, py::array::c_style>& classes, int index) {
  const Mask mask = mask_of(classes);
  return without_gil([&] { return run_length(mask, index); });
}

std::vector<std::vector<std::pair<int, int>>> polygons_of(
    const py::array_t<std::uint8_t, py::array::c_style>& classes, int index) {
  const Mask mask = mask_of(classes);
  std::vector<std::vector<std::pair<int, int>>> rings;
  for (const Ring& ring : without_gil([&] { return polygons(mask, index); })) {
    rings.emplace_back();
    for (const MaskPoint& point : ring) rings.back().emplace_back(point.x, point.y);
  }
  return rings;
}

}  // namespace

void register_segmenter(py::module_& module) {
  py::class_<Segmenter> bound = bind_photo_task<Segmenter>(module, "Segmenter");
  bound.def("label", &Segmenter::label, py::arg("index"));
  bound.def("color", [](const Segmenter& segmenter, int index) {
    const Color color = segmenter.color(index);
    return py::make_tuple(color.red, color.green, color.blue);
  });
  def_on_photo(bound, "segment", &segment, py::arg("confidence") = false);
  def_on_photo(bound, "outputs", &outputs<Segmenter>);
  module.def("run_length", &run_length_of, py::arg("classes"), py::arg("index"));
  module.def("polygons", &polygons_of, py::arg("classes"), py::arg("index"));
}

}  // namespace hvit_edge::bindings
