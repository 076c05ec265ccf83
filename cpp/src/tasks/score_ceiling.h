// Bounds the scores of an anchor without an exponential function.
#pragma once

namespace hvit_edge {

/// Returns a number that the logarithm of no softmax probability of the classes from 1 on exceeds,
/// for finite logits. A sum of exponentials is at least the largest one, and at least their number
/// times the exponential of the mean.
double log_score_ceiling(const float* logits, int classes);

}  // namespace hvit_edge
