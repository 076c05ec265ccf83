#include <pybind11/pybind11.h>

PYBIND11_MODULE(_runtime, module) { module.doc() = "The C++ runtime of hvit-edge."; }
