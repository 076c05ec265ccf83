"""What stays float in an int8 network, and what it costs: time without it, by deletion."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch.fx import GraphModule, Node

import hvit_edge
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.graph import aten, cleanup, shape_of
from hvit_edge.parity.steps import Step, executorch_step
from hvit_edge.quantize import bundled_calibration, quantize, reference_graph
from hvit_edge.targets.xnnpack import lower

Inputs = tuple[torch.Tensor, ...]


def profile(
    name: str, interleaved: Callable[[dict[str, Step], np.ndarray], dict[str, np.ndarray]]
) -> dict[str, object]:
    """Median time of the int8 program without one kind of float operator, relative to fp32.

    An operator is deleted by handing on what it reads, so only those that keep the shape can be:
    activations, softmax and depthwise convolutions of stride 1. The answers are wrong, the rest of
    the work is the same.

    Args:
        name: a registered model; its weights are random.
        interleaved: seconds of each program in each round.
    """
    model = hvit_edge.create_model(name, weights="random")
    preprocess = model.hvit_edge.preprocess
    example = (torch.randn(1, 3, *preprocess.input_size),)
    graph = export_graph(model, example)
    rewrite(graph)
    calibration = bundled_calibration(preprocess)
    reference = reference_graph(graph, "int8")
    int8 = quantize(reference, example, precision="int8", calibration=calibration)
    programs = {"fp32": _program(graph, example), "int8": _program(int8, example)}
    for kinds in (*((kind,) for kind in KINDS), tuple(KINDS)):
        title = "int8 without " + ", ".join(kinds)
        programs[title] = _program(_without(int8, kinds), example)
    times = interleaved(programs, example[0].numpy())
    rows = [
        {
            "what": title,
            "ms": float(np.median(taken) * 1e3),
            "ratio": float(np.median(taken / times["fp32"])),
        }
        for title, taken in times.items()
    ]
    return {"model": name, "results": rows}


def _program(graph: GraphModule, example: Inputs) -> Step:
    return executorch_step(lower(graph, example).serialize())


def _without(graph: GraphModule, kinds: tuple[str, ...]) -> GraphModule:
    graph = copy.deepcopy(graph)
    for kind in kinds:
        for node in [n for n in graph.graph.nodes if KINDS[kind](n)]:
            node.replace_all_uses_with(node.args[0])
    cleanup(graph)
    return graph


def _is_activation(node: Node) -> bool:
    return node.target in (aten.silu.default, aten.gelu.default, aten.relu.default)


def _is_softmax(node: Node) -> bool:
    return node.target is aten.softmax.int


def _is_depthwise(node: Node) -> bool:
    if node.target is not aten.conv2d.default or len(node.args) < 7:
        return False
    return node.args[6] > 1 and shape_of(node) == shape_of(node.args[0])


KINDS: dict[str, Callable[[Node], bool]] = {
    "activations": _is_activation,
    "softmax": _is_softmax,
    "depthwise convolutions": _is_depthwise,
}
