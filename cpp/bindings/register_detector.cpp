#include "hvit_edge/detector.h"
#include "photo_task.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

std::vector<Detection> detect(Detector& detector, const ImageView& image,
                              std::optional<double> score_threshold,
                              std::optional<double> iou_threshold, std::optional<int> candidates,
                              std::optional<int> max_detections) {
  const DetectOptions options = {score_threshold, iou_threshold, candidates, max_detections};
  std::vector<Detection> found;
  Status status;
  {
    const py::gil_scoped_release no_gil;
    status = detector.detect(image, found, options);
  }
  raise_if_failed(status);
  return found;
}

}  // namespace

void register_detector(py::module_& module) {
  py::class_<Detection>(module, "Detection")
      .def_readonly("index", &Detection::index)
      .def_readonly("score", &Detection::score)
      .def_readonly("x", &Detection::x)
      .def_readonly("y", &Detection::y)
      .def_readonly("width", &Detection::width)
      .def_readonly("height", &Detection::height);
  py::class_<Detector> bound = bind_photo_task<Detector>(module, "Detector");
  bound.def("label", &Detector::label, py::arg("index"));
  def_on_photo(bound, "detect", &detect, py::arg("score_threshold") = py::none(),
               py::arg("iou_threshold") = py::none(), py::arg("candidates") = py::none(),
               py::arg("max_detections") = py::none());
  def_on_photo(bound, "outputs", &outputs<Detector>);
}

}  // namespace hvit_edge::bindings
