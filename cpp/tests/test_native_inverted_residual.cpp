// Inverted residuals against their three layers, run one by one.
#include "hvit_edge/threads.h"
#include "native/scratch.h"
#include "native_int8.h"

namespace hvit_edge::native::testing {
namespace {

/// Says which of the two linear layers are int8.
struct Kind {
  bool expand, project;
};

struct Sizes {
  std::int64_t height, width, depth, channels, columns, kernel, stride, jobs;
  bool adds_input = false;
};

/// A layer of the map's pixels, float32 or int8.
struct RandomLayer {
  std::int64_t depth, columns;
  std::vector<float> weights, bias;
  RandomInt8Weights codes;

  RandomLayer(Random& random, std::int64_t width, std::int64_t count)
      : depth(width),
        columns(count),
        weights(panels(random.values(width * count), width, count)),
        bias(padded(random.values(count))),
        codes(random, count, 1, width) {}
};

class Block {
 public:
  Block(Random& random, const Sizes& sizes, Kind kind)
      : sizes_(sizes),
        kind_(kind),
        window_(window_of(sizes)),
        outputs_(window_.out_height * window_.out_width),
        pixels_(sizes.height * sizes.width),
        expand_(random, sizes.depth, sizes.channels),
        project_(random, sizes.channels, sizes.columns),
        taps_(random.values(sizes.kernel * sizes.kernel * sizes.channels)),
        taps_bias_(random.values(sizes.channels)),
        codes_(random, pixels_, sizes.depth, 1),
        epilogue_(random, outputs_, sizes.columns),
        source_(place(random, Space::input, pixels_, sizes.depth)),
        input_(random.values(reach(source_, pixels_, sizes.depth))),
        expand_first_(static_cast<Activation>(random(0, 3))),
        first_(static_cast<Activation>(random(0, 3))),
        second_(static_cast<Activation>(random(0, 3))) {
    const auto floats = [](std::int64_t count) { return 4 * count; };
    residual_ = layout_.add(floats(static_cast<std::int64_t>(epilogue_.residuals().size())));
    ranges_ = layout_.add(8 * pixels_);
    input_codes_ = layout_.add(pixels_ * in_fours(sizes.depth));
    map_ = layout_.add(floats(pixels_ * sizes.channels));
    middle_ = layout_.add(floats(outputs_ * sizes.channels));
    middle_ranges_ = layout_.add(8 * outputs_);
    middle_codes_ = layout_.add(outputs_ * in_fours(sizes.channels));
    InvertedResidual layer = fused(0);
    scratch_bytes_ = sizes.jobs * scratch_of(layer, sizeof(float)).bytes;
    scratch_ = layout_.add(scratch_bytes_);
  }
  Block(const Block&) = delete;

  void expect_same() {
    const std::size_t count =
        epilogue_.expected([](std::int64_t, std::int64_t) { return 0.0; }).size();
    for (const InstructionSet& set : present_sets()) {
      const std::vector<float> before = arena(set);
      std::vector<float> apart = before, together = before;
      const std::vector<double> expected = one_by_one(set, apart, count);
      const auto actual = run_in(set, fused(scratch_), input_, together, count);
      // Relative to the sums, even if an activation bounds what is written of them.
      double largest = bounds_sums() ? static_cast<double>(sizes_.channels) : 1;
      for (const double value : expected) {
        if (!std::isnan(value)) largest = std::max(largest, std::abs(value));
      }
      const double step = kind_.project ? code_step(apart) : 0;
      expect_output(actual, expected, 1e-6 * largest + step, set.name);
      expect_same_beside(before, together, {{scratch_, scratch_ + scratch_bytes_}}, set.name);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  static Window window_of(const Sizes& sizes) {
    Window window;
    window.space = Space::arena;
    window.height = sizes.height;
    window.width = sizes.width;
    window.channels = window.pixel_stride = sizes.channels;
    window.row_stride = sizes.width * sizes.channels;
    window.kernel_height = window.kernel_width = sizes.kernel;
    window.stride_height = window.stride_width = sizes.stride;
    window.pad_height = window.pad_width = sizes.kernel / 2;
    const std::int64_t more = 2 * window.pad_height - sizes.kernel;
    window.out_height = (sizes.height + more) / sizes.stride + 1;
    window.out_width = (sizes.width + more) / sizes.stride + 1;
    return window;
  }

  std::vector<float> arena(const InstructionSet& set) const {
    std::vector<float> memory = layout_.memory();
    const std::vector<float>& residuals = epilogue_.residuals();
    if (!residuals.empty()) {
      std::memcpy(bytes_in(memory, residual_), residuals.data(), 4 * residuals.size());
    }
    codes_.write_ranges(set, bytes_in(memory, ranges_));
    codes_.write(set, bytes_in(memory, input_codes_));
    return memory;
  }

  AnyLinear expand() const {
    AnyLinear layer;
    layer.is_int8 = kind_.expand;
    Epilogue& epilogue = kind_.expand ? layer.in_int8.epilogue : layer.in_float.epilogue;
    epilogue.bias = expand_.bias.data();
    epilogue.first = expand_first_;
    layer.in_float.rows = layer.in_int8.rows = pixels_;
    layer.in_float.depth = layer.in_int8.depth = sizes_.depth;
    layer.in_float.columns = layer.in_int8.columns = sizes_.channels;
    layer.in_float.input = source_.rows;
    layer.in_float.weights = expand_.weights.data();
    layer.in_int8.codes = input_codes_;
    layer.in_int8.ranges = ranges_;
    layer.in_int8.weights = expand_.codes.get();
    return layer;
  }

  AnyLinear project() const {
    AnyLinear layer;
    layer.is_int8 = kind_.project;
    Epilogue& epilogue = kind_.project ? layer.in_int8.epilogue : layer.in_float.epilogue;
    epilogue = epilogue_.get();
    epilogue.residual.offset = residual_;
    layer.in_float.rows = layer.in_int8.rows = outputs_;
    layer.in_float.depth = layer.in_int8.depth = sizes_.channels;
    layer.in_float.columns = layer.in_int8.columns = sizes_.columns;
    layer.in_float.weights = project_.weights.data();
    layer.in_int8.weights = project_.codes.get();
    return layer;
  }

  Depthwise depthwise() const {
    Depthwise layer{window_, taps_.data(), {}};
    layer.epilogue.bias = taps_bias_.data();
    layer.epilogue.first = first_;
    layer.epilogue.second = sizes_.adds_input ? second_ : Activation::none;
    return layer;
  }

  InvertedResidual fused(std::int64_t scratch) const {
    InvertedResidual layer;
    layer.expand = expand();
    layer.depthwise = depthwise();
    layer.depthwise.window.ring = sizes_.kernel;
    layer.adds_input = sizes_.adds_input;
    layer.project = project();
    layer.scratch = scratch;
    layer.jobs = sizes_.jobs;
    return layer;
  }

  // Returns the output, with kNothing where nothing is written.
  std::vector<double> one_by_one(const InstructionSet& set, std::vector<float>& memory,
                                 std::size_t count) {
    AnyLinear wide = expand();
    const Rows map{Space::arena, map_, sizes_.channels, nullptr};
    const Rows middle{Space::arena, middle_, sizes_.channels, nullptr};
    wide.in_float.epilogue.output = wide.in_int8.epilogue.output = map;
    run_one(set, wide, memory, 0);
    Depthwise windows = depthwise();
    windows.window.offset = map_;
    windows.epilogue.output = middle;
    if (sizes_.adds_input) windows.epilogue.residual = map;
    run_in(set, windows, input_, memory);
    AnyLinear narrow = project();
    narrow.in_float.input = middle;
    narrow.in_int8.codes = middle_codes_;
    narrow.in_int8.ranges = middle_ranges_;
    if (kind_.project) {
      Quantise quantise;
      quantise.rows = outputs_;
      quantise.columns = sizes_.channels;
      quantise.input = middle;
      quantise.codes = middle_codes_;
      quantise.ranges = middle_ranges_;
      run_in(set, quantise, input_, memory);
    }
    const std::vector<float> output = run_one(set, narrow, memory, count);
    std::vector<double> expected(output.begin() + kGuard, output.end() - kGuard);
    for (double& value : expected) value = value == double{kUntouched} ? kNothing : value;
    return expected;
  }

  std::vector<float> run_one(const InstructionSet& set, const AnyLinear& layer,
                             std::vector<float>& memory, std::size_t count) {
    if (layer.is_int8) return run_in(set, layer.in_int8, input_, memory, count);
    return run_in(set, layer.in_float, input_, memory, count);
  }

  bool bounds_sums() const {
    const Epilogue epilogue = epilogue_.get();
    for (const Activation kind : {epilogue.first, epilogue.second}) {
      if (kind == Activation::sigmoid || kind == Activation::hardsigmoid ||
          kind == Activation::relu6 || kind == Activation::tanh) {
        return true;
      }
    }
    return false;
  }

  // Returns the largest effect of one code more or less in the depthwise convolution's output.
  double code_step(std::vector<float>& memory) const {
    float step = 0, weight = 0;
    for (std::int64_t row = 0; row < outputs_; ++row) {
      float scale = 0;
      std::memcpy(&scale, bytes_in(memory, middle_ranges_) + 8 * row, sizeof(scale));
      step = std::max(step, scale);
    }
    for (const float scale : project_.codes.scales) weight = std::max(weight, std::abs(scale));
    return double{step} * 127 * weight;
  }

  Sizes sizes_;
  Kind kind_;
  Window window_;
  std::int64_t outputs_, pixels_;
  RandomLayer expand_, project_;
  std::vector<float> taps_, taps_bias_;
  RandomCodes codes_;
  RandomEpilogue epilogue_;
  Placed source_;
  std::vector<float> input_;
  Activation expand_first_, first_, second_;
  Layout layout_;
  std::int64_t residual_, ranges_, input_codes_, map_, middle_, middle_ranges_, middle_codes_;
  std::int64_t scratch_ = 0, scratch_bytes_ = 0;
};

constexpr Kind kKinds[] = {{false, false}, {true, false}, {false, true}, {true, true}};

void expect_same_for(Random& random, const Sizes& sizes) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(::testing::Message()
                 << sizes.height << " x " << sizes.width << ", kernel " << sizes.kernel
                 << ", stride " << sizes.stride << ", int8 " << kind.expand << kind.project
                 << ", jobs " << sizes.jobs << (sizes.adds_input ? ", adds its input" : ""));
    Block(random, sizes, kind).expect_same();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(NativeInvertedResidual, EqualsItsLayers) {
  Random random(1);
  for (const int threads : {1, 3}) {
    ASSERT_TRUE(set_threads(threads).ok());
    for (const std::int64_t kernel : {1, 3, 5}) {
      for (const std::int64_t stride : {1, 2}) {
        for (int round = 0; round < 8; ++round) {
          const Sizes sizes = {random(1, 11), random(1, 11), random(1, 33),
                               random(1, 50), random(1, 50), kernel,
                               stride,        random(1, 9),  stride == 1 && random.flip()};
          expect_same_for(random, sizes);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

// Sizes as in models: full vectors of channels, several outputs together.
TEST(NativeInvertedResidual, EqualsItsLayersOnWideMaps) {
  Random random(2);
  for (const int threads : {1, 3}) {
    ASSERT_TRUE(set_threads(threads).ok());
    for (const std::int64_t stride : {1, 2}) {
      for (const bool adds_input : {false, true}) {
        if (adds_input && stride == 2) continue;
        expect_same_for(random, {17, 25, 24, 96, 48, 3, stride, 8, adds_input});
        if (HasFatalFailure()) return;
      }
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

TEST(NativeInvertedResidual, HasMoreJobsThanRows) {
  Random random(3);
  ASSERT_TRUE(set_threads(3).ok());
  for (const std::int64_t height : {1, 2, 3}) {
    for (const std::int64_t jobs : {1, 8, 50}) {
      for (const std::int64_t stride : {1, 2}) {
        expect_same_for(random, {height, 5, 7, 20, 9, 3, stride, jobs, stride == 1});
        if (HasFatalFailure()) return;
      }
    }
  }
  ASSERT_TRUE(set_threads(0).ok());
}

}  // namespace
}  // namespace hvit_edge::native::testing
