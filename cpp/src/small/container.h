// The contents of a program file: ExecuTorch's container, read without ExecuTorch. `program.fbs` in
// ExecuTorch's schema describes it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "hvit_edge/status.h"
#include "small/method.h"

namespace hvit_edge::small {

/// Texts and data point into the bytes that it was read from.
struct Container {
  std::vector<Method> methods;
  std::vector<Bytes> constants;  ///< the first one stands for no data
  std::map<std::string, Bytes> named;
};

/// Reads a program. Every offset is checked: what the container points to is in the bytes.
Result<Container> read_container(const void* data, std::size_t size);

}  // namespace hvit_edge::small
