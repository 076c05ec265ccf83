"""Compare a program with the answer of its quantized graph, which is stored in the artifact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hvit_edge.artifact.container import Golden, GraphAnswer
from hvit_edge.measures.tolerance import Tolerance
from hvit_edge.parity.steps import QUANTIZED, StepResult, judge
from hvit_edge.targets.kernels import executorch_runtime

RECORDS = ("hve_golden_image", "hve_golden_output", "hve_graph_output", "hve_graph_sqnr")


def read_golden(path: Path) -> Golden | None:
    """Return the golden sample of a `.pte`, or None if it has no answer of a quantized graph.

    Artifacts in float32 and artifacts of earlier versions have none.
    """
    program = executorch_runtime().load_program(path.read_bytes())
    if not program.method_names.issuperset(RECORDS):
        return None
    image, output, answer, least = (program.load_method(name).execute([])[0] for name in RECORDS)
    graph = GraphAnswer(answer.clone().numpy(), float(least))
    return Golden(image.clone().numpy(), output.clone().numpy(), graph)


def measure_fidelity(
    golden: Golden | None, run: Callable[[np.ndarray], np.ndarray]
) -> list[StepResult]:
    """Run the golden photo, and compare the answer with the quantized graph's, if there is one.

    Args:
        golden: golden sample of the artifact.
        run: maps the golden image, uint8 [height, width, 3], to logits [1, classes].

    Returns:
        The step "fidelity", or nothing.
    """
    if golden is None or golden.graph is None:
        return []
    tolerance = Tolerance(same_top1=False, sqnr_db=golden.graph.least_sqnr_db)
    expected = [golden.graph.output]
    return [judge("fidelity", [run(golden.image)], expected, tolerance, QUANTIZED)]
