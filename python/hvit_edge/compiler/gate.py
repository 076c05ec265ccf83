"""The gate of every compilation: each step is as near to its reference as its precision allows."""

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
    """Measures each step, and stops at the first outside its tolerance.

    Attributes:
        subject, precision, rtol: what is compiled, and how near it must be, see `compile`.
        results: of the steps so far.
        graph: the quantized graph's answer to the golden photo, once it is measured.
        rewrites_left_out: the rewrites that failed, once the graph is rewritten without them.
        fallback: why the program is lowered as ExecuTorch does it; empty if it is not.
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
        """How far the last step is from eager PyTorch on the golden photo."""
        return next(r for r in reversed(self.results) if r.reference == EAGER).difference

    @property
    def golden(self) -> Golden:
        """What goes into the artifact."""
        return Golden(self.subject.golden_image, self.subject.expected, self.graph)

    @property
    def reported(self) -> dict[str, object]:
        """What the report says of the task: nothing of a classifier."""
        return {}

    def complete(self, metadata: Metadata) -> Metadata:
        """Return metadata as they are: a classifier's say all there is to say."""
        return metadata

    def __call__(self, name: str, step: Step) -> None:
        """Compare a step with eager PyTorch on the golden photo."""
        tolerance = step_tolerance(name, self.precision, self.rtol)
        self._keep(measure(name, step, [self.subject.example], [self.subject.expected], tolerance))

    def fault(self, graph: GraphModule) -> str:
        """Say how far a rewritten graph is from eager PyTorch if that is too far, nothing if not.

        Nothing is kept: a rewrite that is at fault can be left out. `rtol` does not count here: no
        rewrite is to blame for rounding that it forbids.
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
            reference: the graph.
            outputs: the program's answers to the graph's inputs.
            layers: of `forced_layers`; none if the target does not tell what it computes inside.
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
