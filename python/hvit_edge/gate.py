"""The gate of every compilation: no step is further from PyTorch than its precision allows."""

from __future__ import annotations

from dataclasses import dataclass, field

from hvit_edge.errors import ParityError
from hvit_edge.parity.steps import Step, StepResult, measure
from hvit_edge.parity.tolerance import step_tolerance
from hvit_edge.subject import Subject

REMEDIES = {"quantised": "; choose another precision or other calibration images"}


@dataclass
class Gate:
    """Measures each step on the golden photo, and stops at the first outside its tolerance."""

    subject: Subject
    precision: str
    rtol: float | None
    results: list[StepResult] = field(default_factory=list)

    def __call__(self, name: str, step: Step) -> None:
        tolerance = step_tolerance(name, self.precision, self.rtol)
        result = measure(name, step, [self.subject.example], [self.subject.expected], tolerance)
        self.results.append(result)
        if not result.passed:
            raise ParityError(_parity_message(self.subject.origin.name, result))


def _parity_message(model: str, result: StepResult) -> str:
    difference = result.difference
    agreement = "agrees" if difference.top1_agree else "differs"
    remedy = REMEDIES.get(result.name, "")
    return (
        f"[compile] {model}: expected the {result.name} program to have {result.tolerance} against"
        f" eager PyTorch, got max_rel {difference.max_rel:.3g} (max_abs {difference.max_abs:.3g},"
        f" cosine {difference.cosine:.6f}, top-1 {agreement}); nothing was written{remedy}"
    )
