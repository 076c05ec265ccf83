"""Replace a write to a slice with a concatenation of the parts that stay and the new part.

Identity:   x after x[a : b] = v is cat(x[: a], v, x[b :])

    x, v -> slice_scatter(dim, a, b) -> y       x -> slice, slice; cat(slice, v, slice) -> y
    x, v -> select_scatter(dim, i) -> y         the same, v reshaped to length one

Preconditions: floating point. The step is one, or it divides the dimension and the slice reaches to
its end; the dimension is then split in two. Bit-equal. Functionalization turns assignments into
these operators.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

SCATTERS = (aten.slice_scatter.default, aten.select_scatter.default)


def replace_scatters(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *SCATTERS):
        if not node.meta["val"].dtype.is_floating_point:
            continue
        edit = Editor(graph, node)
        selects = node.target is aten.select_scatter.default
        replacement = (_selected if selects else _sliced)(edit, node)
        if replacement is not None:
            edit.replace(replacement)
            modified = True
    return modified


def _selected(edit: Editor, node: Node) -> Node:
    base, value, dim, index = node.args
    shape, dim = shape_of(base), dim % rank_of(base)
    value = edit.reshape(value, [*shape[:dim], 1, *shape[dim + 1 :]])
    return _joined(edit, base, value, dim, index % shape[dim])


def _sliced(edit: Editor, node: Node) -> Node | None:
    base, value = node.args[:2]
    shape = shape_of(base)
    dim = argument(node, 2, "dim", 0) % len(shape)
    bounds = slice(
        argument(node, 3, "start"), argument(node, 4, "end"), argument(node, 5, "step", 1)
    )
    start, _, step = bounds.indices(shape[dim])
    if shape_of(value)[dim] == 0:
        return base
    if step == 1:
        return _joined(edit, base, value, dim, start)
    count = shape[dim] // step
    if count * step != shape[dim] or shape_of(value)[dim] != count:
        return None
    columns = edit.reshape(base, [*shape[:dim], count, step, *shape[dim + 1 :]])
    column = edit.reshape(value, [*shape[:dim], count, 1, *shape[dim + 1 :]])
    return edit.reshape(_joined(edit, columns, column, dim + 1, start), shape)


def _joined(edit: Editor, base: Node, value: Node, dim: int, start: int) -> Node:
    """Return `base` with `value` from index `start` of `dim` on."""
    length, end = shape_of(base)[dim], start + shape_of(value)[dim]
    parts = [value]
    if start > 0:
        parts.insert(0, edit.call(aten.slice.Tensor, base, dim, 0, start))
    if end < length:
        parts.append(edit.call(aten.slice.Tensor, base, dim, end, length))
    return value if len(parts) == 1 else edit.call(aten.cat.default, parts, dim)
