"""Compare a program with its graph layer by layer, each part on the program's own values.

Rounding to int8 magnifies the last digit of what comes before it, so the outputs of two correct
programs drift apart as far as rounding itself allows. Here each layer is given what the program
gave it: what is left is the error of one part, which is that of floating-point arithmetic.

    program     x ----> a ----> b ----> y
    graph       x -> a'    a -> b'    b -> y'        a' is compared with a, b' with b, y' with y
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import module_path
from hvit_edge.quantize.half import HalfStorage
from hvit_edge.quantize.sqnr import tensor_sqnr

Values = Mapping[str, torch.Tensor]
"""What a program computes, by the name of the graph's node and in its shape."""


@dataclass(frozen=True)
class LayerFidelity:
    """How near a program's value is to what its graph makes of the program's values before it.

    Attributes:
        layer: the module's dotted path and the node's name; "the output" for the program's answer.
        sqnr_db: in decibel, infinite if both are equal.
    """

    layer: str
    sqnr_db: float


def forced_layers(
    graph: GraphModule, values: Values, example: torch.Tensor, output: torch.Tensor
) -> list[LayerFidelity]:
    """Run `graph` on a program's values and return how near each of them is, in order.

    Args:
        graph: what the program was lowered from.
        values: what the program computed for `example`; its answer may be among them.
        example: the input of both.
        output: the program's answer.
    """
    run = _Forced(graph, values)
    with torch.inference_mode():
        answer = run.run(example)
    if graph.graph.output_node().args[0][0].name in values:
        return run.found
    return [*run.found, LayerFidelity("the output", tensor_sqnr(answer, output))]


class _Forced(HalfStorage):
    """Runs a graph, and puts a program's value in the place of each that it knows."""

    def __init__(self, graph: GraphModule, values: Values) -> None:
        super().__init__(graph)
        self.values = values
        self.found: list[LayerFidelity] = []

    def run_node(self, node: Node) -> object:
        result = super().run_node(node)
        known = self.values.get(node.name)
        if node.op != "call_function" or known is None:
            return result
        name = ":".join(filter(None, (module_path(node), node.name)))
        self.found.append(LayerFidelity(name, tensor_sqnr(result, known)))
        return known.to(result.dtype)
