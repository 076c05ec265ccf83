"""Compute once what depends on no input.

Identity:   f(constants) = a constant

    weight -> index -> permute -> bias       constant -> bias

Preconditions: every tensor argument is a constant of the graph, the operator is deterministic and
returns one tensor. Bit-equal. A gather from a relative position table disappears this way.
"""

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, constant_tensor, is_constant

RANDOM = ("rand", "randn", "bernoulli", "normal", "dropout")


def fold_constants(graph: GraphModule) -> bool:
    """Apply the rewrite; returns whether anything changed."""
    modified = False
    for node in list(graph.graph.nodes):
        if _is_foldable(node):
            edit = Editor(graph, node)
            edit.replace(edit.constant(f"{node.name}_folded", _evaluate(graph, node)))
            modified = True
    return modified


def _is_foldable(node: Node) -> bool:
    if node.op != "call_function" or not isinstance(node.meta.get("val"), torch.Tensor):
        return False
    if any(str(node.target).startswith(f"aten.{name}") for name in RANDOM):
        return False
    return bool(node.users) and all(is_constant(source) for source in node.all_input_nodes)


def _evaluate(graph: GraphModule, node: Node) -> torch.Tensor:
    args, kwargs = torch.fx.map_arg(
        (node.args, node.kwargs), lambda source: constant_tensor(graph, source)
    )
    with torch.no_grad():
        return node.target(*args, **kwargs).clone()
