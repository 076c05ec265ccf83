#include "read_layers.h"

#include "scratch.h"

namespace hvit_edge::native {

Linear read_linear(PlanReader& reader) {
  Linear layer;
  layer.rows = reader.count();
  layer.depth = reader.count();
  layer.columns = reader.count();
  layer.taps = reader.table(layer.depth, /*required=*/false);
  const std::int64_t reach =
      layer.taps == nullptr ? layer.depth : reader.largest(layer.taps, layer.depth) + 1;
  layer.input = reader.rows(layer.rows, reach, Access::read);
  layer.weights = reader.panels(layer.depth, layer.columns);
  layer.epilogue = reader.panel_epilogue(layer.rows, layer.columns);
  return layer;
}

Convolution read_convolution(PlanReader& reader) {
  Convolution layer;
  layer.window = reader.window();
  layer.columns = reader.count();
  layer.weights = reader.panels(layer.window.taps() * layer.window.channels, layer.columns);
  layer.epilogue = reader.panel_epilogue(layer.window.outputs(), layer.columns);
  return layer;
}

Depthwise read_depthwise(PlanReader& reader) {
  Depthwise layer;
  layer.window = reader.window();
  const Window& window = layer.window;
  layer.weights = reader.numbers(window.taps() * window.channels, true);
  layer.epilogue = reader.epilogue(window.outputs(), window.channels, window.channels);
  return layer;
}

LinearInt8 read_linear_int8(PlanReader& reader) {
  LinearInt8 layer;
  layer.rows = reader.count();
  layer.depth = reader.count();
  layer.columns = reader.count();
  layer.together = reader.count();
  layer.codes = reader.codes(layer.rows, layer.depth);
  layer.ranges = reader.ranges(layer.rows, layer.together);
  layer.weights = reader.int8_weights(1, layer.depth, layer.columns);
  layer.epilogue = reader.panel_epilogue(layer.rows, layer.columns);
  return layer;
}

ConvolutionInt8 read_convolution_int8(PlanReader& reader) {
  ConvolutionInt8 layer;
  layer.window = reader.code_window();
  const Window& window = layer.window;
  layer.columns = reader.count();
  layer.ranges = reader.ranges(1, 1);
  layer.zeros = reader.codes(1, window.channels);
  layer.weights = reader.int8_weights(window.taps(), window.channels, layer.columns);
  layer.epilogue = reader.panel_epilogue(window.outputs(), layer.columns);
  return layer;
}

namespace {

// Returns a layer inside another one, in float32 or int8.
AnyLinear any_linear(bool is_int8, std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  AnyLinear layer;
  layer.is_int8 = is_int8;
  layer.in_int8.rows = layer.in_float.rows = rows;
  layer.in_int8.depth = layer.in_float.depth = depth;
  layer.in_int8.columns = layer.in_float.columns = columns;
  return layer;
}

void read_weights(PlanReader& reader, AnyLinear& layer) {
  if (layer.is_int8) {
    layer.in_int8.weights = reader.int8_weights(1, layer.depth(), layer.columns());
  } else {
    layer.in_float.weights = reader.panels(layer.depth(), layer.columns());
  }
}

AnyLinear read_expand(PlanReader& reader, std::int64_t rows) {
  const bool is_int8 = reader.choice(2) == 1;
  const std::int64_t depth = reader.count(), columns = reader.count();
  AnyLinear layer = any_linear(is_int8, rows, depth, columns);
  if (is_int8) {
    layer.in_int8.codes = reader.codes(rows, depth);
    layer.in_int8.ranges = reader.ranges(rows, 1);
  } else {
    layer.in_float.input = reader.rows(rows, depth, Access::read);
  }
  read_weights(reader, layer);
  layer.epilogue().bias = reader.numbers(padded_to_panels(columns), false);
  layer.epilogue().first = reader.activation();
  return layer;
}

AnyLinear read_project(PlanReader& reader, std::int64_t rows, std::int64_t depth) {
  const bool is_int8 = reader.choice(2) == 1;
  const std::int64_t columns = reader.count();
  AnyLinear layer = any_linear(is_int8, rows, depth, columns);
  read_weights(reader, layer);
  layer.epilogue() = reader.panel_epilogue(rows, columns);
  return layer;
}

}  // namespace

InvertedResidual read_inverted_residual(PlanReader& reader) {
  InvertedResidual layer;
  Depthwise& depthwise = layer.depthwise;
  Window& window = depthwise.window;
  reader.read_geometry(window);
  window.ring = window.kernel_height;
  reader.require(
      window.row_stride == window.width * window.channels && window.pixel_stride == window.channels,
      "a ring with gaps");
  reader.require(
      window.pad_height < window.kernel_height &&
          (window.out_height - 1) * window.stride_height < window.height + window.pad_height,
      "an output row of no input row");
  layer.expand = read_expand(reader, window.height * window.width);
  reader.require(layer.expand.columns() == window.channels, "a ring of other channels");
  depthwise.weights = reader.numbers(window.taps() * window.channels, true);
  depthwise.epilogue.bias = reader.numbers(window.channels, false);
  depthwise.epilogue.first = reader.activation();
  layer.adds_input = reader.choice(2) == 1;
  depthwise.epilogue.second = reader.activation();
  const bool same_size = window.out_height == window.height && window.out_width == window.width &&
                         window.stride_height == 1 &&
                         2 * window.pad_height < window.kernel_height + 1;
  reader.require(!layer.adds_input || same_size, "an input added to another size");
  layer.project = read_project(reader, window.outputs(), window.channels);
  layer.jobs = reader.count();
  const std::int64_t bytes = scratch_of(layer, reader.value_bytes()).bytes;
  layer.scratch = reader.scratch_bytes(reader.product(layer.jobs, bytes));
  return layer;
}

}  // namespace hvit_edge::native
