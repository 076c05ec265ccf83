"""Turn an exported program into one whose operators write only to their results.

Identity:   f_(x); g(x) = g(f(x)), and the same for every view that shares memory with x

    x -> relu_ -> y                              x -> relu -> y
    x -> slice -> copy_(v), x -> y               x, v -> slice_scatter -> y

PyTorch's own functionalization does the work, because it knows which tensors share memory. It keeps
composite operators such as attention. It renames batch norm alone, and this module restores that
name. Blocks of `torch.no_grad()` and `torch.autocast` are inlined as well.

Preconditions: none. A program that writes to no argument is returned unchanged.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule, Node

from hvit_edge.errors import LoweringError
from hvit_edge.lowering.graph import aten
from hvit_edge.lowering.patches import fast_decompositions

NORM = aten._native_batch_norm_legit_no_training.default
HARMLESS = (aten.detach_.default,)
"""Operators that are in place by name only."""


def functionalize(program: ExportedProgram) -> ExportedProgram:
    """Return `program` without operators that write to their arguments.

    Args:
        program: from `torch.export.export`.

    Raises:
        LoweringError: the module writes to one of its buffers or parameters. The error names it.
            An inference program cannot keep state from one call to the next.
    """
    if not any(_writes(node) for node in program.graph.nodes):
        return program
    with fast_decompositions():
        functional = program.run_decompositions({})
    _check_state(functional)
    return functional


def plain_module(program: ExportedProgram) -> GraphModule:
    """Return a functional program as a graph that does not change its inputs or its state.

    Args:
        program: from `functionalize`.

    Returns:
        A graph with parameters and buffers as attributes. A module that writes to its input gives
        the same results and no longer writes to it.
    """
    graph = program.module(check_guards=False)
    for node in list(graph.graph.nodes):
        if node.op != "call_function":
            continue
        if node.target is aten.copy_.default:  # writes a changed input back
            node.replace_all_uses_with(node.args[1])
            graph.graph.erase_node(node)
        elif node.target is NORM:
            _name_back(graph, node)
    graph.recompile()
    return graph


def _writes(node: Node) -> bool:
    """Return True if `node` writes to an argument, or contains a graph that may."""
    if node.op != "call_function" or node.target in HARMLESS:
        return False
    if isinstance(node.target, torch._ops.HigherOrderOperator):
        return True
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def _check_state(program: ExportedProgram) -> None:
    signature = program.graph_signature
    written = {**signature.buffers_to_mutate, **signature.parameters_to_mutate}
    if written:
        raise writes_state(written.values())


def writes_state(names: Iterable[str]) -> LoweringError:
    """Return the error for a module that writes to its own tensors `names`."""
    listed = ", ".join(sorted(set(names)))
    return LoweringError(
        "[export_graph] expected a module that keeps nothing from one call to the next, got one"
        f" that writes to {listed} in forward; compute on a copy (.clone()) instead"
    )


def _name_back(graph: GraphModule, node: Node) -> None:
    """Replace the batch norm that returns three results with the operator that modules call."""
    source, weight, bias, mean, var, momentum, epsilon = node.args
    items = list(node.users)
    assert all(item.target is operator.getitem and item.args[1] == 0 for item in items)
    arguments = (source, weight, bias, mean, var, False, momentum, epsilon, True)
    with graph.graph.inserting_before(node):
        norm = graph.graph.call_function(aten.batch_norm.default, arguments)
    norm.meta = {**node.meta, "val": node.meta["val"][0]}
    for item in items:
        item.replace_all_uses_with(norm)
        graph.graph.erase_node(item)
    graph.graph.erase_node(node)
