"""Express every re-indexing operator as reshape, permute or slice.

Identity:   each is a re-indexing of the same elements in the same or a permuted order

    flatten, unflatten, view, squeeze, unsqueeze      reshape
    transpose, t, numpy_T, movedim, swapaxes          permute
    select(dim, i)                                    slice(dim, i, i + 1) -> reshape
    unbind(dim)[i]                                    slice(dim, i, i + 1) -> reshape
    chunk(n, dim)[i], split(sizes, dim)[i]            slice(dim, start, end)
    narrow(dim, start, length)                        slice(dim, start, start + length)

Preconditions: static shapes. Bit-equal. XNNPACK has reshape, transpose and slice, none of the
others.
"""

import operator

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

RESHAPES = (
    aten._unsafe_view.default,
    aten.flatten.using_ints,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.squeeze.dims,
    aten.unflatten.int,
    aten.unsqueeze.default,
    aten.view.default,
    aten.view_copy.default,
)
PERMUTES = (
    aten.adjoint.default,
    aten.mT.default,
    aten.movedim.int,
    aten.movedim.intlist,
    aten.numpy_T.default,
    aten.swapaxes.default,
    aten.t.default,
    aten.transpose.int,
)
SPLITS = (
    aten.chunk.default,
    aten.split.Tensor,
    aten.split.sizes,
    aten.split_with_sizes.default,
    aten.unbind.int,
)


def canonicalize_views(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for node in nodes_calling(graph, *RESHAPES, *PERMUTES, aten.select.int, aten.narrow.default):
        edit = Editor(graph, node)
        if node.target in RESHAPES:
            edit.replace(edit.call(aten.reshape.default, node.args[0], shape_of(node)))
        elif node.target in PERMUTES:
            edit.replace(edit.call(aten.permute.default, node.args[0], _order_of(node)))
        else:
            edit.replace(_sliced(edit, node))
        modified = True
    for node in nodes_calling(graph, *SPLITS):
        _replace_split(graph, node)
        modified = True
    return modified


def _order_of(node: Node) -> list[int]:
    """The order of dimensions that a transposing operator gives, found by running it on labels."""
    rank = rank_of(node.args[0])
    labels = list(range(1, rank + 1))
    labelled = torch.empty_strided([2] * rank, labels, device="meta")
    strides = node.target(labelled, *node.args[1:], **node.kwargs).stride()
    return [stride - 1 for stride in strides]


def _sliced(edit: Editor, node: Node) -> Node:
    """`select` or `narrow` as a slice."""
    source, dim, start = node.args[0], node.args[1] % rank_of(node.args[0]), node.args[2]
    start %= shape_of(source)[dim] or 1
    length = node.args[3] if node.target is aten.narrow.default else 1
    part = edit.call(aten.slice.Tensor, source, dim, start, start + length)
    return edit.reshape(part, shape_of(node))


def _replace_split(graph: GraphModule, node: Node) -> None:
    """Every `getitem` of a splitting operator becomes a slice of its input."""
    source = node.args[0]
    dim = argument(node, 1 if node.target is aten.unbind.int else 2, "dim", 0) % rank_of(source)
    parts = node.meta["val"]
    lengths = [1 if node.target is aten.unbind.int else part.shape[dim] for part in parts]
    for item in list(node.users):
        assert item.target is operator.getitem
        index = item.args[1] % len(parts)
        start = sum(lengths[:index])
        edit = Editor(graph, item)
        part = edit.call(aten.slice.Tensor, source, dim, start, start + lengths[index])
        edit.replace(edit.reshape(part, list(parts[index].shape)))
    graph.graph.erase_node(node)
