"""Compute linear quantization of activations, operators since iOS 17."""

from __future__ import annotations

from torch import Tensor

from hvit_edge.coreml.operators.registry import operator

RANGES = {"int8": (-128, 127), "uint8": (0, 255)}


@operator("quantize")
def quantize(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    *,
    output_dtype: str,
    axis: int | None = None,
) -> Tensor:
    """Return round(input / scale) + zero_point, limited to the dtype; one scale, or one along
    `axis`.
    """
    levels = (input / along(scale, input, axis)).round()
    if zero_point is not None:
        levels = levels + along(zero_point, input, axis)
    return levels.clamp(*RANGES[output_dtype])


@operator("dequantize")
def dequantize(
    input: Tensor, scale: Tensor, zero_point: Tensor | None = None, *, axis: int | None = None
) -> Tensor:
    """Return scale * (input - zero_point)."""
    if zero_point is not None:
        input = input - along(zero_point, input, axis)
    return input * along(scale, input, axis)


def along(values: Tensor, data: Tensor, axis: int | None) -> Tensor:
    """Return a vector reshaped to broadcast along `axis` of `data`; a scalar is unchanged."""
    if values.ndim == 0 or axis is None:
        return values
    shape = [1] * data.ndim
    shape[axis] = -1
    return values.reshape(shape)
