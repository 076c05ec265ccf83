// Classifier: maps a photo to labels.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/session.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

struct Prediction {
  std::string label;  ///< "class 17" if the artifact has no labels
  int index = 0;
  float score = 0;  ///< softmax probability
};

/// Classifies photos. Use a Classifier from one thread at a time. Several Classifiers may run at
/// once.
///
/// If the artifact has several methods, each photo runs in the one that method_for() of metadata.h
/// chooses for its upright size, unless SessionOptions::method names one. One method is loaded at a
/// time; another one is loaded when a photo needs it.
class Classifier {
 public:
  static Result<Classifier> load(const std::string& path, const SessionOptions& options = {});
  /// The caller keeps the memory alive and unchanged, see Session::load.
  static Result<Classifier> load(const void* data, std::size_t size,
                                 const SessionOptions& options = {});
  /// Refuses programs that do not map one image to one row of logits. Chooses among all methods.
  static Result<Classifier> create(Session session);

  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;
  ~Classifier();

  /// The `top_k` most probable classes, or all if there are fewer; equal ones by index.
  Result<std::vector<Prediction>> classify(const ImageView& image, int top_k = 5);

  /// Returns the raw outputs, one for each class; valid until the next call.
  Result<const std::vector<float>*> logits(const ImageView& image);

  int num_classes() const;
  Session& session();

 private:
  struct State;
  explicit Classifier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hvit_edge
