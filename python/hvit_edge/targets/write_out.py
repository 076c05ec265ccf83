"""Replace operators that a target does not run by others, with PyTorch's definitions.

    input, left, right -> lerp -> y                 input, left, right -> sub -> mul -> add -> y

PyTorch has most operators in two forms: as a kernel, and as a function of other operators.
`definitions` has functions of some more operators. The functions are traced on tensors without data
and put into the graph.

Preconditions: the target runs every operator of the definition. The result is exact up to the
order of operations, as far as the definitions are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cache, partial

import torch
from torch._decomp import core_aten_decompositions
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from hvit_edge.lowering.canonicalize_views import (
    EXPANDS,
    PARTS,
    PERMUTES,
    RESHAPES,
    SPLITS,
    canonicalize_views,
)
from hvit_edge.lowering.fold_constants import fold_constants
from hvit_edge.lowering.graph import Editor, aten, cleanup
from hvit_edge.lowering.patches import fast_decompositions
from hvit_edge.lowering.remove_identities import COPIES, VIEWS, remove_identities
from hvit_edge.targets.definitions import DEFINITIONS

VIEW_OPERATORS = (
    *EXPANDS,
    *PARTS,
    *PERMUTES,
    *RESHAPES,
    *SPLITS,
    *COPIES,
    *VIEWS,
    operator.getitem,
)


Takes = Callable[[Node], bool]


def write_out(
    graph: GraphModule,
    known: Container[object],
    takes: Takes | None = None,
    where: Takes = lambda node: True,
) -> bool:
    """Replace operators of `graph` that its target does not run, in place.

    Args:
        graph: a rewritten graph.
        known: operators that the target runs in at least one form.
        takes: returns True if the target runs a call in its form; None stands for all calls of
            known operators.
        where: returns True for the calls of `graph` that may be replaced.

    Returns:
        True if any was replaced.
    """
    takes = takes or (lambda node: node.target in known)
    tables: Callable[[], tuple[Mapping[object, object], ...]] = cache(
        lambda: ({}, _rest({**core_aten_decompositions(), **DEFINITIONS}, known))
    )
    replaced = False
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or node.target in VIEW_OPERATORS or takes(node):
            continue
        if not where(node):
            continue
        definition = _definition(node, tables(), takes)
        if definition is not None:
            _put(graph, node, definition)
            replaced = True
    if replaced:
        remove_identities(graph)
        canonicalize_views(graph)
        fold_constants(graph)
        cleanup(graph)
    return replaced


def _definition(
    node: Node, tables: Iterable[Mapping[object, object]], takes: Takes
) -> GraphModule | None:
    """Return the operator as a graph of others that the target runs; None if there is none.

    PyTorch's own composition is tried with the first table, and the definition with the second one.
    """
    if not isinstance(node.target, torch._ops.OpOverload):
        return None
    operators = (node.target, DEFINITIONS.get(node.target, node.target))
    for called, table in zip(operators, tables, strict=True):
        try:
            with fast_decompositions():
                found = _traced(node, called, table)
        except Exception:  # a definition may fail on its arguments in any way
            continue
        calls = [inner for inner in found.graph.nodes if inner.op == "call_function"]
        usable = all(t.target in VIEW_OPERATORS or _is_fixed(t) or takes(t) for t in calls)
        if usable and all(inner.target is not node.target for inner in calls):
            return found
    return None


def _is_fixed(node: Node) -> bool:
    """Return True if a node of a definition depends on no input, so that it becomes a constant."""
    return all(
        source.op == "get_attr" or (source.op == "call_function" and _is_fixed(source))
        for source in node.all_input_nodes
    )


def _rest(table: Mapping[object, object], known: Container[object]) -> dict[object, object]:
    """Return the definitions of operators that are not known."""
    return {target: function for target, function in table.items() if target not in known}


def _traced(
    node: Node, called: Callable[..., object], table: Mapping[object, object]
) -> GraphModule:
    """Return what `called` does with the arguments of `node`, with the definitions of `table`."""
    tensors = {arg: torch.empty_like(arg.meta["val"], device="cpu") for arg in node.all_input_nodes}
    names = list(tensors)

    def call(*given: torch.Tensor) -> object:
        values = dict(zip(names, given, strict=True))
        args, kwargs = torch.fx.map_arg((node.args, node.kwargs), values.__getitem__)
        return called(*args, **kwargs)

    trace = partial(make_fx, decomposition_table=dict(table), tracing_mode="fake")
    found = trace(call)(*tensors.values())
    if _do_out_of_place(found) and any(inner.target in table for inner in found.graph.nodes):
        found = trace(found)(*tensors.values())  # its operators may have definitions only now
    found.graph.eliminate_dead_code()
    return found


def _do_out_of_place(definition: GraphModule) -> bool:
    """Replace operators that change a fresh tensor, such as `clamp_min_`, and its later uses.

    Returns:
        True if there were any.
    """
    nodes, found = list(definition.graph.nodes), False
    for at, node in enumerate(nodes):
        if not getattr(getattr(node.target, "_schema", None), "is_mutable", False):
            continue
        packet, overload = str(node.target).removeprefix("aten.").split(".")
        node.target = getattr(getattr(aten, packet.removesuffix("_")), overload)
        later = set(nodes[at + 1 :])
        node.args[0].replace_all_uses_with(node, delete_user_cb=later.__contains__)
        found = True
    definition.recompile()
    return found


def _put(graph: GraphModule, node: Node, definition: GraphModule) -> None:
    """Put a definition in place of `node`; nodes that depend on no input are computed now."""
    edit = Editor(graph, node)
    inputs = iter(node.all_input_nodes)
    made: dict[Node, Node] = {}
    fixed: dict[Node, object] = {}
    for inner in definition.graph.nodes:
        if inner.op == "placeholder":
            made[inner] = next(inputs)
        elif inner.op == "get_attr":
            fixed[inner] = getattr(definition, inner.target)
        elif inner.op == "call_function" and all(n in fixed for n in inner.all_input_nodes):
            args, kwargs = torch.fx.map_arg((inner.args, inner.kwargs), fixed.__getitem__)
            fixed[inner] = inner.target(*args, **kwargs)
        elif inner.op == "call_function":
            for source in inner.all_input_nodes:
                if source not in made:
                    made[source] = edit.constant(f"{node.name}_{source.name}", fixed[source])
            args, kwargs = torch.fx.map_arg((inner.args, inner.kwargs), made.__getitem__)
            # The definition was traced on tensors whose elements are next to each other.
            target = aten.reshape.default if inner.target is aten.view.default else inner.target
            made[inner] = edit.call(target, *args, **kwargs)
        else:
            _hand_over(graph, node, inner.args[0], made)


def _hand_over(
    graph: GraphModule, node: Node, result: Node | Iterable[Node], made: Mapping[Node, Node]
) -> None:
    if isinstance(result, Node):
        node.replace_all_uses_with(made[result])
    else:
        for item in list(node.users):
            item.replace_all_uses_with(made[list(result)[item.args[1]]])
            graph.graph.erase_node(item)
    graph.graph.erase_node(node)
