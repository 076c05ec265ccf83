// Depthwise convolutions and pooling. Included by each translation unit of operators.h alone.
#pragma once

#include "epilogue.h"
#include "linear.h"

namespace {

using hvit_edge::native::Depthwise;
using hvit_edge::native::Pool;
using hvit_edge::native::Pooling;

/// The pixels that the window of one output covers.
struct Covered {
  const Value* pixels[kMostTaps];
  std::int64_t taps[kMostTaps];
  int count = 0;
};

inline void cover(const Window& window, const Bases& bases, std::int64_t oy, std::int64_t ox,
                  Covered& covered) {
  covered.count = 0;
  for (std::int64_t ky = 0; ky < window.kernel_height; ++ky) {
    for (std::int64_t kx = 0; kx < window.kernel_width; ++kx) {
      const std::int64_t y = oy * window.stride_height - window.pad_height + ky;
      const std::int64_t x = ox * window.stride_width - window.pad_width + kx;
      if (!is_inside(window, y, x)) continue;
      covered.pixels[covered.count] = pixel(window, bases, y, x);
      covered.taps[covered.count++] = ky * window.kernel_width + kx;
    }
  }
}

// Outputs side by side that share a load of weights: many, else few, else one.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPixels = 8, kFewPixels = 4;
#else
constexpr int kPixels = 4, kFewPixels = 2;
#endif
constexpr std::int64_t kChannels = 2 * kLanes;  // of them at a time

struct DepthwiseWork {
  const Depthwise* layer;
  const Bases* bases;
  Accuracy accuracy = Accuracy::float32;
};

/// Some outputs of one row: their windows cover the input rows `first_y` to `end_y`.
struct Run {
  std::int64_t oy, ox, first_ky, end_ky;
};

// sums[pixel][channel], all taps of whose rows lie on the map.
template <int pixels, int vectors>
void sum_windows(const DepthwiseWork& work, const Run& run, std::int64_t channel, Lane* sums) {
  const Depthwise& layer = *work.layer;
  const Window& window = layer.window;
  const Value* bias = values_of(layer.epilogue.bias);
  Vector sum[pixels][vectors];
  for (int v = 0; v < vectors; ++v) {
    const Vector start = bias == nullptr ? Vector{} : load(bias + channel + v * kLanes);
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) sum[p][v] = start;
  }
  const std::int64_t step = window.stride_width * window.pixel_stride;
  for (std::int64_t ky = run.first_ky; ky < run.end_ky; ++ky) {
    const Value* value =
        pixel(window, *work.bases, run.oy * window.stride_height - window.pad_height + ky,
              run.ox * window.stride_width - window.pad_width) +
        channel;
    const Value* weight =
        values_of(layer.weights) + ky * window.kernel_width * window.channels + channel;
    for (std::int64_t kx = 0; kx < window.kernel_width; ++kx) {
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        const Vector factor = load(weight + v * kLanes);
#pragma GCC unroll 8
        for (int p = 0; p < pixels; ++p) {
          sum[p][v] += load(value + p * step + v * kLanes) * factor;
        }
      }
      value += window.pixel_stride;
      weight += window.channels;
    }
  }
  for (int p = 0; p < pixels; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) store(sums + p * kChannels + v * kLanes, sum[p][v]);
  }
}

// The same for one output anywhere, and for `count` channels, which may be fewer than a vector.
inline void sum_covered(const DepthwiseWork& work, const Covered& covered, std::int64_t channel,
                        std::int64_t count, Lane* sums) {
  const Depthwise& layer = *work.layer;
  for (std::int64_t c = 0; c < count; c += kLanes) {
    const Value* bias = values_of(layer.epilogue.bias);
    Vector sum = bias == nullptr ? Vector{} : load_some(bias + channel + c, count - c);
    for (int i = 0; i < covered.count; ++i) {
      const Value* weight =
          values_of(layer.weights) + covered.taps[i] * layer.window.channels + channel + c;
      sum += load_some(covered.pixels[i] + channel + c, count - c) * load_some(weight, count - c);
    }
    store_some(sums + c, sum, count - c);
  }
}

// Whether the windows of so many outputs from `ox` on lie between the map's left and right edge.
inline bool are_inside(const Window& window, std::int64_t ox, int pixels) {
  const std::int64_t left = ox * window.stride_width - window.pad_width;
  const std::int64_t right = left + (pixels - 1) * window.stride_width + window.kernel_width - 1;
  return left >= 0 && right < window.width && ox + pixels <= window.out_width;
}

using SumWindows = void (*)(const DepthwiseWork&, const Run&, std::int64_t, Lane*);

inline SumWindows sum_windows_of(int pixels, bool whole) {
  if (pixels == kPixels) return whole ? sum_windows<kPixels, 2> : sum_windows<kPixels, 1>;
  return whole ? sum_windows<kFewPixels, 2> : sum_windows<kFewPixels, 1>;
}

// All channels of some outputs of a row, which are inside, or of one.
inline void convolve_pixels(const DepthwiseWork& work, std::int64_t oy, std::int64_t ox,
                            int pixels) {
  const Window& window = work.layer->window;
  alignas(64) Lane sums[kPixels * kChannels];
  const std::int64_t top = oy * window.stride_height - window.pad_height;
  const std::int64_t below = window.height - top;
  const Run run{oy, ox, top < 0 ? -top : 0,
                below < window.kernel_height ? below : window.kernel_height};
  Covered covered;
  if (pixels == 1) cover(window, *work.bases, oy, ox, covered);
  for (std::int64_t channel = 0; channel < window.channels; channel += kChannels) {
    const std::int64_t left = window.channels - channel;
    const std::int64_t count = left < kChannels ? left : kChannels;
    if (pixels == 1) {
      sum_covered(work, covered, channel, count, sums);
    } else {
      sum_windows_of(pixels, count == kChannels)(work, run, channel, sums);
    }
    const Tile tile{oy * window.out_width + ox, channel, count, pixels};
    if (work.accuracy == Accuracy::codes) {
      finish(work.layer->epilogue, *work.bases, tile, LaneSums<Accuracy::codes>{sums, kChannels});
    } else {
      finish(work.layer->epilogue, *work.bases, tile, LaneSums<>{sums, kChannels});
    }
  }
}

inline void convolve_row(const void* context, std::int64_t oy) {
  const auto& work = *static_cast<const DepthwiseWork*>(context);
  const Window& window = work.layer->window;
  const bool whole_vectors = window.channels % kLanes == 0;
  for (std::int64_t ox = 0; ox < window.out_width;) {
    const int many = are_inside(window, ox, kPixels) ? kPixels : kFewPixels;
    const int pixels = whole_vectors && are_inside(window, ox, many) ? many : 1;
    convolve_pixels(work, oy, ox, pixels);
    ox += pixels;
  }
}

inline void run(const Depthwise& layer, const Bases& bases) {
  const DepthwiseWork work{&layer, &bases};
  share_out(layer.window.out_height, convolve_row, &work);
}

struct PoolingWork {
  const Pooling* layer;
  const Bases* bases;
};

inline void pool_row(const void* context, std::int64_t oy) {
  const auto& work = *static_cast<const PoolingWork*>(context);
  const Window& window = work.layer->window;
  const bool largest = work.layer->kind == Pool::maximum;
  Covered covered;
  for (std::int64_t ox = 0; ox < window.out_width; ++ox) {
    cover(window, *work.bases, oy, ox, covered);
    Value* output = row_of(work.layer->output, *work.bases, oy * window.out_width + ox);
    const float scale = largest ? 1.0f : 1.0f / static_cast<float>(covered.count);
    for (std::int64_t c = 0; c < window.channels; c += kLanes) {
      const std::int64_t left = window.channels - c;
      Vector value = load_some(covered.pixels[0] + c, left);
      for (int i = 1; i < covered.count; ++i) {
        const Vector next = load_some(covered.pixels[i] + c, left);
        value = largest ? larger(value, next) : value + next;
      }
      store_some(output + c, value * all(scale), left);
    }
  }
}

inline void run(const Pooling& layer, const Bases& bases) {
  const PoolingWork work{&layer, &bases};
  share_out(layer.window.out_height, pool_row, &work);
}

}  // namespace
