"""Validate every step of a package, from eager PyTorch to Core ML or the evaluator, on photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from hvit_edge.coreml.runner import CORE_ML, PackageClassifier
from hvit_edge.lowering import COREML_PIPELINE
from hvit_edge.lowering.pipeline import applied_passes
from hvit_edge.measures.tolerance import FLOAT_STEPS, step_tolerance
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.parity.float_steps import measure_float_steps
from hvit_edge.parity.graph_answer import measure_fidelity
from hvit_edge.parity.photos import open_photos
from hvit_edge.parity.reference import reference_model
from hvit_edge.parity.report import ParityReport, measure_noise
from hvit_edge.parity.steps import judge, pytorch_step


def validate_package(
    path: Path,
    *,
    data: str | Path | None,
    model: nn.Module | str | None,
    weights: object,
    weights_key: str | None,
    args: Mapping[str, Any] | None = None,
    rtol: float | None,
    threads: int,
    bisect: bool,
) -> ParityReport:
    """Validate a package; arguments, result and errors are those of `validate`."""
    classifier = PackageClassifier(path, threads=threads)
    metadata = classifier.metadata
    last = "predicted" if classifier.backend == CORE_ML else "evaluated"
    tolerance = step_tolerance(last, metadata.precision, rtol)
    model = reference_model(
        metadata,
        classifier.classes,
        model=model,
        weights=weights,
        weights_key=weights_key,
        args=args,
        artifact=path,
    )
    photos, skipped = open_photos(data, metadata.preprocess)
    inputs = [metadata.preprocess(image) for _, image in photos]
    eager = pytorch_step(model)
    expected = [eager(array) for array in inputs]
    outputs = [classifier.logits(image) for _, image in photos]
    passes = applied_passes(COREML_PIPELINE, metadata.rewrites_left_out, metadata.fallback)
    float_steps = measure_float_steps(
        model, inputs, expected, metadata.precision, rtol, passes=passes
    )
    report = ParityReport(
        artifact=path,
        precision=metadata.precision,
        images=len(inputs),
        tolerance=tolerance,
        steps=(
            *float_steps,
            *measure_fidelity(classifier.golden, classifier.predict),
            judge(last, outputs, expected, tolerance),
        ),
        noise=measure_noise([name for name, _ in photos], expected, outputs),
        skipped=skipped,
        backend=classifier.backend,
    )
    if not bisect or report.first_break not in FLOAT_STEPS:
        return report
    limit = step_tolerance(report.first_break, metadata.precision, rtol).max_rel
    broken = (model, inputs[0], report.first_break, limit)
    return replace(report, first_module=first_wrong_module(*broken, passes=passes))
