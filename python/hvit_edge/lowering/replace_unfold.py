"""Take windows out of a map, and add them up again, by convolutions with ones and zeros.

Identity:   the windows of one channel are its convolutions with unit kernels

    x -> im2col(k) -> y                  x -> reshape [N C, 1, H, W] -> conv2d -> reshape -> y
    x -> col2im(k) -> y                  x -> reshape [N C, k k, H', W'] -> transposed conv -> y
    x -> unfold(dim, k, s) -> y          x -> slice.. -> cat, k / s parts of s elements each

Preconditions: floating point, a batch; for the last form s divides k. The first and the last are
bit-equal for finite values, the other exact up to the order of summation.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, nodes_calling, rank_of, shape_of


def replace_unfold(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for operator, rewritten in WINDOWS.items():
        for node in nodes_calling(graph, operator):
            if not node.meta["val"].dtype.is_floating_point:
                continue
            edit = Editor(graph, node)
            replacement = rewritten(edit, node)
            if replacement is not None:
                edit.replace(replacement)
                modified = True
    return modified


def _units(edit: Editor, node: Node, kernel: list[int]) -> Node:
    """Return a constant with one kernel [count, 1, height, width] for each place of a window."""
    count = math.prod(kernel)
    units = torch.eye(count, dtype=torch.float64).reshape(count, 1, *kernel)
    return edit.constant_like(f"{node.name}_units", units, node)


def _im2col(edit: Editor, node: Node) -> Node | None:
    source, kernel, dilation, padding, stride = node.args
    if rank_of(source) != 4:
        return None
    batch, channels, height, width = shape_of(source)
    maps = edit.reshape(source, [batch * channels, 1, height, width])
    kernels = _units(edit, node, list(kernel))
    windows = edit.call(aten.conv2d.default, maps, kernels, None, stride, padding, dilation)
    return edit.reshape(windows, shape_of(node))


def _col2im(edit: Editor, node: Node) -> Node | None:
    source, size, kernel, dilation, padding, stride = node.args
    if rank_of(source) != 3:
        return None
    batch, channels = shape_of(node)[:2]
    steps = [
        divmod(s + 2 * p - d * (k - 1) - 1, t)
        for s, k, d, p, t in zip(size, kernel, dilation, padding, stride, strict=True)
    ]
    counts, missing = [step + 1 for step, _ in steps], [rest for _, rest in steps]
    windows = edit.reshape(source, [batch * channels, math.prod(kernel), *counts])
    kernels = _units(edit, node, list(kernel))
    maps = edit.call(
        aten.conv_transpose2d.input, windows, kernels, None, stride, padding, missing, 1, dilation
    )
    return edit.reshape(maps, shape_of(node))


def _unfold(edit: Editor, node: Node) -> Node | None:
    source, dim, size, step = node.args
    if rank_of(source) == 0 or size % step:
        return None
    shape, dim = shape_of(source), dim % rank_of(source)
    count, parts = shape_of(node)[dim], []
    for part in range(size // step):
        start = part * step
        rows = edit.call(aten.slice.Tensor, source, dim, start, start + count * step)
        rows = edit.reshape(rows, [*shape[:dim], count, step, *shape[dim + 1 :]])
        parts.append(rows)
    rank = len(shape) + 1
    windows = parts[0] if len(parts) == 1 else edit.call(aten.cat.default, parts, dim + 1)
    return edit.permute(windows, [*(d for d in range(rank) if d != dim + 1), dim + 1])


WINDOWS = {
    aten.im2col.default: _im2col,
    aten.col2im.default: _col2im,
    aten.unfold.default: _unfold,
}
