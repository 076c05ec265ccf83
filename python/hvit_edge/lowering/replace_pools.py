"""Replace pools with the form that XNNPACK has: 2-D, without counted padding, without ceil mode.

Identity:   average over a window = (average of the window padded with zeros) * elements / divisor

    x -> avg_pool2d(k, padding p) -> y             x -> pad(p, 0) -> avg_pool2d(k) -> [mul(c)] -> y
    x -> pool of one pixel, stride s -> y          x -> slice(step s) -> slice(step s) -> y
    x -> adaptive pool [H / a, W / b] -> y         x -> pool(a, b) -> y
    x -> adaptive_avg_pool2d, other sizes -> y     x -> linear over rows -> linear over columns -> y
    x [N, C, L] -> pool of rows -> y               x -> reshape [N, C, 1, L] -> pool -> reshape -> y

The constant c is omitted if it is one. Symmetric padding that is not counted stays.

Preconditions: static shapes; the indices of maxima are not used; the windows of an adaptive max
pool are all of one size. Exact up to the order of summation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    first,
    rank_of,
    repeated,
    replace_each,
    shape_of,
)
from hvit_edge.lowering.replace_indexing import along

AVERAGE, MAXIMUM = aten.avg_pool2d.default, aten.max_pool2d.default
ADAPTIVE = aten.adaptive_avg_pool2d.default
ROWS = {aten.avg_pool1d.default: AVERAGE, aten.max_pool1d.default: MAXIMUM}
ADAPTIVE_MAXIMUM = aten.adaptive_max_pool2d.default


def replace_pools(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    return replace_each(graph, POOLS, where=_has_a_batch)


def _has_a_batch(node: Node) -> bool:
    return rank_of(node.args[0]) == RANKS.get(node.target, 4)


def _of_rows(edit: Editor, node: Node) -> Node:
    """Pool rows [N, C, L] as planes of height one."""
    batch, channels, length = shape_of(node.args[0])
    plane = edit.reshape(node.args[0], [batch, channels, 1, length])
    if node.target is aten.adaptive_avg_pool1d.default:
        pooled = edit.call(ADAPTIVE, plane, [1, *node.args[1]])
        return edit.reshape(pooled, shape_of(node))
    kernel = first(node.args[1])
    stride = first(argument(node, 2, "stride") or kernel)
    options: list[object] = [
        [1, kernel],
        [1, stride],
        [0, first(argument(node, 3, "padding", 0))],
    ]
    if node.target is aten.max_pool1d.default:
        ceil = bool(argument(node, 5, "ceil_mode", False))
        options += [[1, first(argument(node, 4, "dilation", 1))], ceil]
    else:
        options += [bool(argument(node, 4, "ceil_mode", False))]
        options += [bool(argument(node, 5, "count_include_pad", True))]
    return edit.reshape(edit.call(ROWS[node.target], plane, *options), shape_of(node))


def _average(edit: Editor, node: Node) -> Node | None:
    kernel = repeated(node.args[1], 2)
    stride = repeated(argument(node, 2, "stride") or kernel, 2)
    padding = repeated(argument(node, 3, "padding", 0), 2)
    if kernel == [1, 1] and not any(padding) and argument(node, 6, "divisor_override") in (None, 1):
        return _thinned(edit, node, stride)
    ceil, counts = (
        argument(node, 4, "ceil_mode", False),
        argument(node, 5, "count_include_pad", True),
    )
    divisor = argument(node, 6, "divisor_override")
    if not ceil and divisor is None and not (counts and any(padding)):
        return None
    sizes, pooled = shape_of(node.args[0])[2:], shape_of(node)[2:]
    counted = [
        _counted(*numbers, counts)
        for numbers in zip(sizes, pooled, kernel, stride, padding, strict=True)
    ]
    averaged = edit.call(AVERAGE, _padded(edit, node, kernel, stride, padding), kernel, stride)
    elements = torch.outer(*counted) if divisor is None else torch.tensor([[float(divisor)]])
    factor = math.prod(kernel) / elements.double()
    if torch.all(factor == 1):
        return averaged
    constant = edit.constant_like(f"{node.name}_factor", factor[None, None], node)
    return edit.call(aten.mul.Tensor, averaged, constant)


def _counted(
    size: int, pooled: int, kernel: int, stride: int, padding: int, counts: bool
) -> torch.Tensor:
    """Return the number of elements counted in each window of one dimension, float64 [pooled]."""
    starts = torch.arange(pooled) * stride - padding
    ends = torch.clamp(starts + kernel, max=size + padding)
    if not counts:
        starts, ends = torch.clamp(starts, min=0), torch.clamp(ends, max=size)
    return (ends - starts).double()


def _maximum(edit: Editor, node: Node) -> Node | None:
    kernel = repeated(node.args[1], 2)
    stride = repeated(argument(node, 2, "stride") or kernel, 2)
    if kernel == [1, 1] and not any(repeated(argument(node, 3, "padding", 0), 2)):
        return _thinned(edit, node, stride)
    return None


def _thinned(edit: Editor, node: Node, stride: Sequence[int]) -> Node:
    """Return the pixels at multiples of `stride`, which windows of one pixel select."""
    result = node.args[0]
    for dim, step in enumerate(stride, 2):
        if step > 1:
            end = shape_of(result)[dim]
            result = edit.call(aten.slice.Tensor, result, dim, 0, end, step)
    return result


def _padded(
    edit: Editor,
    node: Node,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
) -> Node:
    """Pad with zeros so that a pool without padding has the same windows."""
    widths: list[int] = []
    for dim in (1, 0):
        size, pooled = shape_of(node.args[0])[2 + dim], shape_of(node)[2 + dim]
        needed = (pooled - 1) * stride[dim] + kernel[dim]
        widths += [padding[dim], max(0, needed - size - padding[dim])]
    if not any(widths):
        return node.args[0]
    return edit.call(aten.constant_pad_nd.default, node.args[0], widths, 0.0)


def _adaptive(edit: Editor, node: Node) -> Node | None:
    sizes, wanted = shape_of(node.args[0])[2:], shape_of(node)[2:]
    if wanted == [1, 1]:
        return None  # `replace_mean` does these
    if all(size % new == 0 for size, new in zip(sizes, wanted, strict=True)):
        kernel = [size // new for size, new in zip(sizes, wanted, strict=True)]
        return (
            node.args[0] if kernel == [1, 1] else edit.call(AVERAGE, node.args[0], kernel, kernel)
        )
    pooled = node.args[0]
    for dim, (size, new) in enumerate(zip(sizes, wanted, strict=True), 2):
        if size != new:
            matrix = torch.zeros(new, size, dtype=torch.float64)
            for place in range(new):
                start, end = place * size // new, -(-(place + 1) * size // new)
                matrix[place, start:end] = 1 / (end - start)
            pooled = along(edit, pooled, dim, matrix)
    return pooled


def _adaptive_maximum(edit: Editor, node: Node) -> Node | None:
    sizes, wanted = shape_of(node.args[0])[2:], node.meta["val"][0].shape[2:]
    if list(wanted) == [1, 1] or any(s % n for s, n in zip(sizes, wanted, strict=True)):
        return None  # `replace_max` does a single pixel
    if any(user.args[1] != 0 and user.users for user in node.users):
        return None
    kernel = [size // new for size, new in zip(sizes, wanted, strict=True)]
    maximum = edit.call(MAXIMUM, node.args[0], kernel, kernel)
    for item in list(node.users):
        item.replace_all_uses_with(maximum)
        edit.graph.graph.erase_node(item)
    return maximum


RANKS = {aten.adaptive_avg_pool1d.default: 3, **{operator: 3 for operator in ROWS}}
POOLS = {
    (*ROWS, aten.adaptive_avg_pool1d.default): _of_rows,
    ADAPTIVE: _adaptive,
    ADAPTIVE_MAXIMUM: _adaptive_maximum,
    AVERAGE: _average,
    MAXIMUM: _maximum,
}
"""The order matters: no function emits an operator of an earlier entry."""
