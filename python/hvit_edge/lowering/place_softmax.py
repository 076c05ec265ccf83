"""Apply softmax over a last dimension that is also the last one in memory.

Identity:   softmax(x, d) = permute(softmax(permute(x, d last), -1))
            softmax(x [N, C, H, W], -1) = reshape(softmax(reshape(x, [N C, H, W]), -1))

    x -> softmax(d) -> y             x -> permute -> softmax(-1) -> permute -> y
    map -> softmax(-1) -> y          map -> reshape [N C, H, W] -> softmax(-1) -> reshape -> y

XNNPACK sums over the dimension that is last in memory. ExecuTorch keeps maps of four dimensions
channels last, from the convolution that writes them to the first reshape. It lowers a softmax of
such a map without a change, so it sums over the channels, not over the dimension that the softmax
names. A tensor of three dimensions is never channels last.

Preconditions: static shapes, no change of dtype. The second form is used only if a map may reach
the softmax, so attention scores of four dimensions, which a product writes, stay as is. Exact up to
the order of summation.
"""

from __future__ import annotations

from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, argument, aten, nodes_calling, rank_of, shape_of

IN_ORDER = (
    aten.bmm.default,
    aten.linear.default,
    aten.matmul.default,
    aten.mm.default,
    aten.reshape.default,
)
"""Operators that read and write contiguous tensors."""

ELEMENTWISE = (
    aten.add.Tensor,
    aten.div.Tensor,
    aten.mul.Tensor,
    aten.softmax.int,
    aten.sub.Tensor,
)
"""Operators whose result has the memory layout of their operands."""


def place_softmax(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    modified = False
    in_order: dict[Node, bool] = {}
    for node in nodes_calling(graph, aten.softmax.int):
        rank, source = rank_of(node), node.args[0]
        if rank == 0 or source.meta["val"].dtype != node.meta["val"].dtype:
            continue
        dim = argument(node, 1, "dim") % rank
        if dim == rank - 1 and (rank != 4 or _is_in_order(source, in_order)):
            continue
        edit = Editor(graph, node)
        edit.replace(_placed(edit, source, dim))
        modified = True
    return modified


def _placed(edit: Editor, source: Node, dim: int) -> Node:
    rank = rank_of(source)
    order = [*(d for d in range(rank) if d != dim), dim]
    moved = edit.permute(source, order)
    shape = shape_of(moved)
    rows = edit.reshape(moved, [shape[0] * shape[1], *shape[2:]]) if rank == 4 else moved
    shares = edit.reshape(edit.call(aten.softmax.int, rows, -1), shape)
    return edit.permute(shares, [order.index(d) for d in range(rank)])


def _is_in_order(node: Node, known: dict[Node, bool]) -> bool:
    """Return True if `node` is contiguous even after ExecuTorch makes maps channels last."""
    if node not in known:
        if node.op != "call_function" or node.target in IN_ORDER or rank_of(node) != 4:
            known[node] = True
        else:
            sources = [s for s in node.all_input_nodes if s.op != "get_attr"]
            known[node] = node.target in ELEMENTWISE and all(
                _is_in_order(source, known) for source in sources
            )
    return known[node]
