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
        layer: dotted path of the module and name of the node; "the output" for the final answer, or
            "output 1" for one of several.
        sqnr_db: SQNR in dB, infinite if both are equal. If arithmetic alone can make more noise
            than `Arithmetic.layer_db` allows, the signal counts as larger by that amount.
    """

    layer: str
    sqnr_db: float


def forced_layers(
    graph: GraphModule,
    values: Values,
    inputs: tuple[torch.Tensor, ...],
    outputs: tuple[torch.Tensor, ...],
    arithmetic: Arithmetic,
) -> list[LayerFidelity]:
    """Run `graph` on the values of a program, and measure each of them, in order.

    Args:
        graph: the graph that was lowered.
        values: values of the program for `inputs`; they may include its outputs.
        inputs: inputs of both.
        outputs: outputs of the program; only those of floats are measured here.
        arithmetic: arithmetic of the program.
    """
    exact, erring = _Forced(graph, values), _ForcedPerturbed(graph, values, arithmetic.number)
    with torch.inference_mode():
        answers, moved = _outputs(exact.run(*inputs)), _outputs(erring.run(*inputs))
    found = [
        LayerFidelity(
            _label(node), _fidelity(made, erring.made[node], values[node.name], arithmetic)
        )
        for node, made in exact.made.items()
    ]
    for index, node in enumerate(graph.graph.output_node().args[0]):
        if node.name in values or not answers[index].is_floating_point():
            continue
        name = "the output" if len(outputs) == 1 else f"output {index}"
        measured = _fidelity(answers[index], moved[index], outputs[index], arithmetic)
        found.append(LayerFidelity(name, measured))
    return found


def _outputs(answer: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Return the outputs of a graph, which is of a module with one output or with several."""
    return (answer,) if isinstance(answer, torch.Tensor) else tuple(answer)


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
