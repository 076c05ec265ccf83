// Reads and checks the operations that have no weights.
#pragma once

#include "plan_reader.h"

namespace hvit_edge::native {

Pooling read_pooling(PlanReader& reader);
LayerNorm read_layer_norm(PlanReader& reader);
Attention read_attention(PlanReader& reader);
Add read_add(PlanReader& reader);
Mean read_mean(PlanReader& reader);
Pad read_pad(PlanReader& reader);
Gather read_gather(PlanReader& reader);
Quantise read_quantise(PlanReader& reader);
Unary read_unary(PlanReader& reader);
Binary read_binary(PlanReader& reader);
Select read_select(PlanReader& reader);
Reduction read_reduction(PlanReader& reader);
Softmax read_softmax(PlanReader& reader);
Matmul read_matmul(PlanReader& reader);
Transpose read_transpose(PlanReader& reader);

}  // namespace hvit_edge::native
