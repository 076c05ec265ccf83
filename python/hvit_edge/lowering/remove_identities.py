"""Remove operators that return their input.

Identity:   f(x) = x

    x -> dropout(p, train=False) -> y        x -> y
    x -> contiguous, clone, detach, alias    x -> y
    x -> expand(x.shape) -> y                x -> y
    x -> to(x.dtype) -> y                    x -> y
    x -> slice(all of a dimension) -> y      x -> y
    x -> pad(all zero widths) -> y           x -> y
    x -> repeat(1, 1, ..) -> y               x -> y
    x -> cat([x]) -> y                       x -> y
    x -> copy(into y) -> z                   x -> z

Preconditions: the result has the shape and dtype of the input, and the operator copies or views.
Bit-equal.
"""

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import argument, aten, is_call, nodes_calling, shape_of

COPIES = (
    aten.alias.default,
    aten.clone.default,
    aten.contiguous.default,
    aten.detach.default,
    aten.detach_.default,
    aten.dropout.default,
    aten.feature_dropout.default,
    aten.lift_fresh_copy.default,
    aten._assert_tensor_metadata.default,
)
VIEWS = (
    aten.constant_pad_nd.default,
    aten.expand.default,
    aten.pad.default,
    aten.permute.default,
    aten.repeat.default,
    aten.reshape.default,
    aten.slice.Tensor,
    aten.to.device,
    aten.to.dtype,
    aten.to.dtype_layout,
    aten._to_copy.default,
)


def remove_identities(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *COPIES, *VIEWS, aten.cat.default, aten.copy.default):
        if node.target is aten._assert_tensor_metadata.default:
            graph.graph.erase_node(node)
        elif is_call(node, aten.cat.default):
            if len(node.args[0]) > 1:
                continue
            node.replace_all_uses_with(node.args[0][0])
            graph.graph.erase_node(node)
        elif is_call(node, aten.copy.default):
            if not _is_alike(node.args[1], node):
                continue
            node.replace_all_uses_with(node.args[1])
            graph.graph.erase_node(node)
        elif _is_identity(node):
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
        else:
            continue
        modified = True
    return modified


def _is_alike(source: Node, node: Node) -> bool:
    same_dtype = source.meta["val"].dtype == node.meta["val"].dtype
    return same_dtype and shape_of(source) == shape_of(node)


def _is_identity(node: Node) -> bool:
    source = node.args[0]
    if node.target in (aten.dropout.default, aten.feature_dropout.default):
        return argument(node, 2, "train") is False
    if not _is_alike(source, node):
        return False
    if node.target is aten.permute.default:
        return [d % len(node.args[1]) for d in node.args[1]] == list(range(len(node.args[1])))
    if node.target in (aten.pad.default, aten.constant_pad_nd.default):
        return not any(node.args[1])
    if node.target is aten.slice.Tensor:
        return argument(node, 4, "step", 1) == 1
    return True
