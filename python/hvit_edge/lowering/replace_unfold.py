"""Replace the extraction of windows from a map, and their sum, with 0/1 convolutions.

Identity:   the windows of one channel are its convolutions with one-hot kernels

    x -> im2col(k) -> y                  x -> reshape [N C, 1, H, W] -> conv2d -> reshape -> y
    x -> col2im(k) -> y                  x -> reshape [N C, k k, H', W'] -> transposed conv -> y
    x -> unfold(dim, k, s) -> y          x -> reshape [n / g, g] -> slice.. -> cat -> permute -> y

Preconditions: floating point and a batch dimension. For the last form g divides k and s, and k / g
is at most 16. The first and last forms are bit-equal for finite values. The second is exact up to
the order of summation.
"""

from __future__ import annotations

import math

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, is_float, rank_of, replace_each, shape_of

MOST_PARTS = 16


def replace_unfold(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    return replace_each(graph, WINDOWS, where=is_float)


def _units(edit: Editor, node: Node, kernel: list[int]) -> Node:
    """Return a constant [count, 1, height, width]: one kernel for each pixel of a window."""
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
    """Join parts of g elements, where g divides the size of windows and their step."""
    source, dim, size, step = node.args
    if rank_of(source) == 0 or size // math.gcd(size, step) > MOST_PARTS:
        return None
    shape, dim, length = shape_of(source), dim % rank_of(source), math.gcd(size, step)
    chunks, stride = shape[dim] // length, step // length
    if chunks * length < shape[dim]:
        source = edit.call(aten.slice.Tensor, source, dim, 0, chunks * length)
    split = edit.reshape(source, [*shape[:dim], chunks, length, *shape[dim + 1 :]])
    parts = []
    for first in range(size // length):
        end = first + (shape_of(node)[dim] - 1) * stride + 1
        steps = [stride] if stride > 1 else []
        parts.append(edit.call(aten.slice.Tensor, split, dim, first, end, *steps))
    windows = parts[0] if len(parts) == 1 else edit.call(aten.cat.default, parts, dim + 1)
    order = [d for d in range(len(shape) + 1) if d != dim + 1]
    return edit.permute(windows, [*order, dim + 1])


WINDOWS = {
    aten.im2col.default: _im2col,
    aten.col2im.default: _col2im,
    aten.unfold.default: _unfold,
}
