#include <pybind11/stl.h>

#include "hvit_edge/backends.h"
#include "hvit_edge/threads.h"
#include "raise.h"
#include "registers.h"

namespace hvit_edge::bindings {

namespace py = pybind11;

void register_platform(py::module_& module) {
  module.def(
      "set_threads",
      [](int count) {
        Status status;
        {
          const py::gil_scoped_release no_gil;
          status = set_threads(count);
        }
        raise_if_failed(status);
      },
      py::arg("count"));
  module.def("threads", &threads, py::call_guard<py::gil_scoped_release>());
  module.def("auto_threads", &auto_threads);
  module.def("backend_available", &backend_available, py::arg("name"));
  module.def("registered_backends", &registered_backends);
  module.def("cpu_features", &cpu_features);
  module.def("instruction_set", [] { return value_or_raise(instruction_set()); });
  module.def("version", &version);
}

}  // namespace hvit_edge::bindings
