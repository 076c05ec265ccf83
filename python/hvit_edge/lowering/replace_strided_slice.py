"""Replace a slice with a step s by a slice of length one.

Identity:   x[start :: s] = reshape(x, [n / s, s])[:, start]

    x [.., n, ..] -> slice(start, end, s) -> y
    x -> slice(start, start + k s) -> reshape [.., k, s, ..] -> slice(0, 1) -> reshape -> y

If fewer than s elements are left for the last element, it is sliced separately and joined by a cat.

Preconditions: a step above one. Bit-equal. XNNPACK slices only with a step of one.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, shape_of


def replace_strided_slice(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.slice.Tensor):
        if argument(node, 4, "step", 1) > 1 and node.meta["val"].numel():
            edit = Editor(graph, node)
            edit.replace(_by_columns(edit, node))
            modified = True
    return modified


def _by_columns(edit: Editor, node: Node) -> Node:
    source, step = node.args[0], argument(node, 4, "step")
    shape = shape_of(source)
    dim = argument(node, 1, "dim", 0) % len(shape)
    bounds = slice(argument(node, 2, "start"), argument(node, 3, "end"), step)
    start = bounds.indices(shape[dim])[0]
    count = shape_of(node)[dim]
    whole = count if start + count * step <= shape[dim] else count - 1
    parts = []
    if whole:
        rows = edit.call(aten.slice.Tensor, source, dim, start, start + whole * step)
        split = edit.reshape(rows, [*shape[:dim], whole, step, *shape[dim + 1 :]])
        first = edit.call(aten.slice.Tensor, split, dim + 1, 0, 1)
        parts.append(edit.reshape(first, [*shape[:dim], whole, *shape[dim + 1 :]]))
    if whole < count:
        last = start + whole * step
        parts.append(edit.call(aten.slice.Tensor, source, dim, last, last + 1))
    return parts[0] if len(parts) == 1 else edit.call(aten.cat.default, parts, dim)
