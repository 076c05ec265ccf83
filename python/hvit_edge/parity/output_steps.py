"""Measure the steps of a validation output by output."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hvit_edge.artifact.container import Arrays
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.lowering import rewrite
from hvit_edge.measures.tolerance import Tolerance, golden_tolerance
from hvit_edge.parity.bisect import exported_graph
from hvit_edge.parity.judge_outputs import FREE_DB, judge_outputs
from hvit_edge.parity.opened import Opened
from hvit_edge.parity.report import Noise
from hvit_edge.parity.steps import QUANTIZED, StepResult
from hvit_edge.quantize import centred_sqnr, sqnr
from hvit_edge.targets import target_named
from hvit_edge.tensors.eager import eager_outputs, tensors_of
from hvit_edge.tensors.tensor_module import TensorModule

Judged = Callable[[str, Sequence[Arrays]], StepResult]
"""Compares the outputs of a step, by its name, with eager PyTorch."""


def float_steps(
    function: TensorModule, samples: Sequence[Arrays], metadata: Metadata, judged: Judged
) -> list[StepResult]:
    """Export and rewrite the module as in the compilation, and compare both graphs with it."""
    graph = exported_graph(function, tensors_of(samples[0]))
    exported = judged("exported", [eager_outputs(graph, arrays) for arrays in samples])
    rewrite(graph, passes=target_named(metadata.target).applied(metadata))
    return [exported, judged("rewritten", [eager_outputs(graph, arrays) for arrays in samples])]


def fidelity_steps(opened: Opened) -> list[StepResult]:
    """Compare the program's answer to the golden sample with the quantized graph's."""
    golden = opened.golden
    if golden.graph is None:
        return []
    discrete = Tolerance(max_rel=golden_tolerance(opened.metadata.precision), same_top1=False)
    tolerances = [
        discrete if least <= FREE_DB else Tolerance(same_top1=False, sqnr_db=least)
        for least in golden.least_sqnr_db
    ]
    outputs, names = [opened.run(opened.golden_sample())], opened.metadata.output_names
    return [judge_outputs("fidelity", names, outputs, [golden.graph], tolerances, QUANTIZED)]


def output_noise(names: list[str], expected: Sequence[Arrays], outputs: Sequence[Arrays]) -> Noise:
    """Measure the noise of the outputs against eager PyTorch; the noisiest output counts."""
    rows = range(len(expected[0]))
    whole = [
        (np.stack([row[i] for row in expected]), np.stack([row[i] for row in outputs]))
        for i in rows
    ]
    own = [min(map(sqnr, e, o)) for e, o in zip(expected, outputs, strict=True)]
    worst = own.index(min(own))
    centred = min(centred_sqnr(*pair) for pair in whole) if len(names) > 1 else None
    return Noise(min(sqnr(*pair) for pair in whole), centred, names[worst], own[worst])
