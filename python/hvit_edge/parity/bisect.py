"""Find the first module whose output differs, once a step is known to break."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule, Interpreter, Node

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import aten, module_path
from hvit_edge.lowering.pipeline import PIPELINE, Rewrite
from hvit_edge.measures.difference import compare
from hvit_edge.targets.kernels import executorch_runtime
from hvit_edge.targets.xnnpack.lower import lower

REINDEXING = (aten.reshape.default, aten.permute.default, aten.slice.Tensor, aten.roll.default)
Values = Mapping[str, torch.Tensor]
LoweredValues = Callable[[GraphModule, list[Node], tuple[torch.Tensor, ...]], Values]
"""What a graph computes at its nodes once it is lowered."""


def first_wrong_module(
    model: nn.Module,
    example: np.ndarray,
    step: str,
    rtol: float,
    *,
    passes: Sequence[Rewrite] = PIPELINE,
    lowered_values: LoweredValues | None = None,
) -> str | None:
    """The first module, in order of execution, whose output differs at a broken step.

    Args:
        model: the module in eval mode.
        example: float32 [1, 3, height, width], preprocessed.
        step: "exported", "rewritten", "lowered" or "runtime": the step that breaks.
        rtol: largest difference, relative to the largest absolute value of the module's output.
        passes: the target's rewrites.
        lowered_values: of the target; None is XNNPACK's.

    Returns:
        The module's dotted path; "the root module" for operators of the root; None where no
        intermediate value differs, as when the file itself is not what a lowering gives today.
    """
    inputs = (torch.from_numpy(example),)
    graph = export_graph(model, inputs)
    exported = node_values(graph, inputs)
    if step == "exported":
        outputs = _module_outputs(model, inputs)
        last = _last_nodes(graph)
        pairs = ((p, outputs[p], exported[last[p].name]) for p in last if p in outputs)
        return _first_difference(pairs, rtol)
    rewrite(graph, passes=passes)
    rewritten = node_values(graph, inputs)
    if step == "rewritten":
        # A rewrite may move a scale past a re-indexing; what computes keeps its meaning.
        survivors = [
            node
            for node in graph.graph.nodes
            if node.name in exported and node.target not in REINDEXING
        ]
        pairs = ((module_path(n), exported[n.name], rewritten[n.name]) for n in survivors)
        return _first_difference(pairs, rtol)
    boundaries = list(_boundaries(graph))
    lowered = (lowered_values or xnnpack_values)(graph, boundaries, inputs)
    pairs = ((module_path(n), rewritten[n.name], lowered[n.name]) for n in boundaries)
    return _first_difference(pairs, rtol)


def node_values(graph: GraphModule, inputs: tuple[torch.Tensor, ...]) -> Values:
    """The tensor that each node of `graph` computes, by the node's name."""
    values: dict[str, torch.Tensor] = {}

    class Recorder(Interpreter):
        def run_node(self, node: Node) -> object:
            result = super().run_node(node)
            if node.op == "call_function" and isinstance(result, torch.Tensor):
                values[node.name] = result
            return result

    with torch.inference_mode():
        Recorder(graph).run(*inputs)
    return values


def _module_outputs(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Values:
    """The output of each submodule of `model`, by path; of those that return one tensor."""
    outputs: dict[str, torch.Tensor] = {}

    def record(path: str):
        def hook(module: nn.Module, args: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                outputs[path] = output

        return hook

    hooks = [m.register_forward_hook(record(path)) for path, m in model.named_modules() if path]
    try:
        with torch.inference_mode():
            model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs


def _last_nodes(graph: GraphModule) -> dict[str, Node]:
    """The last node of each module, submodules included, by path; in order of execution."""
    last: dict[str, Node] = {}
    for node in graph.graph.nodes:
        for path, _ in reversed((node.meta.get("nn_module_stack") or {}).values()):
            last.pop(path, None)
            last[path] = node
    return last


def _boundaries(graph: GraphModule) -> Iterator[Node]:
    """The last node of each run of nodes that came from one module."""
    nodes = [
        node
        for node in graph.graph.nodes
        if node.op == "call_function" and isinstance(node.meta.get("val"), torch.Tensor)
    ]
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        if following is None or module_path(following) != module_path(node):
            yield node


def xnnpack_values(
    graph: GraphModule, nodes: list[Node], inputs: tuple[torch.Tensor, ...]
) -> Values:
    """What the lowered graph computes at `nodes`: the same graph with all of them as outputs."""
    output = next(node for node in graph.graph.nodes if node.op == "output")
    output.args = (tuple(nodes),)
    graph.graph.set_codegen(torch.fx.graph.CodeGen())
    graph.recompile()
    program = executorch_runtime().load_program(lower(graph, inputs).serialize())
    results = program.load_method("forward").execute(list(inputs))
    return {node.name: result.clone() for node, result in zip(nodes, results, strict=True)}


def _first_difference(
    pairs: Iterable[tuple[str, torch.Tensor, torch.Tensor]], rtol: float
) -> str | None:
    for path, expected, actual in pairs:
        if expected.shape != actual.shape or not _close(expected, actual, rtol):
            return path or "the root module"
    return None


def _close(expected: torch.Tensor, actual: torch.Tensor, rtol: float) -> bool:
    rows = (expected.reshape(1, -1).numpy(), actual.reshape(1, -1).numpy())
    return compare(*rows).max_rel <= rtol
