// Writes plans for cpp/src/native/read_plan.h word by word; any word may be wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "native/read_plan.h"

namespace hvit_edge::native::testing {

struct PlanWriter {
  std::int64_t magic = kMagic;
  std::int64_t version = kVersion;
  std::int64_t arena = 0, input = 0, output = 0;  // bytes
  std::vector<std::int64_t> words;
  std::string names;
  std::vector<char> constants;

  /// Appends values to the constants; returns their offset.
  template <class Value>
  std::int64_t constant(const std::vector<Value>& values) {
    constants.resize((constants.size() + 63) / 64 * 64);
    const std::size_t start = constants.size();
    constants.resize(start + values.size() * sizeof(Value));
    std::memcpy(constants.data() + start, values.data(), values.size() * sizeof(Value));
    return static_cast<std::int64_t>(start);
  }
  void operation(std::initializer_list<std::int64_t> list) {
    for (const std::int64_t word : list) words.push_back(word);
    names += std::string("name\0", 5);
  }

  /// Returns the bytes, aligned as a plan must be; the last 8 bytes may be partly used. If the
  /// constants are shared, they are not in it.
  std::vector<std::int64_t> bytes(bool shared = false) const {
    std::int64_t header[9] = {magic, version, arena, input, output};
    header[5] = static_cast<std::int64_t>(words.size());
    header[6] = static_cast<std::int64_t>(names.size());
    const std::size_t start = (sizeof(header) + 8 * words.size() + names.size() + 63) / 64 * 64;
    header[7] = shared ? 0 : static_cast<std::int64_t>(start);
    header[8] = static_cast<std::int64_t>(constants.size());
    std::vector<std::int64_t> all((start + (shared ? 0 : constants.size()) + 7) / 8);
    auto* to = reinterpret_cast<char*>(all.data());
    std::memcpy(to, header, sizeof(header));
    if (!words.empty()) std::memcpy(to + sizeof(header), words.data(), 8 * words.size());
    std::memcpy(to + sizeof(header) + 8 * words.size(), names.data(), names.size());
    if (!constants.empty() && !shared) std::memcpy(to + start, constants.data(), constants.size());
    return all;
  }
};

/// Returns a number in the form of a plan's word.
inline std::int64_t bits(double value) {
  std::int64_t word = 0;
  std::memcpy(&word, &value, sizeof(word));
  return word;
}

}  // namespace hvit_edge::native::testing
