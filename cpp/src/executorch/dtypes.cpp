#include "executorch/dtypes.h"

namespace hvit_edge {
namespace {

using executorch::aten::ScalarType;

struct DTypePair {
  ScalarType executorch;
  DType ours;
};

constexpr DTypePair kDTypes[] = {
    {ScalarType::Byte, DType::uint8},    {ScalarType::Char, DType::int8},
    {ScalarType::Short, DType::int16},   {ScalarType::Int, DType::int32},
    {ScalarType::Long, DType::int64},    {ScalarType::Half, DType::float16},
    {ScalarType::Float, DType::float32}, {ScalarType::Double, DType::float64},
    {ScalarType::Bool, DType::boolean},
};

}  // namespace

DType from_executorch(ScalarType type) {
  for (const DTypePair& pair : kDTypes) {
    if (pair.executorch == type) return pair.ours;
  }
  return DType::other;
}

ScalarType to_executorch(DType dtype) {
  for (const DTypePair& pair : kDTypes) {
    if (pair.ours == dtype) return pair.executorch;
  }
  return ScalarType::Float;
}

}  // namespace hvit_edge
