// Converts a photo to the array that a network reads, byte for byte as Pillow and numpy do it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hvit_edge/image.h"
#include "hvit_edge/status.h"

namespace hvit_edge {

enum class Resize {
  shortest,  ///< the shorter side becomes `resize_size`, then the center is cropped
  stretch,   ///< both sides become `resize_size`, then the center is cropped; 0: the input size
  shortest_floor,  ///< as shortest; the crop begins at half the margin, rounded down, not to even
};
enum class Interpolation { bilinear, bicubic, lanczos };  ///< all are antialiased
enum class ChannelOrder { rgb, bgr };                     ///< the order that the network reads

/// The preprocessing specification; docs/artifact.md defines each field.
struct PreprocessSpec {
  int input_height = 0;
  int input_width = 0;
  Resize resize = Resize::shortest;
  int resize_size = 0;  ///< pixels; 0 only with Resize::stretch
  Interpolation interpolation = Interpolation::bicubic;
  std::array<float, 3> mean = {0.0F, 0.0F, 0.0F};  ///< in the network's channel order
  std::array<float, 3> std = {1.0F, 1.0F, 1.0F};   ///< in the network's channel order
  ChannelOrder channel_order = ChannelOrder::rgb;
};

/// Lists every impossible field in one message.
Status validate(const PreprocessSpec& spec);

/// Width and height in pixels.
struct ImageSize {
  int width = 0;
  int height = 0;
};

/// Preprocesses photos and camera frames of any size. It rotates, crops and converts while it
/// resizes, without a copy of the frame. It allocates only when the frame's size changes. Use one
/// Preprocessor per thread.
class Preprocessor {
 public:
  static Result<Preprocessor> create(const PreprocessSpec& spec);
  /// For tests and measurements: uses one of instruction_sets(). All give the same bytes.
  static Result<Preprocessor> create(const PreprocessSpec& spec,
                                     const std::string& instruction_set);
  Preprocessor(Preprocessor&&) noexcept;
  Preprocessor& operator=(Preprocessor&&) noexcept;
  ~Preprocessor();

  const PreprocessSpec& spec() const;

  /// Writes 3 x input_height x input_width floats, channel by channel.
  Status run(const ImageView& image, float* output);

  /// Writes the uint8 image before normalization: input_height x input_width x 3 bytes, RGB.
  Status resize_and_crop(const ImageView& image, std::uint8_t* output);

 private:
  struct State;
  explicit Preprocessor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Returns the instruction sets of this machine that the pixel loops are written for. Preprocessor
/// uses the first one; "scalar" is the last.
std::vector<std::string> instruction_sets();

}  // namespace hvit_edge
