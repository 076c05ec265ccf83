#include "stream/smoothed_predictions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rank.h"
#include "softmax.h"
#include "text.h"

namespace hvit_edge {

SmoothedPredictions::SmoothedPredictions(std::vector<std::string> labels, int top_k, double seconds,
                                         const char* where)
    : labels_(std::move(labels)),
      count_(std::min(labels_.size(), static_cast<std::size_t>(top_k))),
      seconds_(seconds),
      where_(where) {
  for (const std::string& label : labels_) longest_label_ = std::max(longest_label_, label.size());
}

Status SmoothedPredictions::update(const std::vector<float>& logits,
                                   std::chrono::nanoseconds timestamp) {
  if (logits.size() != labels_.size()) {
    return Status(StatusCode::execution_failed,
                  concat("[", where_, "] expected ", labels_.size(), " logits, one a label, got ",
                         logits.size(), "; give the model's labels"));
  }
  if (Status status = softmax(where_, logits, probabilities_); !status.ok()) {
    return status;
  }
  if (!begun_ || seconds_ == 0) {
    average_ = probabilities_;
  } else {
    const double passed = std::chrono::duration<double>(timestamp - last_).count();
    const double weight = -std::expm1(-passed / seconds_);
    for (std::size_t i = 0; i < average_.size(); ++i) {
      average_[i] += weight * (probabilities_[i] - average_[i]);
    }
  }
  begun_ = true;
  last_ = timestamp;
  return Status();
}

void SmoothedPredictions::write(std::vector<Prediction>& predictions) {
  rank(average_, count_, order_);
  predictions.resize(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    Prediction& prediction = predictions[i];
    prediction.index = order_[i];
    prediction.score = static_cast<float>(average_[order_[i]]);
    prediction.label.reserve(longest_label_);
    prediction.label = labels_[order_[i]];
  }
}

}  // namespace hvit_edge
