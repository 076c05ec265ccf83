"""Check each step of a compilation against its reference, within the tolerance of its precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch.fx import GraphModule

from hvit_edge.artifact.container import Golden, GraphAnswer
from hvit_edge.artifact.metadata import Difference, Metadata
from hvit_edge.compiler.subject import Subject
from hvit_edge.errors import ParityError
from hvit_edge.lowering import PassReport
from hvit_edge.measures.tolerance import quantized_tolerance, step_tolerance
from hvit_edge.parity.fidelity import QuantizedReference, first_unfaithful
from hvit_edge.parity.forced_layers import LayerFidelity
from hvit_edge.parity.steps import (
    EAGER,
    QUANTIZED,
    Step,
    StepResult,
    judge,
    measure,
    pytorch_step,
)

REMEDIES = {
    "quantised": "; choose another precision or other calibration images",
    "fidelity": "; the lowering is wrong: report it with the model, and compile in fp32 meanwhile",
}


@dataclass
class Gate:
    """Measures each step, and raises an error at the first step outside its tolerance.

    Attributes:
        subject, precision, rtol: the compiled subject and its options, see `compile`.
        results: results of the steps so far.
        graph: answer of the quantized graph to the golden photo, after it is measured.
        rewrites_left_out: reports of the rewrites that failed, after the graph is rewritten.
        fallback: why stock ExecuTorch lowers the program; empty if it does not.
    """

    subject: Subject
    precision: str
    rtol: float | None
    results: list[StepResult] = field(default_factory=list)
    graph: GraphAnswer | None = None
    rewrites_left_out: tuple[PassReport, ...] = ()
    fallback: str = ""

    @property
    def parity(self) -> Difference:
        """Return the difference of the last step from eager PyTorch on the golden photo."""
        return next(r for r in reversed(self.results) if r.reference == EAGER).difference

    @property
    def golden(self) -> Golden:
        """Return the golden sample of the artifact."""
        return Golden(self.subject.golden_image, self.subject.expected, self.graph)

    @property
    def reported(self) -> dict[str, object]:
        """Return the fields of the report for the task; a classifier has none."""
        return {}

    def complete(self, metadata: Metadata) -> Metadata:
        """Return `metadata` unchanged, because a classifier has no other fields."""
        return metadata

    def __call__(self, name: str, step: Step) -> None:
        """Compare a step with eager PyTorch on the golden photo."""
        tolerance = step_tolerance(name, self.precision, self.rtol)
        self._keep(measure(name, step, [self.subject.example], [self.subject.expected], tolerance))

    def fault(self, graph: GraphModule) -> str:
        """Return how a rewritten graph differs from eager PyTorch; empty if it is close enough.

        The result is not recorded, because a faulty rewrite can be left out. `rtol` does not apply
        here, because a rewrite is not the cause of rounding that `rtol` does not allow.
        """
        tolerance = step_tolerance("rewritten", self.precision)
        inputs, expected = [self.subject.example], [self.subject.expected]
        result = measure("rewritten", pytorch_step(graph), inputs, expected, tolerance)
        if result.passed:
            return ""
        return (
            f"it changes the answer: expected {tolerance}, got max_rel"
            f" {result.difference.max_rel:.3g}"
        )

    def quantized(self, reference: QuantizedReference) -> None:
        """Compare a quantized graph with eager PyTorch: on the golden photo, then on all photos."""
        tolerance = step_tolerance("quantised", self.precision, self.rtol)
        golden = judge("quantised", reference.outputs[:1], reference.eager[:1], tolerance)
        if not golden.passed:
            self._keep(golden)
        tolerance = quantized_tolerance(self.precision, self.rtol)
        self._keep(judge("quantised", reference.outputs, reference.eager, tolerance))
        self.graph = reference.golden

    def fidelity(
        self,
        reference: QuantizedReference,
        outputs: Sequence[np.ndarray],
        layers: Sequence[LayerFidelity],
    ) -> None:
        """Compare a program with its quantized graph: layer by layer, then on photos.

        Args:
            reference: the graph and its answers.
            outputs: answers of the program to the inputs of the graph.
            layers: from `forced_layers`; empty if the target does not give the values of layers.

        Raises:
            ParityError: a layer or an answer differs too much.
        """
        wrong = first_unfaithful(layers, reference.arithmetic.layer_db)
        if wrong is not None:
            least = reference.arithmetic.layer_db
            raise ParityError(
                f"[compile] {self.subject.origin.name}: expected {wrong.layer} of the program to"
                f" compute what the quantized graph does, at {least:.0f} dB or more, got"
                f" {wrong.sqnr_db:.1f} dB; nothing was written{REMEDIES['fidelity']}"
            )
        result = judge("fidelity", outputs, reference.outputs, reference.tolerance, QUANTIZED)
        least_db = min((layer.sqnr_db for layer in layers), default=None)
        self._keep(replace(result, layer_db=least_db))

    def _keep(self, result: StepResult) -> None:
        self.results.append(result)
        if not result.passed:
            raise ParityError(_parity_message(self.subject.origin.name, result))


def _parity_message(model: str, result: StepResult) -> str:
    difference = result.difference
    agreement = "agrees" if difference.top1_agree else "differs"
    remedy = REMEDIES.get(result.name, "")
    return (
        f"[compile] {model}: expected the {result.name} program to have {result.tolerance} against"
        f" {result.reference}, got max_rel {difference.max_rel:.3g} (max_abs"
        f" {difference.max_abs:.3g}, cosine {difference.cosine:.6f}, SQNR {result.sqnr_db:.1f} dB,"
        f" top-1 {agreement}); nothing was written{remedy}"
    )
