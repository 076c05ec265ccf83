"""Lower the int8 layers of `quantize.int8_operators` to operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import shape_of
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter
from hvit_edge.targets.native.kinds import Activation
from hvit_edge.targets.native.layer_parts import LAYERS
from hvit_edge.targets.native.lower_convolutions import (
    Convolution,
    output_maps,
    parts_of,
    put_parts,
)
from hvit_edge.targets.native.operations import Epilogue, Int8Weights
from hvit_edge.targets.native.values import Value, fresh
from hvit_edge.targets.native.windows import pair_of, unstrided


def lower_int8_matrix(emit: Emitter, node: Node) -> None:
    """Lower `int8_linear` over tokens or `int8_pointwise` over pixels.

    Each group of `rows` tokens or pixels shares one range.
    """
    axis = -1 if node.target is LINEAR else 1
    source = emit.with_rows(emit.value(node.args[0]), axis, node)
    together = node.args[5] if len(node.args) > 5 else 1
    codes = emit.quantise(node, source.rows(axis), together)
    weights = emit.constant(node.args[1]).flatten(1).numpy()[:, None, :]
    _put(
        emit,
        node,
        axis,
        lambda epilogue: ops.LinearInt8(codes, _int8(emit, node, weights), epilogue),
    )


def lower_int8_convolution(emit: Emitter, node: Node) -> None:
    """Lower `int8_conv2d`, with one range for each map, for any groups and dilation."""
    steps, padding, dilation = (pair_of(given) for given in node.args[5:8])
    weights, scales = emit.constant(node.args[1]).numpy(), emit.constant(node.args[2])
    layer = Convolution(
        weights,
        _bias(emit, node),
        node.args[8],
        pair_of(shape_of(node)[2:]),
        steps,
        padding,
        dilation,
        scales=scales.float().numpy(),
    )
    if max(dilation) > 1 and max(steps) > 1:
        layer = replace(layer, steps=(1, 1), size=unstrided(layer.size, steps))
    source = emit.with_rows(emit.value(node.args[0]), 1, node)
    output = output_maps(source.shape[0], layer)
    parts = [
        part
        for image in range(source.shape[0])
        for part in _convolve_image(emit, node, source, output, image, layer)
    ]
    epilogues = [part.epilogue for part in parts if isinstance(part, LAYERS)]
    adds = any(epilogue.residual is not None for epilogue in epilogues)
    for epilogue in epilogues:
        epilogue.first = Activation.NONE if adds else _activation(node)
    put_parts(emit, node, parts, output)
    if adds and node.args[4]:
        emit.combine(node, emit.value(node), None, activation=Activation.RELU)
    if layer.steps != steps:
        value = emit.value(node)
        places = value.places[:, :, :: steps[0], :: steps[1]]
        emit.values[node] = Value(value.buffer, places)


def _convolve_image(
    emit: Emitter, node: Node, source: Value, output: Value, image: int, layer: Convolution
) -> Iterator[ops.Operation]:
    """Convolve the codes of one map."""
    rows = Value(source.buffer, source.places[image : image + 1]).rows(1)
    codes = emit.quantise(node, rows, len(rows.places), pads=True)
    height, width = source.shape[2:]
    pixel = -(-rows.width // 4) * 4
    if layer.weights.shape[1] % 4:  # the kernel also reads the last pixel's channels four at a time
        codes.codes.size = len(rows.places) * pixel + 4
    places = np.arange(height * width * pixel).reshape(1, height, width, pixel)
    maps = Value(codes.codes, places[..., : rows.width].transpose(0, 3, 1, 2))
    there = Value(output.buffer, output.places[image : image + 1])
    return parts_of(emit, node, maps, there, replace(layer, codes=codes))


def _int8(emit: Emitter, node: Node, codes: np.ndarray) -> Int8Weights:
    return Int8Weights(codes, emit.constant(node.args[2]).float().numpy())


def _put(emit: Emitter, node: Node, axis: int, make: Callable[[Epilogue], ops.Operation]) -> None:
    """Put the operation that `make` returns for an epilogue with a fresh output, rows
    along `axis`.
    """
    output = fresh(shape_of(node), axis)
    epilogue = Epilogue(_bias(emit, node), output.rows(axis), _activation(node))
    emit.put(node, make(epilogue), output)


def _bias(emit: Emitter, node: Node) -> np.ndarray | None:
    return None if node.args[3] is None else emit.constant(node.args[3]).float().numpy()


def _activation(node: Node) -> Activation:
    return Activation.RELU if node.args[4] else Activation.NONE


LOWERINGS = {
    LINEAR: lower_int8_matrix,
    POINTWISE: lower_int8_matrix,
    CONV2D: lower_int8_convolution,
}
