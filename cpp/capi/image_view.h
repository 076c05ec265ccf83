// hve_image as C++ has it. What the C++ ImageView learns to read is added here.
#pragma once

#include "hvit_edge/c_api.h"
#include "hvit_edge/image.h"
#include "outcome.h"

namespace hvit_edge::capi {

/// Refuses what lies outside the caller's buffers, and what is reserved.
Outcome to_image_view(const char* where, const hve_image* image, ImageView& view);

}  // namespace hvit_edge::capi
