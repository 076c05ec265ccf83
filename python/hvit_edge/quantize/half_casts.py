"""Define a cast between float32 and float16 that programs have as an operator of their own.

`hvit_edge::cast` is not `_to_copy`: ExecuTorch's partitioner for XNNPACK refuses that one, see
`half_visitors`. Imports no ExecuTorch.
"""

from __future__ import annotations

import torch

LIBRARY = torch.library.Library("hvit_edge", "DEF")
LIBRARY.define("cast(Tensor x, ScalarType dtype) -> Tensor")
LIBRARY.impl("cast", lambda x, dtype: x.to(dtype, copy=True), "CPU")
LIBRARY.impl("cast", lambda x, dtype: torch.empty_like(x, dtype=dtype), "Meta")
CAST = torch.ops.hvit_edge.cast.default
