// Reads the words of a plan and checks each of them.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "operations.h"

namespace hvit_edge::native {

enum class Access { read, read_if_any, write };

constexpr std::int64_t kMostBytes = std::int64_t{1} << 36;  // of any memory: 64 GiB
constexpr std::int64_t kMostCount = std::int64_t{1} << 31;  // rows, columns, pixels

/// Reads in the order in which the plan was written. After the first fault, every result is
/// harmless: zero, a null pointer, or a pointer that must not be used because `ok` is false.
class PlanReader {
 public:
  /// `words` has int64 words; `bytes` are the sizes of the spaces.
  PlanReader(const char* words, std::int64_t count, const char* constants,
             std::array<std::int64_t, kSpaces> bytes, Number number, std::int64_t version);

  bool ok() const { return fault_.empty(); }
  bool at_end() const { return next_ == count_; }
  const std::string& fault() const { return fault_; }
  std::int64_t value_bytes() const { return value_bytes_; }
  void require(bool holds, const char* otherwise);
  std::int64_t product(std::int64_t a, std::int64_t b);  // a fault if it is too large

  std::int64_t amount();    // 0 to kMostCount
  std::int64_t count();     // 1 to kMostCount
  int choice(int choices);  // 0 to choices - 1
  /// Reads a number of an enumeration that plans of this version may hold.
  template <class Enum>
  Enum number_of(const CountByVersion& counts) {
    return static_cast<Enum>(choice(counts[static_cast<std::size_t>(version_ - 1)]));
  }
  Kind kind() { return number_of<Kind>(kKindCounts); }
  Activation activation() { return number_of<Activation>(kActivationCounts); }
  float number();  // the bits of a double
  Numbers numbers(std::int64_t count, bool required);
  Numbers panels(std::int64_t depth, std::int64_t columns);
  const std::int32_t* table(std::int64_t count, bool required);  // without negative values
  std::int64_t largest(const std::int32_t* table, std::int64_t count);
  Rows rows(std::int64_t count, std::int64_t columns, Access access);
  Heads heads(std::int64_t heads, std::int64_t tokens, std::int64_t width, Access access);
  // Reads matrices whose columns are `step` values apart; `step` follows the words of `Heads`.
  Heads spread_heads(std::int64_t heads, std::int64_t tokens, std::int64_t width,
                     std::int64_t& step);
  Window window();
  void read_geometry(Window& window);  // does not check that its map fits
  Epilogue epilogue(std::int64_t rows, std::int64_t columns, std::int64_t biases);
  Epilogue panel_epilogue(std::int64_t rows, std::int64_t columns);  // of outputs in panels
  std::int64_t scratch(std::int64_t values);                         // in the arena
  std::int64_t scratch_bytes(std::int64_t bytes);                    // the same
  std::int64_t codes(std::int64_t rows, std::int64_t columns);       // of int8, in the arena
  std::int64_t ranges(std::int64_t rows, std::int64_t together);     // scale, zero of each range
  Int8Weights int8_weights(std::int64_t taps, std::int64_t depth, std::int64_t columns);
  Window code_window();  // over codes in the arena

 private:
  std::int64_t word();
  Heads unchecked_heads(std::int64_t heads);
  const float* floats(std::int64_t count);
  const char* constant(std::int64_t items, std::int64_t size, bool required);
  // Checks that `reach` values after `offset` are all in `space`.
  void check_reach(Space space, std::int64_t offset, std::int64_t reach, Access access);
  void check_bytes(Space space, std::int64_t offset, std::int64_t bytes, Access access);

  const char* words_;
  std::int64_t count_;
  std::int64_t next_ = 0;
  const char* constants_;
  std::array<std::int64_t, kSpaces> bytes_;
  std::int64_t value_bytes_;
  std::int64_t version_;
  std::string fault_;
};

}  // namespace hvit_edge::native
