// One function for each type; module.cpp calls them in this order.
#pragma once

#include <pybind11/pybind11.h>

namespace hvit_edge::bindings {

void register_metadata(pybind11::module_& module);
void register_frame(pybind11::module_& module);
void register_preprocess(pybind11::module_& module);
void register_session(pybind11::module_& module);
void register_classifier(pybind11::module_& module);
void register_embedder(pybind11::module_& module);
void register_segmenter(pybind11::module_& module);
void register_detector(pybind11::module_& module);
void register_platform(pybind11::module_& module);

}  // namespace hvit_edge::bindings
