// Alters bytes of the tiny artifact and seals it again: faults that a checksum does not catch.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "artifact.h"
#include "hvit_edge/session.h"

namespace hvit_edge::testing {

template <typename Integer>
std::string bytes_of(const std::vector<Integer>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Integer)};
}

/// Replaces the first occurrence of `from`; the result is empty if there is none.
inline std::vector<std::uint8_t> altered(const std::string& from, const std::string& to) {
  std::vector<std::uint8_t> program = read_file(tiny_path());
  program.resize(program.size() - 32);
  const auto found = std::search(program.begin(), program.end(), from.begin(), from.end());
  if (found == program.end() || from.size() != to.size()) return {};
  std::copy(to.begin(), to.end(), found);
  return sealed(std::move(program));
}

/// Returns why the artifact is refused when it is opened without being prepared; "" if it is
/// accepted.
inline Status refusal(const std::vector<std::uint8_t>& artifact) {
  struct alignas(16) Block {
    std::uint8_t bytes[16];
  };
  std::vector<Block> aligned(artifact.size() / sizeof(Block) + 1);
  std::memcpy(aligned.data(), artifact.data(), artifact.size());
  SessionOptions options;
  options.prepare = false;
  return Session::load(aligned.data(), artifact.size(), options).status();
}

}  // namespace hvit_edge::testing
