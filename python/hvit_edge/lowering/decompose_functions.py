"""Write functions out that XNNPACK has the parts of.

Identity:   hardsigmoid(x) = min(max(x + 3, 0), 6) / 6
            x^2 = x x,    x^0.5 = sqrt(x),    x^-0.5 = rsqrt(x)
            sum(x) = n mean(x),    norm(x) = sqrt(sum(x x)),    over n elements

    x -> hardsigmoid -> y                       x -> add(3) -> hardtanh(0, 6) -> div(6) -> y
    x -> pow(2) -> y                            x -> mul(x) -> y
    x -> linalg_vector_norm(2, dims) -> y       x -> mul(x) -> sum(dims) -> sqrt -> y
    x -> sum(dims) -> y                         x -> mean(dims) -> mul(n) -> y

Preconditions: floating point, no change of dtype; the norm is the Euclidean one. Exact up to one
rounding. What PyTorch makes of the first instead changes the dtype to and fro.
"""

from __future__ import annotations

import math

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of


def decompose_functions(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for operator, written_out in FUNCTIONS.items():
        for node in nodes_calling(graph, operator):
            source = node.args[0].meta["val"].dtype
            if not source.is_floating_point or source != node.meta["val"].dtype:
                continue
            edit = Editor(graph, node)
            replacement = written_out(edit, node)
            if replacement is not None:
                edit.replace(replacement)
                modified = True
    return modified


def _hardsigmoid(edit: Editor, node: Node) -> Node:
    shifted = edit.call(aten.add.Tensor, node.args[0], 3)
    return edit.call(aten.div.Tensor, edit.call(aten.hardtanh.default, shifted, 0, 6), 6)


def _power(edit: Editor, node: Node) -> Node | None:
    source, exponent = node.args
    if exponent == 2:
        return edit.call(aten.mul.Tensor, source, source)
    functions = {1: None, 0.5: aten.sqrt.default, -0.5: aten.rsqrt.default}
    if exponent not in functions:
        return None
    function = functions[exponent]
    return source if function is None else edit.call(function, source)


def _norm(edit: Editor, node: Node) -> Node | None:
    source = node.args[0]
    if argument(node, 1, "ord", 2) != 2 or argument(node, 4, "dtype") is not None:
        return None
    squared = edit.call(aten.mul.Tensor, source, source)
    dims, keepdim = argument(node, 2, "dim"), argument(node, 3, "keepdim", False)
    total = edit.call(aten.sum.dim_IntList, squared, dims, keepdim)
    return edit.call(aten.sqrt.default, total)


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
    aten.linalg_vector_norm.default: _norm,
    aten.sum.default: _sum,
    aten.sum.dim_IntList: _sum,
}
"""In an order in which none emits what stands before it."""
