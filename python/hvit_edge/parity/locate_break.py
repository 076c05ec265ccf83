"""Find the module or layer in which a step of a validation breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.measures.tolerance import FLOAT_STEPS, step_tolerance
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.parity.bisect_quantized import first_unfaithful_layer
from hvit_edge.parity.report import ParityReport
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Sample


def locate_break(
    report: ParityReport,
    metadata: Metadata,
    model: nn.Module,
    samples: Sequence[Sample],
    rtol: float | None,
) -> ParityReport:
    """Return the report with the module or layer in which its first step breaks.

    Args:
        report: the report of a validation that did not pass.
        metadata: metadata of the artifact.
        model: the module, or a `TensorModule`.
        samples: its inputs; the first one is used to compare modules.
        rtol: see `validate`.
    """
    in_float = report.first_break in FLOAT_STEPS
    if metadata.target == "coreml" and not in_float:
        return report
    if metadata.precision != "fp32" and not in_float:
        worst = report.layers[0] if report.layers else None
        wrong = first_unfaithful_layer(model, metadata, samples)
        return replace(report, worst_layer=worst, first_module=wrong)
    module = first_wrong_module(
        model,
        samples[0].arrays,
        report.first_break,
        step_tolerance("rewritten", report.precision, rtol).max_rel,
        passes=target_named(metadata.target).applied(metadata),
        target=metadata.target,
    )
    return replace(report, first_module=module)
