"""Measure the steps before quantization and lowering; only the rewrites depend on the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.pipeline import PIPELINE, Rewrite
from hvit_edge.measures.tolerance import FLOAT_STEPS, step_tolerance
from hvit_edge.parity.steps import StepResult, measure, pytorch_step


def measure_float_steps(
    model: nn.Module,
    inputs: list[np.ndarray],
    expected: list[np.ndarray],
    precision: str,
    rtol: float | None,
    *,
    passes: Sequence[Rewrite] = PIPELINE,
) -> tuple[StepResult, StepResult]:
    """Export `model`, rewrite it with `passes`, and compare both graphs with it.

    Args:
        model: the module in eval mode.
        inputs, expected: preprocessed photos, and the answers of `model` to them.
        precision, rtol: see `step_tolerance`.
        passes: rewrites of the target.

    Returns:
        The results of the steps "exported" and "rewritten".
    """
    gates = {name: step_tolerance(name, precision, rtol) for name in FLOAT_STEPS}
    graph = export_graph(model, (torch.from_numpy(inputs[0]),))
    exported = measure("exported", pytorch_step(graph), inputs, expected, gates["exported"])
    rewrite(graph, passes=passes)
    return exported, measure("rewritten", pytorch_step(graph), inputs, expected, gates["rewritten"])
