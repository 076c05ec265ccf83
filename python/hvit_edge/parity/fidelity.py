"""Compare a quantized program with its own quantized graph, run by PyTorch.

In a comparison with eager PyTorch, the noise of quantization can hide a wrong operator. In a
comparison with its own graph, a program may differ only by errors of arithmetic. For complete
photos, `perturbation` measures the effect of such errors on the answers of the graph. For single
layers, `forced_layers` compares with rounding errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from torch.fx import GraphModule

from hvit_edge.artifact.container import GraphAnswer
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.forced_layers import LayerFidelity
from hvit_edge.parity.perturbation import perturbed_outputs
from hvit_edge.parity.steps import quantised_step
from hvit_edge.quantize import sqnr
from hvit_edge.quantize.arithmetic import FLOAT16, FLOAT32, Arithmetic
from hvit_edge.quantize.lanes import in_lanes

MOST_DB = 110.0
"""Upper limit of required SQNR, because even a graph without any change runs in float32."""


class QuantizedReference:
    """Holds a quantized graph and its answers.

    Args:
        graph: the graph that is lowered.
        arithmetic: arithmetic of the program.
        inputs: the golden photo first, then others, preprocessed.
        eager: answers of the float module to them.
    """

    def __init__(
        self,
        graph: GraphModule,
        arithmetic: Arithmetic,
        inputs: Sequence[np.ndarray],
        eager: Sequence[np.ndarray],
    ) -> None:
        self.graph = graph
        self.arithmetic = arithmetic
        self.inputs = inputs
        self.eager = eager

    @property
    def outputs(self) -> list[np.ndarray]:
        """Return the answers of the graph."""
        return self._answers[0]

    @cached_property
    def tolerance(self) -> Tolerance:
        """Return the tolerance of a program of this graph over all inputs."""
        floor = _floor(np.concatenate(self.outputs), np.concatenate(self._perturbed))
        return Tolerance(same_top1=False, sqnr_db=floor - self.arithmetic.margin_db)

    @cached_property
    def golden(self) -> GraphAnswer:
        """Return the answer to the golden photo, with a tolerance for programs on any CPU."""
        margin = (FLOAT32 if self.arithmetic is FLOAT32 else FLOAT16).margin_db
        floor = _floor(self.outputs[0], self._perturbed[0])
        return GraphAnswer(self.outputs[0], floor - margin)

    @property
    def _perturbed(self) -> list[np.ndarray]:
        return self._answers[1]

    @cached_property
    def _answers(self) -> list[list[np.ndarray]]:
        """Return the answers of the graph, and those with errors in all arithmetic.

        The random errors of each photo follow those of the photo before, so they share a lane.
        """

        def exact() -> list[np.ndarray]:
            return [run(array) for array in self.inputs]

        def perturbed() -> list[np.ndarray]:
            return perturbed_outputs(self.graph, self.inputs, self.arithmetic.number)

        run = quantised_step(self.graph)
        return in_lanes(lambda lane, answers: answers(), (exact, perturbed))


def _floor(outputs: np.ndarray, moved: np.ndarray) -> float:
    return min(sqnr(outputs, moved), MOST_DB)


def first_unfaithful(layers: Sequence[LayerFidelity], least_db: float) -> LayerFidelity | None:
    """Return the first layer whose SQNR is below `least_db` or NaN, or None."""
    return next((layer for layer in layers if not layer.sqnr_db >= least_db), None)
