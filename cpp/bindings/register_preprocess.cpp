#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "arrays.h"
#include "hvit_edge/preprocess.h"
#include "raise.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

py::array_t<float> run(Preprocessor& preprocessor, const py::array& image) {
  const ImageView view = view_image(image);
  const PreprocessSpec& spec = preprocessor.spec();
  py::array_t<float> output({1, 3, spec.input_height, spec.input_width});
  float* data = output.mutable_data();
  Status status;
  {
    const py::gil_scoped_release no_gil;
    status = preprocessor.run(view, data);
  }
  raise_if_failed(status);
  return output;
}

py::array_t<std::uint8_t> resize_and_crop(Preprocessor& preprocessor, const py::array& image) {
  const ImageView view = view_image(image);
  const PreprocessSpec& spec = preprocessor.spec();
  py::array_t<std::uint8_t> output({spec.input_height, spec.input_width, 3});
  std::uint8_t* data = output.mutable_data();
  Status status;
  {
    const py::gil_scoped_release no_gil;
    status = preprocessor.resize_and_crop(view, data);
  }
  raise_if_failed(status);
  return output;
}

}  // namespace

void register_preprocess(py::module_& module) {
  py::enum_<Resize>(module, "Resize")
      .value("shortest", Resize::shortest)
      .value("stretch", Resize::stretch);
  py::enum_<Interpolation>(module, "Interpolation")
      .value("bilinear", Interpolation::bilinear)
      .value("bicubic", Interpolation::bicubic);
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
      .def(py::init(
          [](const PreprocessSpec& spec) { return value_or_raise(Preprocessor::create(spec)); }))
      .def("__call__", &run, py::arg("image"))
      .def("resize_and_crop", &resize_and_crop, py::arg("image"));
}

}  // namespace hvit_edge::bindings
