// Reads and checks the plans that hvit_edge/targets/native writes.
#pragma once

#include <cstddef>

#include "hvit_edge/status.h"
#include "operations.h"

namespace hvit_edge::native {

constexpr std::int64_t kMagic = 0x31304e5054495648;      // "HVITPN01", in float32
constexpr std::int64_t kHalfMagic = 0x3130485054495648;  // "HVITPH01", in float16

/// Constants that several plans of a program share. They are stored once, under kSharedConstants in
/// the named data of the program.
struct SharedConstants {
  const void* data = nullptr;
  std::size_t size = 0;
};
constexpr char kSharedConstants[] = "hvit_edge_constants";

/// Returns true if the constants of the plan in `data` are not in it.
bool shares_constants(const void* data, std::size_t size);

/// Returns the plan in `data`, which must outlive it, as must `shared`. No operation of it reaches
/// beyond the memory that the plan asks for, whatever the data.
Result<Plan> read_plan(const void* data, std::size_t size, SharedConstants shared = {});

}  // namespace hvit_edge::native
