// Views numpy arrays without a copy, and makes new ones.
#pragma once

#include <pybind11/numpy.h>

#include "hvit_edge/image.h"
#include "hvit_edge/tensor.h"

namespace hvit_edge::bindings {

/// Views an array that must be contiguous; raises InputError otherwise. The caller keeps it alive.
TensorView view_array(const pybind11::array& array, std::size_t index);

/// Views an RGB image, uint8 [height, width, 3]; there may be gaps between rows, but not pixels.
ImageView view_image(const pybind11::array& image);

/// Copies a view into a new array.
pybind11::array copy_array(const TensorView& view);

}  // namespace hvit_edge::bindings
