// Counts the allocations of a program, whose operator new counted_allocations.cpp replaces.
#pragma once

#include <atomic>

namespace hvit_edge::testing {

extern std::atomic<long> allocations;

}  // namespace hvit_edge::testing
