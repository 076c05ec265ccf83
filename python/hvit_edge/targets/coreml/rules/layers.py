"""Convolutions, linears, norms, pooling and resizing: channels are the second axis of four."""

from __future__ import annotations

import math

import numpy as np
from coremltools.converters.mil import Builder as mb

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Factor, Layout
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain, tokens


@rule(aten.conv2d.default)
def convolution(call: Call) -> Value:
    """As it is; padding on both sides of height and of width."""
    x = call.tensor(0)
    plain(x)
    parameters = {
        "x": call.rounded(x.data),
        "weight": call.array(1, "weight"),
        "strides": _pair(call.option(3, "stride", 1)),
        **_margins(_pair(call.option(4, "padding", 0))),
        "dilations": _pair(call.option(5, "dilation", 1)),
        "groups": call.option(6, "groups", 1),
    }
    return _map(call, mb.conv(**parameters, **_bias(call)))


@rule(aten.linear.default)
def linear(call: Call) -> Value:
    """A convolution with a kernel of one pixel: y[b, o, ...] is the sum of W[o, c] x[b, c, ...]."""
    x = call.tensor(0)
    tokens(x)
    weight = call.array(1, "weight")
    kernel = weight[:, :, None, None]
    y = mb.conv(x=call.rounded(x.data), weight=kernel, pad_type="valid", **_bias(call))
    channels = (Factor(weight.shape[0]),) if weight.shape[0] > 1 else ()
    array = x.layout.array
    return Value(y, Layout((*x.layout.logical[:-1], channels), (array[0], channels, *array[2:])))


@rule(aten.layer_norm.default)
def layer_norm(call: Call) -> Value:
    """Over the channels, wherever the array has them; over several dimensions in plain order."""
    x, shape = call.tensor(0), call.option(1, "normalized_shape")
    affine = {
        name: array
        for name, array in (("gamma", call.array(2, "weight")), ("beta", call.array(3, "bias")))
        if array is not None
    }
    if len(shape) == 1:
        tokens(x)
        axes = [1]
    else:
        plain(x)
        axes = list(range(-len(shape), 0))
    epsilon = np.float32(call.option(4, "eps", 1e-5))
    return Value(mb.layer_norm(x=x.data, axes=axes, epsilon=epsilon, **affine), x.layout)


@rule(aten.max_pool2d.default)
def max_pool(call: Call) -> Value:
    """Kernel, stride (the kernel's size unless given), padding."""
    if _pair(call.option(4, "dilation", 1)) != [1, 1]:
        raise ValueError("dilation 1")
    return _pooled(call, mb.max_pool(**_window(call)))


@rule(aten.avg_pool2d.default)
def avg_pool(call: Call) -> Value:
    """Padding counts as zeros unless PyTorch was told otherwise."""
    if call.option(6, "divisor_override") is not None:
        raise ValueError("no divisor of its own")
    y = mb.avg_pool(
        **_window(call),
        exclude_padding_from_average=not call.option(5, "count_include_pad", True),
    )
    return _pooled(call, y)


@rule(aten.upsample_nearest2d.vec, aten.upsample_nearest2d.default)
def upsample_nearest(call: Call) -> Value:
    """By whole factors."""
    x = call.tensor(0)
    _check_scales(call, 2)
    plain(x)
    factors = [out / size for out, size in zip(call.shape[2:], x.layout.shape[2:], strict=True)]
    if any(factor != int(factor) for factor in factors):
        raise ValueError("sizes that are whole multiples")
    down, across = (int(factor) for factor in factors)
    scaled = mb.upsample_nearest_neighbor(
        x=x.data, scale_factor_height=down, scale_factor_width=across
    )
    return _map(call, scaled)


@rule(aten.upsample_bilinear2d.vec, aten.upsample_bilinear2d.default)
def upsample_bilinear(call: Call) -> Value:
    """Pixel centres as PyTorch has them with and without `align_corners`."""
    x = call.tensor(0)
    plain(x)
    corners = call.option(2, "align_corners", False)
    if not corners:
        _check_scales(call, 3)
    y = mb.resize_bilinear(
        x=x.data,
        target_size_height=call.shape[2],
        target_size_width=call.shape[3],
        sampling_mode="STRICT_ALIGN_CORNERS" if corners else "UNALIGN_CORNERS",
    )
    return _map(call, y)


def _bias(call: Call) -> dict[str, np.ndarray]:
    bias = call.array(2, "bias")
    return {} if bias is None else {"bias": bias}


def _window(call: Call) -> dict[str, object]:
    """What both kinds of pooling share."""
    x = call.tensor(0)
    plain(x)
    kernel = _pair(call.option(1, "kernel_size"))
    strides = _pair(call.option(2, "stride") or kernel)
    pad = _pair(call.option(3, "padding", 0))
    sides = zip(x.layout.shape[2:], kernel, strides, pad, strict=True)
    whole = [(n + 2 * margin - reach) // step + 1 for n, reach, step, margin in sides]
    return {
        "x": x.data,
        "kernel_sizes": kernel,
        "strides": strides,
        **_margins(pad),
        # Only where PyTorch has more windows: without padding Core ML adds one outside the map.
        "ceil_mode": whole != call.shape[2:],
    }


def _pooled(call: Call, data: object) -> Value:
    if list(data.shape) != call.shape:
        raise ValueError("windows that begin inside of the map")
    return _map(call, data)


def _check_scales(call: Call, position: int) -> None:
    """PyTorch takes the scales that it was given even where the sizes have other ratios."""
    given = [scale for scale in call.node.args[position:] if scale is not None]
    scales = given[0] if given and isinstance(given[0], (list, tuple)) else given
    before, after = call.tensor(0).layout.shape[2:], call.shape[2:]
    for scale, size, new in zip(scales, before, after, strict=False):
        if not math.isclose(scale * size, new):
            raise ValueError("scales that give whole sizes")


def _margins(pad: list[int]) -> dict[str, object]:
    """The same margin on both sides of height, and of width."""
    return {"pad_type": "custom", "pad": [pad[0], pad[0], pad[1], pad[1]]}


def _pair(value: object) -> list[int]:
    """PyTorch takes one number for two."""
    pair = list(value) if isinstance(value, (list, tuple)) else [value]
    return pair * 2 if len(pair) == 1 else pair


def _map(call: Call, data: object) -> Value:
    """A map [B, C, H, W] that lies as PyTorch has it."""
    return Value(data, Layout.plain(call.shape))
