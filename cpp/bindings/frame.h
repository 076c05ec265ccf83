// A camera frame whose planes are numpy arrays.
#pragma once

#include <pybind11/numpy.h>

#include <vector>

#include "hvit_edge/image.h"

namespace hvit_edge::bindings {

/// A view of arrays, which it keeps alive.
struct Frame {
  ImageView view;
  std::vector<pybind11::array> planes;
};

}  // namespace hvit_edge::bindings
