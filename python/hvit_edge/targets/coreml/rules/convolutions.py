"""Translate convolutions over one to three dimensions, transposed ones, and windows as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.moves import sliced, viewed
from hvit_edge.targets.coreml.rules.padding import padded
from hvit_edge.targets.coreml.rules.products import product
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, plain

RANKS = {
    aten.conv1d.default: 1,
    aten.conv1d.padding: 1,
    aten.conv2d.default: 2,
    aten.conv2d.padding: 2,
    aten.conv3d.default: 3,
    aten.conv3d.padding: 3,
}
TRANSPOSED = {
    aten.conv_transpose1d.default: 1,
    aten.conv_transpose2d.input: 2,
    aten.conv_transpose3d.input: 3,
}


@rule(*RANKS)
def convolution(call: Call) -> Value:
    """Translate a convolution; a map without a batch is a batch of one.

    With computed weights, it becomes a product of the weights and the windows of the map.
    """
    rank, x = RANKS[call.node.target], call.tensor(0)
    if not call.tensor(1, "weight").is_constant:
        return _computed_convolution(call, x)
    shape = call.shape
    if len(shape) == rank + 1:
        x, shape = viewed(x, [1, *x.layout.shape]), [1, *shape]
    plain(x)
    weight = call.array(1, "weight")
    dilation = several(call.option(5, "dilation", 1), rank)
    y = mb.conv(
        x=call.rounded(x.data),
        weight=weight,
        strides=several(call.option(3, "stride", 1), rank),
        pad_type="custom",
        pad=_padding(call.option(4, "padding", 0), weight, dilation),
        dilations=dilation,
        groups=call.option(6, "groups", 1),
        **_bias(call),
    )
    return viewed(Value(y, Layout.plain(shape)), call.shape)


def _computed_convolution(call: Call, x: Value) -> Value:
    weight, bias = call.tensor(1, "weight"), call.optional_tensor(2, "bias")
    x = _image(x)
    outputs, depth, *kernel = weight.layout.shape
    if len(kernel) != 2:
        raise ValueError("expected constant weights or a 2-D convolution")
    dilation, groups = several(call.option(5, "dilation", 1), 2), call.option(6, "groups", 1)
    pad = _padding(call.option(4, "padding", 0), np.empty((1, 1, *kernel)), dilation)
    windows = _windows(x, kernel, several(call.option(3, "stride", 1), 2), pad, dilation)
    batch, _, *size = windows.layout.shape
    taps, places = depth * math.prod(kernel), math.prod(size)
    windows = viewed(windows, [batch, groups, taps, places])
    weight = viewed(weight, [1, groups, outputs // groups, taps])
    y = product(weight, windows, [batch, groups, outputs // groups, places])
    y = viewed(y, [batch, outputs, *size])
    if bias is not None:
        bias = viewed(bias, [1, outputs, 1, 1])
        align(y, bias)
        y = Value(mb.add(x=y.data, y=bias.data), y.layout)
    return viewed(y, call.shape)


def _padding(
    given: str | int | Sequence[int], weight: np.ndarray, dilation: list[int]
) -> list[int]:
    """Return the padding before and after each dimension; PyTorch puts more after if it is odd."""
    if given == "valid":
        return [0] * 2 * len(dilation)
    if given == "same":
        totals = [(size - 1) * d for size, d in zip(weight.shape[2:], dilation, strict=True)]
        return [end for total in totals for end in (total // 2, total - total // 2)]
    if isinstance(given, str):
        raise ValueError(f"expected padding same, valid or widths, got {given!r}")
    return [end for amount in several(given, len(dilation)) for end in (amount, amount)]


@rule(*TRANSPOSED)
def transposed_convolution(call: Call) -> Value:
    """Compute the full result and crop it by the padding.

    If the result must be longer than that, a border of zeros around the input makes it longer.
    """
    rank, x = TRANSPOSED[call.node.target], call.tensor(0)
    shape = call.shape
    if len(shape) == rank + 1:
        x, shape = viewed(x, [1, *x.layout.shape]), [1, *shape]
    plain(x)
    weight = call.array(1, "weight")
    strides = several(call.option(3, "stride", 1), rank)
    padding = several(call.option(4, "padding", 0), rank)
    extra = several(call.option(5, "output_padding", 0), rank)
    lacking = [max(0, more - pad) for more, pad in zip(extra, padding, strict=True)]
    added = [math.ceil(n / stride) for n, stride in zip(lacking, strides, strict=True)]
    widths = {at + 2: (0, count) for at, count in enumerate(added) if count}
    if widths:
        x = padded(x, widths, 0.0)
    ends = [
        end
        for pad, more, count, stride in zip(padding, extra, added, strides, strict=True)
        for end in (pad, pad - more + count * stride)
    ]
    y = mb.conv_transpose(
        x=x.data,
        weight=weight,
        strides=strides,
        pad_type="custom",
        pad=ends,
        dilations=several(call.option(7, "dilation", 1), rank),
        groups=call.option(6, "groups", 1),
        **_bias(call),
    )
    if list(y.shape) != list(shape):
        raise ValueError(f"expected a result of shape {list(shape)}, got {list(y.shape)}")
    return viewed(Value(y, Layout.plain(shape)), call.shape)


@rule(aten.im2col.default)
def columns(call: Call) -> Value:
    """Return windows of a map as columns: a convolution of each channel, one tap for
    each result.
    """
    kernel, dilation, padding, strides = (several(value, 2) for value in call.node.args[1:5])
    pad = [end for amount in padding for end in (amount, amount)]
    found = _windows(_image(call.tensor(0)), kernel, strides, pad, dilation)
    return viewed(found, call.shape)


def _windows(
    x: Value, kernel: list[int], strides: list[int], pad: list[int], dilation: list[int]
) -> Value:
    """Return the windows of a map, [N, C * taps, rows, columns]."""
    y = mb.conv(
        x=x.data,
        weight=_taps(x.layout.shape[1], kernel),
        strides=strides,
        pad_type="custom",
        pad=pad,
        dilations=dilation,
        groups=x.layout.shape[1],
    )
    return Value(y, Layout.plain(y.shape))


@rule(aten.col2im.default)
def from_columns(call: Call) -> Value:
    """Sum columns over the map that they are windows of: the transposed convolution."""
    size = several(call.node.args[1], 2)
    kernel, dilation, padding, strides = (several(value, 2) for value in call.node.args[2:6])
    counts = [
        (n + 2 * pad - d * (k - 1) - 1) // stride + 1
        for n, k, d, pad, stride in zip(size, kernel, dilation, padding, strides, strict=True)
    ]
    *lead, rows, _ = call.tensor(0).layout.shape
    x = viewed(call.tensor(0), [*(lead or [1]), rows, *counts])
    plain(x)
    channels = rows // math.prod(kernel)
    whole = zip(counts, kernel, dilation, strides, strict=True)
    full = [(n - 1) * stride + d * (k - 1) + 1 for n, k, d, stride in whole]
    short = [n + 2 * pad - f for n, pad, f in zip(size, padding, full, strict=True)]
    y: Var = mb.conv_transpose(
        x=x.data,
        weight=_taps(channels, kernel),
        strides=strides,
        pad_type="custom",
        pad=[0, 0, 0, 0],
        dilations=dilation,
        groups=channels,
    )
    # Elements that no window reaches stay zero.
    result = Value(y, Layout.plain(y.shape))
    if any(short):
        result = padded(result, {at + 2: (0, n) for at, n in enumerate(short) if n}, 0.0)
    return viewed(_cropped(result, padding), call.shape)


def _cropped(x: Value, padding: list[int]) -> Value:
    for dim, amount in enumerate(padding, start=2):
        x = sliced(x, dim, amount, x.layout.shape[dim] - amount)
    return x


def _image(x: Value) -> Value:
    x = viewed(x, [1, *x.layout.shape]) if len(x.layout.logical) == 3 else x
    plain(x)
    return x


def _taps(channels: int, kernel: list[int]) -> np.ndarray:
    """Return weights [channels * taps, 1, height, width], in which each filter has one tap of 1."""
    taps = math.prod(kernel)
    alone: np.ndarray = np.eye(taps, dtype=np.float32).reshape(taps, 1, *kernel)
    return np.tile(alone, (channels, 1, 1, 1))


def _bias(call: Call) -> dict[str, np.ndarray]:
    bias = call.optional_array(2, "bias")
    return {} if bias is None else {"bias": bias}


def several(value: int | Sequence[int], count: int) -> list[int]:
    """Return `value` for each of `count` dimensions; PyTorch allows one number for all."""
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values
