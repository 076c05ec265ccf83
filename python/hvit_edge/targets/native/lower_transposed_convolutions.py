"""Lower transposed convolutions to convolutions.

transposed, by s  one convolution for each of s x s grids of outputs that are s apart
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.lower_convolutions import (
    Convolution,
    as_maps,
    groups_of,
    layer_weights,
    output_maps,
    put_parts,
    windows_of,
)
from hvit_edge.targets.native.values import Value
from hvit_edge.targets.native.windows import pair, pair_of, phases, regular_maps


def lower_transposed_convolution(emit: Emitter, node: Node) -> None:
    """Lower a transposed convolution, as one convolution for each grid of outputs a stride apart.

    Each of them has the taps that are a stride apart, in reverse order.
    """
    weights, bias = layer_weights(emit, node)
    if weights.ndim not in (3, 4) or len(shape_of(node)) != weights.ndim:
        raise refuse(node, "a transposed convolution over volumes, or of an input without a batch")
    flat = weights.ndim == 3
    steps, padding = pair(node, 3, "stride", 1), pair(node, 4, "padding", 0)
    groups, dilation = argument(node, 6, "groups", 1), pair(node, 7, "dilation", 1)
    if dilation != (1, 1):
        raise refuse(node, "a transposed convolution with dilation")
    if flat:
        weights, steps, padding = weights[:, :, None], (1, steps[1]), (0, padding[1])
    source = regular_maps(emit, node, as_maps(emit.value(node.args[0])))
    sides = shape_of(node)[2:]
    size = (1, sides[0]) if flat else (sides[0], sides[1])
    channels, outputs = weights.shape[0] // groups, weights.shape[1]
    kernels = weights.reshape(groups, channels, outputs, *weights.shape[2:])
    kernels = kernels.transpose(0, 2, 1, 3, 4).reshape(
        groups * outputs, channels, *kernels.shape[3:]
    )
    layer = Convolution(kernels, bias, groups, size, steps, padding, (1, 1))
    output = output_maps(source.shape[0], layer)
    parts = list(_transposed_parts(emit, node, source, output, layer))
    put_parts(emit, node, parts, output)
    value = emit.values[node]
    emit.values[node] = Value(value.buffer, value.places.reshape(shape_of(node)), value.source)


def _transposed_parts(
    emit: Emitter, node: Node, source: Value, output: Value, layer: Convolution
) -> Iterator[ops.Operation]:
    grids = [phases(n, step) for n, step in zip(layer.size, layer.steps, strict=True)]
    for image, offsets in itertools.product(range(source.shape[0]), itertools.product(*grids)):
        weights, before = layer.weights, []
        there = output.places[image : image + 1]
        for axis, offset in zip((2, 3), offsets, strict=True):
            step, pad = layer.steps[axis - 2], layer.padding[axis - 2]
            first = (offset + pad) % step
            taps = (slice(None),) * axis + (slice(first, None, step),)
            weights = weights[taps]
            before.append(weights.shape[axis] - 1 - (offset + pad - first) // step)
            reached = (slice(None),) * axis + (slice(offset, None, step),)
            there = there[reached]
        if weights.size == 0:  # no tap reaches these outputs
            weights, before = np.zeros((*layer.weights.shape[:2], 1, 1), np.float32), [0, 0]
        weights = np.ascontiguousarray(weights[:, :, ::-1, ::-1])
        part = replace(layer, weights=weights, steps=(1, 1), size=pair_of(there.shape[2:]))
        for channels, outputs, one in groups_of(part):
            inputs = Value(source.buffer, source.places[image : image + 1, channels])
            rows = Value(output.buffer, there[:, outputs]).rows(1)
            yield from windows_of(emit, node, inputs, rows, replace(one, padding=pair_of(before)))


LOWERINGS = {
    aten.conv_transpose1d.default: lower_transposed_convolution,
    aten.conv_transpose2d.input: lower_transposed_convolution,
}
