// Bounds the scores of an anchor without an exponential function.
#pragma once

namespace hvit_edge {

/// Returns a number that no softmax probability of the classes from 1 on exceeds, for finite
/// logits. It uses (1 + x / 32)^32 <= exp(x) for x from -32 to 0, and 0 below.
float score_ceiling(const float* logits, int classes);

}  // namespace hvit_edge
