// Depthwise convolutions and pooling. Included by each translation unit of operators.h, and nowhere
// else.
#pragma once

#include "epilogue.h"
#include "linear.h"

namespace {

using hvit_edge::native::Depthwise;
using hvit_edge::native::Pool;
using hvit_edge::native::Pooling;

/// The pixels in the window of one output.
struct Covered {
  const Value* pixels[kMostTaps];
  std::int64_t taps[kMostTaps];
  int count = 0;
};

// The pixel at (y, x) of a window's map, or zeros if it is outside.
inline const Value* pixel(const Window& window, const Bases& bases, std::int64_t y,
                          std::int64_t x) {
  if (!is_inside(window, y, x)) return zeros();
  const std::int64_t row = window.ring != 0 ? y % window.ring : y;
  return values_at(bases, window.space, window.offset) + row * window.row_stride +
         x * window.pixel_stride;
}

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

// Neighboring outputs that share a load of weights: many, else few, else one.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPixels = 8, kFewPixels = 4;
#else
constexpr int kPixels = 4, kFewPixels = 2;
#endif
constexpr std::int64_t kChannels = 4 * kPanel;  // so many at a time

struct DepthwiseWork {
  const Depthwise* layer;
  const Bases* bases;
  Accuracy accuracy = Accuracy::float32;
};

/// Some outputs of one row: their windows cover the input rows `first_y` to `end_y`.
struct Run {
  std::int64_t oy, ox, first_ky, end_ky;
};

/// Keeps sums for `finish`. Sums of channels before `first` are written to the room that is left if
/// there are fewer channels than lanes.
struct Kept {
  static constexpr bool kFewChannels = true;
  Lane* sums;  // [pixel][channel], after room for a vector
  std::int64_t first;

  void operator()(int pixel, std::int64_t channel, Vector sum) const {
    store(sums + (pixel * kChannels + channel - first), sum);
  }
};

/// Writes sums as outputs after an activation. There is at least a vector of channels.
template <Fused activation, Accuracy accuracy>
struct Activated {
  static constexpr bool kFewChannels = false;
  const TileRows& to;

  void operator()(int pixel, std::int64_t channel, Vector sum) const {
    store(to.outputs[pixel] + channel, activate<activation, accuracy>(sum));
  }
};

// Loads a vector of channels, or the few channels that a map has.
template <bool few>
__attribute__((always_inline)) inline Vector load_channels(const Value* from,
                                                           [[maybe_unused]] std::int64_t channels) {
  if constexpr (few) return load_first(from, channels);
  return load(from);
}

// Adds the products of one row of the window to sum[p]. If `step` is not 0, it is the stride, and
// neighbors share their pixels.
template <int step, int pixels, bool few>
__attribute__((always_inline)) inline void add_row_of_window(Vector (&sum)[pixels],
                                                             const Window& window,
                                                             const Value* value,
                                                             const Value* weight) {
  const std::int64_t channels = window.channels;
  if constexpr (step > 0) {  // the kernel is three wide
    const Vector factors[3] = {load_channels<few>(weight, channels),
                               load_channels<few>(weight + channels, channels),
                               load_channels<few>(weight + 2 * channels, channels)};
#pragma GCC unroll 18
    for (int x = 0; x < (pixels - 1) * step + 3; ++x, value += window.pixel_stride) {
      const Vector pixel = load_channels<few>(value, channels);
#pragma GCC unroll 3
      for (int kx = 0; kx < 3; ++kx) {
        const int p = (x - kx) / step;
        if (x >= kx && (x - kx) % step == 0 && p < pixels) sum[p] += pixel * factors[kx];
      }
    }
    return;
  }
  const std::int64_t way = window.stride_width * window.pixel_stride;
  for (std::int64_t kx = 0; kx < window.kernel_width; ++kx) {
    const Vector factor = load_channels<few>(weight, channels);
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) {
      sum[p] += load_channels<few>(value + p * way, channels) * factor;
    }
    value += window.pixel_stride;
    weight += channels;
  }
}

// Computes channels of outputs whose windows are between the map's left and right edge. If channels
// are left over, the last vector begins earlier and computes some sums again.
template <int step, int pixels, bool few, class Finish>
void sum_windows(const DepthwiseWork& work, const Run& run, std::int64_t first, std::int64_t end,
                 Finish finish) {
  const Window& window = work.layer->window;
  const Value* bias = values_of(work.layer->epilogue.bias);
  const Value* rows[kMostTaps];
  for (std::int64_t ky = run.first_ky; ky < run.end_ky; ++ky) {
    rows[ky] = pixel(window, *work.bases, run.oy * window.stride_height - window.pad_height + ky,
                     run.ox * window.stride_width - window.pad_width);
  }
  for (std::int64_t next = first; next < end; next += kLanes) {
    const std::int64_t channel = few || next + kLanes <= end ? next : end - kLanes;
    const Vector start =
        bias == nullptr ? Vector{} : load_channels<few>(bias + channel, window.channels);
    Vector sum[pixels];
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) sum[p] = start;
    const Value* weight = values_of(work.layer->weights) + channel;
    for (std::int64_t ky = run.first_ky; ky < run.end_ky; ++ky) {
      add_row_of_window<step, pixels, few>(sum, window, rows[ky] + channel,
                                           weight + ky * window.kernel_width * window.channels);
    }
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) finish(p, channel, sum[p]);
  }
}

template <int pixels, class Finish>
void sum_windows(const DepthwiseWork& work, const Run& run, std::int64_t first, std::int64_t end,
                 Finish finish) {
  const Window& window = work.layer->window;
  const std::int64_t step = window.kernel_width == 3 ? window.stride_width : 0;
  if (Finish::kFewChannels && window.channels < kLanes) {
    sum_windows<0, pixels, Finish::kFewChannels>(work, run, first, end, finish);
  } else if (step == 1) {
    sum_windows<1, pixels, false>(work, run, first, end, finish);
  } else if (step == 2) {
    sum_windows<2, pixels, false>(work, run, first, end, finish);
  } else {
    sum_windows<0, pixels, false>(work, run, first, end, finish);
  }
}

// Computes one output at any place, and `count` channels, which may be fewer than a vector.
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

// Returns true if the windows of so many outputs from `ox` on are between the map's left and right
// edge.
inline bool are_inside(const Window& window, std::int64_t ox, int pixels) {
  const std::int64_t left = ox * window.stride_width - window.pad_width;
  const std::int64_t right = left + (pixels - 1) * window.stride_width + window.kernel_width - 1;
  return left >= 0 && right < window.width && ox + pixels <= window.out_width;
}

template <Fused activation, Accuracy accuracy>
__attribute__((noinline)) void activate_windows(const DepthwiseWork& work, const Run& run) {
  const Window& window = work.layer->window;
  const TileRows to(work.layer->epilogue, *work.bases, run.oy * window.out_width + run.ox, kPixels);
  sum_windows<kPixels>(work, run, 0, window.channels, Activated<activation, accuracy>{to});
}

template <Accuracy accuracy>
void convolve_and_activate(const DepthwiseWork& work, const Run& run) {
  with_constant(activating(work.layer->epilogue.first).fused, [&](auto fused) {
    activate_windows<fused, accuracy_for<accuracy, fused>()>(work, run);
  });
}

template <Accuracy accuracy>
void convolve_and_finish(const DepthwiseWork& work, const Run& run, int pixels) {
  const Window& window = work.layer->window;
  alignas(64) Lane room[kLanes + kPixels * kChannels];
  Lane* sums = room + kLanes;
  const TileRows to(work.layer->epilogue, *work.bases, run.oy * window.out_width + run.ox, pixels);
  Covered covered;
  if (pixels == 1) cover(window, *work.bases, run.oy, run.ox, covered);
  for (std::int64_t channel = 0; channel < window.channels; channel += kChannels) {
    const std::int64_t count = least(window.channels - channel, kChannels);
    const Kept kept{sums, channel};
    if (pixels == 1) {
      sum_covered(work, covered, channel, count, sums);
    } else if (pixels == kFewPixels) {
      sum_windows<kFewPixels>(work, run, channel, channel + count, kept);
    } else {
      sum_windows<kPixels>(work, run, channel, channel + count, kept);
    }
    finish<accuracy>(work.layer->epilogue, Tile{&to, channel, count, sums, kChannels});
  }
}

// Computes all channels of several outputs of a row, whose windows are inside, or of one output.
template <Accuracy accuracy>
void convolve_pixels(const DepthwiseWork& work, std::int64_t oy, std::int64_t ox, int pixels) {
  const Window& window = work.layer->window;
  const std::int64_t top = oy * window.stride_height - window.pad_height;
  const Run run{oy, ox, top < 0 ? -top : 0, least(window.height - top, window.kernel_height)};
#if !defined(HVIT_EDGE_COMPACT)
  const Epilogue& epilogue = work.layer->epilogue;
  const bool plain = epilogue.residual.space == Space::none && window.channels >= kLanes &&
                     !is_applied_later(epilogue.first);
  if (pixels == kPixels && plain) return convolve_and_activate<accuracy>(work, run);
#endif
  convolve_and_finish<accuracy>(work, run, pixels);
}

// Returns the last output of a row whose window ends on the map.
inline std::int64_t last_inside(const Window& window) {
  const std::int64_t last = window.width + window.pad_width - window.kernel_width;
  return last < 0 ? -1 : least(last / window.stride_width, window.out_width - 1);
}

// Returns true if outputs are added to what they replace: those must not be computed twice.
inline bool is_in_place(const Epilogue& epilogue) {
  return epilogue.residual.space == epilogue.output.space &&
         epilogue.residual.offset == epilogue.output.offset;
}

inline void convolve_row(const void* context, std::int64_t oy) {
  const auto& work = *static_cast<const DepthwiseWork*>(context);
  const Window& window = work.layer->window;
  const std::int64_t first = quotient_up(window.pad_width, window.stride_width);
  const std::int64_t last = last_inside(window);
  const std::int64_t back = is_in_place(work.layer->epilogue) ? -1 : last - kPixels + 1;
  for (std::int64_t ox = 0; ox < window.out_width;) {
    // A run that would leave the map begins earlier, and computes some outputs again.
    if (ox > back && ox <= last && back >= first) ox = back;
    const int many = are_inside(window, ox, kPixels) ? kPixels : kFewPixels;
    const int pixels = are_inside(window, ox, many) ? many : 1;
    if (work.accuracy == Accuracy::codes) {
      convolve_pixels<kAccuracyOfCodes>(work, oy, ox, pixels);
    } else {
      convolve_pixels<Accuracy::float32>(work, oy, ox, pixels);
    }
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
