"""Record which module each operator in the XNNPACK delegate's graph came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from executorch.backends.xnnpack.operators.node_visitor import NodeVisitor
from executorch.backends.xnnpack.serialization.xnnpack_graph_schema import (
    XNNGraph,
    XNNMultiply,
    XNode,
)
from torch.fx import Node

from hvit_edge.artifact.metadata import OperatorRecord
from hvit_edge.lowering.graph import module_path
from hvit_edge.targets.xnnpack.patches import before_serializing, visitors_wrapped

PREFIX = "XNN"
SQUARE = "Square"  # XNNPACK's operator for a value times itself
MODULE = "hvit_edge_module"  # set on XNode, which has no suitable field


@contextmanager
def recorded_modules() -> Iterator[list[tuple[OperatorRecord, ...]]]:
    """Collect the operators of each graph that is handed to the XNNPACK delegate, in order."""
    found: list[tuple[OperatorRecord, ...]] = []

    def record(graph: XNNGraph) -> None:
        found.append(tuple(map(_record, graph.xnodes)))

    with visitors_wrapped(_Recording), before_serializing(record):
        yield found


class _Recording:
    """Marks the operators that a visitor appends with the module of the visited node."""

    def __init__(self, visitor: NodeVisitor) -> None:
        self._visitor = visitor

    def define_node(
        self, node: Node, graph: XNNGraph, ids: dict[Node, int], debug_handle: int
    ) -> None:
        before = len(graph.xnodes)
        self._visitor.define_node(node, graph, ids, debug_handle)
        for added in graph.xnodes[before:]:
            setattr(added, MODULE, module_path(node))


def same_module(node: XNode, origin: XNode) -> XNode:
    """Return `node`, which replaces `origin`, marked with the module of `origin`."""
    setattr(node, MODULE, getattr(origin, MODULE, ""))
    return node


def _record(node: XNode) -> OperatorRecord:
    operator = node.xnode_union
    kind = type(operator).__name__.removeprefix(PREFIX)
    if isinstance(operator, XNNMultiply) and operator.input1_id == operator.input2_id:
        kind = SQUARE
    return OperatorRecord(kind, getattr(node, MODULE, ""))
