"""How the int8 layers of `quantize.int8_operators` become operations."""

from __future__ import annotations

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import shape_of
from hvit_edge.quantize.int8_operators import CONV2D, LINEAR, POINTWISE
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.operations import Activation, Epilogue, Int8Weights, Window
from hvit_edge.targets.native.values import fresh


def lower_int8_matrix(emit: Emitter, node: Node) -> None:
    """`int8_linear` over tokens, `int8_pointwise` over pixels: a range for every `rows` of them."""
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
    """`int8_conv2d`: one range for the map."""
    steps, padding, dilation, groups = node.args[5:9]
    if groups != 1 or tuple(dilation) != (1, 1) or shape_of(node)[0] != 1:
        raise refuse(node, "an int8 convolution of a batch, with dilation or of groups")
    source = emit.with_rows(emit.value(node.args[0]), 1, node)
    rows = source.rows(1)
    codes = emit.quantise(node, rows, len(rows.places), pads=True)
    weights = emit.constant(node.args[1]).permute(0, 2, 3, 1).numpy()
    height, width = shape_of(node.args[0])[2:]
    pixel = -(-rows.width // 4) * 4
    window = Window(
        codes.codes,
        0,
        (height, width, rows.width),
        (width * pixel, pixel),
        tuple(shape_of(node)[2:]),
        tuple(weights.shape[1:3]),
        tuple(steps),
        tuple(padding),
    )
    flat = weights.reshape(weights.shape[0], -1, rows.width)
    _put(
        emit,
        node,
        1,
        lambda epilogue: ops.ConvolutionInt8(window, codes, _int8(emit, node, flat), epilogue),
    )


def _int8(emit: Emitter, node: Node, codes: np.ndarray) -> Int8Weights:
    return Int8Weights(codes, emit.constant(node.args[2]).float().numpy())


def _put(emit: Emitter, node: Node, axis: int, make: object) -> None:
    """What `make` makes of an epilogue, whose output is fresh with its rows along `axis`."""
    output = fresh(shape_of(node), axis)
    bias = None if node.args[3] is None else emit.constant(node.args[3]).float().numpy()
    first = Activation.RELU if node.args[4] else Activation.NONE
    emit.put(node, make(Epilogue(bias, output.rows(axis), first)), output)


LOWERINGS = {
    LINEAR: lower_int8_matrix,
    POINTWISE: lower_int8_matrix,
    CONV2D: lower_int8_convolution,
}
