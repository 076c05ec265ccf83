// Runs a model on photos: what the classes of all tasks on photos share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/session.h"

namespace hvit_edge {

/// The task of a class of the API.
struct PhotoTask {
  const char* name;   ///< as in Metadata::task
  const char* where;  ///< begins messages: "Classifier.create"
};

/// A session whose photos are preprocessed. Its views refer to its buffers: it does not move after
/// prepare().
class PhotoRunner {
 public:
  /// If `pinned`, the caller has chosen the method. Otherwise each photo chooses it.
  PhotoRunner(Session opened, bool pinned) : session(std::move(opened)), pinned_(pinned) {}
  PhotoRunner(const PhotoRunner&) = delete;
  PhotoRunner& operator=(const PhotoRunner&) = delete;

  /// Refuses artifacts of other tasks and methods for batches, and makes the buffers.
  Status prepare(const PhotoTask& task);

  /// Runs the model on a photo, and leaves its outputs in `outputs`.
  Status run(const ImageView& image);

  /// Refuses outputs with a NaN or infinity. `where` begins the message.
  Status check_finite(const char* where) const;

  Session session;
  std::vector<std::vector<float>> outputs;

 private:
  Status leave_batches(const PhotoTask& task);
  Status choose(int width, int height);
  Status adopt();

  bool pinned_;
  std::optional<Preprocessor> preprocessor_;
  std::vector<float> input_;
  std::vector<TensorView> inputs_;    // views `input_`
  std::vector<float*> destinations_;  // point to `outputs`
};

/// Returns a label of a class, or "class 17" if there are no labels or too few.
std::string label_of(const std::vector<std::string>& labels, int index, int first = 0);

}  // namespace hvit_edge
