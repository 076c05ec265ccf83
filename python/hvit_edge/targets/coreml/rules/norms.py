"""Translate norms over channels on any axis, over groups, and with constant statistics."""

from __future__ import annotations

import math

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.moves import viewed
from hvit_edge.targets.coreml.rules.reductions import reduced
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, align, plain, tokens

FLOAT32_EPS = 1.1920928955078125e-07  # PyTorch's default epsilon of an RMS norm


@rule(aten.layer_norm.default)
def layer_norm(call: Call) -> Value:
    """Normalize over channels on any axis of the array, or over several dimensions in
    plain order.
    """
    x, shape = call.tensor(0), call.option(1, "normalized_shape")
    weight, bias = call.optional_array(2, "weight"), call.optional_array(3, "bias")
    epsilon = np.float32(call.option(4, "eps", 1e-5))
    if len(shape) == 1:
        tokens(x)
        return Value(_normalized(x, [1], epsilon, weight, bias), x.layout)
    if len(x.layout.logical) > 5:
        lead = x.layout.shape[: len(x.layout.shape) - len(shape)]
        rows = viewed(x, [math.prod(lead), math.prod(shape)])
        plain(rows)
        weight, bias = (None if a is None else a.reshape(-1) for a in (weight, bias))
        y = _normalized(rows, [-1], epsilon, weight, bias)
        return viewed(Value(y, rows.layout), call.shape)
    plain(x)
    axes = list(range(-len(shape), 0))
    return Value(_normalized(x, axes, epsilon, weight, bias), x.layout)


def _normalized(
    x: Value,
    axes: list[int],
    epsilon: np.float32,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
) -> Var:
    affine = {
        name: array for name, array in (("gamma", weight), ("beta", bias)) if array is not None
    }
    return mb.layer_norm(x=x.data, axes=axes, epsilon=epsilon, **affine)


@rule(aten.rms_norm.default)
def rms_norm(call: Call) -> Value:
    """Compute x / sqrt(mean(x^2) + eps) * weight over the last dimensions."""
    x, shape = call.tensor(0), call.option(1, "normalized_shape")
    weight, epsilon = call.optional_array(2, "weight"), call.option(3, "eps")
    epsilon = FLOAT32_EPS if epsilon is None else epsilon
    if len(shape) == 1:
        tokens(x)
    squares = Value(mb.square(x=x.data), x.layout)
    average = reduced(squares, list(range(-len(shape), 0)), True, mb.reduce_mean)
    root = mb.rsqrt(x=mb.add(x=average.data, y=np.float32(epsilon)), epsilon=np.float32(0))
    root = Value(root, average.layout)
    align(x, root)
    y = Value(mb.mul(x=x.data, y=root.data), x.layout)
    return y if weight is None else _times(y, weight)


def _times(x: Value, factor: np.ndarray) -> Value:
    constant = Value.constant(factor)
    align(x, constant)
    return Value(mb.mul(x=x.data, y=constant.data), x.layout)


def _plus(x: Value, shift: np.ndarray) -> Value:
    constant = Value.constant(shift)
    align(x, constant)
    return Value(mb.add(x=x.data, y=constant.data), x.layout)


@rule(aten.group_norm.default)
def group_norm(call: Call) -> Value:
    """Normalize rows: a row is the channels of one group with all of their pixels."""
    groups, epsilon = call.option(1, "num_groups"), call.option(4, "eps", 1e-5)
    weight, bias = call.optional_array(2, "weight"), call.optional_array(3, "bias")
    return _by_groups(call, groups, epsilon, weight, bias)


@rule(aten.instance_norm.default)
def instance_norm(call: Call) -> Value:
    """Normalize each channel by its pixels, or with constant statistics."""
    weight, bias = call.optional_array(1, "weight"), call.optional_array(2, "bias")
    epsilon = call.option(7, "eps", 1e-5)
    if not call.option(5, "use_input_stats", True):
        return _by_constants(call, weight, bias, epsilon)
    return _by_groups(call, call.tensor(0).layout.shape[1], epsilon, weight, bias)


def _by_groups(
    call: Call, groups: int, epsilon: float, weight: np.ndarray | None, bias: np.ndarray | None
) -> Value:
    x = call.tensor(0)
    plain(x)
    shape = x.layout.shape
    rows = viewed(x, [shape[0], groups, math.prod(shape[1:]) // groups])
    plain(rows)
    y = mb.layer_norm(x=rows.data, axes=[-1], epsilon=np.float32(epsilon))
    y = viewed(Value(y, rows.layout), shape)
    channels = (shape[1], *[1] * (len(shape) - 2))
    if weight is not None:
        y = _times(y, weight.reshape(channels))
    return y if bias is None else _plus(y, bias.reshape(channels))


@rule(aten.batch_norm.default)
def batch_norm(call: Call) -> Value:
    """Translate a batch norm in eval mode: a factor and a shift for each channel."""
    if call.option(5, "training", False):
        raise ValueError("expected a batch norm in eval mode")
    weight, bias = call.optional_array(1, "weight"), call.optional_array(2, "bias")
    return _by_constants(call, weight, bias, call.option(7, "eps", 1e-5))


def _by_constants(
    call: Call, weight: np.ndarray | None, bias: np.ndarray | None, epsilon: float
) -> Value:
    mean: np.ndarray = call.array(3, "running_mean").astype(np.float64)
    variance: np.ndarray = call.array(4, "running_var").astype(np.float64)
    factor = (1.0 if weight is None else weight.astype(np.float64)) / np.sqrt(variance + epsilon)
    shift = (0.0 if bias is None else bias.astype(np.float64)) - mean * factor
    channels = (-1, *[1] * (len(call.shape) - 2))
    y = _times(call.tensor(0), factor.astype(np.float32).reshape(channels))
    return _plus(y, shift.astype(np.float32).reshape(channels))
