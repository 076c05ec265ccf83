"""Replace the resizing of feature maps by operators that XNNPACK has.

Identity:   nearest by whole factors:   y[i, j] = x[i // f, j // g], every pixel times ones [f, g]
            bilinear:                   y = A x B^T with interpolation matrices A [H', H], B [W', W]

    x -> upsample_nearest2d(f, g) -> y
    x -> reshape [C H, W, 1] -> mul(ones [g]) -> reshape [C H, 1, W g] -> mul(ones [f, 1]) -> y

    x -> upsample_bilinear2d -> y
    x -> linear(B) -> permute -> linear(A) -> permute -> y

Preconditions: nearest only for whole factors; bilinear only where the sizes alone set the scale.
Nearest is bit-equal, bilinear exact up to the order of summation.
"""

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, shape_of

NEAREST = (aten.upsample_nearest2d.vec, aten.upsample_nearest2d.default)
BILINEAR = (aten.upsample_bilinear2d.vec, aten.upsample_bilinear2d.default)


def replace_resize(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    bilinear, nearest = replace_bilinear(graph), _replace_nearest(graph)
    return bilinear or nearest


def replace_bilinear(graph: GraphModule) -> bool:
    """The bilinear part alone; returns whether anything changed."""
    modified = False
    for node in nodes_calling(graph, *BILINEAR):
        if _scales_by_size(node):
            edit = Editor(graph, node)
            edit.replace(_bilinear(edit, node))
            modified = True
    return modified


def _replace_nearest(graph: GraphModule) -> bool:
    modified = False
    for node in nodes_calling(graph, *NEAREST):
        if _has_whole_factors(node):
            edit = Editor(graph, node)
            edit.replace(_nearest(edit, node))
            modified = True
    return modified


def _has_whole_factors(node: Node) -> bool:
    return all(
        new % old == 0
        for new, old in zip(shape_of(node)[2:], shape_of(node.args[0])[2:], strict=True)
    )


def _scales_by_size(node: Node) -> bool:
    """Whether no scale factor was given, or one that is exactly the ratio of the sizes."""
    factors = (argument(node, 3, "scale_factors") or []) if node.target is BILINEAR[0] else []
    old, new = shape_of(node.args[0])[2:], shape_of(node)[2:]
    return all(o * f == n for o, f, n in zip(old, factors, new, strict=False))


def _nearest(edit: Editor, node: Node) -> Node:
    batch, channels, height, width = shape_of(node.args[0])
    down, across = shape_of(node)[2] // height, shape_of(node)[3] // width
    repeated = edit.reshape(node.args[0], [batch * channels * height, width, 1])
    ones = torch.ones(1, 1, across, dtype=torch.float64)
    repeated = edit.call(
        aten.mul.Tensor, repeated, edit.constant_like(f"{node.name}_across", ones, node)
    )
    repeated = edit.reshape(repeated, [batch * channels * height, 1, width * across])
    ones = torch.ones(1, down, 1, dtype=torch.float64)
    repeated = edit.call(
        aten.mul.Tensor, repeated, edit.constant_like(f"{node.name}_down", ones, node)
    )
    return edit.reshape(repeated, shape_of(node))


def _bilinear(edit: Editor, node: Node) -> Node:
    """Interpolate along each side in turn, by the operator's own answers to unit maps."""
    resized = node.args[0]
    (old_height, old_width), (height, width) = shape_of(resized)[2:], shape_of(node)[2:]
    align_corners = bool(argument(node, 2, "align_corners"))
    across = _interpolation(old_width, width, align_corners)
    resized = edit.call(
        aten.linear.default, resized, edit.constant_like(f"{node.name}_across", across, node)
    )
    down = _interpolation(old_height, height, align_corners)
    columns = edit.permute(resized, [0, 1, 3, 2])
    columns = edit.call(
        aten.linear.default, columns, edit.constant_like(f"{node.name}_down", down, node)
    )
    return edit.permute(columns, [0, 1, 3, 2])


def _interpolation(old: int, new: int, align_corners: bool) -> torch.Tensor:
    """The matrix float64 [new, old] of a one-dimensional bilinear resize."""
    units = torch.eye(old, dtype=torch.float64).reshape(1, old, 1, old)
    rows = aten.upsample_bilinear2d.vec(units, [1, new], align_corners, None)
    return rows.reshape(old, new).t()
