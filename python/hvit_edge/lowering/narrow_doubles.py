"""Compute in float32 what a module computes in float64.

Identity:   to(float64) = x, up to the rounding of float32

    x -> to(float64) -> cumsum -> to(float32) -> y       x -> cumsum -> y

Preconditions: no input and no output of the graph is float64. No delegate computes in float64. A
module that needs its digits gives another answer, so that `rewrite` leaves this out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_map

from hvit_edge.lowering.graph import Editor, constant_tensor, inferred


def narrow_doubles(graph: GraphModule) -> bool:
    """Apply the rewrite. Return True if it changed the graph."""
    nodes = list(graph.graph.nodes)
    outputs = [source for node in nodes if node.op == "output" for source in node.all_input_nodes]
    inputs = [node for node in nodes if node.op == "placeholder"]
    if any(map(_is_double, (*inputs, *outputs))) or not any(map(_is_double, nodes)):
        return False
    for node in nodes:
        if node.op == "get_attr" and _is_double(node):
            edit = Editor(graph, node)
            edit.replace(edit.constant(node.name, constant_tensor(graph, node).float()))
        elif node.op == "call_function":
            node.args, node.kwargs = (
                tree_map(_narrowed, node.args),
                tree_map(_narrowed, node.kwargs),
            )
            node.meta["val"] = inferred(node)
    return True


def _is_double(node: Node) -> bool:
    made = node.meta.get("val")
    several = made if isinstance(made, list | tuple) else [made]
    return any(isinstance(one, torch.Tensor) and one.dtype == torch.float64 for one in several)


def _narrowed(value: Any) -> Any:
    return torch.float32 if value is torch.float64 else value
