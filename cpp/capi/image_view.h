// Converts an hve_image to an ImageView.
#pragma once

#include "hvit_edge/c_api.h"
#include "hvit_edge/image.h"
#include "outcome.h"

namespace hvit_edge::capi {

/// Refuses unknown values, and planes that reach beyond the caller's buffers.
Outcome to_image_view(const char* where, const hve_image* image, ImageView& view);

}  // namespace hvit_edge::capi
