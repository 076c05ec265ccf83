"""Evaluate the operators of Core ML's MIL; each module defines a group of them.

Definitions, names and defaults follow coremltools' `converters/mil/mil/ops/defs`, where Apple
documents each operator for each opset.
"""

from hvit_edge.coreml.operators import (
    activations,
    attention,
    comparisons,
    compressed,
    convolution,
    elementwise,
    gathers,
    joins,
    matrix,
    normalization,
    padding,
    pooling,
    quantization,
    reductions,
    resizing,
    scatters,
    shapes,
    slices,
    sorting,
    spatial,
)

__all__ = [
    "activations",
    "attention",
    "comparisons",
    "compressed",
    "convolution",
    "elementwise",
    "gathers",
    "joins",
    "matrix",
    "normalization",
    "padding",
    "pooling",
    "quantization",
    "reductions",
    "resizing",
    "scatters",
    "shapes",
    "slices",
    "sorting",
    "spatial",
]
