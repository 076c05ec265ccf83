"""Replace a cyclic shift with slices and concatenations.

Identity:   roll(x, s, d) = cat(x[n - s :], x[: n - s]) along d,   n = length of d, 0 < s < n

    x -> roll([s1, s2], [d1, d2]) -> y
    x -> slice, slice -> cat(d1) -> slice, slice -> cat(d2) -> y

Preconditions: the roll names dimensions; a roll of the flattened tensor stays as is. Bit-equal.
"""

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, shape_of


def replace_roll(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, aten.roll.default):
        dims = argument(node, 2, "dims", [])
        if dims:
            edit = Editor(graph, node)
            rolled = node.args[0]
            for shift, dim in zip(node.args[1], dims, strict=True):
                rolled = _rolled(edit, rolled, shift, dim % len(shape_of(rolled)))
            edit.replace(rolled)
            modified = True
    return modified


def _rolled(edit: Editor, node: Node, shift: int, dim: int) -> Node:
    length = shape_of(node)[dim]
    start = -shift % length
    if start == 0:
        return node
    head = edit.call(aten.slice.Tensor, node, dim, start, length)
    tail = edit.call(aten.slice.Tensor, node, dim, 0, start)
    return edit.call(aten.cat.default, [head, tail], dim)
