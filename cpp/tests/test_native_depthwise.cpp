// Depthwise convolutions and pools against plain loops in double precision.
#include "hvit_edge/threads.h"
#include "native_operators.h"

namespace hvit_edge::native::testing {
namespace {

// Calls sum(tap, value) for all taps of a channel whose pixels are on the map.
template <class Each>
void for_taps(const Window& window, const Memory& memory, std::int64_t m, std::int64_t c,
              const Each& each) {
  for (std::int64_t tap = 0; tap < window.kernel_height * window.kernel_width; ++tap) {
    const std::int64_t pixel = pixel_of(window, m, tap);
    if (pixel >= 0) each(tap, double{memory.input[pixel + c]});
  }
}

void try_depthwise(Random& random, const Window& window) {
  const std::int64_t taps = window.kernel_height * window.kernel_width;
  const std::vector<float> weights = random.values(taps * window.channels);
  Memory memory;
  memory.input = random.values(reach(window));
  const RandomEpilogue epilogue(random, window.out_height * window.out_width, window.channels);
  memory.arena = epilogue.residuals();
  const auto expected = epilogue.expected([&](std::int64_t m, std::int64_t c) {
    double sum = 0;
    for_taps(window, memory, m, c, [&](std::int64_t tap, double value) {
      sum += value * weights[tap * window.channels + c];
    });
    return sum;
  });
  Depthwise layer{window, weights.data(), epilogue.get()};
  // The bias has exactly the channels; that of a product has full panels.
  std::vector<float> bias;
  if (layer.epilogue.bias != nullptr) {
    const auto* padded = static_cast<const float*>(layer.epilogue.bias);
    bias.assign(padded, padded + window.channels);
    layer.epilogue.bias = bias.data();
  }
  expect_written(layer, memory, expected);
}

TEST(NativeDepthwise, PadsAndStrides) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    try_depthwise(random, random_window(random, random(1, 50)));
    if (HasFatalFailure()) return;
  }
}

// Wide maps, on which several outputs are computed together, and edges next to them.
TEST(NativeDepthwise, ConvolvesWideMaps) {
  Random random(2);
  for (const std::int64_t channels : {16, 32, 48, 4, 8, 12, 24, 100}) {
    for (const std::int64_t kernel : {1, 3, 5, 7}) {
      for (const std::int64_t stride : {1, 2}) {
        Window window = random_window(random, channels);
        window.height = 8;
        window.width = random(12, 19);
        window.row_stride = window.pixel_stride * window.width;
        window.kernel_height = window.kernel_width = kernel;
        window.stride_height = window.stride_width = stride;
        window.pad_height = window.pad_width = kernel / 2;
        window.out_height = (window.height + kernel / 2 * 2 - kernel) / stride + 1;
        window.out_width = (window.width + kernel / 2 * 2 - kernel) / stride + 1;
        SCOPED_TRACE(::testing::Message() << channels << " channels, kernel " << kernel);
        try_depthwise(random, window);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// A kernel that is too large comes in parts, and the later ones add to the output. No output may be
// computed twice then, as some outputs of wide maps are otherwise.
TEST(NativeDepthwise, AddsToWhatItReplacesOnce) {
  Random random(3);
  for (const std::int64_t channels : {16, 5, 24}) {
    Window window = random_window(random, channels);
    window.width = window.out_width = 13;
    window.height = window.out_height = 4;
    window.row_stride = window.pixel_stride * window.width;
    window.kernel_height = window.kernel_width = 3;
    window.stride_height = window.stride_width = 1;
    window.pad_height = window.pad_width = 1;
    Memory memory;
    memory.input = random.values(reach(window));
    const std::vector<float> weights = random.values(9 * channels);
    Depthwise layer{window, weights.data(), {}};
    layer.epilogue.output = Rows{Space::output, 0, channels, nullptr};
    layer.epilogue.residual = layer.epilogue.output;
    std::vector<double> expected;
    for (std::int64_t m = 0; m < 4 * 13; ++m) {
      for (std::int64_t c = 0; c < channels; ++c) {
        double sum = kUntouched;
        for_taps(window, memory, m, c, [&](std::int64_t tap, double value) {
          sum += value * weights[tap * channels + c];
        });
        expected.push_back(sum);
      }
    }
    expect_written(layer, memory, expected);
    if (HasFatalFailure()) return;
  }
}

// Returns true if the window covers a pixel for every output, as read_plan requires.
bool covers_pixels(const Window& window) {
  return window.pad_height < window.kernel_height && window.pad_width < window.kernel_width &&
         (window.out_height - 1) * window.stride_height < window.height + window.pad_height &&
         (window.out_width - 1) * window.stride_width < window.width + window.pad_width;
}

TEST(NativePooling, TakesTheLargestOrTheMean) {
  Random random(3);
  for (int round = 0; round < 400; ++round) {
    const Window window = random_window(random, random(1, 50));
    if (!covers_pixels(window)) continue;
    Memory memory;
    memory.input = random.values(reach(window));
    const std::int64_t rows = window.out_height * window.out_width;
    const Placed output = place(random, Space::output, rows, window.channels);
    for (const Pool kind : {Pool::maximum, Pool::average}) {
      std::vector<double> expected(static_cast<std::size_t>(reach(output, rows, window.channels)),
                                   kNothing);
      for (std::int64_t m = 0; m < rows; ++m) {
        for (std::int64_t c = 0; c < window.channels; ++c) {
          double sum = 0, largest = -1e30;
          int count = 0;
          for_taps(window, memory, m, c, [&](std::int64_t, double value) {
            sum += value;
            largest = std::max(largest, value);
            ++count;
          });
          expected[output.row(m) + c] = kind == Pool::maximum ? largest : sum / count;
        }
      }
      SCOPED_TRACE(round);
      expect_written(Pooling{window, kind, output.rows}, memory, expected);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hvit_edge::native::testing
