"""Define layers that multiply int8 by int8, with the range of the input taken at run time.

    y[o] = sum_i x[i] w[o, i] + b[o],    x about s (q - z) with one s and z a row,    w = q_w s_w[o]

A row is what one output element of the layer reads at most: the features of a token
(`int8_linear`), the channels of a pixel (`int8_pointwise`), or the complete map (`int8_conv2d`).
`rows` consecutive tokens or pixels share one range.

The range is asymmetric and contains zero. Scale and zero point are chosen as XNNPACK's
`xnn_f32_qd8_asymmetric_quantization_params` does. Results are float32; in a float16 graph (see
`half`), they become float16.

ExecuTorch expresses this by a chain of quantize and dequantize operators around an ATen operator.
But it has neither a range for each pixel nor such a convolution after a permuted tensor.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

QMIN, QMAX = -128, 127

LIBRARY = torch.library.Library("hvit_edge", "FRAGMENT")
for _name in ("int8_linear", "int8_pointwise"):
    LIBRARY.define(
        f"{_name}(Tensor x, Tensor weight, Tensor scales, Tensor? bias, bool relu, int rows=1)"
        " -> Tensor"
    )
LIBRARY.define(
    "int8_conv2d(Tensor x, Tensor weight, Tensor scales, Tensor? bias, bool relu,"
    " int[] stride, int[] padding, int[] dilation, int groups) -> Tensor"
)


def round_rows(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Return `x` rounded to int8 steps, with one range for all elements along `dims`."""
    low = x.amin(dims, keepdim=True).clamp(max=0)
    high = x.amax(dims, keepdim=True).clamp(min=0)
    scale = (high - low) / (QMAX - QMIN)
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero_point = _nudged_zero_point(low / scale, high / scale)
    steps = (x / scale).add_(zero_point).round_().clamp_(QMIN, QMAX)
    return steps.sub_(zero_point).mul_(scale)


def _nudged_zero_point(low: Tensor, high: Tensor) -> Tensor:
    """Return the integer that represents zero, from the end of the range with the smaller error."""
    from_low = (QMIN + low) + (QMAX + high) > 0
    zero_point = torch.where(from_low, QMIN - low, QMAX - high)
    return zero_point.round().clamp(QMIN, QMAX)


def dequantized(weight: Tensor, scales: Tensor) -> Tensor:
    """Return int8 `weight` times the scale of its first dimension, as float32."""
    return weight.float() * scales.reshape(-1, *[1] * (weight.dim() - 1))


def _linear(
    x: Tensor, weight: Tensor, scales: Tensor, bias: Tensor | None, relu: bool, rows: int = 1
) -> Tensor:
    rounded = round_rows(x.reshape(-1, rows * x.shape[-1]), (-1,)).reshape(x.shape)
    y = F.linear(rounded, dequantized(weight, scales).flatten(1), bias)
    return y.relu() if relu else y


def _pointwise(
    x: Tensor, weight: Tensor, scales: Tensor, bias: Tensor | None, relu: bool, rows: int = 1
) -> Tensor:
    pixels = x.permute(0, 2, 3, 1)
    y = _linear(pixels, weight, scales, bias, relu, rows)
    return y.permute(0, 3, 1, 2).contiguous()


def _conv2d(
    x: Tensor,
    weight: Tensor,
    scales: Tensor,
    bias: Tensor | None,
    relu: bool,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
) -> Tensor:
    rounded = round_rows(x, (1, 2, 3))
    y = F.conv2d(rounded, dequantized(weight, scales), bias, stride, padding, dilation, groups)
    return y.relu() if relu else y


def _shape_of_conv2d(x: Tensor, weight: Tensor, *arguments: object) -> Tensor:
    _, _, *geometry = arguments[1:]
    return F.conv2d(x, weight.to(x.dtype), None, *geometry)


for _name, _eager, _shape in (
    ("int8_linear", _linear, lambda x, w, *_: x.new_empty(*x.shape[:-1], w.shape[0])),
    (
        "int8_pointwise",
        _pointwise,
        lambda x, w, *_: x.new_empty(x.shape[0], w.shape[0], *x.shape[2:]),
    ),
    ("int8_conv2d", _conv2d, _shape_of_conv2d),
):
    LIBRARY.impl(_name, _eager, "CPU")
    LIBRARY.impl(_name, _shape, "Meta")

LINEAR = torch.ops.hvit_edge.int8_linear.default
POINTWISE = torch.ops.hvit_edge.int8_pointwise.default
CONV2D = torch.ops.hvit_edge.int8_conv2d.default
INT8_OPERATORS = (LINEAR, POINTWISE, CONV2D)
