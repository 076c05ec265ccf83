#include "zeros.h"

namespace hvit_edge::native {

float zeros_float32[kMostChannels];
Half zeros_float16[kMostChannels];

}  // namespace hvit_edge::native
