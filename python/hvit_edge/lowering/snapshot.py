"""Restore a graph after a rewrite that failed halfway."""

from __future__ import annotations

import torch
from torch.fx import Graph, GraphModule


class Snapshot:
    """Stores the nodes and constants of a graph; the tensors are shared, not copied.

    Args:
        graph: the graph; it may be rewritten afterwards.
    """

    def __init__(self, graph: GraphModule) -> None:
        self._graph = graph
        self._nodes = _copy(graph.graph)
        self._meta = dict(graph.meta)
        self._constants = [
            *graph.named_parameters(remove_duplicate=False),
            *graph.named_buffers(remove_duplicate=False),
        ]

    def restore(self) -> None:
        """Restore the stored nodes and constants. It may be called several times."""
        for name, tensor in self._constants:
            owner_name, _, leaf = name.rpartition(".")
            owner = self._graph.get_submodule(owner_name)
            if not hasattr(owner, leaf):
                _register(owner, leaf, tensor)
        self._graph.meta = dict(self._meta)
        self._graph.graph = _copy(self._nodes)
        self._graph.recompile()


def _copy(nodes: Graph) -> Graph:
    copy = Graph()
    copy.output(copy.graph_copy(nodes, {}))
    copy.output_node().meta = dict(nodes.output_node().meta)
    copy.set_codegen(nodes._codegen)
    return copy


def _register(owner: torch.nn.Module, name: str, tensor: torch.Tensor) -> None:
    if isinstance(tensor, torch.nn.Parameter):
        owner.register_parameter(name, tensor)
    else:
        owner.register_buffer(name, tensor)
