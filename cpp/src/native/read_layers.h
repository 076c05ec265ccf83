// Reads and checks the operations that have weights.
#pragma once

#include "plan_reader.h"

namespace hvit_edge::native {

Linear read_linear(PlanReader& reader);
Convolution read_convolution(PlanReader& reader);
Depthwise read_depthwise(PlanReader& reader);
LinearInt8 read_linear_int8(PlanReader& reader);
ConvolutionInt8 read_convolution_int8(PlanReader& reader);
InvertedResidual read_inverted_residual(PlanReader& reader);

}  // namespace hvit_edge::native
