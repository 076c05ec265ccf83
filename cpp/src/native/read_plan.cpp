#include "read_plan.h"

#include <cstring>

#include "../text.h"
#include "plan_reader.h"
#include "read_general.h"
#include "scratch.h"

namespace hvit_edge::native {
namespace {

constexpr std::int64_t kHeaderWords = 9;
constexpr int kFirstOperations = 14, kGeneralOperations = 19, kOperations = 21;  // by version

Status refuse(const std::string& what) {
  return Status(StatusCode::invalid_artifact,
                concat("[native.load] expected a plan of version ", kVersion, ", got ", what,
                       "; compile the model again with this version of hvit-edge"));
}

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
  layer.epilogue = reader.epilogue(layer.rows, layer.columns, padded_to_panels(layer.columns));
  return layer;
}

Convolution read_convolution(PlanReader& reader) {
  Convolution layer;
  layer.window = reader.window();
  layer.columns = reader.count();
  const std::int64_t depth =
      layer.window.kernel_height * layer.window.kernel_width * layer.window.channels;
  layer.weights = reader.panels(depth, layer.columns);
  layer.epilogue = reader.epilogue(layer.window.out_height * layer.window.out_width, layer.columns,
                                   padded_to_panels(layer.columns));
  return layer;
}

Depthwise read_depthwise(PlanReader& reader) {
  Depthwise layer;
  layer.window = reader.window();
  const Window& window = layer.window;
  layer.weights =
      reader.numbers(window.kernel_height * window.kernel_width * window.channels, true);
  layer.epilogue =
      reader.epilogue(window.out_height * window.out_width, window.channels, window.channels);
  return layer;
}

Pooling read_pooling(PlanReader& reader) {
  Pooling pool;
  pool.window = reader.window();
  pool.kind = static_cast<Pool>(reader.choice(2));
  const Window& window = pool.window;
  pool.output = reader.rows(window.out_height * window.out_width, window.channels, Access::write);
  reader.require(
      window.pad_height < window.kernel_height && window.pad_width < window.kernel_width &&
          (window.out_height - 1) * window.stride_height < window.height + window.pad_height &&
          (window.out_width - 1) * window.stride_width < window.width + window.pad_width,
      "a pool of no pixels");
  return pool;
}

LayerNorm read_layer_norm(PlanReader& reader) {
  LayerNorm norm;
  norm.rows = reader.count();
  norm.columns = reader.count();
  norm.input = reader.rows(norm.rows, norm.columns, Access::read);
  norm.gamma = reader.numbers(norm.columns, false);
  norm.beta = reader.numbers(norm.columns, false);
  norm.eps = reader.number();
  norm.activation = reader.activation();
  norm.output = reader.rows(norm.rows, norm.columns, Access::write);
  return norm;
}

Attention read_attention(PlanReader& reader) {
  Attention layer;
  layer.heads = reader.count();
  layer.queries = reader.count();
  layer.keys = reader.count();
  layer.width = reader.count();
  layer.value_width = reader.count();
  reader.require(
      layer.keys <= kMostKeys && layer.width <= kMostWidth && layer.value_width <= kMostWidth,
      "attention over too many keys or values");
  layer.query = reader.heads(layer.heads, layer.queries, layer.width, Access::read);
  layer.key = reader.heads(layer.heads, layer.keys, layer.width, Access::read);
  layer.value = reader.heads(layer.heads, layer.keys, layer.value_width, Access::read);
  layer.output = reader.heads(layer.heads, layer.queries, layer.value_width, Access::write);
  const std::int64_t padded = padded_to_panels(layer.keys);
  const std::int64_t matrices = reader.amount();
  if (matrices > 0) {
    const std::int64_t matrix = reader.product(layer.queries, padded);
    const std::int64_t all = reader.product(matrices, matrix);
    layer.bias = reader.numbers(all, true);
    layer.bias_table = reader.table(layer.heads, true);
    reader.require(reader.largest(layer.bias_table, layer.heads) + matrix <= all,
                   "a bias beyond its matrices");
  }
  layer.scale = reader.number();
  const std::int64_t packed = reader.product(padded, layer.width) +
                              reader.product(padded_to_panels(layer.value_width), layer.keys);
  layer.scratch = reader.scratch(reader.product(layer.heads, packed));
  return layer;
}

Add read_add(PlanReader& reader) {
  Add add;
  add.rows = reader.count();
  add.columns = reader.count();
  add.left = reader.rows(add.rows, add.columns, Access::read);
  add.right = reader.rows(add.rows, add.columns, Access::read_if_any);
  add.alpha = reader.number();
  add.beta = reader.number();
  add.activation = reader.activation();
  add.output = reader.rows(add.rows, add.columns, Access::write);
  return add;
}

Mean read_mean(PlanReader& reader) {
  Mean mean;
  mean.groups = reader.count();
  mean.count = reader.count();
  mean.columns = reader.count();
  mean.input = reader.rows(mean.groups * mean.count, mean.columns, Access::read);
  mean.output = reader.rows(mean.groups, mean.columns, Access::write);
  return mean;
}

Pad read_pad(PlanReader& reader) {
  Pad pad;
  pad.channels = reader.count();
  pad.height = reader.count();
  pad.width = reader.count();
  pad.pad_height = reader.amount();
  pad.pad_width = reader.amount();
  const std::int64_t plane = reader.product(pad.height, pad.width);
  const Rows input = reader.rows(1, reader.product(pad.channels, plane), Access::read);
  pad.space = input.space;
  pad.offset = input.offset;
  const std::int64_t padded =
      reader.product(pad.height + 2 * pad.pad_height, pad.width + 2 * pad.pad_width);
  pad.output = reader.scratch(reader.product(pad.channels, padded));
  return pad;
}

Gather read_gather(PlanReader& reader) {
  Gather gather;
  gather.count = reader.count();
  gather.table = reader.table(gather.count, true);
  const Rows input = reader.rows(1, reader.largest(gather.table, gather.count) + 1, Access::read);
  gather.space = input.space;
  gather.offset = input.offset;
  gather.output = reader.scratch(gather.count);
  return gather;
}

Quantise read_quantise(PlanReader& reader) {
  Quantise quantise;
  quantise.rows = reader.count();
  quantise.columns = reader.count();
  quantise.together = reader.count();
  reader.require(quantise.together > 0 && quantise.rows % quantise.together == 0,
                 "ranges of rows that are left over");
  quantise.input = reader.rows(quantise.rows, quantise.columns, Access::read);
  quantise.codes = reader.codes(quantise.rows, quantise.columns);
  quantise.ranges = reader.ranges(quantise.rows, quantise.together);
  quantise.pads = reader.choice(2) == 1;
  if (quantise.pads) {
    quantise.zeros = reader.codes(1, quantise.columns);
    reader.require(quantise.together == quantise.rows, "padding of more than one range");
  }
  return quantise;
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
  layer.epilogue = reader.epilogue(layer.rows, layer.columns, padded_to_panels(layer.columns));
  return layer;
}

ConvolutionInt8 read_convolution_int8(PlanReader& reader) {
  ConvolutionInt8 layer;
  layer.window = reader.code_window();
  const Window& window = layer.window;
  layer.columns = reader.count();
  layer.ranges = reader.ranges(1, 1);
  layer.zeros = reader.codes(1, window.channels);
  layer.weights = reader.int8_weights(window.kernel_height * window.kernel_width, window.channels,
                                      layer.columns);
  layer.epilogue = reader.epilogue(window.out_height * window.out_width, layer.columns,
                                   padded_to_panels(layer.columns));
  return layer;
}

// A layer inside another one, in float32 or int8.
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
  layer.epilogue() = reader.epilogue(rows, columns, padded_to_panels(columns));
  return layer;
}

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
  depthwise.weights =
      reader.numbers(window.kernel_height * window.kernel_width * window.channels, true);
  depthwise.epilogue.bias = reader.numbers(window.channels, false);
  depthwise.epilogue.first = reader.activation();
  layer.adds_input = reader.choice(2) == 1;
  depthwise.epilogue.second = reader.activation();
  const bool same_size = window.out_height == window.height && window.out_width == window.width &&
                         window.stride_height == 1 &&
                         2 * window.pad_height < window.kernel_height + 1;
  reader.require(!layer.adds_input || same_size, "an input added to another size");
  const std::int64_t outputs = window.out_height * window.out_width;
  layer.project = read_project(reader, outputs, window.channels);
  layer.jobs = reader.count();
  const std::int64_t bytes = scratch_of(layer, reader.value_bytes()).bytes;
  layer.scratch = reader.scratch_bytes(reader.product(layer.jobs, bytes));
  return layer;
}

int operations_of(std::int64_t version) {
  if (version >= kChoiceVersion) return kOperations;
  return version >= kGeneralVersion ? kGeneralOperations : kFirstOperations;
}

Operation read_operation(PlanReader& reader) {
  switch (reader.choice(operations_of(reader.version()))) {
    case 0:
      return read_linear(reader);
    case 1:
      return read_convolution(reader);
    case 2:
      return read_depthwise(reader);
    case 3:
      return read_pooling(reader);
    case 4:
      return read_layer_norm(reader);
    case 5:
      return read_attention(reader);
    case 6:
      return read_add(reader);
    case 7:
      return read_mean(reader);
    case 8:
      return read_pad(reader);
    case 9:
      return read_gather(reader);
    case 10:
      return read_quantise(reader);
    case 11:
      return read_linear_int8(reader);
    case 12:
      return read_convolution_int8(reader);
    case 13:
      return read_inverted_residual(reader);
    case 14:
      return read_unary(reader);
    case 15:
      return read_binary(reader);
    case 16:
      return read_reduction(reader);
    case 17:
      return read_softmax(reader);
    case 18:
      return read_matmul(reader);
    case 19:
      return read_select(reader);
    default:
      return read_transpose(reader);
  }
}

}  // namespace

Result<Plan> read_plan(const void* data, std::size_t size) {
  std::int64_t header[kHeaderWords];
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(std::int64_t) != 0) {
    return refuse("data that is not aligned");
  }
  if (size < sizeof(header)) return refuse(concat(size, " bytes"));
  std::memcpy(header, data, sizeof(header));
  const auto [magic, version, arena, input, output, words, names, start, constants] = header;
  if (magic != kMagic && magic != kHalfMagic) return refuse("something else");
  if (version < kOldestVersion || version > kVersion) return refuse(concat("version ", version));
  const auto limit = static_cast<std::int64_t>(size);
  const std::int64_t first = sizeof(header);
  const bool fits = words >= 0 && words <= limit / 8 && names >= 0 && names <= limit &&
                    first + words * 8 + names <= start && start <= limit && start % 64 == 0 &&
                    constants >= 0 && constants <= limit - start;
  if (!fits || arena < 0 || input < 0 || output < 0 || arena > kMostBytes || input > kMostBytes ||
      output > kMostBytes) {
    return refuse("one whose parts do not fit");
  }
  const char* bytes = static_cast<const char*>(data);
  Plan plan;
  plan.number = magic == kHalfMagic ? Number::float16 : Number::float32;
  PlanReader reader(bytes + first, words, bytes + start, {arena, constants, input, output},
                    plan.number, version);
  plan.arena_bytes = static_cast<std::size_t>(arena);
  plan.input_bytes = static_cast<std::size_t>(input);
  plan.output_bytes = static_cast<std::size_t>(output);
  plan.constants = bytes + start;
  const char* name = bytes + first + words * 8;
  const char* names_end = name + names;
  while (reader.ok() && !reader.at_end()) {
    plan.operations.push_back(read_operation(reader));
    const auto* end = static_cast<const char*>(
        name == names_end ? nullptr
                          : std::memchr(name, 0, static_cast<std::size_t>(names_end - name)));
    reader.require(end != nullptr, "an operation without a name");
    if (end == nullptr) break;
    plan.names.emplace_back(name);
    name = end + 1;
  }
  if (!reader.ok()) return refuse(reader.fault());
  return plan;
}

}  // namespace hvit_edge::native
