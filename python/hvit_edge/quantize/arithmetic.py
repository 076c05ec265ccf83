"""Describe the arithmetic of a program outside its int8 layers, and the errors that
it may cause.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

import torch
from torch.fx import GraphModule

from hvit_edge.quantize.half import number_of


@dataclass(frozen=True)
class Arithmetic:
    """Says what a program computes in outside its int8 layers, and how far off it may be.

    Attributes:
        number: the dtype of results.
        margin_db: how far the error of a program may exceed one random draw of such errors, in dB.
        layer_db: the least SQNR of one layer on the program's values, in dB. docs/quantization.md
            has the values of the registered families.
    """

    number: torch.dtype
    margin_db: float
    layer_db: float


FLOAT32 = Arithmetic(torch.float32, margin_db=10.0, layer_db=60.0)
FLOAT16 = Arithmetic(torch.float16, margin_db=20.0, layer_db=20.0)
"""CPUs with float16 arithmetic also add in float16, which costs up to 15 dB."""
STORED_FLOAT16 = Arithmetic(torch.float16, margin_db=10.0, layer_db=40.0)
"""Results are rounded to float16, and sums are float32."""


def xnnpack_arithmetic(graph: GraphModule) -> Arithmetic:
    """Return the arithmetic of a quantized graph's program with XNNPACK."""
    return FLOAT16 if number_of(graph) is torch.float16 else FLOAT32


def native_arithmetic(*, in_half: bool) -> Arithmetic:
    """Return the arithmetic of the native backend on this machine; x86-64 adds in float32."""
    if not in_half:
        return FLOAT32
    return STORED_FLOAT16 if platform.machine() in ("x86_64", "AMD64") else FLOAT16
