"""Replace every operator that converts a tensor to another dtype by `aten.to.dtype`.

Identity:   the converted values are the same

    x.to(y), x.type_as(y), x.to(device, dtype), x.to(dtype, layout)     x.to(dtype)

Preconditions: the dtype changes; conversions that change nothing are left to `remove_identities`.
Bit-equal.
"""

from torch.fx import GraphModule

from hvit_edge.lowering.graph import Editor, aten, nodes_calling

CONVERSIONS = (
    aten._to_copy.default,
    aten.to.device,
    aten.to.dtype_layout,
    aten.to.other,
    aten.type_as.default,
)


def canonicalize_conversions(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *CONVERSIONS):
        source, dtype = node.args[0], node.meta["val"].dtype
        if source.meta["val"].dtype == dtype:
            continue
        edit = Editor(graph, node)
        edit.replace(edit.call(aten.to.dtype, source, dtype))
        modified = True
    return modified
