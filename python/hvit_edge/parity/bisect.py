"""Find the first module whose output differs at a step that breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule, Interpreter, Node

from hvit_edge.artifact.container import Arrays
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import aten, module_path
from hvit_edge.lowering.pipeline import PIPELINE, Rewrite
from hvit_edge.measures.difference import compare_output
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Values
from hvit_edge.tensors.eager import tensors_of
from hvit_edge.tensors.tensor_module import TensorModule, without_wrapper

REINDEXING = (aten.reshape.default, aten.permute.default, aten.slice.Tensor, aten.roll.default)


def first_wrong_module(
    model: nn.Module,
    example: np.ndarray | Arrays,
    step: str,
    rtol: float,
    *,
    passes: Sequence[Rewrite] = PIPELINE,
    target: str = "xnnpack",
) -> str | None:
    """Return the first module, in order of execution, whose output differs at a broken step.

    Args:
        model: the module in eval mode, or a `TensorModule`.
        example: float32 [1, 3, height, width], preprocessed; or one array for each input.
        step: the step that breaks: "exported", "rewritten", "lowered", "runtime" or "device".
        rtol: largest difference, relative to the largest absolute value of the module's output.
        passes: rewrites of the target.
        target: name of the target.

    Returns:
        The dotted path of the module; "the root module" for operators of the root; None if no
        intermediate value differs, for example because the file differs from a new lowering.
    """
    inputs = tensors_of((example,) if isinstance(example, np.ndarray) else example)
    graph = exported_graph(model, inputs)
    exported = node_values(graph, inputs)
    if step == "exported":
        outputs = _module_outputs(model, inputs)
        last = _last_nodes(graph)
        pairs = ((p, outputs[p], exported[last[p].name]) for p in last if p in outputs)
        return _first_difference(pairs, rtol)
    rewrite(graph, passes=passes)
    rewritten = node_values(graph, inputs)
    if step == "rewritten":
        # Rewrites may move a scale past a re-indexing, but nodes that compute keep their values.
        survivors = [
            node
            for node in graph.graph.nodes
            if node.name in exported and node.target not in REINDEXING
        ]
        pairs = ((module_path(n), exported[n.name], rewritten[n.name]) for n in survivors)
        return _first_difference(pairs, rtol)
    boundaries = list(_boundaries(graph))
    lowered = target_named(target).node_values(graph, boundaries, inputs)
    pairs = (
        (module_path(n), rewritten[n.name], lowered[n.name])
        for n in boundaries
        if n.name in lowered
    )
    return _first_difference(pairs, rtol)


def exported_graph(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> GraphModule:
    """Export a module; the graph of a `TensorModule` has the paths of the module in it."""
    if not isinstance(model, TensorModule):
        return export_graph(model, inputs)
    return without_wrapper(export_graph(model, inputs, owner=model.model))


def node_values(graph: GraphModule, inputs: tuple[torch.Tensor, ...]) -> Values:
    """Return the tensor that each node of `graph` computes, by the name of the node."""
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
    """Return the output of each submodule of `model` that returns one tensor, by path."""
    outputs: dict[str, torch.Tensor] = {}
    named = model.model if isinstance(model, TensorModule) else model

    def record(path: str):
        def hook(module: nn.Module, args: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                outputs[path] = output

        return hook

    hooks = [m.register_forward_hook(record(path)) for path, m in named.named_modules() if path]
    try:
        with torch.inference_mode():
            model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs


def _last_nodes(graph: GraphModule) -> dict[str, Node]:
    """Return the last node of each module, including its submodules, by path in run order."""
    last: dict[str, Node] = {}
    for node in graph.graph.nodes:
        for path, _ in reversed((node.meta.get("nn_module_stack") or {}).values()):
            last.pop(path, None)
            last[path] = node
    return last


def _boundaries(graph: GraphModule) -> Iterator[Node]:
    """Yield the last node of each sequence of nodes that came from one module."""
    nodes = [
        node
        for node in graph.graph.nodes
        if node.op == "call_function" and isinstance(node.meta.get("val"), torch.Tensor)
    ]
    for node, following in zip(nodes, [*nodes[1:], None], strict=True):
        if following is None or module_path(following) != module_path(node):
            yield node


def _first_difference(
    pairs: Iterable[tuple[str, torch.Tensor, torch.Tensor]], rtol: float
) -> str | None:
    for path, expected, actual in pairs:
        if expected.shape != actual.shape or not _close(expected, actual, rtol):
            return path or "the root module"
    return None


def _close(expected: torch.Tensor, actual: torch.Tensor, rtol: float) -> bool:
    if expected.numel() == 0:
        return True
    rows = (expected.reshape(1, -1).numpy(), actual.reshape(1, -1).numpy())
    return compare_output(*rows).max_rel <= rtol
