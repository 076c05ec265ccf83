#include "hvit_edge/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "guard.h"
#include "image/pixel_kernels.h"
#include "image/pixel_rows.h"
#include "image/placement.h"
#include "image/resample.h"
#include "image/two_passes.h"
#include "text.h"

namespace hvit_edge {
namespace {

constexpr int kMaxInputSide = 1 << 14;

// Writes `height` rows of `width` RGB pixels as rows of `height` pixels, in tiles that fit in the
// cache.
void swap_sides(const std::uint8_t* pixels, int height, int width, std::uint8_t* output) {
  constexpr int kTile = 16;
  for (int top = 0; top < height; top += kTile) {
    const int bottom = std::min(top + kTile, height);
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* from = pixels + 3 * (static_cast<std::size_t>(top) * width + x);
      std::uint8_t* to = output + 3 * (static_cast<std::size_t>(x) * height + top);
      for (int y = top; y < bottom; ++y, from += 3 * width, to += 3) std::memcpy(to, from, 3);
    }
  }
}

Status no_output(const char* method) {
  return Status(StatusCode::invalid_argument,
                concat("[Preprocessor.", method,
                       "] expected memory for the result, got a null pointer; set output"));
}

}  // namespace

Status validate(const PreprocessSpec& spec) {
  std::vector<std::string> faults;
  if (std::min(spec.input_height, spec.input_width) < 1 ||
      std::max(spec.input_height, spec.input_width) > kMaxInputSide) {
    faults.push_back(concat("input size: expected 1 to ", kMaxInputSide, " pixels a side, got ",
                            spec.input_height, "x", spec.input_width));
  }
  const int longest = std::max(spec.input_height, spec.input_width);
  const bool whole = spec.resize == Resize::stretch && spec.resize_size == 0;
  if (!whole && (spec.resize_size < longest || spec.resize_size > kMaxInputSide)) {
    faults.push_back(concat("resize_size: expected ", longest, " to ", kMaxInputSide,
                            spec.resize == Resize::stretch ? ", or 0" : "", ", got ",
                            spec.resize_size));
  }
  for (int c = 0; c < 3; ++c) {
    if (!std::isfinite(spec.mean[c]) || !std::isfinite(spec.std[c]) || spec.std[c] <= 0) {
      faults.push_back(concat("channel ", c, ": expected a finite mean and a std above 0, got ",
                              spec.mean[c], " and ", spec.std[c]));
    }
  }
  if (faults.empty()) return Status();
  return Status(StatusCode::invalid_argument, "[PreprocessSpec] " + join(faults, "; "));
}

struct Preprocessor::State {
  State(const PreprocessSpec& wanted, const PixelKernels& kernels);
  Status resize_and_crop(const ImageView& image, std::uint8_t* output);
  void normalise(float* output) const;

  PreprocessSpec spec;
  const PixelKernels& kernels;
  float table[3][256];  // [network's channel][byte]
  AxisFilter across;    // along the stored rows
  AxisFilter down;
  TwoPasses passes;
  std::vector<std::uint8_t> turned;   // like `cropped`, with sides swapped
  std::vector<std::uint8_t> cropped;  // input_height x input_width x 3
};

Preprocessor::State::State(const PreprocessSpec& wanted, const PixelKernels& its_kernels)
    : spec(wanted), kernels(its_kernels), passes(its_kernels) {
  for (int c = 0; c < 3; ++c) {
    for (int byte = 0; byte < 256; ++byte) {
      // The same float32 steps as in numpy, each rounded: divide, subtract, divide.
      const float unit = static_cast<float>(byte) / 255.0F;
      const float centered = unit - spec.mean[c];
      table[c][byte] = centered / spec.std[c];
    }
  }
  cropped.resize(static_cast<std::size_t>(spec.input_height) * spec.input_width * 3);
}

// The passes run over the frame as it is stored; only their small result is rotated.
Status Preprocessor::State::resize_and_crop(const ImageView& image, std::uint8_t* output) {
  if (Status status = validate(image); !status.ok()) return status;
  const Result<Placement> placement = place(spec, image);
  if (!placement.ok()) return placement.status();
  const bool swapped = placement->swapped;
  across.prepare(placement->columns.crop, spec.interpolation);
  down.prepare(placement->rows.crop, spec.interpolation);
  if (swapped) turned.resize(cropped.size());

  passes.run(PixelRows(image, kernels), across, down, placement->columns_first,
             swapped ? turned.data() : output);
  if (swapped) swap_sides(turned.data(), spec.input_width, spec.input_height, output);
  return Status();
}

void Preprocessor::State::normalise(float* output) const {
  const std::size_t plane = static_cast<std::size_t>(spec.input_height) * spec.input_width;
  for (int c = 0; c < 3; ++c) {
    const int from = spec.channel_order == ChannelOrder::bgr ? 2 - c : c;
    const std::uint8_t* bytes = cropped.data() + from;
    for (std::size_t i = 0; i < plane; ++i) output[i] = table[c][bytes[3 * i]];
    output += plane;
  }
}

Preprocessor::Preprocessor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Preprocessor::Preprocessor(Preprocessor&&) noexcept = default;
Preprocessor& Preprocessor::operator=(Preprocessor&&) noexcept = default;
Preprocessor::~Preprocessor() = default;

const PreprocessSpec& Preprocessor::spec() const { return state_->spec; }

Result<Preprocessor> Preprocessor::create(const PreprocessSpec& spec) {
  return create(spec, pixel_kernels().front()->name);
}

Result<Preprocessor> Preprocessor::create(const PreprocessSpec& spec,
                                          const std::string& instruction_set) {
  return guarded("Preprocessor.create", [&]() -> Result<Preprocessor> {
    if (Status status = validate(spec); !status.ok()) return status;
    const PixelKernels* kernels = find_kernels(instruction_set);
    if (kernels == nullptr) {
      return Status(StatusCode::invalid_argument,
                    concat("[Preprocessor.create] expected an instruction set of this machine (",
                           join(instruction_sets(), ", "), "), got ", instruction_set,
                           "; omit it to use the fastest one"));
    }
    return Preprocessor(std::make_unique<State>(spec, *kernels));
  });
}

Status Preprocessor::run(const ImageView& image, float* output) {
  return guarded("Preprocessor.run", [&]() -> Status {
    if (output == nullptr) return no_output("run");
    Status status = state_->resize_and_crop(image, state_->cropped.data());
    if (status.ok()) state_->normalise(output);
    return status;
  });
}

Status Preprocessor::resize_and_crop(const ImageView& image, std::uint8_t* output) {
  return guarded("Preprocessor.resize_and_crop", [&]() -> Status {
    if (output == nullptr) return no_output("resize_and_crop");
    return state_->resize_and_crop(image, output);
  });
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const PixelKernels* kernels : pixel_kernels()) names.emplace_back(kernels->name);
  return names;
}

}  // namespace hvit_edge
