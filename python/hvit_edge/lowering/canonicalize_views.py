"""Express every re-indexing operator as reshape, permute, slice or expand with explicit numbers.

Identity:   each is a re-indexing of the same elements in the same or a permuted order

    flatten, unflatten, view, squeeze, unsqueeze      reshape
    transpose, t, numpy_T, movedim, swapaxes          permute
    select(dim, i)                                    slice(dim, i, i + 1) -> reshape
    unbind(dim)[i]                                    slice(dim, i, i + 1) -> reshape
    chunk(n, dim)[i], split(sizes, dim)[i]            slice(dim, start, end)
    narrow(dim, start, length)                        slice(dim, start, start + length)
    expand_as, broadcast_to                           expand(shape of the result)
    reshape(.., -1), view_as, reshape_as              reshape(shape of the result)
    permute(.., -1), slice(-2, None, -1)              the same, counted from the front

Preconditions: static shapes. Bit-equal. XNNPACK has only reshape, transpose and slice.
"""

import operator

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

RESHAPES = (
    aten._unsafe_view.default,
    aten.flatten.using_ints,
    aten.ravel.default,
    aten.reshape_as.default,
    aten.squeeze.default,
    aten.squeeze.dim,
    aten.squeeze.dims,
    aten.unflatten.int,
    aten.unsqueeze.default,
    aten.view.default,
    aten.view_as.default,
    aten.view_copy.default,
)
PERMUTES = (
    aten.adjoint.default,
    aten.mT.default,
    aten.moveaxis.int,
    aten.moveaxis.intlist,
    aten.movedim.int,
    aten.movedim.intlist,
    aten.numpy_T.default,
    aten.permute_copy.default,
    aten.swapaxes.default,
    aten.swapdims.default,
    aten.t.default,
    aten.transpose.int,
)
EXPANDS = (aten.broadcast_to.default, aten.expand_as.default, aten.expand_copy.default)
PARTS = (aten.select.int, aten.select_copy.int, aten.narrow.default, aten.narrow_copy.default)
SPLITS = (
    aten.chunk.default,
    aten.split.Tensor,
    aten.split.sizes,
    aten.split_with_sizes.default,
    aten.tensor_split.indices,
    aten.tensor_split.sections,
    aten.unbind.int,
    aten.unsafe_chunk.default,
    aten.unsafe_split.Tensor,
    aten.unsafe_split_with_sizes.default,
)
NORMAL = (aten.reshape.default, aten.permute.default, aten.slice.Tensor, aten.expand.default)


def canonicalize_views(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    for node in nodes_calling(graph, *RESHAPES, *PERMUTES, *PARTS, *EXPANDS):
        edit = Editor(graph, node)
        if node.target in RESHAPES:
            edit.replace(edit.call(aten.reshape.default, node.args[0], shape_of(node)))
        elif node.target in EXPANDS:
            edit.replace(edit.call(aten.expand.default, node.args[0], shape_of(node)))
        elif node.target in PERMUTES:
            edit.replace(edit.call(aten.permute.default, node.args[0], _order_of(node)))
        else:
            edit.replace(_sliced(edit, node))
        modified = True
    for node in nodes_calling(graph, *SPLITS):
        _replace_split(graph, node)
        modified = True
    for node in nodes_calling(graph, *NORMAL):
        numbers = _written_out(node)
        if (*node.args[1:], node.kwargs) != (*numbers, {}):
            node.args, node.kwargs = (node.args[0], *numbers), {}
            modified = True
    return modified


def _written_out(node: Node) -> tuple[object, ...]:
    """Return the arguments of `node` after the first, all explicit and counted from the front."""
    source, shape = node.args[0], shape_of(node)
    if node.target in (aten.reshape.default, aten.expand.default):
        return (shape,)
    if node.target is aten.permute.default:
        return ([dim % len(shape) for dim in argument(node, 1, "dims")],)
    dim = argument(node, 1, "dim", 0) % len(shape)
    bounds = slice(argument(node, 2, "start"), argument(node, 3, "end"))
    start, end, _ = bounds.indices(shape_of(source)[dim])
    step = argument(node, 4, "step", 1)
    return (dim, start, max(start, end), *([step] if step != 1 else []))


def _order_of(node: Node) -> list[int]:
    """Return the order of dimensions of a transposing operator, found by running it on labels."""
    rank = rank_of(node.args[0])
    labels = list(range(1, rank + 1))
    labeled = torch.empty_strided([2] * rank, labels, device="meta")
    strides = node.target(labeled, *node.args[1:], **node.kwargs).stride()
    return [stride - 1 for stride in strides]


def _sliced(edit: Editor, node: Node) -> Node:
    """Return `select` or `narrow` as a slice."""
    source, dim, start = node.args[0], node.args[1] % rank_of(node.args[0]), node.args[2]
    start %= shape_of(source)[dim] or 1
    length = node.args[3] if len(node.args) > 3 else 1
    part = edit.call(aten.slice.Tensor, source, dim, start, start + length)
    return edit.reshape(part, shape_of(node))


def _replace_split(graph: GraphModule, node: Node) -> None:
    """Replace every `getitem` of a splitting operator with a slice of its input."""
    source = node.args[0]
    by_one = node.target is aten.unbind.int
    dim = argument(node, 1 if by_one else 2, "dim", 0) % rank_of(source)
    parts = node.meta["val"]
    lengths = [1 if by_one else part.shape[dim] for part in parts]
    for item in list(node.users):
        assert item.target is operator.getitem
        index = item.args[1] % len(parts)
        start = sum(lengths[:index])
        edit = Editor(graph, item)
        part = edit.call(aten.slice.Tensor, source, dim, start, start + lengths[index])
        edit.replace(edit.reshape(part, list(parts[index].shape)))
    graph.graph.erase_node(node)
