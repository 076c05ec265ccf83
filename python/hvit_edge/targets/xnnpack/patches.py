"""Replace attributes of ExecuTorch for lowering to XNNPACK.

What every lowering replaces is in `targets/patches.py`. No other file replaces anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from executorch.backends.xnnpack import xnnpack_preprocess
from executorch.backends.xnnpack.operators.node_visitor import NodeVisitor
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import XNNGraph
from executorch.exir.pass_base import PassResult, _ExportPassBase
from torch.fx import GraphModule

from hvit_edge.boundary.patched_version import EXECUTORCH, optional, required
from hvit_edge.boundary.replaced import replaced


@optional(EXECUTORCH)
@contextmanager
def before_serializing(act: Callable[[XNNGraph], None]) -> Iterator[None]:
    """Call `act` with each graph of this block before it is serialized for the XNNPACK delegate.

    In nested blocks, the function of the innermost one is called first.
    """
    serialize = xnnpack_preprocess.serialize_xnnpack_binary

    def act_first(graph: XNNGraph, *arguments: object) -> bytes:
        act(graph)
        return serialize(graph, *arguments)

    with replaced(xnnpack_preprocess, serialize_xnnpack_binary=act_first):
        yield


@optional(EXECUTORCH)
@contextmanager
def visitors_wrapped(wrap: Callable[[NodeVisitor], NodeVisitor]) -> Iterator[None]:
    """Let what `wrap` returns for them define the operators of the delegate's graph."""
    visitors = xnnpack_preprocess.get_node_visitors

    def wrapped(*arguments: object) -> dict[str, NodeVisitor]:
        return {name: wrap(visitor) for name, visitor in visitors(*arguments).items()}

    with replaced(xnnpack_preprocess, get_node_visitors=wrapped):
        yield


@required(EXECUTORCH)
@contextmanager
def passes_that_end_with(
    compute: Callable[[_ExportPassBase, GraphModule], PassResult],
) -> Iterator[None]:
    """Let passes of this block call `compute` with the graph that they changed, not trace it."""
    with replaced(_ExportPassBase, call=compute):
        yield
