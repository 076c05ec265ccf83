// Describes a method by what ExecuTorch knows of it.
#pragma once

#include <executorch/runtime/executor/method_meta.h>

#include "engine/method_facts.h"

namespace hvit_edge {

MethodFacts facts_of(const executorch::runtime::MethodMeta& method);

}  // namespace hvit_edge
