#include "registers.h"

// The build names the module: _runtime or _runtime_small.
PYBIND11_MODULE(HVIT_EDGE_MODULE, module) {
  module.doc() = "The C++ runtime of hvit-edge; use it through hvit_edge.runtime.";
  hvit_edge::bindings::register_metadata(module);
  hvit_edge::bindings::register_frame(module);
  hvit_edge::bindings::register_preprocess(module);
  hvit_edge::bindings::register_session(module);
  hvit_edge::bindings::register_classifier(module);
  hvit_edge::bindings::register_embedder(module);
  hvit_edge::bindings::register_segmenter(module);
  hvit_edge::bindings::register_detector(module);
  hvit_edge::bindings::register_platform(module);
}
