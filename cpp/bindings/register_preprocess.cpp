#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "arrays.h"
#include "frame.h"
#include "hvit_edge/preprocess.h"
#include "raise.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

py::array_t<float> run(Preprocessor& preprocessor, const ImageView& image) {
  const PreprocessSpec& spec = preprocessor.spec();
  py::array_t<float> output({1, 3, spec.input_height, spec.input_width});
  float* data = output.mutable_data();
  Status status;
  {
    const py::gil_scoped_release no_gil;
    status = preprocessor.run(image, data);
  }
  raise_if_failed(status);
  return output;
}

py::array_t<std::uint8_t> resize_and_crop(Preprocessor& preprocessor, const ImageView& image) {
  const PreprocessSpec& spec = preprocessor.spec();
  py::array_t<std::uint8_t> output({spec.input_height, spec.input_width, 3});
  std::uint8_t* data = output.mutable_data();
  Status status;
  {
    const py::gil_scoped_release no_gil;
    status = preprocessor.resize_and_crop(image, data);
  }
  raise_if_failed(status);
  return output;
}

// Preprocesses a Frame, or an array, which is RGB.
template <auto kMethod>
auto of_frame(Preprocessor& preprocessor, const Frame& frame) {
  return kMethod(preprocessor, frame.view);
}

template <auto kMethod>
auto of_array(Preprocessor& preprocessor, const py::array& image) {
  return kMethod(preprocessor, view_image(image));
}

Preprocessor create(const PreprocessSpec& spec, const std::optional<std::string>& instruction_set) {
  return value_or_raise(instruction_set ? Preprocessor::create(spec, *instruction_set)
                                        : Preprocessor::create(spec));
}

}  // namespace

void register_preprocess(py::module_& module) {
  py::enum_<Resize>(module, "Resize")
      .value("shortest", Resize::shortest)
      .value("stretch", Resize::stretch)
      .value("shortest_floor", Resize::shortest_floor);
  py::enum_<Interpolation>(module, "Interpolation")
      .value("bilinear", Interpolation::bilinear)
      .value("bicubic", Interpolation::bicubic)
      .value("lanczos", Interpolation::lanczos);
  py::enum_<ChannelOrder>(module, "ChannelOrder")
      .value("RGB", ChannelOrder::rgb)
      .value("BGR", ChannelOrder::bgr);
  py::class_<PreprocessSpec>(module, "PreprocessSpec")
      .def(py::init<>())
      .def_readwrite("input_height", &PreprocessSpec::input_height)
      .def_readwrite("input_width", &PreprocessSpec::input_width)
      .def_readwrite("resize", &PreprocessSpec::resize)
      .def_readwrite("resize_size", &PreprocessSpec::resize_size)
      .def_readwrite("interpolation", &PreprocessSpec::interpolation)
      .def_readwrite("mean", &PreprocessSpec::mean)
      .def_readwrite("std", &PreprocessSpec::std)
      .def_readwrite("channel_order", &PreprocessSpec::channel_order);
  py::class_<Preprocessor>(module, "Preprocessor")
      .def(py::init(&create), py::arg("spec"), py::arg("instruction_set") = py::none())
      .def("__call__", &of_frame<&run>, py::arg("frame"))
      .def("__call__", &of_array<&run>, py::arg("image"))
      .def("resize_and_crop", &of_frame<&resize_and_crop>, py::arg("frame"))
      .def("resize_and_crop", &of_array<&resize_and_crop>, py::arg("image"));
  module.def("instruction_sets", &instruction_sets);
}

}  // namespace hvit_edge::bindings
