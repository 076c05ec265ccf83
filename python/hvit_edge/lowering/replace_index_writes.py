"""Replace writes at constant places with a choice among the old and the new elements.

Identity:   x after x[places] = v is made of elements of x and of v, at known places of cat(x, v)
            x after x[places] += v is x + M v, where M has a one for each place

    x, v -> index_put([None, p]) -> y       few runs:  slices of x and v -> cat -> y
    x, v -> scatter(dim, p) -> y            many:      cat(x, v) -> index_select(dim, places) -> y
    x, v -> index_add(dim, p) -> y          v -> permute -> linear(M) -> permute; add -> y

Preconditions: floating point; the places are constants; M has at most `MOST_ELEMENTS` elements, and
its places are along one dimension. Choices are bit-equal. The operator itself says which element is
where: it is called with the numbers of the elements.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_constant,
    is_float,
    nodes_calling,
    shape_of,
)
from hvit_edge.lowering.replace_indexing import MOST_ELEMENTS, MOST_RUNS, along, runs_of

VALUES = {
    aten.index_put.default: 2,
    aten.index_copy.default: 3,
    aten.index_fill.int_Scalar: 3,
    aten.index_fill.int_Tensor: 3,
    aten.masked_scatter.default: 2,
    aten.scatter.src: 3,
    aten.scatter.value: 3,
}
"""The operators that write, and the position of what they write."""
SUMS = (aten.index_add.default, aten.scatter_add.default)


def replace_index_writes(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *VALUES, *SUMS):
        if not is_float(node) or not all(map(is_constant, _places(node))):
            continue
        edit = Editor(graph, node)
        replacement = (_added if _adds(node) else _written)(edit, node)
        if replacement is not None:
            edit.replace(replacement)
            modified = True
    return modified


def _adds(node: Node) -> bool:
    if node.target is aten.index_put.default:
        return bool(argument(node, 3, "accumulate", False))
    return node.target in SUMS


def _places(node: Node) -> list[Node]:
    """Return the tensors that say where `node` writes."""
    if node.target is aten.index_put.default:
        return [index for index in node.args[1] if index is not None]
    return [node.args[1] if node.target is aten.masked_scatter.default else node.args[2]]


@dataclass(frozen=True)
class _Choice:
    """Says where the elements of a result come from, along one group of adjacent dimensions.

    Attributes:
        first, last: the first dimension of the group and the one after the last.
        count: number of new elements along the group.
        places: for each element along the group, the place of its source in the old elements
            followed by the new ones.
    """

    first: int
    last: int
    count: int
    places: list[int]


def _written(edit: Editor, node: Node) -> Node | None:
    position, base, shape = VALUES[node.target], node.args[0], shape_of(node)
    value = node.args[position]
    if not isinstance(value, Node):
        value = edit.constant_like(f"{node.name}_value", torch.tensor(float(value)), node)
    if 0 in shape or value.meta["val"].dtype != node.meta["val"].dtype:
        return None
    if node.target is aten.index_put.default:
        value = _expanded(edit, node, value)
    if 0 in shape_of(value):
        return base
    numbers = _numbers(edit.graph, node, position, shape_of(value))
    choice = next(_choices(numbers, shape, math.prod(shape_of(value))))
    before, after = shape[: choice.first], shape[choice.last :]
    old = edit.reshape(base, [*before, math.prod(shape[choice.first : choice.last]), *after])
    return edit.reshape(_chosen(edit, old, value, choice), shape)


def _expanded(edit: Editor, node: Node, value: Node) -> Node:
    """Return what `index_put` writes in the shape of its places; one number stays one."""
    written = list(aten.index.Tensor(node.args[0].meta["val"], _indices(edit.graph, node)).shape)
    single = math.prod(shape_of(value)) == 1 and 0 not in written
    if single or shape_of(value) == written:
        return value
    return edit.call(aten.expand.default, value, written)


def _indices(graph: GraphModule, node: Node) -> list[torch.Tensor | None]:
    """Return indices of the places of `index_put`, without data; masks are indices instead."""
    found: list[torch.Tensor | None] = []
    for index in node.args[1]:
        tensor = None if index is None else constant_tensor(graph, index)
        if tensor is not None and tensor.dtype == torch.bool:
            found += [column.to("meta") for column in tensor.nonzero().unbind(1)]
        else:
            found.append(tensor if tensor is None else tensor.to("meta"))
    return found


def _numbers(graph: GraphModule, node: Node, position: int, value_shape: list[int]) -> torch.Tensor:
    """Return the number of the source of each element of the result, int64 in its shape.

    The elements of the old tensor come first, then those that are written.
    """
    shape = shape_of(node)
    old = torch.arange(math.prod(shape)).reshape(shape)
    new = math.prod(shape) + torch.arange(math.prod(value_shape)).reshape(value_shape)
    arguments = list(node.args)
    arguments[0] = old
    arguments[position] = new if isinstance(node.args[position], Node) else int(new)
    called = torch.fx.map_arg(arguments, lambda n: constant_tensor(graph, n))
    return node.target(*called)


def _choices(numbers: torch.Tensor, shape: list[int], written: int) -> Iterator[_Choice]:
    """Yield the descriptions of `numbers`, those of few elements and dimensions first."""
    rank = len(shape)
    groups = [(a, b) for a in range(max(rank, 1)) for b in range(a + 1, rank + 1)] or [(0, 0)]

    def size(group: tuple[int, int]) -> tuple[int, int]:
        return math.prod(shape[slice(*group)]), group[1] - group[0]

    for first, last in sorted(groups, key=size):
        choice = _choice(numbers, shape, written, first, last)
        if choice is not None:
            yield choice


def _choice(
    numbers: torch.Tensor, shape: list[int], written: int, first: int, last: int
) -> _Choice | None:
    """Return the description along one group; None if other dimensions change the places."""
    outer, length, inner = (
        math.prod(part) for part in (shape[:first], shape[first:last], shape[last:])
    )
    total, fills = outer * length * inner, written == 1
    if not fills and written % (outer * inner):
        return None
    count = 1 if fills else written // (outer * inner)
    cells = numbers.reshape(outer, length, inner)
    line = cells[0, :, 0]  # the others must be like it
    is_new = line >= total
    place = torch.where(is_new, line - total, line) // inner % torch.where(is_new, count, length)
    number = torch.where(is_new, count, length) * torch.arange(outer)[:, None] + place
    number = number[..., None] * inner + torch.arange(inner)
    new = torch.full_like(number, total) if fills else total + number
    if not torch.equal(torch.where(is_new[:, None], new, number), cells):
        return None
    return _Choice(first, last, count, torch.where(is_new, length + place, place).tolist())


def _chosen(edit: Editor, old: Node, value: Node, choice: _Choice) -> Node:
    """Take slices of the two tensors, or select from both if there are many runs."""
    dim, length = choice.first, shape_of(old)[choice.first]
    shape = [*shape_of(old)[:dim], choice.count, *shape_of(old)[dim + 1 :]]
    if math.prod(shape_of(value)) == 1:
        new = edit.reshape(value, [1] * len(shape))
        new = new if shape_of(new) == shape else edit.call(aten.expand.default, new, shape)
    else:
        new = edit.reshape(value, shape)
    runs = [
        part
        for start, end in runs_of(choice.places)
        for part in ((start, min(end, length)), (max(start, length), end))
        if part[0] < part[1]
    ]
    if len(runs) > MOST_RUNS:
        both = edit.call(aten.cat.default, [old, new], dim)
        index = edit.constant(f"{old.name}_places", torch.tensor(choice.places))
        return edit.call(aten.index_select.default, both, dim, index)
    parts = []
    for start, end in runs:
        source, offset = (new, length) if start >= length else (old, 0)
        whole = (start - offset, end - offset) == (0, shape_of(source)[dim])
        parts.append(
            source
            if whole
            else edit.call(aten.slice.Tensor, source, dim, start - offset, end - offset)
        )
    return parts[0] if len(parts) == 1 else edit.call(aten.cat.default, parts, dim)


def _added(edit: Editor, node: Node) -> Node | None:
    """Add the product of the new elements and a matrix of zeros and ones."""
    found = _lines(edit, node)
    if found is None:
        return None
    dim, places, value = found
    length = shape_of(node)[dim]
    if not 0 < len(places) * length <= MOST_ELEMENTS:
        return None
    matrix = torch.zeros(length, len(places), dtype=torch.float64)
    matrix[places % length, torch.arange(len(places))] = float(node.kwargs.get("alpha", 1))
    return edit.call(aten.add.Tensor, node.args[0], along(edit, value, dim, matrix))


def _lines(edit: Editor, node: Node) -> tuple[int, torch.Tensor, Node] | None:
    """Return the dimension along which a sum adds, the places there, and what it adds there."""
    shape, tensors = shape_of(node), [constant_tensor(edit.graph, n) for n in _places(node)]
    if not shape or len(tensors) != 1 or tensors[0].dtype == torch.bool:
        return None
    (places,) = tensors
    value = node.args[2 if node.target is aten.index_put.default else 3]
    if value.meta["val"].dtype != node.meta["val"].dtype:
        return None
    if node.target is aten.index_put.default:
        dim = next(d for d, index in enumerate(node.args[1]) if index is not None)
        rest, written = list(places.shape), [*shape[:dim], *places.shape, *shape[dim + 1 :]]
        value = (
            value if shape_of(value) == written else edit.call(aten.expand.default, value, written)
        )
        value = edit.reshape(value, [*shape[:dim], math.prod(rest), *shape[dim + 1 :]])
        return dim, places.reshape(-1), value
    dim = node.args[1] % len(shape)
    if node.target is aten.scatter_add.default:
        size = places.shape[dim]
        lines = places.movedim(dim, -1).reshape(-1, size)
        whole = list(places.shape) == shape_of(value) == [*shape[:dim], size, *shape[dim + 1 :]]
        if not whole or not bool((lines == lines[:1]).all()):
            return None
        places = lines[0]
    return dim, places.reshape(-1), value
