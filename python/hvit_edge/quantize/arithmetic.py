"""What a program computes in where it is not int8, and how far that may take its answers."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import torch
from torch.fx import GraphModule

from hvit_edge.quantize.half import number_of


@dataclass(frozen=True)
class Arithmetic:
    """What a program computes in where it is not int8, and how far that may take it.

    Attributes:
        number: of results.
        margin_db: how much more than one random draw of such errors a program may err, in decibel.
        layer_db: least SQNR of one layer on the program's own values. What the registered families
            reach is in docs/quantization.md.
    """

    number: torch.dtype
    margin_db: float
    layer_db: float


FLOAT32 = Arithmetic(torch.float32, margin_db=10.0, layer_db=60.0)
FLOAT16 = Arithmetic(torch.float16, margin_db=20.0, layer_db=20.0)
"""CPUs with float16 arithmetic also add in float16, which costs up to 15 dB."""
STORED_FLOAT16 = Arithmetic(torch.float16, margin_db=10.0, layer_db=40.0)
"""Results are rounded to float16, sums are float32."""


def xnnpack_arithmetic(graph: GraphModule) -> Arithmetic:
    """Return what the program of a quantized graph computes in with XNNPACK."""
    return FLOAT16 if number_of(graph) is torch.float16 else FLOAT32


def native_arithmetic(*, in_half: bool) -> Arithmetic:
    """Return what our own backend computes in on this machine; x86-64 adds in float32."""
    if not in_half:
        return FLOAT32
    return STORED_FLOAT16 if platform.machine() in ("x86_64", "AMD64") else FLOAT16
