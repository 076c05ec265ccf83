// Predicts from an average over time of a classifier's probabilities.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "hvit_edge/classifier.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

class SmoothedPredictions {
 public:
  /// `seconds` is the time constant, see FrameClassifierOptions. There must be at least one label.
  /// `where` begins messages, and is kept.
  SmoothedPredictions(std::vector<std::string> labels, int top_k, double seconds,
                      const char* where = "FrameClassifier");

  /// Starts a new average with the next logits.
  void reset() { begun_ = false; }

  /// Adds a frame's logits to the average. Refuses a wrong number of logits and values that are not
  /// finite; the average then stays unchanged.
  Status update(const std::vector<float>& logits, std::chrono::nanoseconds timestamp);

  /// Writes the most probable classes. Allocates if `predictions` was not filled here before.
  void write(std::vector<Prediction>& predictions);

 private:
  std::vector<std::string> labels_;
  std::size_t count_;
  std::size_t longest_label_ = 0;
  double seconds_;
  const char* where_;
  bool begun_ = false;
  std::chrono::nanoseconds last_{0};
  std::vector<double> probabilities_;  // of the newest frame
  std::vector<double> average_;
  std::vector<int> order_;
};

}  // namespace hvit_edge
