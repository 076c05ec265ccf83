"""Replace indexing at constant positions with slices, or with a product by a 0/1 matrix.

Identity:   y[.., i, ..] = x[.., p(i), ..]

    x -> flip(dims) -> y                         few runs of indices:  slices -> cat -> y
    x -> index_select(dim, p) -> y               many:  permute -> linear(one-hot p) -> permute -> y
    x -> index([None, p]) -> y
    x -> pad(reflect, replicate, circular) -> y
    x -> pad(negative widths) -> y               slices -> pad -> y
    x -> roll(shift) -> y                        reshape [n] -> slices -> cat -> reshape -> y

Preconditions: floating point; the indices are constants, for one dimension or for several adjacent
ones; a matrix has at most `MOST_ELEMENTS` elements. Bit-equal for finite values: a product with the
matrix adds zeros. XNNPACK has none of these operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    Operator,
    argument,
    aten,
    constant_tensor,
    is_constant,
    rank_of,
    replace_each,
    shape_of,
)

MOST_RUNS = 8
MOST_ELEMENTS = 1 << 18

WIDTHS = {
    aten.reflection_pad1d.default: "reflect",
    aten.reflection_pad2d.default: "reflect",
    aten.replication_pad1d.default: "replicate",
    aten.replication_pad2d.default: "replicate",
}


def replace_indexing(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    return replace_each(graph, INDEXING, where=_is_plain)


def _is_plain(node: Node) -> bool:
    value = node.meta["val"]
    static = all(isinstance(size, int) and size for size in value.shape)
    return value.dtype.is_floating_point and static


def taken(edit: Editor, source: Node, dim: int, places: list[int]) -> Node | None:
    """Return the elements of `source` at `places` of `dim`, or None if the matrix is too large."""
    length = shape_of(source)[dim]
    if places == list(range(length)):
        return source
    runs = runs_of(places)
    if len(runs) <= MOST_RUNS and runs.count((0, length)) < 2:
        parts = [
            source if run == (0, length) else edit.call(aten.slice.Tensor, source, dim, *run)
            for run in runs
        ]
        return parts[0] if len(parts) == 1 else edit.call(aten.cat.default, parts, dim)
    if length * len(places) > MOST_ELEMENTS:
        return None
    matrix = torch.zeros(len(places), length, dtype=torch.float64)
    matrix[torch.arange(len(places)), torch.tensor(places)] = 1
    return along(edit, source, dim, matrix)


def along(
    edit: Editor, source: Node, dim: int, matrix: torch.Tensor, *, name: str = "places"
) -> Node:
    """Multiply dimension `dim` of `source` by `matrix` [new, old], a constant that `name` names."""
    rank = rank_of(source)
    order = [*(d for d in range(rank) if d != dim), dim]
    weight = edit.constant_like(f"{source.name}_{name}", matrix, source)
    moved = edit.call(aten.linear.default, edit.permute(source, order), weight)
    return edit.permute(moved, [order.index(d) for d in range(rank)])


def runs_of(places: list[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive numbers in `places`, each as start and end (exclusive)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _flip(edit: Editor, node: Node) -> Node | None:
    result: Node | None = node.args[0]
    for dim in node.args[1]:
        dim %= rank_of(node)
        result = result and taken(edit, result, dim, list(range(shape_of(node)[dim]))[::-1])
    return result


def _index_select(edit: Editor, node: Node) -> Node | None:
    source, dim, index = node.args
    if not is_constant(index) or rank_of(source) == 0:
        return None
    places = constant_tensor(edit.graph, index).reshape(-1).tolist()
    return taken(edit, source, dim % rank_of(source), places)


def _index(edit: Editor, node: Node) -> Node | None:
    source, indices = node.args
    dims = [dim for dim, index in enumerate(indices) if index is not None]
    if not dims or dims != list(range(dims[0], dims[-1] + 1)):
        return None
    if not all(is_constant(indices[dim]) for dim in dims):
        return None
    tensors = [constant_tensor(edit.graph, indices[dim]) for dim in dims]
    shape = shape_of(source)
    if len(dims) == 1 and tensors[0].dtype == torch.bool and tensors[0].dim() == 1:
        tensors = [tensors[0].nonzero()[:, 0]]
    if any(tensor.dtype == torch.bool for tensor in tensors):
        return None
    sizes = [shape[dim] for dim in dims]
    flat = torch.zeros((), dtype=torch.int64)
    for tensor, size in zip(tensors, sizes, strict=True):
        flat = flat * size + tensor % size
    merged = [*shape[: dims[0]], math.prod(sizes), *shape[dims[-1] + 1 :]]
    places = flat.reshape(-1).tolist()
    result = taken(edit, edit.reshape(source, merged), dims[0], places)
    return result and edit.reshape(result, shape_of(node))


def _roll(edit: Editor, node: Node) -> Node | None:
    if argument(node, 2, "dims", []):
        return None  # `replace_roll` does these
    count = math.prod(shape_of(node))
    start = -node.args[1][0] % count
    rolled = taken(
        edit, edit.reshape(node.args[0], [count]), 0, [*range(start, count), *range(start)]
    )
    return rolled and edit.reshape(rolled, shape_of(node))


def _pad(edit: Editor, node: Node) -> Node | None:
    mode = argument(node, 2, "mode", "constant")
    if mode == "constant":
        return _crop(edit, node, argument(node, 3, "value"))
    return _padded(edit, node, mode)


def _constant_pad(edit: Editor, node: Node) -> Node | None:
    return _crop(edit, node, argument(node, 2, "value", 0))


def _crop(edit: Editor, node: Node, value: float | None) -> Node | None:
    """Slice for negative widths, and pad for positive ones."""
    widths = list(node.args[1])
    if min(widths) >= 0:
        return None
    result = node.args[0]
    for number in range(len(widths) // 2):
        dim = rank_of(node) - 1 - number
        before, after = (max(0, -width) for width in widths[2 * number : 2 * number + 2])
        if before or after:
            end = shape_of(result)[dim] - after
            result = edit.call(aten.slice.Tensor, result, dim, before, end)
    if max(widths) <= 0:
        return result
    rest = [max(0, width) for width in widths]
    return edit.call(aten.constant_pad_nd.default, result, rest, value or 0)


def _padded(edit: Editor, node: Node, mode: str) -> Node | None:
    widths, result = list(node.args[1]), node.args[0]
    for number in range(len(widths) // 2):
        dim = rank_of(node) - 1 - number
        before, after = widths[2 * number : 2 * number + 2]
        length = shape_of(node.args[0])[dim]
        places = [_PLACES[mode](at, length) for at in range(-before, length + after)]
        result = result and taken(edit, result, dim, places)
    return result


def _mirrored(at: int, length: int) -> int:
    return length - 1 - abs(length - 1 - abs(at))


_PLACES: dict[str, Callable[[int, int], int]] = {
    "reflect": _mirrored,
    "replicate": lambda at, length: min(max(at, 0), length - 1),
    "circular": lambda at, length: at % length,
}

INDEXING: dict[Operator | tuple[Operator, ...], Callable[[Editor, Node], Node | None]] = {
    aten.flip.default: _flip,
    aten.index_select.default: _index_select,
    aten.index.Tensor: _index,
    aten.roll.default: _roll,
    aten.pad.default: _pad,
    aten.constant_pad_nd.default: _constant_pad,
    **{pad: partial(_padded, mode=mode) for pad, mode in WIDTHS.items()},
}
