"""How far the outputs of a step are from those expected, output by output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hvit_edge.artifact.metadata import Difference
from hvit_edge.measures.difference import compare, worst
from hvit_edge.measures.tolerance import Tolerance, golden_tolerance
from hvit_edge.parity.steps import EAGER, OutputResult, StepResult
from hvit_edge.quantize import sqnr
from hvit_edge.tensors.samples import Arrays


def compare_output(expected: np.ndarray, actual: np.ndarray) -> Difference:
    """Measure how far one output is from the expected one.

    Of integers and booleans `max_rel` is the share of the elements that differ, and `cosine` is
    the share of those that do not. There are no classes, so `top1_agree` is always true.

    Raises:
        InputError: the shapes differ.
    """
    if expected.dtype.kind == "f" and actual.dtype.kind == "f":
        return replace(compare(expected, actual), top1_agree=True)
    apart = np.abs(expected.astype(np.float64) - actual.astype(np.float64))
    share = float(np.mean(apart != 0))
    return Difference(float(apart.max()), share, 1 - share, True)


def judge_outputs(
    step: str,
    names: Sequence[str],
    outputs: Sequence[Arrays],
    expected: Sequence[Arrays],
    tolerances: Sequence[Tolerance],
    reference: str = EAGER,
) -> StepResult:
    """Compare every output of a step over all samples; the worst of each respect is the result's.

    Args:
        step: its name.
        names: of the outputs.
        outputs, expected: one row of arrays for each sample.
        tolerances: of each output.
        reference: what it is compared with.
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
    """Return the tolerance of each output: of floats the step's own, without classes.

    Of integers and booleans the share of elements that the self test allows may differ: they are
    made of floats by comparing or rounding, and one that is close to the border flips.
    """
    plain = without_classes(tolerance)
    discrete = Tolerance(max_rel=golden_tolerance(precision, rtol), same_top1=False)
    return [plain if array.dtype.kind == "f" else discrete for array in expected]


def without_classes(tolerance: Tolerance) -> Tolerance:
    """Return a tolerance without what it says of classes."""
    return replace(tolerance, same_top1=False, top1_share=None)


def _judge(
    name: str, outputs: list[np.ndarray], expected: list[np.ndarray], tolerance: Tolerance
) -> OutputResult:
    """Compare one output over all samples.

    The largest difference counts sample by sample. The cosine is that of all samples together: one
    whose values are close to zero may have any. So is the share of integers that differ.
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
