"""Let an operation apply an activation or factors of its columns that follow it."""

from __future__ import annotations

import numpy as np

from hvit_edge.targets.native import general_operations as general
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.kinds import Activation

Layer = ops.Linear | ops.Convolution | ops.Depthwise | ops.LinearInt8 | ops.ConvolutionInt8
LAYERS = (
    ops.Linear,
    ops.Convolution,
    ops.Depthwise,
    ops.LinearInt8,
    ops.ConvolutionInt8,
)
"""The operations that have an epilogue, as a type and for `isinstance`."""
ACTIVATED = (ops.LayerNorm, ops.Add, general.Binary)
"""The operations without an epilogue that have an activation."""


def by_column(array: np.ndarray, places: np.ndarray, width: int) -> np.ndarray | None:
    """Return the value of each column of a layer with its output at `places`; None if
    rows differ.
    """
    whole = np.broadcast_to(array, places.shape).astype(np.float64)
    columns: np.ndarray = places % width
    found = np.empty(width)
    found[columns.ravel()] = whole.ravel()
    return found if np.array_equal(found[columns], whole) else None


def scale_columns(layer: Layer, factor: np.ndarray) -> None:
    """Multiply the weights of a layer by a factor for each column, in float64."""
    if isinstance(layer, ops.LinearInt8 | ops.ConvolutionInt8):
        scales = (layer.weights.scales.astype(np.float64) * factor).astype(np.float32)
        layer.weights = ops.Int8Weights(layer.weights.codes, scales)
        return
    if not isinstance(layer, ops.Depthwise):
        factor = factor.reshape(-1, *[1] * (layer.weights.ndim - 1))
    layer.weights = (layer.weights.astype(np.float64) * factor).astype(np.float32)


def take_activation(operation: ops.Operation, activation: Activation) -> bool:
    """Let an operation apply an activation too; return False if it cannot."""
    if isinstance(operation, general.Parts):
        layers = [part for part in operation.parts if isinstance(part, LAYERS)]
        adds = any(layer.epilogue.residual is not None for layer in layers)
        return not adds and all(take_activation(part, activation) for part in operation.parts)
    if isinstance(operation, LAYERS):
        epilogue = operation.epilogue
        field = "first" if epilogue.residual is None else "second"
        if getattr(epilogue, field) is not Activation.NONE:
            return False
        setattr(epilogue, field, activation)
        return True
    if isinstance(operation, ACTIVATED):
        if operation.activation is not Activation.NONE:
            return False
        operation.activation = activation
        return True
    return False
