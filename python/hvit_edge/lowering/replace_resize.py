"""Replace the resizing of feature maps with operators that XNNPACK has.

Identity:   nearest by integer factors:   y[i, j] = x[i // f, j // g], every pixel times ones [f, g]
            any other:                    y = A x B^T with matrices A [H', H], B [W', W]

    x -> upsample_nearest2d(f, g) -> y
    x -> reshape [C H, W, 1] -> mul(ones [g]) -> reshape [C H, 1, W g] -> mul(ones [f, 1]) -> y

    x -> upsample_bilinear2d -> y
    x -> linear(B) -> permute -> linear(A) -> permute -> y

The matrices are the results of the operator itself for unit maps. This covers nearest, bilinear and
bicubic resizing of maps and of rows, with and without antialiasing.

Preconditions: static shapes; a matrix has at most `MOST_ELEMENTS` elements. Nearest is bit-equal
for finite values. The others are exact up to the order of summation.
"""

from __future__ import annotations

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, Operator, aten, nodes_calling, shape_of

NEAREST = (aten.upsample_nearest2d.vec, aten.upsample_nearest2d.default)
BILINEAR = (aten.upsample_bilinear2d.vec, aten.upsample_bilinear2d.default)
OTHERS = (
    aten.upsample_bicubic2d.vec,
    aten.upsample_bicubic2d.default,
    aten.upsample_linear1d.vec,
    aten.upsample_linear1d.default,
    aten.upsample_nearest1d.vec,
    aten.upsample_nearest1d.default,
    aten._upsample_bicubic2d_aa.vec,
    aten._upsample_bicubic2d_aa.default,
    aten._upsample_bilinear2d_aa.vec,
    aten._upsample_bilinear2d_aa.default,
    aten._upsample_nearest_exact1d.vec,
    aten._upsample_nearest_exact1d.default,
    aten._upsample_nearest_exact2d.vec,
    aten._upsample_nearest_exact2d.default,
)
MOST_ELEMENTS = 1 << 20


def replace_resize(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    nearest = _replace_nearest(graph)
    return _replace_separable(graph, (*BILINEAR, *NEAREST, *OTHERS)) or nearest


def replace_bilinear(graph: GraphModule) -> bool:
    """Apply the bilinear part alone. Return True if it changed the graph."""
    return _replace_separable(graph, BILINEAR)


def _replace_separable(graph: GraphModule, operators: tuple[Operator, ...]) -> bool:
    modified = False
    for node in nodes_calling(graph, *operators):
        edit = Editor(graph, node)
        replacement = _separated(edit, node)
        if replacement is not None:
            edit.replace(replacement)
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
    """Return True if resizing repeats each pixel an integer number of times.

    The sizes alone do not tell: a given scale factor may select other pixels.
    """
    old, new = shape_of(node.args[0])[2:], shape_of(node)[2:]
    if any(after % before for before, after in zip(old, new, strict=True)):
        return False
    return all(
        matrix is None or torch.equal(matrix, torch.eye(n).double().repeat_interleave(m // n, 0))
        for n, m, matrix in zip(old, new, _matrices(node), strict=True)
    )


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


def _separated(edit: Editor, node: Node) -> Node | None:
    """Resize along each dimension in turn, the last one first."""
    resized, matrices = node.args[0], _matrices(node)
    if any(m is not None and m.numel() > MOST_ELEMENTS for m in matrices):
        return None
    rank = len(shape_of(node))
    if all(matrix is None for matrix in matrices):
        return resized
    for dim, matrix in reversed(list(enumerate(matrices, 2))):
        if matrix is None:
            continue
        order = [*(d for d in range(rank) if d != dim), dim]
        weight = edit.constant_like(f"{node.name}_{dim}", matrix, node)
        moved = edit.call(aten.linear.default, edit.permute(resized, order), weight)
        resized = edit.permute(moved, [order.index(d) for d in range(rank)])
    return resized


def _matrices(node: Node) -> list[torch.Tensor | None]:
    """Return the matrix float64 [new, old] of each resized dimension, None for an identity."""
    return [_matrix(node, place) for place in range(len(shape_of(node)) - 2)]


def _matrix(node: Node, place: int) -> torch.Tensor | None:
    """Return the matrix of one dimension, computed by running the operator on unit rows.

    All other dimensions have size two, because PyTorch's antialiasing is wrong at size one.
    """
    old, new = shape_of(node.args[0])[2 + place], shape_of(node)[2 + place]
    dims = len(shape_of(node)) - 2
    sizes = [old if dim == place else 2 for dim in range(dims)]
    rows = [old if dim == place else 1 for dim in range(dims)]
    units = torch.eye(old, dtype=torch.float64).reshape(old, 1, *rows).expand(old, 1, *sizes)
    answers = node.target(units.contiguous(), **_arguments(node, place, new))
    for dim in reversed([dim for dim in range(dims) if dim != place]):
        answers = answers.select(2 + dim, 0)
    matrix = answers.reshape(old, new).t().contiguous()
    return None if old == new and torch.equal(matrix, torch.eye(old).double()) else matrix


def _arguments(node: Node, place: int, new: int) -> dict[str, object]:
    """Return the operator's arguments after the first, changed to resize along `place` alone."""
    names = [argument.name for argument in node.target._schema.arguments][1:]
    given = dict(zip(names, node.args[1:], strict=False)) | dict(node.kwargs)
    dims = len(shape_of(node)) - 2
    sizes = [new if dim == place else 2 for dim in range(dims)]
    factors = given.get("scale_factors")
    if factors is not None:
        return given | {"scale_factors": [f if d == place else 1.0 for d, f in enumerate(factors)]}
    scales = {name: None for name in names if name.startswith("scales")}
    own = list(scales)[place] if scales else None
    if own is not None and given.get(own) is not None:
        scales[own] = given[own]
    return given | {"output_size": sizes} | scales
