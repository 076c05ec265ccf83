"""Merge chains of re-indexing operators into as few operators as possible.

Identity:   reshape(reshape(x)) = reshape(x);   permute(permute(x, p), q) = permute(x, p[q]);
            a permute that only moves dimensions of length one is a reshape;
            dropping or adding dimensions of length one commutes with a permute

    x -> reshape -> reshape -> y                                  x -> reshape -> y
    x -> permute -> permute -> y                                  x -> permute -> y
    x [1, N, C] -> permute(0, 2, 1) where C = 1 -> y              x -> reshape -> y
    x -> permute -> reshape that drops or adds ones -> y          x -> reshape -> permute -> y

Preconditions: static shapes. Bit-equal. Each operator less is one pass over memory less.

The last chain stays if the permute moves complete rows and y is the right factor of a product.
XNNPACK would fuse a permute directly before the product into it. The product then reads it
transposed, and a copy of rows becomes a transposition.
"""

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, is_call, nodes_calling, rank_of, shape_of

RESHAPE, PERMUTE = aten.reshape.default, aten.permute.default


def merge_views(graph: GraphModule) -> bool:
    """Apply the rewrite until nothing changes. Return True if it changed the graph."""
    modified = False
    while _merge_one_round(graph):
        modified = True
        graph.graph.eliminate_dead_code()
    return modified


def _merge_one_round(graph: GraphModule) -> bool:
    modified = False
    for node in nodes_calling(graph, RESHAPE, PERMUTE):
        edit = Editor(graph, node)
        replacement = _shorter(edit, node)
        if replacement is not None:
            edit.replace(replacement)
            modified = True
    return modified


def _shorter(edit: Editor, node: Node) -> Node | None:
    """Return an equal node at the end of a shorter or simpler chain, or None."""
    source = node.args[0]
    if node.target is RESHAPE:
        if shape_of(source) == shape_of(node):
            return source
        if is_call(source, RESHAPE):
            return edit.reshape(source.args[0], shape_of(node))
        if is_call(source, PERMUTE) and _only_ones_differ(source, node):
            if _moves_rows(source) and _is_right_factor(node):
                return None
            return _reshape_first(edit, source, shape_of(node))
        return None
    order = [dim % rank_of(node) for dim in node.args[1]]
    if is_call(source, PERMUTE):
        return edit.permute(source.args[0], [source.args[1][dim] for dim in order])
    if _keeps_long_dims_in_order(shape_of(source), order):
        return edit.reshape(source, shape_of(node))
    return None


def _moves_rows(permute: Node) -> bool:
    """Return True if the last dimension stays the last one."""
    return permute.args[1][-1] % rank_of(permute) == rank_of(permute) - 1


def _is_right_factor(node: Node) -> bool:
    return any(is_call(user, aten.bmm.default) and user.args[1] is node for user in node.users)


def _only_ones_differ(source: Node, node: Node) -> bool:
    long_before = [length for length in shape_of(source) if length != 1]
    return long_before == [length for length in shape_of(node) if length != 1]


def _keeps_long_dims_in_order(shape: list[int], order: list[int]) -> bool:
    long_dims = [dim for dim in order if shape[dim] != 1]
    return long_dims == sorted(long_dims)


def _reshape_first(edit: Editor, permute: Node, shape: list[int]) -> Node:
    """Return `permute` and then reshape(shape) in the opposite order.

    `shape` differs from the shape of `permute` only in dimensions of length one.
    """
    source, order = permute.args[0], [dim % rank_of(permute) for dim in permute.args[1]]
    long_order = [dim for dim in order if shape_of(source)[dim] != 1]
    ranks = {dim: rank for rank, dim in enumerate(sorted(long_order))}
    places = [place for place, length in enumerate(shape) if length != 1]
    # The dimension at places[i] of the result is the long dimension long_order[i] of the source.
    new_order = list(range(len(shape)))
    for place, dim in zip(places, long_order, strict=True):
        new_order[place] = places[ranks[dim]]
    inner = [1] * len(shape)
    for place, source_place in enumerate(new_order):
        inner[source_place] = shape[place]
    return edit.permute(edit.reshape(source, inner), new_order)
