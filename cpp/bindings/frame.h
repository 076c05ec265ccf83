// A camera frame whose planes are numpy arrays.
#pragma once

#include <pybind11/numpy.h>

#include <vector>

#include "hvit_edge/image.h"

namespace hvit_edge::bindings {

/// The view of arrays that it keeps alive.
struct Frame {
  ImageView view;
  std::vector<pybind11::array> planes;
};

}  // namespace hvit_edge::bindings
