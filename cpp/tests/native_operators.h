// Runs an operation of the native backend on every instruction set of this processor, and compares
// its output with doubles. Memory around the output must not change.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "native/instruction_sets.h"
#include "native/int8_pairs.h"
#include "x86_cpu.h"

namespace hvit_edge::native::testing {

constexpr float kUntouched = -777.25F;
constexpr std::int64_t kGuard = 64;  // values before and after an output
constexpr double kTolerance = 1e-5;  // of float32 sums over a few hundred products
constexpr double kRoughness = 3e-4;  // of SiLU and GELU in int8 layers
// marks values that must not be written
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// Runs the kernels of AVX-VNNI in the encoding of AVX-512, which more processors have.
void run_avxvnni_by_evex(const Operation& operation, const Bases& bases);

/// Returns the instruction sets of this processor; the first is portable, which includes NEON.
inline std::vector<InstructionSet> present_sets() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet& set : instruction_sets()) {
    if (set.present) sets.push_back(set);
  }
#if defined(__x86_64__)
  if (x86_cpu().avx512vnni) sets.push_back({"avxvnni by evex", true, run_avxvnni_by_evex, nullptr});
#endif
  return sets;
}

/// Runs an operation whose int8 weights are packed as in a file.
inline void run_packed(const InstructionSet& set, const Operation& operation, const Bases& bases) {
  std::vector<Operation> one{operation};
  const AlignedMemory weights = set.packs_pairs ? pack_pairs(one) : nullptr;
  set.run(one[0], bases);
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  std::int64_t operator()(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(engine_);
  }
  bool flip() { return (*this)(0, 1) == 1; }

  /// The vector has exactly this size, so that a sanitizer sees reads beyond it.
  std::vector<float> values(std::int64_t count, float most = 1) {
    std::uniform_real_distribution<float> one(-most, most);
    std::vector<float> all(static_cast<std::size_t>(count));
    for (float& value : all) value = one(engine_);
    all.shrink_to_fit();
    return all;
  }

  /// Returns 0, step, 2 * step, ... in random order.
  std::vector<std::int32_t> places(std::int64_t count, std::int64_t step) {
    std::vector<std::int32_t> all(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) all[i] = static_cast<std::int32_t>(i * step);
    std::shuffle(all.begin(), all.end(), engine_);
    return all;
  }

 private:
  std::mt19937 engine_;
};

/// The places of an operation's rows, with their table.
struct Placed {
  Rows rows;
  std::vector<std::int32_t> table;

  std::int64_t row(std::int64_t i) const { return table.empty() ? rows.stride * i : table[i]; }
};

/// Places rows of `columns` values with gaps between them, in order or in random order.
inline Placed place(Random& random, Space space, std::int64_t count, std::int64_t columns) {
  Placed placed;
  placed.rows.space = space;
  const std::int64_t stride = columns + random(0, 3);
  if (random.flip()) {
    placed.table = random.places(count, stride);
    placed.rows.table = placed.table.data();
  } else {
    placed.rows.stride = stride;
  }
  return placed;
}

/// Returns how many values such rows span.
inline std::int64_t reach(const Placed& placed, std::int64_t count, std::int64_t columns) {
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < count; ++i) last = std::max(last, placed.row(i));
  return last + columns;
}

/// What a test expects of an output before it says more: nothing is written.
inline std::vector<double> nothing(const Placed& output, std::int64_t rows, std::int64_t columns) {
  return std::vector<double>(static_cast<std::size_t>(reach(output, rows, columns)), kNothing);
}

/// The map of a convolution or a pool, at random: gaps between rows and pixels.
inline Window random_window(Random& random, std::int64_t channels) {
  Window window;
  window.space = Space::input;
  window.height = random(1, 9);
  window.width = random(1, 9);
  window.channels = channels;
  window.pixel_stride = channels + random(0, 2);
  window.row_stride = window.pixel_stride * window.width + random(0, 2);
  window.kernel_height = random(1, 3);
  window.kernel_width = random(1, 3);
  window.stride_height = random(1, 2);
  window.stride_width = random(1, 3);
  window.pad_height = random(0, window.kernel_height);
  window.pad_width = random(0, window.kernel_width);
  window.out_height = random(1, 5);
  window.out_width = random(1, 5);
  return window;
}

/// Returns how many values the map spans.
inline std::int64_t reach(const Window& window) {
  return (window.height - 1) * window.row_stride + (window.width - 1) * window.pixel_stride +
         window.channels;
}

/// Returns the offset of the pixel of a tap for output `m`; -1 outside the map.
inline std::int64_t pixel_of(const Window& window, std::int64_t m, std::int64_t tap) {
  const std::int64_t y =
      m / window.out_width * window.stride_height - window.pad_height + tap / window.kernel_width;
  const std::int64_t x =
      m % window.out_width * window.stride_width - window.pad_width + tap % window.kernel_width;
  if (y < 0 || x < 0 || y >= window.height || x >= window.width) return -1;
  return y * window.row_stride + x * window.pixel_stride;
}

inline double activated(Activation kind, double x) {
  switch (kind) {
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::hardsigmoid:
      return std::min(std::max(x + 3, 0.0), 6.0) / 6;
    case Activation::hardswish:
      return x * std::min(std::max(x + 3, 0.0), 6.0) / 6;
    case Activation::relu6:
      return std::min(std::max(x, 0.0), 6.0);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::none:
      break;
  }
  return x;
}

/// Packs weights [depth, columns] as [columns / 16][depth][16], with zeros after the last column.
inline std::vector<float> panels(const std::vector<float>& weights, std::int64_t depth,
                                 std::int64_t columns) {
  const std::int64_t count = (columns + kPanel - 1) / kPanel;
  std::vector<float> packed(static_cast<std::size_t>(count * depth * kPanel));
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t n = 0; n < columns; ++n) {
      packed[(n / kPanel * depth + k) * kPanel + n % kPanel] = weights[k * columns + n];
    }
  }
  return packed;
}

/// Pads a bias to full panels.
inline std::vector<float> padded(std::vector<float> bias) {
  bias.resize((bias.size() + kPanel - 1) / kPanel * kPanel);
  return bias;
}

/// The memory of a run. `written` is where the output begins: in `Space::output` or the arena.
struct Memory {
  std::vector<float> input;
  // residuals, or the operation's memory; before the output if it is there
  std::vector<float> arena;
};

/// Returns what `space` holds after `run` if it held kUntouched before, with guards around it.
inline std::vector<float> written(RunOperation run, const Operation& operation, Memory memory,
                                  Space space, std::size_t count) {
  std::vector<float> target(count + 2 * kGuard, kUntouched);
  Bases bases;
  bases.of[static_cast<int>(Space::input)] = reinterpret_cast<char*>(memory.input.data());
  bases.of[static_cast<int>(Space::arena)] = reinterpret_cast<char*>(memory.arena.data());
  bases.of[static_cast<int>(space)] = reinterpret_cast<char*>(target.data() + kGuard);
  run(operation, bases);
  return target;
}

/// Checks an output; `expected` has kNothing where nothing may be written. Differences are relative
/// to values above `scale`, and absolute below.
inline void expect_written(const Operation& operation, const Memory& memory,
                           const std::vector<double>& expected, Space space = Space::output,
                           double scale = 1) {
  std::vector<float> portable;
  for (const InstructionSet& set : present_sets()) {
    const std::vector<float> actual = written(set.run, operation, memory, space, expected.size());
    if (portable.empty()) portable = actual;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const bool inside = i >= kGuard && i - kGuard < expected.size();
      const double value = inside ? expected[i - kGuard] : kNothing;
      if (std::isnan(value)) {
        ASSERT_EQ(actual[i], kUntouched) << set.name << " wrote " << i - kGuard;
        continue;
      }
      const double tolerance = kTolerance * std::max(scale, std::abs(value));
      ASSERT_NEAR(actual[i], value, tolerance) << set.name << " at " << i - kGuard;
      ASSERT_NEAR(actual[i], portable[i], tolerance) << set.name << " at " << i - kGuard;
    }
  }
}

/// A random bias, residual and output of a product, and the result of its sums.
class RandomEpilogue {
 public:
  RandomEpilogue(Random& random, std::int64_t rows, std::int64_t columns)
      : rows_(rows), columns_(columns) {
    if (random.flip()) bias_ = random.values(columns);
    padded_ = padded(bias_);
    first = static_cast<Activation>(random(0, kActivations - 1));
    output_ = place(random, Space::output, rows, columns);
    if (!random.flip()) return;
    second = static_cast<Activation>(random(0, kActivations - 1));
    residual_ = place(random, Space::arena, rows, columns);
    residuals_ = random.values(reach(residual_, rows, columns));
  }
  RandomEpilogue(const RandomEpilogue&) = delete;

  /// Returns the epilogue for full panels of columns, or for exactly these columns.
  Epilogue get() const {
    Epilogue epilogue;
    if (!bias_.empty()) epilogue.bias = padded_.data();
    epilogue.first = first;
    epilogue.second = second;
    epilogue.residual = residual_.rows;
    epilogue.output = output_.rows;
    return epilogue;
  }
  const std::vector<float>& residuals() const { return residuals_; }

  /// Returns how far off activations of int8 layers may be.
  double roughness() const {
    const auto is_rough = [](Activation kind) {
      return kind == Activation::silu || kind == Activation::gelu;
    };
    return (is_rough(first) || is_rough(second)) ? 2 * kRoughness : 0;
  }

  /// Returns the complete output, from the function `sum(row, column)`.
  template <class Sum>
  std::vector<double> expected(const Sum& sum) const {
    std::vector<double> all(static_cast<std::size_t>(reach(output_, rows_, columns_)), kNothing);
    for (std::int64_t m = 0; m < rows_; ++m) {
      for (std::int64_t n = 0; n < columns_; ++n) {
        double value = sum(m, n) + (bias_.empty() ? 0.0 : bias_[n]);
        value = activated(first, value);
        if (!residuals_.empty()) {
          value = activated(second, value + residuals_[residual_.row(m) + n]);
        }
        all[output_.row(m) + n] = value;
      }
    }
    return all;
  }

  Activation first = Activation::none;
  Activation second = Activation::none;  // if there is a residual

 private:
  std::int64_t rows_, columns_;
  std::vector<float> bias_, padded_, residuals_;
  Placed output_, residual_;
};

}  // namespace hvit_edge::native::testing
