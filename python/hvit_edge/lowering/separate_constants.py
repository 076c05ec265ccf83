"""Copy constants so that each copy has one kind of reader.

Identity:   a constant = its copy

    map c -> add(x), add(y)               c -> add(x);  c' -> add(y)
    c -> linear(x, w, c), add(y)          c -> linear(x, w, c);  c' -> add(y)

ExecuTorch stores a constant of four dimensions once for all its readers, in the layout of the last
of them, channels last or not. It cuts a delegate in two at a constant that belongs to a layer and
is also read by another operator.

Preconditions: floating point. The first form applies to constants of four dimensions, at least two
of which are longer than one. Bit-equal. The file stores equal constants once.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import (
    Editor,
    argument,
    aten,
    constant_tensor,
    is_constant,
    nodes_calling,
    shape_of,
)

READERS = (
    aten.add.Tensor,
    aten.cat.default,
    aten.div.Tensor,
    aten.maximum.default,
    aten.minimum.default,
    aten.mul.Tensor,
    aten.sub.Tensor,
)
"""Operators that accept both layouts."""


LAYERS = (aten.conv2d.default, aten.conv2d.padding, aten.linear.default)


def separate_constants(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    known = {str(n.target) for layer in nodes_calling(graph, *LAYERS) for n in _parts(layer)}
    own: dict[str, str] = {}
    for node in nodes_calling(graph, *READERS):
        for source in node.all_input_nodes:
            if not is_constant(source) or not source.meta["val"].dtype.is_floating_point:
                continue
            target = str(source.target)
            if target not in known:
                known |= {target} if _has_layout(source) else set()
                continue
            edit = Editor(graph, node)
            copy = _copied(edit, source, None if _has_layout(source) else own.get(target))
            own[target] = str(copy.target)
            node.replace_input_with(source, copy)
            modified = True
    return modified


def _parts(layer: Node) -> list[Node]:
    """Return the constants among the weights and the bias of a layer."""
    parts = (argument(layer, 1, "weight"), argument(layer, 2, "bias"))
    return [part for part in parts if is_constant(part)]


def _copied(edit: Editor, source: Node, name: str | None) -> Node:
    """Insert a node for the copy called `name`, or for a new copy if `name` is None."""
    if name is None:
        copy = constant_tensor(edit.graph, source).clone()
        return edit.constant(f"{source.name}_own", copy, share=False)
    with edit.graph.graph.inserting_before(edit.anchor):
        node = edit.graph.graph.get_attr(name)
    node.meta["val"] = source.meta["val"]
    return node


def _has_layout(source: Node) -> bool:
    value = source.meta["val"]
    long_dims = [size for size in shape_of(source) if size > 1]
    return value.dim() == 4 and len(long_dims) > 1
