"""Compare each output of a step with the expected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hvit_edge.artifact.container import Arrays
from hvit_edge.measures.difference import compare_output, worst
from hvit_edge.measures.tolerance import Tolerance, golden_tolerance
from hvit_edge.parity.steps import EAGER, OutputResult, StepResult
from hvit_edge.quantize import sqnr

FREE_DB = -999.0
"""A limit in dB for integers that every program reaches; their limit is the share that differs."""


def judge_outputs(
    step: str,
    names: Sequence[str],
    outputs: Sequence[Arrays],
    expected: Sequence[Arrays],
    tolerances: Sequence[Tolerance],
    reference: str = EAGER,
) -> StepResult:
    """Compare every output of a step over all samples; the result has the worst of each measure.

    Args:
        step: name of the step.
        names: names of the outputs.
        outputs, expected: one tuple of arrays for each sample.
        tolerances: tolerance of each output.
        reference: name of the reference.
    """
    results = [
        _judge(name, [row[i] for row in outputs], [row[i] for row in expected], tolerances[i])
        for i, name in enumerate(names)
    ]
    worst_output = next((one for one in results if not one.passed), results[0])
    return StepResult(
        name=step,
        difference=worst([one.difference for one in results]),
        top1_agreement=1.0,
        tolerance=worst_output.tolerance,
        passed=all(one.passed for one in results),
        sqnr_db=min(one.sqnr_db for one in results),
        reference=reference,
        outputs=tuple(results),
    )


def tolerances_of(
    tolerance: Tolerance, expected: Arrays, precision: str, rtol: float | None
) -> list[Tolerance]:
    """Return the tolerance of each output.

    Floats have the tolerance of the step, without classes. For integers and booleans, the share of
    elements that differ is limited by the tolerance of the self test. They are computed from floats
    by comparing or rounding, so an element close to a border may flip.

    Args:
        tolerance: tolerance of the step.
        expected: the expected outputs of one sample.
        precision, rtol: see `golden_tolerance`.
    """
    plain = without_classes(tolerance)
    discrete = Tolerance(max_rel=golden_tolerance(precision, rtol), same_top1=False)
    return [plain if array.dtype.kind == "f" else discrete for array in expected]


def without_classes(tolerance: Tolerance) -> Tolerance:
    """Return a tolerance without limits for classes."""
    return replace(tolerance, same_top1=False, top1_share=None)


def _judge(
    name: str, outputs: list[np.ndarray], expected: list[np.ndarray], tolerance: Tolerance
) -> OutputResult:
    """Compare one output over all samples.

    The largest difference is the worst over samples. The cosine is for all samples together,
    because a sample with values close to zero may have any cosine. The share of integers that
    differ is also for all samples together.
    """
    together = compare_output(np.stack(expected), np.stack(outputs))
    difference = together
    if expected[0].dtype.kind == "f":
        apart = worst([compare_output(e, o) for e, o in zip(expected, outputs, strict=True)])
        difference = replace(apart, cosine=together.cosine)
    noise = sqnr(np.stack(expected), np.stack(outputs))
    return OutputResult(
        name=name,
        difference=difference,
        sqnr_db=noise,
        tolerance=tolerance,
        passed=tolerance.within(difference) and tolerance.within_over_images(noise, 1.0),
    )
