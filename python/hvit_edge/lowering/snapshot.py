"""A graph as it was, so that a rewrite which fails half way leaves nothing behind."""

from __future__ import annotations

import torch
from torch.fx import Graph, GraphModule


class Snapshot:
    """The nodes and constants of a graph at one moment; the constants themselves are shared.

    Args:
        graph: may be rewritten from now on.
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
        """Give the graph the nodes and constants of that moment; this may be done many times."""
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
