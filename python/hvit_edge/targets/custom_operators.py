"""Refuse operators that a user registered, because no runtime has kernels for them."""

from __future__ import annotations

from torch._ops import OpOverload
from torch.fx import GraphModule

from hvit_edge.targets.refusals import Needs, Refusal, refuse_all

NEEDS = Needs(
    "targets",
    "operators of PyTorch, which the delegate or the runtime has",
    "register your operators as CompositeImplicitAutograd, so that PyTorch's operators replace"
    " them, or call PyTorch's operators in eval mode",
)
NAMESPACES = ("aten", "hvit_edge", "prims", "quantized_decomposed")
"""The namespaces of operators that ExecuTorch and this package know."""


def check_namespaces(graph: GraphModule) -> None:
    """Check that a graph has no operators that a user registered.

    Raises:
        LoweringError: the graph has some; each is named with the line that calls it.
    """
    refusals = [
        Refusal(NEEDS, node, str(node.target))
        for node in graph.graph.nodes
        if isinstance(node.target, OpOverload) and node.target.namespace not in NAMESPACES
    ]
    if refusals:
        raise refuse_all(refusals)
