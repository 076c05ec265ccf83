// Describes a method of a program file.
#pragma once

#include "engine/method_facts.h"
#include "small/method.h"

namespace hvit_edge::small {

MethodFacts facts_of(const Method& method);

}  // namespace hvit_edge::small
