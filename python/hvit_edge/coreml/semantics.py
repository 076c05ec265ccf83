"""Define how values are stored between operators, and how each operator computes.

An operator computes in float32 or finer on its inputs as they are stored: float16 is widened, which
is exact. Its result is rounded once, to the dtype that the program declares. Beyond 65504 a float16
becomes infinite, as on hardware. Integers compute in int64 and wrap to the declared width; bools
are exact. A fused operator (layer_norm, softmax, attention) is one operator: nothing inside it is
rounded. Compute units that accumulate in float16 lose more than this.

`storage=False` keeps float16 results in float32: the difference is the cost of float16 storage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hvit_edge.coreml.function import Variable
from hvit_edge.coreml.toolkit import toolkit

# Integers of less than a byte are stored in a byte each.
DTYPES = {
    "fp16": torch.float16,
    "fp32": torch.float32,
    "fp64": torch.float64,
    "bool": torch.bool,
    "int4": torch.int8,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "uint1": torch.uint8,
    "uint2": torch.uint8,
    "uint3": torch.uint8,
    "uint4": torch.uint8,
    "uint6": torch.uint8,
    "uint8": torch.uint8,
    "uint16": torch.uint16,
    "uint32": torch.uint32,
    "uint64": torch.uint64,
}


def widened(value: Any) -> Any:
    """Return `value` as an operator computes with it: float16 as float32, integers as int64."""
    if not isinstance(value, Tensor) or value.dtype is torch.bool:
        return value
    if value.dtype is torch.float16:
        return value.float()
    return value if value.dtype.is_floating_point else value.to(torch.int64)


def stored(value: Any, dtype: torch.dtype | None, storage: bool = True) -> Any:
    """Return an operator's result as the program stores it; labels and dictionaries
    are unchanged.
    """
    if not isinstance(value, Tensor) or dtype is None:
        return value
    if dtype is torch.float16:
        value = value.float()
        return value.to(torch.float16) if storage else value
    if dtype is torch.bool and value.dtype is not torch.bool:
        return value != 0
    if value.dtype.is_floating_point and not dtype.is_floating_point:
        return value.trunc().to(torch.int64).to(dtype)
    return value.to(dtype)


def declared_dtype(var: Any) -> torch.dtype | None:
    """Return the torch dtype of a variable; None for labels, lists and dictionaries."""
    if isinstance(var, Variable):
        return var.dtype
    types = toolkit("coremltools.converters.mil.mil.types")
    if types.is_list(var.sym_type) or types.is_dict(var.sym_type):
        return None
    return DTYPES.get(types.builtin_to_string(var.dtype))


def declared_shape(var: Any) -> tuple[int | None, ...]:
    """Return the shape of a variable, with None for each flexible dimension."""
    if isinstance(var, Variable):
        return var.shape
    is_symbolic = toolkit("coremltools.converters.mil.mil.types.symbolic").is_symbolic
    return tuple(None if is_symbolic(size) else int(size) for size in var.shape)


def constant(value: Any) -> Any:
    """Return a constant's value: a tensor, a string or a list of labels."""
    if isinstance(value, (str, list, tuple)):
        return value
    array = np.asarray(value)
    # numpy dtypes of sub-byte integers carry a note that torch does not accept.
    plain = array.astype(np.dtype(array.dtype.str), copy=array.dtype.metadata is not None)
    return torch.from_numpy(plain if plain.flags.writeable else plain.copy())
