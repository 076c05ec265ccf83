#include "hvit_edge/classifier.h"
#include "photo_task.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

std::vector<Prediction> classify(Classifier& classifier, const py::array& image, int top_k) {
  const ImageView view = view_image(image);
  return without_gil([&] { return classifier.classify(view, top_k); });
}

py::array_t<float> logits(Classifier& classifier, const py::array& image) {
  const ImageView view = view_image(image);
  const std::vector<float>& values = *without_gil([&] { return classifier.logits(view); });
  return py::array_t<float>({py::ssize_t{1}, static_cast<py::ssize_t>(values.size())},
                            values.data());
}

}  // namespace

void register_classifier(py::module_& module) {
  py::class_<Prediction>(module, "Prediction")
      .def_readonly("label", &Prediction::label)
      .def_readonly("index", &Prediction::index)
      .def_readonly("score", &Prediction::score);
  bind_photo_task<Classifier>(module, "Classifier")
      .def("classify", &classify, py::arg("image"), py::arg("top_k"))
      .def("logits", &logits, py::arg("image"));
}

}  // namespace hvit_edge::bindings
