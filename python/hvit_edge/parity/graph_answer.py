"""Compare a program with the answer of its quantized graph, which the artifact contains."""

from __future__ import annotations

from collections.abc import Callable

from hvit_edge.artifact.container import Golden
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.steps import QUANTIZED, StepResult, judge
from hvit_edge.targets.target import Run, Sample


def measure_fidelity(
    golden: Golden | None, sample: Callable[[], Sample], run: Run
) -> list[StepResult]:
    """Run the golden photo and compare the answer with the quantized graph's, if there is one.

    Args:
        golden: golden sample of the artifact, or None.
        sample: returns the golden photo as an input of `run`.
        run: runs the program.
    """
    if golden is None or golden.graph is None:
        return []
    tolerance = Tolerance(same_top1=False, sqnr_db=golden.graph.least_sqnr_db)
    outputs, expected = [run(sample())[0]], [golden.graph.output]
    return [judge("fidelity", outputs, expected, tolerance, QUANTIZED)]
