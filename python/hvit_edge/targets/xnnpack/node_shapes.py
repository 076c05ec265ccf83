"""Compute the shapes of a graph's values, and only again if a pass changed what they depend on."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.fx import Graph, Node

from hvit_edge.lowering.inferred_results import infer

COMPUTED = "hvit_edge_computed"  # key of a `_Computed` in the metadata of a node


class _Computed(NamedTuple):
    """Holds a value without data, and all that it was computed from."""

    operator: object
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: object


def computed_from(node: Node, args: Any, kwargs: Any, value: object) -> None:
    """Record that the operator of a node returns `value` for arguments without data."""
    node.meta[COMPUTED] = _Computed(node.target, args, kwargs, value)


def compute_shapes(graph: Graph) -> None:
    """Give each node the value that its operator computes from tensors without data.

    An operator is not called again with the arguments of its last call. The metadata of a node may
    be copied to others, which have the same value if they have the same operator and arguments.
    """
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        args, kwargs = torch.fx.map_arg((node.args, node.kwargs), _value)
        known = node.meta.get(COMPUTED)
        if known is None or not _is_same((node.target, args, kwargs), known[:3]):
            computed_from(node, args, kwargs, infer(node.target, args, kwargs))
        node.meta["val"] = node.meta[COMPUTED].value


def _value(node: Node) -> object:
    return node.meta["val"]


def _is_same(one: Any, other: Any) -> bool:
    """Return True if arguments are equal; a tensor is equal to itself only."""
    if one is other:
        return True
    if isinstance(one, torch.Tensor) or type(one) is not type(other):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(_is_same, one.values(), other.values()))
    return bool(one == other)
