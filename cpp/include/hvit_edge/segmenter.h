// Segmenter: maps a photo to the class of each pixel.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/mask.h"
#include "hvit_edge/session.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

struct SegmentOptions {
  bool confidence = false;  ///< also compute Mask::confidence, which takes longer
};

/// Segments photos, with an artifact of the task "segment". Use a Segmenter from one thread at a
/// time. Several Segmenters may run at once.
class Segmenter {
 public:
  static Result<Segmenter> load(const std::string& path, const SessionOptions& options = {});
  /// The caller keeps the memory alive and unchanged, see Session::load.
  static Result<Segmenter> load(const void* data, std::size_t size,
                                const SessionOptions& options = {});
  /// Refuses artifacts of another task, and models of more than 256 classes.
  static Result<Segmenter> create(Session session);

  Segmenter(Segmenter&&) noexcept;
  Segmenter& operator=(Segmenter&&) noexcept;
  ~Segmenter();

  /// Writes the most probable class of each pixel; of equal ones the first. The logits are
  /// interpolated bilinearly between the centers of their cells.
  ///
  /// The mask has the size and the orientation of the frame as given, before its rotation and
  /// mirroring, so that it overlays the frame's memory. Pixels that the preprocessing crops away
  /// have the class 0 (the background) and the confidence 0. It allocates only for a frame that is
  /// larger than those before, and in the run of the model. Refuses logits that are not finite.
  Status segment(const ImageView& image, Mask& mask, const SegmentOptions& options = {});

  /// Returns the raw outputs, one array for each of Session::outputs(); valid until the next call.
  Result<const std::vector<std::vector<float>>*> outputs(const ImageView& image);

  int num_classes() const;
  /// Returns the label of a class, or "class 17" if the artifact has no labels.
  std::string label(int index) const;
  /// Returns the color of a class: that of the artifact, or that of default_color().
  Color color(int index) const;
  Session& session();

 private:
  struct State;
  explicit Segmenter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Returns the color of a class in the palette of Pascal VOC, in which the bits of the index are
/// spread over the upper bits of the channels: black, dark red, dark green, ...
Color default_color(int index);

}  // namespace hvit_edge
