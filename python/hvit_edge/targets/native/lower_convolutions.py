"""Lower convolutions to operations.

The kernels convolve one map, over all its channels or each channel by itself, with taps that are
next to each other. Any other convolution becomes several of those, and each writes a part of the
output:

    images, groups    one convolution for each, over its channels
    dilation d        one convolution for each of d x d grids of pixels that are d apart
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.general_operations import Parts
from hvit_edge.targets.native.operations import Epilogue, Int8Weights
from hvit_edge.targets.native.plan_limits import MOST_TAPS
from hvit_edge.targets.native.values import Buffer, Rows, Value, dense, fresh
from hvit_edge.targets.native.windows import (
    Pair,
    far_from,
    pair,
    pair_of,
    phases,
    placed,
    regular_maps,
    unstrided,
    window_over,
)

FEWEST_CHANNELS = 8
"""Maps with fewer channels are convolved as planes."""


@dataclass(frozen=True)
class Convolution:
    """Describes a convolution over maps, as it is in the graph.

    Attributes:
        weights: float32, or int8 codes, [outputs, channels / groups, height, width].
        bias: float32 [outputs] or None.
        groups: the number of groups of channels.
        size: height and width of a map of the output.
        steps: strides down and across.
        padding: padding before the first row and column.
        dilation: distance between taps, down and across.
        codes: the maps as int8 if the weights are int8, else None.
        scales: float32 [outputs], the scales of int8 weights; else None.
    """

    weights: np.ndarray
    bias: np.ndarray | None
    groups: int
    size: Pair
    steps: Pair
    padding: Pair
    dilation: Pair
    codes: ops.Codes | None = None
    scales: np.ndarray | None = None

    @property
    def kernel(self) -> Pair:
        return pair_of(self.weights.shape[2:])

    @property
    def is_depthwise(self) -> bool:
        return self.groups > 1 and self.weights.shape[1] == 1 and self.scales is None

    def of(self, outputs: slice) -> Convolution:
        """Return the convolution that computes only the given outputs."""
        bias, scales = (None if a is None else a[outputs] for a in (self.bias, self.scales))
        return replace(self, weights=self.weights[outputs], bias=bias, scales=scales)


def lower_convolution(emit: Emitter, node: Node) -> None:
    """Lower a convolution: a linear layer if a pixel needs no neighbors, else windows
    over a map.
    """
    weights, bias = layer_weights(emit, node)
    if weights.ndim == 5:
        _convolve_volumes(emit, node, weights, bias)
        return
    layer = _as_given(node, weights, bias)
    source = as_maps(emit.value(node.args[0]))
    output = _convolve(emit, node, source, layer)
    shape = tuple(shape_of(node))
    if output.shape != shape:
        emit.values[node] = Value(output.buffer, output.places.reshape(shape), output.source)


def _convolve_volumes(
    emit: Emitter, node: Node, weights: np.ndarray, bias: np.ndarray | None
) -> None:
    """Lower a 3-D convolution whose kernel has size one along a side, as 2-D ones of its slices."""
    arguments = ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
    given = [argument(node, *one) for one in arguments]
    sides = [[n] * 3 if isinstance(n, int) else [*n] * (4 - len(n)) for n in given]
    steps, padding, dilation = sides
    kernel, shape = weights.shape[2:], shape_of(node)
    flat = [a for a in range(3) if (kernel[a], steps[a], padding[a]) == (1, 1, 0)]
    if not flat or len(shape) != 5:
        raise refuse(node, "a convolution over volumes")
    side = flat[0]
    pairs = [pair_of(np.delete(n, side).tolist()) for n in (shape[2:], *sides)]
    size, stride, before, spread = pairs
    groups = argument(node, 6, "groups", 1)
    layer = Convolution(weights.squeeze(2 + side), bias, groups, size, stride, before, spread)
    value = emit.value(node.args[0])
    slices = np.moveaxis(value.places, 2 + side, 1)
    images = slices.reshape(-1, *slices.shape[2:])
    output = _convolve(emit, node, Value(value.buffer, images), layer)
    places = output.places.reshape(*slices.shape[:2], *output.shape[1:])
    emit.values[node] = Value(output.buffer, np.moveaxis(places, 1, 2 + side), output.source)


def layer_weights(emit: Emitter, node: Node) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the float32 weights and bias of a layer.

    Raises:
        Refusal: the weights are not constants.
    """
    if not is_constant(node.args[1]):
        raise refuse(node, "a layer whose weights are computed")
    bias = argument(node, 2, "bias")
    weights = emit.constant(node.args[1]).float().numpy()
    return weights, None if bias is None else emit.constant(bias).float().numpy()


def _as_given(node: Node, weights: np.ndarray, bias: np.ndarray | None) -> Convolution:
    if weights.ndim not in (3, 4) or len(shape_of(node)) != weights.ndim:
        raise refuse(node, "a convolution over volumes, or of an input without a batch")
    flat = weights.ndim == 3
    if flat:
        weights = weights[:, :, None]
    steps, dilation = pair(node, 3, "stride", 1), pair(node, 5, "dilation", 1)
    padding = argument(node, 4, "padding", 0)
    if padding == "same":
        padding = [d * (k - 1) // 2 for d, k in zip(dilation, weights.shape[2:], strict=True)]
    elif padding == "valid":
        padding = (0, 0)
    else:
        padding = pair(node, 4, "padding", 0)
    if flat:
        steps, padding, dilation = (1, steps[1]), (0, padding[1]), (1, dilation[1])
    size = (1, shape_of(node)[2]) if flat else pair_of(shape_of(node)[2:])
    groups = argument(node, 6, "groups", 1)
    return Convolution(weights, bias, groups, size, steps, pair_of(padding), dilation)


def scale_channels(
    emit: Emitter, node: Node, source: Value, factor: np.ndarray, shift: np.ndarray | None
) -> None:
    """Multiply maps by a factor for each channel and add a shift, as a depthwise convolution.

    Args:
        source: maps [images, channels, height, width].
        factor: [channels].
        shift: [channels] or None.
    """
    weights: np.ndarray = factor.astype(np.float32).reshape(-1, 1, 1, 1)
    bias: np.ndarray | None = None if shift is None else shift.astype(np.float32)
    size = pair_of(source.shape[2:])
    layer = Convolution(weights, bias, len(weights), size, (1, 1), (0, 0), (1, 1))
    _convolve(emit, node, source, layer)


def as_maps(value: Value) -> Value:
    """Return sequences as maps with one row."""
    places = value.places
    return value if places.ndim == 4 else Value(value.buffer, places[:, :, None])


def _convolve(emit: Emitter, node: Node, source: Value, layer: Convolution) -> Value:
    """Put the operations of a convolution; return its output as maps."""
    images, channels = source.shape[:2]
    plain = layer.groups == 1 and layer.dilation == (1, 1)
    if plain and layer.kernel == (1, 1) and layer.padding == (0, 0):
        source = emit.with_rows(source, 1, node)
        rows = source.places[:, :, :: layer.steps[0], :: layer.steps[1]]
        return _put_linear(emit, node, Value(source.buffer, rows).rows(1), layer, images)
    if plain and (channels < FEWEST_CHANNELS or math.prod(layer.kernel) > MOST_TAPS):
        return _planes(emit, node, source, layer)
    if max(layer.dilation) > 1 and max(layer.steps) > 1:
        return _every_step(emit, node, source, layer)
    output = output_maps(images, layer)
    source = regular_maps(emit, node, source)
    return put_parts(emit, node, list(parts_of(emit, node, source, output, layer)), output)


def output_maps(images: int, layer: Convolution) -> Value:
    """Return fresh maps whose rows are their channels.

    A depthwise layer with several filters a channel has rows of the same filter of each channel.
    """
    filters = len(layer.weights) // layer.groups if layer.is_depthwise else 1
    rows = fresh((images, filters, len(layer.weights) // filters, *layer.size), axis=2)
    places = rows.places.swapaxes(1, 2).reshape(images, -1, *layer.size)
    return Value(rows.buffer, places)


def put_parts(emit: Emitter, node: Node, parts: list[ops.Operation], output: Value) -> Value:
    """Make `node` the value that several layers write parts of."""
    emit.put(node, parts[0] if len(parts) == 1 else Parts(parts), output)
    return emit.values[node]


def _put_linear(
    emit: Emitter,
    node: Node,
    rows: Rows,
    layer: Convolution,
    images: int,
    taps: np.ndarray | None = None,
) -> Value:
    output = fresh((images, len(layer.weights), *layer.size), axis=1)
    weights = layer.weights.reshape(len(layer.weights), -1)
    emit.put(node, ops.Linear(rows, weights, Epilogue(layer.bias, output.rows(1)), taps), output)
    return emit.values[node]


def _every_step(emit: Emitter, node: Node, source: Value, layer: Convolution) -> Value:
    """Lower dilation with strides: convolve without strides, and take some of the outputs."""
    whole = unstrided(layer.size, layer.steps)
    output = _convolve(emit, node, source, replace(layer, steps=(1, 1), size=whole))
    places = output.places[:, :, :: layer.steps[0], :: layer.steps[1]]
    emit.value(node)
    emit.values[node] = Value(output.buffer, places)
    return emit.values[node]


def _planes(emit: Emitter, node: Node, source: Value, layer: Convolution) -> Value:
    """Convolve maps of few channels as padded planes, with a table of the taps."""
    value = emit.with_rows(source, -1, node)
    images, channels, height, width = value.shape
    flat = value.places.ravel()
    if not np.array_equal(flat, flat[0] + np.arange(flat.size)):
        copied = fresh(value.shape)
        emit.copy(node, value, copied, -1)
        value = copied
    whole = Rows(value.buffer, value.places[:1, 0, 0, 0], value.places.size)
    padding = _symmetric(layer, (height, width))
    skipped = padding[0] - layer.padding[0], padding[1] - layer.padding[1]
    if any(padding):
        padded = (height + 2 * padding[0]) * (width + 2 * padding[1])
        buffer = Buffer(images * channels * padded)
        pad = ops.Pad(whole, (images * channels, height, width), padding, buffer)
        pad.name = "Pad"
        emit.operations.append(pad)
        height, width = height + 2 * padding[0], width + 2 * padding[1]
        whole = Rows(buffer, np.zeros(1, np.int64), buffer.size)
    (tall, wide), (down, across), (rows, columns) = layer.kernel, layer.steps, layer.size
    taps = dense((channels, height, width))[:, :tall, :wide].ravel()
    starts = dense((images, channels, height, width))[
        :, 0, skipped[0] :: down, skipped[1] :: across
    ]
    starts = whole.places[0] + starts[:, :rows, :columns].ravel()
    return _put_linear(emit, node, Rows(whole.buffer, starts, width), layer, images, taps)


def _symmetric(layer: Convolution, size: Pair) -> Pair:
    """Return padding for both sides of a map: as much as the side needs that needs more."""
    sides = zip(layer.size, layer.steps, layer.kernel, size, layer.padding, strict=True)
    return pair_of(max(pad, (n - 1) * step + k - old - pad) for n, step, k, old, pad in sides)


def parts_of(
    emit: Emitter, node: Node, source: Value, output: Value, layer: Convolution
) -> Iterator[ops.Operation]:
    """Convolve each image, group, and grid of pixels that are a dilation apart, one by one."""
    grids = [phases(n, d) for n, d in zip(layer.size, layer.dilation, strict=True)]
    for image, offsets in itertools.product(range(source.shape[0]), itertools.product(*grids)):
        first, before, there = _grid(source, output, layer, image, pair_of(offsets))
        if first.size == 0:  # these outputs see only padding
            first = source.places[:1, :, :1, :1]
            before = far_from(pair_of(there.shape[2:]), layer.kernel)
        for channels, outputs, part in groups_of(layer):
            rows = Value(output.buffer, there[:, outputs]).rows(1)
            inputs = Value(source.buffer, first[:, channels])
            size = pair_of(there.shape[2:])
            part = replace(part, padding=before, dilation=(1, 1), size=size)
            yield from windows_of(emit, node, inputs, rows, part)


def _grid(
    source: Value, output: Value, layer: Convolution, image: int, offsets: Pair
) -> tuple[np.ndarray, Pair, np.ndarray]:
    """Return input pixels a dilation apart, the padding before them, and the outputs they give."""
    first, there = source.places[image : image + 1], output.places[image : image + 1]
    before = []
    for axis, offset in zip((2, 3), offsets, strict=True):
        step, pad = layer.dilation[axis - 2], layer.padding[axis - 2]
        start = (offset - pad) % step
        before.append((pad - offset + start) // step)
        first = first[(slice(None),) * axis + (slice(start, None, step),)]
        there = there[(slice(None),) * axis + (slice(offset, None, step),)]
    return first, pair_of(before), there


def groups_of(layer: Convolution) -> Iterator[tuple[slice, slice, Convolution]]:
    """Return channels, outputs and convolution of each group; depthwise channels stay together."""
    outputs, channels = layer.weights.shape[:2]
    together = outputs // layer.groups
    if layer.is_depthwise:
        for i in range(together):
            chosen = slice(i, None, together)
            yield slice(None), chosen, layer.of(chosen)
        return
    for group in range(layer.groups):
        chosen = slice(group * together, (group + 1) * together)
        part = replace(layer.of(chosen), groups=1)
        yield slice(group * channels, (group + 1) * channels), chosen, part


def windows_of(
    emit: Emitter, node: Node, inputs: Value, rows: Rows, layer: Convolution
) -> Iterator[ops.Operation]:
    """Yield one convolution, or several over a few rows of the kernel each, which add up."""
    tall, wide = layer.kernel
    if wide > MOST_TAPS:
        raise refuse(node, f"a convolution with a kernel of {layer.kernel}")
    together = MOST_TAPS // wide
    for start in range(0, tall, together):
        weights = layer.weights[:, :, start : start + together]
        padding = (layer.padding[0] - start, layer.padding[1])
        kernel = pair_of(weights.shape[2:])
        maps, padding = placed(inputs, padding, kernel, layer.steps, layer.size)
        window = window_over(emit, node, maps, kernel, layer.steps, padding, layer.size)
        epilogue = Epilogue(layer.bias if start == 0 else None, rows)
        if start > 0:
            epilogue.residual = rows
        if layer.is_depthwise:
            taps = weights.reshape(len(weights), -1).T
            yield ops.Depthwise(window, taps, epilogue)
        elif layer.codes is not None and layer.scales is not None:
            taps = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1, weights.shape[1])
            int8 = Int8Weights(taps, layer.scales)
            yield ops.ConvolutionInt8(window, layer.codes, int8, epilogue)
        else:
            yield ops.Convolution(window, weights.transpose(0, 2, 3, 1), epilogue)


LOWERINGS = {
    aten.conv1d.default: lower_convolution,
    aten.conv1d.padding: lower_convolution,
    aten.conv2d.default: lower_convolution,
    aten.conv2d.padding: lower_convolution,
    aten.conv3d.default: lower_convolution,
}
