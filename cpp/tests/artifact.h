// The artifact that make_tiny.py wrote: convolution, ReLU, mean, linear; 32x24 pixels, 7 classes.
// The runtime without ExecuTorch is tested with that of make_tiny_native.py, the same network.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "artifact/crc32.h"

namespace hvit_edge::testing {

/// What differs between the runtimes: see tested_runtime.cpp.
extern const bool kSmall;
extern const char* const kTarget;
extern const char* const kBackend;
extern const char* const kTiny;
extern const char* const kTwoOutputs;
extern const char* const kEmbed;
extern const char* const kSegment;
extern const char* const kDetect;

/// Returns the path of an artifact by its name.
inline std::string data_path(const char* name) {
  return std::string(HVIT_EDGE_TEST_DATA) + "/" + name;
}

inline std::string tiny_path() { return std::string(HVIT_EDGE_TEST_DATA) + "/" + kTiny; }

inline std::vector<std::uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Returns `program` followed by the seal that docs/artifact.md defines.
inline std::vector<std::uint8_t> sealed(std::vector<std::uint8_t> program,
                                        std::uint32_t version = 1) {
  const std::uint64_t size = program.size();
  const std::uint32_t checksum = crc32(program.data(), program.size());
  std::vector<std::uint8_t> seal = {'H', 'V', 'I', 'T', 'E', 'D', 'G', 'E'};
  for (int i = 0; i < 4; ++i) seal.push_back(static_cast<std::uint8_t>(version >> (8 * i)));
  for (int i = 0; i < 4; ++i) seal.push_back(static_cast<std::uint8_t>(checksum >> (8 * i)));
  for (int i = 0; i < 8; ++i) seal.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  seal.resize(32);
  program.insert(program.end(), seal.begin(), seal.end());
  return program;
}

}  // namespace hvit_edge::testing
