"""Skip the passes of ExecuTorch that would trace a graph again without changing it.

A pass of ExecuTorch changes a graph and then runs all of it once more with fake tensors, so that
every node has the right shape. More than half of its passes change nothing in a graph that
`lowering` rewrote, and then that run returns the graph that it was given.

A trace is skipped under two preconditions. The graph is what the last trace returned: the same
operators, arguments and names, and the same shape, strides and dtype of every value. And the pass
only traces: it has no code for an operator, an input, an output or a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TypeAlias

import torch
from executorch.exir.pass_base import ExportPass, PassBase, PassResult, _ExportPassBase
from torch.fx import GraphModule

TRACED = "hvit_edge_traced"  # key of the fingerprint in the metadata of a traced graph
TRACING = ("call_", "placeholder", "output", "on_attr", "inputs", "_fx", "Export")
HOOKS = tuple(name for name in dir(ExportPass) if name.startswith(TRACING))


Trace: TypeAlias = Callable[[_ExportPassBase, GraphModule], PassResult]


def skipping(trace: Trace) -> Trace:
    """Return `_ExportPassBase.call`, which is `trace`, without the runs that change nothing."""

    def call(self: _ExportPassBase, graph: GraphModule) -> PassResult:
        if _only_traces(type(self)) and graph.meta.get(TRACED) == _fingerprint(graph):
            return PassResult(graph, True)
        result = trace(self, graph)
        result.graph_module.meta[TRACED] = _fingerprint(result.graph_module)
        return result

    return call


def _only_traces(kind: type[PassBase]) -> bool:
    """Return True if a pass traces operators without changing them."""
    return all(getattr(kind, name, None) is getattr(ExportPass, name) for name in HOOKS)


def _fingerprint(graph: GraphModule) -> bytes:
    """Return a digest of all that a trace of `graph` reads and returns."""
    digest = sha256()
    for node in graph.graph.nodes:
        parts = (node.op, node.name, node.target, node.args, node.kwargs, _form(node.meta))
        digest.update(repr(parts).encode())
    return digest.digest()


def _form(meta: dict[str, object]) -> object:
    return torch.utils._pytree.tree_map_only(torch.Tensor, _form_of_tensor, meta.get("val"))


def _form_of_tensor(value: torch.Tensor) -> tuple[object, ...]:
    return tuple(value.shape), value.stride(), value.dtype, value.requires_grad
