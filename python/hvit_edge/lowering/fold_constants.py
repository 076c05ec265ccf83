"""Replace operators that depend on no input with their results.

Identity:   f(constants) = a constant

    weight -> index -> permute -> bias       constant -> bias
    x -> zeros_like -> y                     constant -> y

Preconditions: every tensor argument is a constant of the graph; the operator is deterministic and
returns one tensor, or several, each of which is folded separately. Bit-equal. This removes, for
example, a gather from a relative position table.
"""

import operator
from typing import Any

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import Editor, aten, constant_tensor, is_constant

BY_SHAPE = (
    aten.full_like.default,
    aten.new_full.default,
    aten.new_ones.default,
    aten.new_zeros.default,
    aten.ones_like.default,
    aten.zeros_like.default,
)
"""Operators that read only the shape and dtype of their first argument."""
RANDOM = ("rand", "randn", "bernoulli", "normal", "dropout")


def fold_constants(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
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
    if node.target is operator.getitem:
        return bool(node.users) and _depends_on_constants(node.args[0])
    return bool(node.users) and _depends_on_constants(node)


def _depends_on_constants(node: Node) -> bool:
    """Return True if an operator is deterministic and reads only constants."""
    if node.op != "call_function":
        return False
    if any(str(node.target).startswith(f"aten.{name}") for name in RANDOM):
        return False
    if node.target in BY_SHAPE:
        return all(is_constant(s) for s in node.all_input_nodes if s is not node.args[0])
    return all(is_constant(source) for source in node.all_input_nodes)


def _evaluate(graph: GraphModule, node: Node) -> torch.Tensor:
    if node.target is operator.getitem:
        return _results(graph, node.args[0])[node.args[1]].clone()
    return _results(graph, node).clone()


def _results(graph: GraphModule, node: Node) -> Any:
    def value(source: Node) -> torch.Tensor:
        if is_constant(source):
            return constant_tensor(graph, source)
        return torch.empty_like(source.meta["val"], device="cpu")

    args, kwargs = torch.fx.map_arg((node.args, node.kwargs), value)
    with torch.no_grad():
        return node.target(*args, **kwargs)
