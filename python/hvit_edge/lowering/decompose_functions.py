"""Decompose functions and reductions into operators that XNNPACK has.

Identity:   hardsigmoid(x) = min(max(x + 3, 0), 6) / 6
            x^2 = x x,    x^0.5 = sqrt(x),    x^-0.5 = rsqrt(x),    1 / x
            sum(x) = n mean(x),    norm(x) = sqrt(sum(x x)),    over n elements
            var(x) = mean((x - mean(x))^2) n / (n - correction)
            log_softmax(x) = x - m - log(sum(exp(x - m))),    m = max(x)
            cumsum(x) = x times a triangular matrix of ones
            x + a y = x + (a y)

    x -> hardsigmoid -> y                       x -> add(3) -> hardtanh(0, 6) -> div(6) -> y
    x -> pow(2) -> y                            x -> mul(x) -> y
    x -> linalg_vector_norm(2, dims) -> y       x -> mul(x) -> sum(dims) -> sqrt -> y
    x -> sum(dims) -> y                         x -> mean(dims) -> mul(n) -> y

Preconditions: floating point, no change of dtype; the norm is of order 1 or 2; a cumulative sum is
over at most `LONGEST` elements. Exact up to rounding. PyTorch's own decomposition of hardsigmoid
converts to another dtype and back.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    nodes_calling,
    rank_of,
    replace_each,
    shape_of,
)
from hvit_edge.lowering.replace_indexing import along

LONGEST = 512


def decompose_functions(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    parted = _part_moments(graph)
    return replace_each(graph, FUNCTIONS, where=_keeps_floats) or parted


def _keeps_floats(node: Node) -> bool:
    source = node.args[0].meta["val"].dtype
    return source.is_floating_point and source == node.meta["val"].dtype


def _part_moments(graph: GraphModule) -> bool:
    """Split operators that return both a variance or deviation and the mean."""
    modified = False
    for node in nodes_calling(graph, *MOMENTS):
        keepdim = bool(node.kwargs.get("keepdim", False))
        dims = argument(node, 1, "dim") or list(range(rank_of(node.args[0])))
        for item in list(node.users):
            edit = Editor(graph, item)
            if item.args[1] == 0:
                edit.replace(edit.call(MOMENTS[node.target], *node.args, **node.kwargs))
            else:
                edit.replace(edit.call(aten.mean.dim, node.args[0], dims, keepdim))
        graph.graph.erase_node(node)
        modified = True
    return modified


MOMENTS = {
    aten.std_mean.correction: aten.std.correction,
    aten.var_mean.correction: aten.var.correction,
}


def _hardsigmoid(edit: Editor, node: Node) -> Node:
    shifted = edit.call(aten.add.Tensor, node.args[0], 3)
    return edit.call(aten.div.Tensor, edit.call(aten.hardtanh.default, shifted, 0, 6), 6)


def _power(edit: Editor, node: Node) -> Node | None:
    source, exponent = node.args
    if exponent in (2, 3, 4):
        squared = edit.call(aten.mul.Tensor, source, source)
        return (
            squared
            if exponent == 2
            else edit.call(aten.mul.Tensor, squared, source if exponent == 3 else squared)
        )
    if exponent == -1:
        return _inverse(edit, source)
    functions = {1: None, 0.5: aten.sqrt.default, -0.5: aten.rsqrt.default}
    if exponent not in functions:
        return None
    function = functions[exponent]
    return source if function is None else edit.call(function, source)


def _inverse(edit: Editor, source: Node) -> Node:
    one = edit.constant_like("one", torch.ones([1], dtype=torch.float64), source)
    return edit.call(aten.div.Tensor, one, source)


def _reciprocal(edit: Editor, node: Node) -> Node:
    return _inverse(edit, node.args[0])


def _square(edit: Editor, node: Node) -> Node:
    return edit.call(aten.mul.Tensor, node.args[0], node.args[0])


def _weighted(edit: Editor, node: Node) -> Node | None:
    """Write the factor `alpha` of a sum or difference as a product."""
    factor = argument(node, 2, "alpha", 1)
    if factor == 1:
        return None
    left, right = node.args[:2]
    if node.target is aten.rsub.Scalar:
        left, right = right, left
    if not isinstance(right, Node):
        return edit.call(_PLAIN[node.target], left, right * factor)
    scaled = edit.call(aten.mul.Tensor, right, factor)
    if not isinstance(left, Node):
        return edit.call(aten.rsub.Scalar, scaled, left)
    return edit.call(_PLAIN[node.target], left, scaled)


_PLAIN = {
    aten.add.Tensor: aten.add.Tensor,
    aten.add.Scalar: aten.add.Scalar,
    aten.sub.Tensor: aten.sub.Tensor,
    aten.sub.Scalar: aten.sub.Scalar,
    aten.rsub.Scalar: aten.rsub.Scalar,
}


def _norm(edit: Editor, node: Node) -> Node | None:
    source, order = node.args[0], argument(node, 1, "ord", 2)
    if order not in (1, 2) or argument(node, 4, "dtype") is not None:
        return None
    dims, keepdim = argument(node, 2, "dim"), argument(node, 3, "keepdim", False)
    if order == 1:
        sizes = edit.call(aten.abs.default, source)
        return edit.call(aten.sum.dim_IntList, sizes, dims, keepdim)
    squared = edit.call(aten.mul.Tensor, source, source)
    total = edit.call(aten.sum.dim_IntList, squared, dims, keepdim)
    return edit.call(aten.sqrt.default, total)


def _var(edit: Editor, node: Node) -> Node | None:
    source, rank = node.args[0], rank_of(node.args[0])
    dims = [dim % rank for dim in argument(node, 1, "dim") or range(rank)]
    correction = node.kwargs.get("correction", 1)
    correction = 1 if correction is None else correction
    count = math.prod(shape_of(source)[dim] for dim in dims)
    if count <= correction:
        return None
    centered = edit.call(aten.sub.Tensor, source, edit.call(aten.mean.dim, source, dims, True))
    squared = edit.call(aten.mul.Tensor, centered, centered)
    average = edit.call(aten.mean.dim, squared, dims, bool(node.kwargs.get("keepdim", False)))
    factor = count / (count - correction)
    return average if factor == 1 else edit.call(aten.mul.Tensor, average, factor)


def _std(edit: Editor, node: Node) -> Node:
    variance = edit.call(aten.var.correction, *node.args, **node.kwargs)
    return edit.call(aten.sqrt.default, variance)


def _clamp(edit: Editor, node: Node) -> Node:
    result = node.args[0]
    least, most = argument(node, 1, "min"), argument(node, 2, "max")
    if node.target is aten.clamp_max.Tensor:
        least, most = None, node.args[1]
    if least is not None:
        result = edit.call(aten.maximum.default, result, least)
    return result if most is None else edit.call(aten.minimum.default, result, most)


def _triangle(edit: Editor, node: Node) -> Node:
    kept = node.target(torch.ones(shape_of(node)[-2:], dtype=torch.float64), *node.args[1:])
    factor = edit.constant_like(f"{node.name}_kept", kept, node)
    return edit.call(aten.mul.Tensor, node.args[0], factor)


def _log_softmax(edit: Editor, node: Node) -> Node:
    source, dim = node.args[:2]
    most = edit.call(aten.amax.default, source, [dim], True)
    shifted = edit.call(aten.sub.Tensor, source, most)
    total = edit.call(aten.sum.dim_IntList, edit.call(aten.exp.default, shifted), [dim], True)
    return edit.call(aten.sub.Tensor, shifted, edit.call(aten.log.default, total))


def _logsumexp(edit: Editor, node: Node) -> Node:
    source, dims = node.args[:2]
    most = edit.call(aten.amax.default, source, dims, True)
    powers = edit.call(aten.exp.default, edit.call(aten.sub.Tensor, source, most))
    total = edit.call(aten.log.default, edit.call(aten.sum.dim_IntList, powers, dims, True))
    return edit.reshape(edit.call(aten.add.Tensor, total, most), shape_of(node))


def _cumsum(edit: Editor, node: Node) -> Node | None:
    source, dim = node.args[0], node.args[1] % max(1, rank_of(node))
    if rank_of(node) == 0 or shape_of(node)[dim] > LONGEST or node.kwargs.get("dtype") is not None:
        return None
    count = shape_of(node)[dim]
    return along(edit, source, dim, torch.ones(count, count, dtype=torch.float64).tril())


def _sum(edit: Editor, node: Node) -> Node | None:
    source, whole = node.args[0], node.target is aten.sum.default
    if node.kwargs.get("dtype") is not None or rank_of(source) == 0:
        return None
    dims = (None if whole else argument(node, 1, "dim")) or list(range(rank_of(source)))
    keepdim = not whole and bool(argument(node, 2, "keepdim", False))
    count = math.prod(shape_of(source)[dim] for dim in dims)
    average = edit.call(aten.mean.dim, source, list(dims), keepdim)
    return edit.call(aten.mul.Tensor, average, count)


FUNCTIONS = {
    aten.hardsigmoid.default: _hardsigmoid,
    aten.pow.Tensor_Scalar: _power,
    aten.reciprocal.default: _reciprocal,
    aten.square.default: _square,
    **{operator: _weighted for operator in _PLAIN},
    aten.log_softmax.int: _log_softmax,
    aten.logsumexp.default: _logsumexp,
    aten.linalg_vector_norm.default: _norm,
    aten.std.correction: _std,
    aten.var.correction: _var,
    aten.clamp.Tensor: _clamp,
    aten.clamp_max.Tensor: _clamp,
    aten.clamp_min.Tensor: _clamp,
    aten.tril.default: _triangle,
    aten.triu.default: _triangle,
    aten.cumsum.default: _cumsum,
    aten.sum.default: _sum,
    aten.sum.dim_IntList: _sum,
}
"""The order matters: no function emits an operator of an earlier entry."""
