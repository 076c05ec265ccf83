#include "struct_size.h"

#include <algorithm>

#include "text.h"

namespace hvit_edge::capi {
namespace {

// A larger size is a member that was not set, not the struct of a newer header.
constexpr std::size_t kLargest = 4096;

}  // namespace

Outcome check_struct_size(const char* where, const void* given, std::size_t size, std::size_t first,
                          std::size_t known) {
  if (size < first || size > kLargest) {
    return refuse(where, concat("expected a struct_size of ", known, ", got ", size,
                                "; set it to sizeof the struct"));
  }
  const auto* bytes = static_cast<const unsigned char*>(given);
  const bool only_zeros =
      size <= known ||
      std::all_of(bytes + known, bytes + size, [](unsigned char byte) { return byte == 0; });
  if (only_zeros) return {};
  return refuse(where, concat("expected a struct of ", known, " bytes, got ", size,
                              " with members that this library does not know; set them to zero "
                              "or update hvit-edge"));
}

}  // namespace hvit_edge::capi
