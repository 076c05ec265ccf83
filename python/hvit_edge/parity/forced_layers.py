"""Compare a program with its graph layer by layer, where each layer gets the program's values.

Rounding to int8 amplifies differences in the last digit, so the outputs of two correct programs
differ as much as rounding allows. Here each layer of the graph gets the values of the program as
inputs. The remaining difference is the error of one layer, which is an error of floating-point
arithmetic.

    program     x ----> a ----> b ----> y
    graph       x -> a'    a -> b'    b -> y'        a' is compared with a, b' with b, y' with y

Values that cancel, such as the mean of centered values, consist only of such errors. A layer with
few values differs by a complete step if one of them is rounded differently. The allowed error of a
layer is therefore measured as well, see `perturbation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.fx import GraphModule, Node

from hvit_edge.lowering.graph import module_path
from hvit_edge.parity.perturbation import Perturbed
from hvit_edge.quantize.arithmetic import Arithmetic
from hvit_edge.quantize.half import HalfStorage
from hvit_edge.quantize.sqnr import decibel
from hvit_edge.targets.target import Values


@dataclass(frozen=True)
class LayerFidelity:
    """Measures a value of a program against the graph's value from the same inputs.

    Attributes:
        layer: dotted path of the module and name of the node; "the output" for the final answer.
        sqnr_db: SQNR in dB, infinite if both are equal. If arithmetic alone can make more noise
            than `Arithmetic.layer_db` allows, the signal counts as larger by that amount.
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
    """Run `graph` on the values of a program, and measure each of them, in order.

    Args:
        graph: the graph that was lowered.
        values: values of the program for `example`; they may include its answer.
        example: input of both.
        output: answer of the program.
        arithmetic: arithmetic of the program.
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
    """Return the SQNR of `known` against `made` in dB, with allowance for errors of arithmetic."""
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
    """Replaces values of the graph with those of a program, and stores the replaced values."""

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
        """Return the value with which the graph continues."""
        return known


class _Forced(_Forcing, HalfStorage):
    """Runs a graph on the values of a program."""


class _ForcedPerturbed(_Forcing, Perturbed):
    """Runs a graph on the values of a program, with errors of arithmetic in inputs as well."""

    def given(self, known: torch.Tensor) -> torch.Tensor:
        return self.erring(known)
