// What the kernels include of other headers, for the files of this folder. A file gives the
// functions between its pragmas an instruction set that not every processor has. Functions of the
// standard library that other files share must not be among them, so they are declared before.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "native/operations.h"
#include "native/operators.h"
