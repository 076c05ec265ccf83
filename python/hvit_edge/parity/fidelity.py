"""Compare a quantized program with its own quantized graph, run by PyTorch.

Against eager PyTorch a wrong operator can hide in the noise of quantization. Against its own graph
a program may only err as its arithmetic does: over whole photos by what arithmetic alone makes of
the graph's answers (`perturbation`), layer by layer by rounding errors (`forced_layers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch.fx import GraphModule

from hvit_edge.artifact import GraphAnswer
from hvit_edge.parity.forced_layers import LayerFidelity
from hvit_edge.parity.perturbation import perturbed_outputs
from hvit_edge.parity.steps import quantised_step
from hvit_edge.parity.tolerance import Tolerance
from hvit_edge.quantize import sqnr

MARGIN_DB = {torch.float32: 10.0, torch.float16: 20.0}
"""How much more than one random draw of its arithmetic a program may err, by what it computes in.
CPUs with float16 arithmetic also add in float16, which costs up to 15 dB."""

MOST_DB = 110.0
"""A graph whose answer does not move at all still runs in float32."""

LAYER_DB = {torch.float32: 60.0, torch.float16: 20.0}
"""Least SQNR of one layer on the program's own values, by what the program computes in; float16 on
any CPU. What the registered families reach is in docs/quantisation.md."""

EVALUATED_DB = 40.0
"""The same in the reference evaluator, which only stores float16."""


class QuantizedReference:
    """A quantized graph and its answers.

    Args:
        graph: what the program was lowered from.
        number: what the program computes in where it is not int8.
        inputs: the golden photo, and others, preprocessed.
        eager: what the float module answers to them.
        layer_db: least SQNR of one layer of a program on the program's own values; None is that of
            `LAYER_DB`.
    """

    def __init__(
        self,
        graph: GraphModule,
        number: torch.dtype,
        inputs: Sequence[np.ndarray],
        eager: Sequence[np.ndarray],
        layer_db: float | None = None,
    ) -> None:
        self.graph = graph
        self.number = number
        self.inputs = inputs
        self.eager = eager
        self.layer_db = LAYER_DB[number] if layer_db is None else layer_db

    @cached_property
    def outputs(self) -> list[np.ndarray]:
        """The graph's answers."""
        run = quantised_step(self.graph)
        return [run(array) for array in self.inputs]

    @cached_property
    def tolerance(self) -> Tolerance:
        """What a program of this graph must satisfy over all inputs."""
        return self._within(np.concatenate(self.outputs), np.concatenate(self._perturbed))

    @cached_property
    def golden(self) -> GraphAnswer:
        """The graph's answer to the golden photo, for devices to compare with."""
        answer = self.outputs[0]
        return GraphAnswer(answer, self._within(answer, self._perturbed[0]).sqnr_db)

    @cached_property
    def _perturbed(self) -> list[np.ndarray]:
        return perturbed_outputs(self.graph, self.inputs, self.number)

    def _within(self, outputs: np.ndarray, moved: np.ndarray) -> Tolerance:
        floor = min(sqnr(outputs, moved), MOST_DB)
        return Tolerance(same_top1=False, sqnr_db=floor - MARGIN_DB[self.number])


def first_unfaithful(layers: Sequence[LayerFidelity], least_db: float) -> LayerFidelity | None:
    """Return the first layer with less than `least_db`, if any."""
    return next((layer for layer in layers if not layer.sqnr_db >= least_db), None)
