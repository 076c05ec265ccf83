"""Lower norms: to one operation over rows, or to a reduction and arithmetic with its result."""

from __future__ import annotations

import math

import numpy as np
from torch.fx import Node

from hvit_edge.lowering.graph import argument, aten, is_constant, shape_of
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.emitter import Emitter, refuse
from hvit_edge.targets.native.kinds import Arithmetic, Reduce
from hvit_edge.targets.native.lower_convolutions import scale_channels
from hvit_edge.targets.native.lower_reductions import reduce
from hvit_edge.targets.native.values import Value, constant_value, fresh

FLOAT32_EPS = 1.1920928955078125e-07  # torch's default eps of an RMS norm


def _affine(emit: Emitter, node: Node, first: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the constants `weight` and `bias`, which are the arguments from `first` on."""
    nodes = argument(node, first, "weight"), argument(node, first + 1, "bias")
    if any(n is not None and not is_constant(n) for n in nodes):
        raise refuse(node, "a norm whose weights are computed")
    weight, bias = (None if n is None else emit.constant(n).float().numpy() for n in nodes)
    return weight, bias


def lower_layer_norm(emit: Emitter, node: Node) -> None:
    """Lower a layer norm over the last dimensions, as rows."""
    count = len(node.args[1])
    shape = shape_of(node)
    value = emit.value(node.args[0])
    flat = (*shape[:-count], math.prod(shape[-count:]))
    source = emit.with_rows(Value(value.buffer, value.places.reshape(flat)), -1, node)
    weight, bias = (
        None if array is None else array.reshape(-1) for array in _affine(emit, node, 2)
    )
    eps = argument(node, 4, "eps", 1e-5)
    output = fresh(flat)
    norm = ops.LayerNorm(source.rows(-1), weight, bias, eps, output.rows(-1))
    emit.put(node, norm, Value(output.buffer, output.places.reshape(shape)))


def lower_rms_norm(emit: Emitter, node: Node) -> None:
    """Lower x / sqrt(mean(x^2) + eps) * weight, over the last dimensions."""
    value = emit.value(node.args[0])
    rank = value.places.ndim
    dims = list(range(rank - len(node.args[1]), rank))
    weight, eps = argument(node, 2, "weight"), argument(node, 3, "eps")
    eps = FLOAT32_EPS if eps is None else eps
    scale = 1 / math.prod(value.shape[dim] for dim in dims)
    factor = reduce(emit, node, value, dims, Reduce.INVERSE_ROOT, scale=scale, eps=eps)
    emit.calculate(node, Arithmetic.MULTIPLY, value, _written(emit, node, factor))
    if weight is not None:
        emit.calculate(node, Arithmetic.MULTIPLY, emit.value(node), emit.value(weight))


def lower_group_norm(emit: Emitter, node: Node) -> None:
    groups, eps = node.args[1], argument(node, 4, "eps", 1e-5)
    _normalize_groups(emit, node, groups, *_affine(emit, node, 2), eps)


def lower_instance_norm(emit: Emitter, node: Node) -> None:
    weight, bias = _affine(emit, node, 1)
    if argument(node, 5, "use_input_stats", True):
        channels = shape_of(node)[1]
        _normalize_groups(emit, node, channels, weight, bias, argument(node, 7, "eps", 1e-5))
    else:
        _normalize_by_constants(emit, node, weight, bias, argument(node, 7, "eps", 1e-5))


def _normalize_groups(
    emit: Emitter,
    node: Node,
    groups: int,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    eps: float,
) -> None:
    """Lower (x - mean) * (weight / sqrt(variance + eps)) + bias, over groups of channels.

    Means are first taken for each channel, and then over the channels of a group: rows of channels
    are contiguous in memory, and those of one group would be short.
    """
    value = emit.value(node.args[0])
    shape = value.shape
    channels, pixels = shape[1], list(range(2, len(shape)))
    size = shape[1] // groups
    ones: np.ndarray = np.ones(channels, np.float32)
    scale = 1 / math.prod(shape[2:])
    mean = reduce(emit, node, value, pixels, Reduce.SUM, scale=scale)
    mean = _over_groups(emit, node, mean, groups, Reduce.SUM, ones, scale=1 / size)
    emit.calculate(node, Arithmetic.SUBTRACT, value, mean)
    centered = emit.value(node)
    root = reduce(emit, node, centered, pixels, Reduce.ROOT, scale=scale)
    factor = _over_groups(
        emit,
        node,
        root,
        groups,
        Reduce.INVERSE_ROOT,
        ones if weight is None else weight,
        scale=1 / size,
        eps=eps,
    )
    emit.calculate(node, Arithmetic.MULTIPLY, centered, factor)
    if bias is not None:
        shift = constant_value(bias.reshape(channels, *[1] * len(pixels)))
        emit.calculate(node, Arithmetic.ADD, emit.value(node), shift)


def _over_groups(
    emit: Emitter,
    node: Node,
    value: Value,
    groups: int,
    kind: Reduce,
    weight: np.ndarray,
    *,
    scale: float,
    eps: float = 0.0,
) -> Value:
    """Reduce channels to groups, and return the result for each channel times its weight.

    Args:
        emit, node: see `reduce`.
        value: [N, channels, 1, ...].
        groups: number of groups of channels.
        kind, scale, eps: see `reduce`.
        weight: float32 [channels].
    """
    value = _written(emit, node, value)
    shape = value.shape
    grouped = (shape[0], groups, shape[1] // groups, *shape[2:])
    found = reduce(
        emit,
        node,
        Value(value.buffer, value.places.reshape(grouped)),
        [2],
        kind,
        scale=scale,
        eps=eps,
    )
    factors = constant_value(weight.reshape(1, *grouped[1:3], *[1] * (len(shape) - 2)))
    emit.calculate(node, Arithmetic.MULTIPLY, _written(emit, node, found), factors)
    found = emit.value(node)
    return Value(found.buffer, found.places.reshape(shape))


def _written(emit: Emitter, node: Node, value: Value) -> Value:
    """Write down the operation of `node` and return `value`, which is what the node holds now."""
    emit.value(node)
    return value


def lower_batch_norm(emit: Emitter, node: Node) -> None:
    """Lower a batch norm in eval mode: a factor and a shift for each channel."""
    if argument(node, 5, "training", False):
        raise refuse(node, "a batch norm in training mode")
    weight, bias = _affine(emit, node, 1)
    _normalize_by_constants(emit, node, weight, bias, argument(node, 7, "eps", 1e-5))


def _normalize_by_constants(
    emit: Emitter, node: Node, weight: np.ndarray | None, bias: np.ndarray | None, eps: float
) -> None:
    """Lower (x - mean) / sqrt(variance + eps) * weight + bias with constants, in float64."""
    means, variances = argument(node, 3, "running_mean"), argument(node, 4, "running_var")
    if not is_constant(means) or not is_constant(variances):
        raise refuse(node, "a norm without constant statistics")
    mean, variance = (emit.constant(n).double().numpy() for n in (means, variances))
    factor = (1.0 if weight is None else weight.astype(np.float64)) / np.sqrt(variance + eps)
    shift = (0.0 if bias is None else bias.astype(np.float64)) - mean * factor
    shape = [1, -1] + [1] * (len(shape_of(node)) - 2)
    factor, shift = factor.reshape(shape), shift.reshape(shape)
    source = node.args[0]
    if emit.scale_layer(node, source, factor, shift):
        return
    value = emit.value(source)
    if value.places.ndim == 4 and value.shape[1] > 1:
        scale_channels(emit, node, value, factor.ravel(), shift.ravel())
        return
    emit.calculate(node, Arithmetic.MULTIPLY, value, constant_value(factor))
    emit.calculate(node, Arithmetic.ADD, emit.value(node), constant_value(shift))


LOWERINGS = {
    aten.layer_norm.default: lower_layer_norm,
    aten.rms_norm.default: lower_rms_norm,
    aten.group_norm.default: lower_group_norm,
    aten.instance_norm.default: lower_instance_norm,
    aten.batch_norm.default: lower_batch_norm,
}
