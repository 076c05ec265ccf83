// Reads a method of a program file.
#pragma once

#include <functional>

#include "small/method.h"

namespace hvit_edge::small {

/// Returns the data of a delegate: it is the item `index` of the program's segments, or of the data
/// inside the flatbuffer. Records a fault if there is no such item.
using FindData = std::function<Bytes(bool in_segment, std::size_t index)>;

/// Faults are recorded in `buffer`, to which `table` belongs.
Method read_method(FlatBuffer& buffer, const FlatTable& table, const FindData& find_data);

}  // namespace hvit_edge::small
