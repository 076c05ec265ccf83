#include "plan_reader.h"

#include <cmath>
#include <cstring>

#include "scratch.h"

namespace hvit_edge::native {

PlanReader::PlanReader(const char* words, std::int64_t count, const char* constants,
                       std::array<std::int64_t, kSpaces> bytes, Number number, std::int64_t version)
    : words_(words),
      count_(count),
      constants_(constants),
      bytes_(bytes),
      value_bytes_(bytes_of(number)),
      version_(version) {}

void PlanReader::require(bool holds, const char* otherwise) {
  if (!holds && fault_.empty()) fault_ = otherwise;
}

std::int64_t PlanReader::word() {
  require(next_ < count_, "one that ends too early");
  if (!ok()) return 0;
  std::int64_t value = 0;
  std::memcpy(&value, words_ + 8 * next_++, sizeof(value));
  return value;
}

std::int64_t PlanReader::amount() {
  const std::int64_t value = word();
  require(value >= 0 && value <= kMostCount, "a number that is out of range");
  return ok() ? value : 0;
}

std::int64_t PlanReader::count() {
  const std::int64_t value = amount();
  require(value > 0, "a size of zero");
  return ok() ? value : 0;
}

int PlanReader::choice(int choices) {
  const std::int64_t value = word();
  require(value >= 0 && value < choices, "a kind that is unknown");
  return ok() ? static_cast<int>(value) : 0;
}

float PlanReader::number() {
  const std::int64_t bits = word();
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  require(std::isfinite(value), "a number that is not finite");
  return ok() ? static_cast<float>(value) : 0.0f;
}

std::int64_t PlanReader::product(std::int64_t a, std::int64_t b) {
  std::int64_t value = 0;
  const bool overflows = __builtin_mul_overflow(a, b, &value);
  require(!overflows && value >= 0 && value <= kMostBytes, "a size that is too large");
  return ok() ? value : 0;
}

const char* PlanReader::constant(std::int64_t items, std::int64_t size, bool required) {
  const std::int64_t offset = word();
  if (offset == -1 && !required) return nullptr;
  const std::int64_t bytes = product(items, size);
  const std::int64_t all = bytes_[static_cast<int>(Space::constants)];
  require(offset >= 0 && offset % size == 0 && bytes <= all && offset <= all - bytes,
          "constants beyond its end");
  return ok() ? constants_ + offset : nullptr;
}

Numbers PlanReader::numbers(std::int64_t count, bool required) {
  return constant(count, value_bytes_, required);
}

Numbers PlanReader::panels(std::int64_t depth, std::int64_t columns) {
  return numbers(product(depth, padded_to_panels(columns)), true);
}

const float* PlanReader::floats(std::int64_t count) {
  return reinterpret_cast<const float*>(constant(count, sizeof(float), true));
}

const std::int32_t* PlanReader::table(std::int64_t count, bool required) {
  const auto* found =
      reinterpret_cast<const std::int32_t*>(constant(count, sizeof(std::int32_t), required));
  for (std::int64_t i = 0; found != nullptr && i < count; ++i) {
    require(found[i] >= 0, "a table with a negative place");
  }
  return ok() ? found : nullptr;
}

std::int64_t PlanReader::largest(const std::int32_t* table, std::int64_t count) {
  std::int64_t most = 0;
  for (std::int64_t i = 0; table != nullptr && i < count; ++i) {
    if (table[i] > most) most = table[i];
  }
  return most;
}

void PlanReader::check_reach(Space space, std::int64_t offset, std::int64_t reach, Access access) {
  require(offset % value_bytes_ == 0, "memory beyond what it asks for");
  check_bytes(space, offset, product(reach, value_bytes_), access);
}

void PlanReader::check_bytes(Space space, std::int64_t offset, std::int64_t bytes, Access access) {
  const bool readable = space != Space::output;
  const bool writable = space == Space::arena || space == Space::output;
  require(access == Access::write ? writable : readable, "memory that is not for this");
  const std::int64_t all = ok() ? bytes_[static_cast<int>(space)] : 0;
  require(offset >= 0 && bytes <= all && offset <= all - bytes, "memory beyond what it asks for");
}

Rows PlanReader::rows(std::int64_t count, std::int64_t columns, Access access) {
  Rows rows;
  const std::int64_t space = word();
  if (space == -1 && access == Access::read_if_any) return rows;
  require(space >= 0 && space < kSpaces, "memory that is unknown");
  rows.space = static_cast<Space>(ok() ? space : 0);
  rows.offset = amount();
  rows.stride = amount();
  rows.table = table(count, false);
  const std::int64_t last =
      rows.table != nullptr ? largest(rows.table, count) : product(rows.stride, count - 1);
  check_reach(rows.space, rows.offset, last + columns, access);
  return rows;
}

Heads PlanReader::unchecked_heads(std::int64_t heads) {
  Heads found;
  found.space = static_cast<Space>(choice(kSpaces));
  found.offset = amount();
  found.stride = amount();
  found.table = table(heads, true);
  return found;
}

Heads PlanReader::spread_heads(std::int64_t heads, std::int64_t tokens, std::int64_t width,
                               std::int64_t& step) {
  const Heads found = unchecked_heads(heads);
  step = amount();
  check_reach(found.space, found.offset,
              largest(found.table, heads) + product(found.stride, tokens - 1) +
                  product(step, width - 1) + 1,
              Access::read);
  return found;
}

Heads PlanReader::heads(std::int64_t heads, std::int64_t tokens, std::int64_t width,
                        Access access) {
  const Heads found = unchecked_heads(heads);
  check_reach(found.space, found.offset,
              largest(found.table, heads) + product(found.stride, tokens - 1) + width, access);
  return found;
}

void PlanReader::read_geometry(Window& window) {
  window.space = static_cast<Space>(choice(kSpaces));
  window.offset = amount();
  for (std::int64_t* field :
       {&window.height, &window.width, &window.channels, &window.row_stride, &window.pixel_stride,
        &window.out_height, &window.out_width, &window.kernel_height, &window.kernel_width,
        &window.stride_height, &window.stride_width}) {
    *field = count();
  }
  window.pad_height = amount();
  window.pad_width = amount();
  product(product(window.out_height, window.out_width), window.channels);
  require(product(window.kernel_height, window.kernel_width) <= kMostTaps, "too large a window");
  require(window.channels <= kMostChannels, "too many channels");
  if (!ok()) window = Window{};  // its sizes may be multiplied
}

Window PlanReader::window() {
  Window window;
  read_geometry(window);
  const std::int64_t reach = product(window.row_stride, window.height - 1) +
                             product(window.pixel_stride, window.width - 1) + window.channels;
  check_reach(window.space, window.offset, reach, Access::read);
  return ok() ? window : Window{};
}

Window PlanReader::code_window() {
  Window window;
  read_geometry(window);
  const std::int64_t reach = product(window.row_stride, window.height - 1) +
                             product(window.pixel_stride, window.width - 1) +
                             code_bytes(window.channels);
  require(window.space == Space::arena, "codes that are not in the arena");
  check_bytes(Space::arena, window.offset, reach, Access::read);
  return window;
}

std::int64_t PlanReader::codes(std::int64_t rows, std::int64_t columns) {
  return scratch_bytes(product(rows, code_bytes(columns)));
}

std::int64_t PlanReader::ranges(std::int64_t rows, std::int64_t together) {
  // The division rounds up without a sum, because `rows` may be the pixels of a map of any size.
  return scratch_bytes(together > 0 ? product(kRangeBytes, rows / together + (rows % together != 0))
                                    : 0);
}

Int8Weights PlanReader::int8_weights(std::int64_t taps, std::int64_t depth, std::int64_t columns) {
  Int8Weights weights;
  const std::int64_t padded = padded_to_panels(columns);
  const std::int64_t fours = product(product(taps, (depth + 3) / 4), padded);
  weights.codes = reinterpret_cast<const std::int8_t*>(constant(fours, 4, true));
  weights.scales = floats(padded);
  weights.totals = floats(padded);
  return weights;
}

Epilogue PlanReader::epilogue(std::int64_t rows, std::int64_t columns, std::int64_t biases) {
  Epilogue epilogue;
  epilogue.bias = numbers(biases, false);
  epilogue.first = activation();
  epilogue.residual = this->rows(rows, columns, Access::read_if_any);
  epilogue.second = activation();
  epilogue.output = this->rows(rows, columns, Access::write);
  return epilogue;
}

Epilogue PlanReader::panel_epilogue(std::int64_t rows, std::int64_t columns) {
  return epilogue(rows, columns, padded_to_panels(columns));
}

std::int64_t PlanReader::scratch(std::int64_t values) {
  return scratch_bytes(product(values, value_bytes_));
}

std::int64_t PlanReader::scratch_bytes(std::int64_t bytes) {
  const std::int64_t offset = amount();
  require(offset % 4 == 0, "memory beyond what it asks for");
  check_bytes(Space::arena, offset, bytes, Access::write);
  return offset;
}

}  // namespace hvit_edge::native
