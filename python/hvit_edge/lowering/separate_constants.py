"""Give each user of a constant map a constant of its own.

Identity:   a constant = its copy

    c -> add(x), add(y)      c -> add(x);  c' -> add(y)

ExecuTorch stores a constant of four dimensions in the layout of the last operator that reads it,
channels last or not, for all that do.

Preconditions: floating point, four dimensions of which two at least are longer than one, several
users that are no layers. Bit-equal; the file stores equal constants once.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, constant_tensor, is_constant, shape_of

READERS = (
    aten.add.Tensor,
    aten.cat.default,
    aten.div.Tensor,
    aten.maximum.default,
    aten.minimum.default,
    aten.mul.Tensor,
    aten.sub.Tensor,
)
"""Operators that take both layouts."""


def separate_constants(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    known: set[str] = set()
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or node.target not in READERS:
            continue
        for source in node.all_input_nodes:
            if not is_constant(source) or not _has_layout(source):
                continue
            if source.target not in known:
                known.add(source.target)
                continue
            edit = Editor(graph, node)
            copy = constant_tensor(graph, source).clone()
            own = edit.constant(f"{source.name}_own", copy, share=False)
            known.add(str(own.target))
            node.replace_input_with(source, own)
            modified = True
    return modified


def _has_layout(source: Node) -> bool:
    value = source.meta["val"]
    long_dims = [size for size in shape_of(source) if size > 1]
    return value.dim() == 4 and value.dtype.is_floating_point and len(long_dims) > 1
