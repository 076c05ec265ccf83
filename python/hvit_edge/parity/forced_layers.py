"""Compare a program with its graph layer by layer, each part on the program's own values.

Rounding to int8 magnifies the last digit of what comes before it, so the outputs of two correct
programs drift apart as far as rounding itself allows. Here each layer is given what the program
gave it: what is left is the error of one part, which is that of floating-point arithmetic.

    program     x ----> a ----> b ----> y
    graph       x -> a'    a -> b'    b -> y'        a' is compared with a, b' with b, y' with y

Values that cancel, such as the average of centered ones, are nothing but such errors, and a layer
of few values differs by a whole step if one of them is rounded otherwise. How much a part may err
is therefore measured as well, see `perturbation`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import module_path
from hvit_edge.parity.perturbation import Perturbed
from hvit_edge.quantize.arithmetic import Arithmetic
from hvit_edge.quantize.half import HalfStorage
from hvit_edge.quantize.sqnr import decibel

Values = Mapping[str, torch.Tensor]
"""What a program computes, by the name of the graph's node and in its shape."""


@dataclass(frozen=True)
class LayerFidelity:
    """How near a program's value is to what its graph makes of the program's values before it.

    Attributes:
        layer: the module's dotted path and the node's name; "the output" for the program's answer.
        sqnr_db: in decibel, infinite if both are equal. Where arithmetic alone may make more noise
            than `Arithmetic.layer_db` allows, the signal counts as that much larger.
    """

    layer: str
    sqnr_db: float


def forced_layers(
    graph: GraphModule,
    values: Values,
    example: torch.Tensor,
    output: torch.Tensor,
    arithmetic: Arithmetic,
) -> list[LayerFidelity]:
    """Run `graph` on a program's values and return how near each of them is, in order.

    Args:
        graph: what the program was lowered from.
        values: what the program computed for `example`; its answer may be among them.
        example: the input of both.
        output: the program's answer.
        arithmetic: of the program.
    """
    exact, erring = _Forced(graph, values), _ForcedPerturbed(graph, values, arithmetic.number)
    with torch.inference_mode():
        answer, moved = exact.run(example), erring.run(example)
    found = [
        LayerFidelity(
            _label(node), _fidelity(made, erring.made[node], values[node.name], arithmetic)
        )
        for node, made in exact.made.items()
    ]
    if graph.graph.output_node().args[0][0].name in values:
        return found
    return [*found, LayerFidelity("the output", _fidelity(answer, moved, output, arithmetic))]


def _fidelity(
    made: torch.Tensor, moved: torch.Tensor, known: torch.Tensor, arithmetic: Arithmetic
) -> float:
    """The SQNR of what is `known`, with as much signal as arithmetic alone makes noise."""
    if not bool(torch.isfinite(known).all()):
        return -math.inf
    signal, own = _energy(made), _energy(made.double() - moved.double())
    noise = _energy(made.double() - known.double())
    allowed = own * 10 ** (arithmetic.margin_db / 10)
    return decibel(max(signal, allowed * 10 ** (arithmetic.layer_db / 10)), noise)


def _energy(values: torch.Tensor) -> float:
    return float(values.double().square().sum())


def _label(node: Node) -> str:
    return ":".join(filter(None, (module_path(node), node.name)))


class _Forcing:
    """Puts a program's value in the place of each that it knows, and keeps what was there."""

    def __init__(self, graph: GraphModule, values: Values, *arithmetic: object) -> None:
        super().__init__(graph, *arithmetic)
        self.values = values
        self.made: dict[Node, torch.Tensor] = {}

    def run_node(self, node: Node) -> object:
        result = super().run_node(node)
        known = self.values.get(node.name)
        if node.op != "call_function" or known is None:
            return result
        self.made[node] = result
        return self.given(known.to(result.dtype))

    def given(self, known: torch.Tensor) -> torch.Tensor:
        """Return what the graph goes on with."""
        return known


class _Forced(_Forcing, HalfStorage):
    """Runs a graph on a program's values."""


class _ForcedPerturbed(_Forcing, Perturbed):
    """The same with errors of arithmetic; what a layer reads may be rounded once more."""

    def given(self, known: torch.Tensor) -> torch.Tensor:
        return self.erring(known)
