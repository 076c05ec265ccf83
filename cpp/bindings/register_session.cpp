#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "arrays.h"
#include "hvit_edge/session.h"
#include "raise.h"
#include "registers.h"

namespace hvit_edge::bindings {
namespace {

namespace py = pybind11;

Session load(const std::string& path, int threads, bool prepare, bool time_operators,
             const std::string& method) {
  const auto result = [&] {
    const py::gil_scoped_release no_gil;
    SessionOptions options;
    options.threads = threads;
    options.prepare = prepare;
    options.time_operators = time_operators;
    options.method = method;
    return std::make_unique<Result<Session>>(Session::load(path, options));
  }();
  return value_or_raise(std::move(*result));
}

// Runs without the GIL, and copies the outputs.
template <typename Run>
std::vector<py::array> copies_of(const Run& run) {
  std::optional<Result<std::vector<TensorView>>> outputs;
  {
    const py::gil_scoped_release no_gil;
    outputs.emplace(run());
  }
  std::vector<py::array> copies;
  for (const TensorView& view : value_or_raise(std::move(*outputs))) {
    copies.push_back(copy_array(view));
  }
  return copies;
}

std::vector<py::array> run(Session& session, const std::vector<py::array>& arrays) {
  std::vector<TensorView> inputs;
  for (const py::array& array : arrays) inputs.push_back(view_array(array, inputs.size()));
  return copies_of([&] { return session.run(inputs); });
}

std::vector<py::array> run_named(Session& session,
                                 const std::vector<std::pair<std::string, py::array>>& arrays) {
  std::vector<NamedTensor> inputs;
  for (const auto& [name, array] : arrays) {
    inputs.emplace_back(name, view_array(array, inputs.size()));
  }
  return copies_of([&] { return session.run_named(inputs); });
}

SelfTest self_test(Session& session) {
  std::optional<Result<SelfTest>> result;
  {
    const py::gil_scoped_release no_gil;
    result.emplace(session.self_test());
  }
  return value_or_raise(std::move(*result));
}

}  // namespace

void register_session(py::module_& module) {
  py::class_<TensorSpec>(module, "TensorSpec")
      .def_readonly("shape", &TensorSpec::shape)
      .def_readonly("name", &TensorSpec::name)
      .def_property_readonly("dtype", [](const TensorSpec& spec) { return to_string(spec.dtype); });
  py::class_<SelfTest>(module, "SelfTest")
      .def_readonly("passed", &SelfTest::passed)
      .def_readonly("max_abs", &SelfTest::max_abs)
      .def_readonly("max_rel", &SelfTest::max_rel)
      .def_readonly("top1_agree", &SelfTest::top1_agree);
  py::class_<OperatorTime>(module, "OperatorTime")
      .def_readonly("name", &OperatorTime::name)
      .def_readonly("start_ns", &OperatorTime::start_ns)
      .def_readonly("end_ns", &OperatorTime::end_ns);
  py::class_<Session>(module, "Session")
      .def(py::init(&load), py::arg("path"), py::arg("threads"), py::arg("prepare"),
           py::arg("time_operators") = false, py::arg("method") = "")
      .def("select", [](Session& session,
                        const std::string& method) { raise_if_failed(session.select(method)); })
      .def("run", &run, py::arg("arrays"))
      .def("run_named", &run_named, py::arg("arrays"))
      .def("self_test", &self_test)
      .def_property_readonly("metadata", &Session::metadata)
      .def_property_readonly("inputs", &Session::inputs)
      .def_property_readonly("outputs", &Session::outputs)
      .def_property_readonly("operators", &Session::operators)
      .def_property_readonly("planned_memory_bytes", &Session::planned_memory_bytes);
}

}  // namespace hvit_edge::bindings
