#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "arrays.h"
#include "hvit_edge/classifier.h"
#include "raise.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

Classifier load(const std::string& path, int threads, const std::string& method) {
  std::optional<Result<Classifier>> result;
  {
    const py::gil_scoped_release no_gil;
    SessionOptions options;
    options.threads = threads;
    options.method = method;
    result.emplace(Classifier::load(path, options));
  }
  return value_or_raise(std::move(*result));
}

std::vector<Prediction> classify(Classifier& classifier, const py::array& image, int top_k) {
  const ImageView view = view_image(image);
  std::optional<Result<std::vector<Prediction>>> result;
  {
    const py::gil_scoped_release no_gil;
    result.emplace(classifier.classify(view, top_k));
  }
  return value_or_raise(std::move(*result));
}

py::array_t<float> logits(Classifier& classifier, const py::array& image) {
  const ImageView view = view_image(image);
  std::optional<Result<const std::vector<float>*>> result;
  {
    const py::gil_scoped_release no_gil;
    result.emplace(classifier.logits(view));
  }
  const std::vector<float>& values = *value_or_raise(std::move(*result));
  return py::array_t<float>({py::ssize_t{1}, static_cast<py::ssize_t>(values.size())},
                            values.data());
}

}  // namespace

void register_classifier(py::module_& module) {
  py::class_<Prediction>(module, "Prediction")
      .def_readonly("label", &Prediction::label)
      .def_readonly("index", &Prediction::index)
      .def_readonly("score", &Prediction::score);
  py::class_<Classifier>(module, "Classifier")
      .def(py::init(&load), py::arg("path"), py::arg("threads"), py::arg("method") = "")
      .def("classify", &classify, py::arg("image"), py::arg("top_k"))
      .def("logits", &logits, py::arg("image"))
      .def_property_readonly("session", &Classifier::session,
                             py::return_value_policy::reference_internal);
}

}  // namespace hvit_edge::bindings
