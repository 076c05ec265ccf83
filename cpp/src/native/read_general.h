// Reads and checks the operations that plans of version 1 do not have.
#pragma once

#include "operations.h"
#include "plan_reader.h"

namespace hvit_edge::native {

Unary read_unary(PlanReader& reader);
Binary read_binary(PlanReader& reader);
Reduction read_reduction(PlanReader& reader);
Softmax read_softmax(PlanReader& reader);
Matmul read_matmul(PlanReader& reader);
Select read_select(PlanReader& reader);
Transpose read_transpose(PlanReader& reader);

}  // namespace hvit_edge::native
