"""How layers, pools, norms and element-wise operators become operations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse, row_axis
from hvit_edge.targets.native.operations import Activation, Epilogue, PoolKind, Window
from hvit_edge.targets.native.values import Buffer, Rows, Value, dense, fresh

FEWEST_CHANNELS = 8
"""Maps of fewer are taken as planes."""
MOST_TAPS = 256
MOST_CHANNELS = 8192


def lower_linear(emit: Emitter, node: Node) -> None:
    source = emit.with_rows(emit.value(node.args[0]), -1, node)
    weights, bias = _weights(emit, node)
    _put_linear(emit, node, source.rows(-1), weights, bias, axis=-1)


def lower_convolution(emit: Emitter, node: Node) -> None:
    """As a linear layer where a pixel needs no neighbours, as windows over a map elsewhere."""
    weights, bias = _weights(emit, node)
    steps, padding, dilation = (_pair(node, i, n, d) for i, n, d in _CONVOLUTION)
    groups = argument(node, 6, "groups", 1)
    batch, channels = shape_of(node.args[0])[:2]
    if batch != 1 or dilation != (1, 1) or groups not in (1, channels):
        raise refuse(node, "a convolution of a batch, with dilation or of groups")
    kernel = weights.shape[2:]
    if math.prod(kernel) > MOST_TAPS:
        raise refuse(node, f"a convolution with a kernel of {kernel}")
    if groups > 1:
        _depthwise(emit, node, weights, bias, steps, padding)
    elif kernel == (1, 1) and padding == (0, 0):
        source = emit.with_rows(emit.value(node.args[0]), 1, node)
        source = Value(source.buffer, source.places[:, :, :: steps[0], :: steps[1]])
        _put_linear(emit, node, source.rows(1), weights[:, :, 0, 0], bias, axis=1)
    elif channels < FEWEST_CHANNELS:
        _planes(emit, node, weights, bias, steps, padding)
    else:
        window = _window(emit, node, kernel, steps, padding)
        output = fresh(shape_of(node), axis=1)
        taps = weights.transpose(0, 2, 3, 1)
        emit.put(node, ops.Convolution(window, taps, Epilogue(bias, output.rows(1))), output)


_CONVOLUTION = ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))


def _pair(node: Node, position: int, name: str, default: int) -> tuple[int, int]:
    value = argument(node, position, name, default)
    values = [value] if isinstance(value, int) else list(value) or [default]
    return tuple(values * 2) if len(values) == 1 else tuple(values)


def _weights(emit: Emitter, node: Node) -> tuple[np.ndarray, np.ndarray | None]:
    if not is_constant(node.args[1]):
        raise refuse(node, "a layer whose weights are computed")
    bias = argument(node, 2, "bias")
    weights = emit.constant(node.args[1]).float().numpy()
    return weights, None if bias is None else emit.constant(bias).float().numpy()


def _put_linear(
    emit: Emitter,
    node: Node,
    rows: Rows,
    weights: np.ndarray,
    bias: np.ndarray | None,
    axis: int,
    taps: np.ndarray | None = None,
) -> None:
    output = fresh(shape_of(node), axis)
    epilogue = Epilogue(bias, output.rows(axis))
    emit.put(node, ops.Linear(rows, weights, epilogue, taps), output)


def _depthwise(
    emit: Emitter,
    node: Node,
    weights: np.ndarray,
    bias: np.ndarray | None,
    steps: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    channels = shape_of(node.args[0])[1]
    if weights.shape[:2] != (channels, 1):
        raise refuse(node, "a convolution of groups")
    window = _window(emit, node, weights.shape[2:], steps, padding)
    output = fresh(shape_of(node), axis=1)
    taps = weights.reshape(channels, -1).T
    emit.put(node, ops.Depthwise(window, taps, Epilogue(bias, output.rows(1))), output)


def _planes(
    emit: Emitter,
    node: Node,
    weights: np.ndarray,
    bias: np.ndarray | None,
    steps: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    """A convolution of few channels: rows are pixels of padded planes, taps are found by table."""
    value = emit.with_rows(emit.value(node.args[0]), -1, node)
    _, channels, height, width = value.shape
    if not np.array_equal(
        value.places.ravel(), value.places.flat[0] + np.arange(value.places.size)
    ):
        raise refuse(node, "planes that are not side by side")
    whole = Rows(value.buffer, value.places[:1, 0, 0, 0], value.places.size)
    if any(padding):
        buffer = Buffer(channels * (height + 2 * padding[0]) * (width + 2 * padding[1]))
        pad = ops.Pad(whole, (channels, height, width), padding, buffer)
        pad.name = "Pad"
        emit.operations.append(pad)
        height, width = height + 2 * padding[0], width + 2 * padding[1]
        whole = Rows(buffer, np.zeros(1, np.int64), buffer.size)
    _, _, tall, wide = weights.shape
    taps = dense((channels, height, width))[:, :tall, :wide].ravel()
    out_height, out_width = shape_of(node)[2:]
    starts = dense((height, width))[:: steps[0], :: steps[1]][:out_height, :out_width].ravel()
    rows = Rows(whole.buffer, whole.places[0] + starts, width)
    flat = weights.reshape(weights.shape[0], -1)
    _put_linear(emit, node, rows, flat, bias, 1, taps)


def _window(
    emit: Emitter,
    node: Node,
    kernel: tuple[int, int],
    steps: tuple[int, int],
    padding: tuple[int, int],
) -> Window:
    value = emit.with_rows(emit.value(node.args[0]), 1, node)
    if not _is_map(value):
        value = _regular(emit, node, value)
    _, channels, height, width = value.shape
    if channels > MOST_CHANNELS:
        raise refuse(node, f"a map of {channels} channels")
    pixels = value.places[0, 0]
    strides = (
        int(pixels[1, 0] - pixels[0, 0]) if height > 1 else width * channels,
        int(pixels[0, 1] - pixels[0, 0]) if width > 1 else channels,
    )
    outputs = tuple(shape_of(node)[2:])
    start, size = int(pixels[0, 0]), (height, width, channels)
    return Window(value.buffer, start, size, strides, outputs, tuple(kernel), steps, padding)


def _is_map(value: Value) -> bool:
    """Whether pixels are a fixed way apart."""
    pixels = value.places[0, 0]
    down, right = np.diff(pixels, axis=0), np.diff(pixels, axis=1)
    same = all(len(np.unique(step)) <= 1 and (step > 0).all() for step in (down, right))
    return bool(same and value.shape[0] == 1)


def _regular(emit: Emitter, node: Node, value: Value) -> Value:
    """A copy with its pixels in order."""
    if value.shape[0] != 1:
        raise refuse(node, "a window over a batch")
    copied = fresh(value.shape, axis=1)
    emit.copy(node, value, copied, 1)
    return copied


def lower_max_pool(emit: Emitter, node: Node) -> None:
    kernel, padding = _pair(node, 1, "kernel_size", 1), _pair(node, 3, "padding", 0)
    if _pair(node, 4, "dilation", 1) != (1, 1):
        raise refuse(node, "a pool with dilation")
    steps = _pair(node, 2, "stride", 0)
    _pool(emit, node, PoolKind.MAXIMUM, kernel, kernel if steps == (0, 0) else steps, padding)


def lower_average_pool(emit: Emitter, node: Node) -> None:
    kernel, padding = _pair(node, 1, "kernel_size", 1), _pair(node, 3, "padding", 0)
    if any(padding) or argument(node, 6, "divisor_override") is not None:
        raise refuse(node, "a mean over padding")
    steps = _pair(node, 2, "stride", 0)
    _pool(emit, node, PoolKind.AVERAGE, kernel, kernel if steps == (0, 0) else steps, padding)


def _pool(
    emit: Emitter,
    node: Node,
    kind: PoolKind,
    kernel: tuple[int, int],
    steps: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    if shape_of(node.args[0])[0] != 1 or math.prod(kernel) > MOST_TAPS:
        raise refuse(node, f"a pool of {kernel} pixels, or of a batch")
    window = _window(emit, node, kernel, steps, padding)
    output = fresh(shape_of(node), axis=1)
    emit.put(node, ops.Pooling(window, kind, output.rows(1)), output)


def lower_layer_norm(emit: Emitter, node: Node) -> None:
    if len(node.args[1]) != 1:
        raise refuse(node, "a norm of several dimensions")
    source = emit.with_rows(emit.value(node.args[0]), -1, node)
    gamma, beta = (
        None if n is None else emit.constant(n).float().numpy()
        for n in (argument(node, 2, "weight"), argument(node, 3, "bias"))
    )
    eps = argument(node, 4, "eps", 1e-5)
    output = fresh(shape_of(node))
    emit.put(node, ops.LayerNorm(source.rows(-1), gamma, beta, eps, output.rows(-1)), output)


def lower_add(emit: Emitter, node: Node) -> None:
    left, right = node.args[:2]
    alpha = argument(node, 2, "alpha", 1)
    if not isinstance(left, Node) or not isinstance(right, Node) or alpha != 1:
        raise refuse(node, "a sum with a number")
    emit.add(node, left, right)


def lower_subtract(emit: Emitter, node: Node) -> None:
    left, right = node.args[:2]
    if not isinstance(left, Node) or not isinstance(right, Node):
        raise refuse(node, "a difference with a number")
    emit.combine(node, emit.value(left), emit.value(right), beta=-1.0)


def lower_scale(emit: Emitter, node: Node) -> None:
    source, factor = node.args[:2]
    if isinstance(factor, Node):
        raise refuse(node, "a product of two tensors")
    if node.target in (aten.div.Tensor, aten.div.Scalar):
        factor = 1 / factor
    emit.combine(node, emit.value(source), None, alpha=float(factor))


def lower_mean(emit: Emitter, node: Node) -> None:
    """Over all dimensions but the first and one other."""
    source = emit.value(node.args[0])
    rank = source.places.ndim
    dims = {dim % rank for dim in node.args[1]}
    kept = [axis for axis in range(1, rank) if axis not in dims]
    if 0 in dims or len(kept) != 1:
        raise refuse(node, f"a mean over the dimensions {sorted(dims)} of {rank}")
    source = emit.with_rows(source, kept[0], node)
    groups, count = source.shape[0], math.prod(source.shape[dim] for dim in dims)
    means = fresh((groups, source.shape[kept[0]]))
    output = Value(means.buffer, means.places.reshape(shape_of(node)))
    emit.put(node, ops.Mean(source.rows(kept[0]), count, means.rows(-1)), output)


def lower_cat(emit: Emitter, node: Node) -> None:
    parts = list(node.args[0])
    axis = row_axis([emit.values[part] for part in parts])
    emit.join(node, parts, fresh(shape_of(node), axis))


def lower_activation(activation: Activation) -> Callable[[Emitter, Node], None]:
    """Of that kind."""

    def lower(emit: Emitter, node: Node) -> None:
        if node.kwargs.get("approximate", "none") != "none":
            raise refuse(node, "GELU by tanh")
        emit.activate(node, node.args[0], activation)

    return lower


LOWERINGS: dict[object, Callable[[Emitter, Node], None]] = {
    aten.linear.default: lower_linear,
    aten.conv2d.default: lower_convolution,
    aten.max_pool2d.default: lower_max_pool,
    aten.avg_pool2d.default: lower_average_pool,
    aten.layer_norm.default: lower_layer_norm,
    aten.add.Tensor: lower_add,
    aten.sub.Tensor: lower_subtract,
    aten.mul.Tensor: lower_scale,
    aten.div.Tensor: lower_scale,
    aten.mean.dim: lower_mean,
    aten.cat.default: lower_cat,
    aten.relu.default: lower_activation(Activation.RELU),
    aten.silu.default: lower_activation(Activation.SILU),
    aten.gelu.default: lower_activation(Activation.GELU),
}
