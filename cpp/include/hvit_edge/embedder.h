// Embedder: maps a photo to a vector, for search and for comparison.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/session.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

/// Maps photos to vectors, with an artifact of the task "embed". Use an Embedder from one thread at
/// a time. Several Embedders may run at once.
class Embedder {
 public:
  static Result<Embedder> load(const std::string& path, const SessionOptions& options = {});
  /// The caller keeps the memory alive and unchanged, see Session::load.
  static Result<Embedder> load(const void* data, std::size_t size,
                               const SessionOptions& options = {});
  /// Refuses artifacts of another task.
  static Result<Embedder> create(Session session);

  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  /// Returns the vector of a photo; valid until the next call. It has the length 1 (L2 norm) if
  /// Metadata::normalize is "l2", except that features shorter than 1e-12 are divided by this
  /// number. Refuses features that are not finite.
  Result<const std::vector<float>*> embed(const ImageView& image);

  /// Returns the raw outputs, one array for each of Session::outputs(); valid until the next call.
  Result<const std::vector<std::vector<float>>*> outputs(const ImageView& image);

  /// Returns the number of elements of a vector.
  int size() const;
  Session& session();

 private:
  struct State;
  explicit Embedder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Returns the cosine of the angle between two vectors of `size` elements, -1 to 1; 0 if one of
/// them has the length 0.
float cosine_similarity(const float* one, const float* other, std::size_t size);

}  // namespace hvit_edge
