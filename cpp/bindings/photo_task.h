// What the classes of all tasks on photos share in Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "frame.h"
#include "hvit_edge/session.h"
#include "raise.h"

namespace hvit_edge::bindings {

/// Runs a call of the library without the GIL, and raises its error.
template <typename Call>
auto without_gil(const Call& call) {
  std::optional<decltype(call())> result;
  {
    const pybind11::gil_scoped_release no_gil;
    result.emplace(call());
  }
  return value_or_raise(std::move(*result));
}

template <typename Model>
Model load(const std::string& path, int threads, const std::string& method) {
  return without_gil([&] {
    SessionOptions options;
    options.threads = threads;
    options.method = method;
    return Model::load(path, options);
  });
}

/// Returns the raw outputs for a photo as new arrays, in the shapes of the session's outputs.
template <typename Model>
std::vector<pybind11::array> outputs(Model& model, const ImageView& image) {
  const std::vector<std::vector<float>>& rows = *without_gil([&] { return model.outputs(image); });
  std::vector<pybind11::array> arrays;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const TensorSpec& spec = model.session().outputs()[i];
    arrays.push_back(copy_array({rows[i].data(), spec.shape, DType::float32}));
  }
  return arrays;
}

/// Adds a method that takes a Frame, or an RGB array, before other arguments.
template <typename Class, typename Result, typename Model, typename... Arguments, typename... Extra>
void def_on_photo(Class& bound, const char* name,
                  Result (*call)(Model&, const ImageView&, Arguments...), const Extra&... extra) {
  bound.def(
      name,
      [call](Model& model, const Frame& frame, Arguments... arguments) {
        return call(model, frame.view, arguments...);
      },
      pybind11::arg("frame"), extra...);
  bound.def(
      name,
      [call](Model& model, const pybind11::array& image, Arguments... arguments) {
        return call(model, view_image(image), arguments...);
      },
      pybind11::arg("image"), extra...);
}

/// Binds a class with its constructor, its session and its raw outputs.
template <typename Model>
pybind11::class_<Model> bind_photo_task(pybind11::module_& module, const char* name) {
  pybind11::class_<Model> bound(module, name);
  bound.def(pybind11::init(&load<Model>), pybind11::arg("path"), pybind11::arg("threads"),
            pybind11::arg("method") = "");
  bound.def_property_readonly("session", &Model::session,
                              pybind11::return_value_policy::reference_internal);
  return bound;
}

}  // namespace hvit_edge::bindings
