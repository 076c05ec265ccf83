"""Validate an artifact: every step from eager PyTorch to the C++ runtime, on real photos."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hvit_edge.datasets import Skipped, open_images
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.metadata import LayerRecord
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.parity.reference import reference_model
from hvit_edge.parity.steps import (
    StepResult,
    executorch_step,
    judge,
    measure,
    pytorch_step,
    runtime_step,
)
from hvit_edge.parity.tolerance import FLOAT_STEPS, Tolerance, step_tolerance
from hvit_edge.preprocess import load_image
from hvit_edge.quantize import centred_sqnr, sqnr
from hvit_edge.runtime import Session
from hvit_edge.weights import bundled_photos

Photos = list[tuple[str, np.ndarray]]
"""Names and pixels, uint8 [height, width, 3]."""


@dataclass(frozen=True)
class Noise:
    """How the C++ runtime's logits differ from eager PyTorch's over all photos.

    Attributes:
        sqnr_db: signal to quantisation noise, see `quantize.sqnr`; infinite where all are equal,
            minus infinity where one is not finite.
        sqnr_centred_db: the same without what all photos share, see `quantize.centred_sqnr`; None
            for a single photo.
        worst_image: the photo with the least SQNR of its own.
        worst_image_sqnr_db: that SQNR.
    """

    sqnr_db: float
    sqnr_centred_db: float | None
    worst_image: str
    worst_image_sqnr_db: float

    def to_dict(self) -> dict[str, object]:
        """As `ParityReport.to_dict` has it at its top level."""
        return {
            "sqnr_db": self.sqnr_db,
            "sqnr_centred_db": self.sqnr_centred_db,
            "worst_image": {"name": self.worst_image, "sqnr_db": self.worst_image_sqnr_db},
        }


@dataclass(frozen=True)
class ParityReport:
    """How far each step is from eager PyTorch.

    Attributes:
        artifact: the file.
        precision: of the artifact.
        images: number of photos.
        tolerance: what the program must satisfy on every photo; the steps before rounding have
            their own, see `StepResult`.
        steps: "exported", "rewritten", "lowered" (ExecuTorch's Python runtime), "runtime" (C++).
        noise: of the last of them.
        layers: the artifact's record of its layers, the worst first; empty where it has none.
        skipped: photos that could not be read, with the reason.
        first_module: with `bisect`, the first module whose output differs.
        worst_layer: with `bisect`, where rounding breaks the program: the layer with the most
            noise, None where the artifact has no record.
    """

    artifact: Path
    precision: str
    images: int
    tolerance: Tolerance
    steps: tuple[StepResult, ...]
    noise: Noise
    layers: tuple[LayerRecord, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    first_module: str | None = None
    worst_layer: LayerRecord | None = None

    @property
    def passed(self) -> bool:
        """Whether every step is within its tolerance on every photo."""
        return all(step.passed for step in self.steps)

    @property
    def first_break(self) -> str | None:
        """The first step that is not."""
        return next((step.name for step in self.steps if not step.passed), None)

    @property
    def top1_agreement(self) -> float:
        """Share of the photos to which the C++ runtime gives PyTorch's top class, 0 to 1."""
        return self.steps[-1].top1_agreement

    def to_dict(self) -> dict[str, object]:
        """The report as plain values; the command line writes infinity as null in JSON."""
        return {
            "artifact": str(self.artifact),
            "precision": self.precision,
            "images": self.images,
            "skipped": [asdict(photo) for photo in self.skipped],
            "rtol": self.tolerance.max_rel,
            "tolerance": str(self.tolerance),
            "passed": self.passed,
            "first_break": self.first_break,
            "first_module": self.first_module,
            "worst_layer": asdict(self.worst_layer) if self.worst_layer else None,
            "top1_agreement": self.top1_agreement,
            **self.noise.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
            "layers": [asdict(layer) for layer in self.layers],
        }


def validate(
    artifact: str | Path,
    *,
    data: str | Path | None = None,
    model: nn.Module | None = None,
    weights: object = None,
    rtol: float | None = None,
    threads: int = 0,
    bisect: bool = False,
) -> ParityReport:
    """Compare an artifact, and every step that led to it, with eager PyTorch.

    Args:
        artifact: a file written by `compile`.
        data: a folder of photos or an NPZ; None takes the bundled photos.
        model: the module it was compiled from, in eval mode; None rebuilds it from the artifact's
            model name and weights.
        weights: where these weights are, as for `create_model`; None is what the artifact says.
        rtol: largest difference, relative to the largest absolute output of eager PyTorch, with
            the same top class; in place of the precision's own gate, see `parity.tolerance`.
        threads: of the C++ runtime, 0 for its default.
        bisect: where a step breaks, find the first module whose output differs; where the program
            differs by its rounding, the layer with the most noise.

    Raises:
        ArtifactError: the file is unusable.
        InputError: no photos, weights that are not those the artifact was made from, or a
            precision that this version does not know.
    """
    path = Path(artifact)
    session = Session(path, threads=threads)
    metadata = session.metadata
    tolerance = step_tolerance("runtime", metadata.precision, rtol)
    model = reference_model(session, model=model, weights=weights)
    photos, skipped = _photos(data)
    inputs = [metadata.preprocess(image) for _, image in photos]
    eager, runtime = pytorch_step(model), runtime_step(path, threads=threads)
    expected = [eager(array) for array in inputs]
    outputs = [runtime(array) for array in inputs]
    report = ParityReport(
        artifact=path,
        precision=metadata.precision,
        images=len(inputs),
        tolerance=tolerance,
        steps=(
            *_measure_steps(path, model, inputs, expected, metadata.precision, rtol),
            judge("runtime", outputs, expected, tolerance),
        ),
        noise=_noise([name for name, _ in photos], expected, outputs),
        layers=tuple(sorted(metadata.layers, key=lambda layer: layer.sqnr_db)),
        skipped=skipped,
    )
    return _bisect(report, model, inputs[0], rtol) if bisect and not report.passed else report


def _photos(data: str | Path | None) -> tuple[Photos, tuple[Skipped, ...]]:
    """The photos to validate on, and those that could not be read."""
    if data is None:
        return [(path.name, load_image(path)) for path in bundled_photos()], ()
    images = open_images(data)
    photos = [(sample.name, sample.image) for sample in images]
    return photos, tuple(images.skipped)


def _measure_steps(
    path: Path,
    model: nn.Module,
    inputs: list[np.ndarray],
    expected: list[np.ndarray],
    precision: str,
    rtol: float | None,
) -> tuple[StepResult, ...]:
    """The steps before the C++ runtime."""
    gates = {name: step_tolerance(name, precision, rtol) for name in (*FLOAT_STEPS, "lowered")}
    graph = export_graph(model, (torch.from_numpy(inputs[0]),))
    exported = measure("exported", pytorch_step(graph), inputs, expected, gates["exported"])
    rewrite(graph)
    rewritten = measure("rewritten", pytorch_step(graph), inputs, expected, gates["rewritten"])
    program = executorch_step(path.read_bytes())
    return exported, rewritten, measure("lowered", program, inputs, expected, gates["lowered"])


def _noise(names: list[str], expected: list[np.ndarray], outputs: list[np.ndarray]) -> Noise:
    own = [sqnr(e, o) for e, o in zip(expected, outputs, strict=True)]
    worst = own.index(min(own))
    whole = np.concatenate(expected), np.concatenate(outputs)
    centred = centred_sqnr(*whole) if len(names) > 1 else None
    return Noise(sqnr(*whole), centred, names[worst], own[worst])


def _bisect(
    report: ParityReport, model: nn.Module, example: np.ndarray, rtol: float | None
) -> ParityReport:
    """Where a step breaks: the module, or the layer that rounding hurt most."""
    if report.precision != "fp32" and report.first_break not in FLOAT_STEPS:
        return replace(report, worst_layer=report.layers[0] if report.layers else None)
    limit = step_tolerance("rewritten", report.precision, rtol).max_rel
    module = first_wrong_module(model, example, report.first_break, limit)
    return replace(report, first_module=module)
