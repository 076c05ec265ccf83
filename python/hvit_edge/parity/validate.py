"""Validate an artifact: every step from eager PyTorch to the C++ runtime, on real photos."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hvit_edge.datasets import Skipped, open_images
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.parity.bisect import first_wrong_module
from hvit_edge.parity.reference import reference_model
from hvit_edge.parity.steps import (
    StepResult,
    executorch_step,
    measure,
    pytorch_step,
    runtime_step,
)
from hvit_edge.preprocess import load_image
from hvit_edge.runtime import Session
from hvit_edge.weights import bundled_photos


@dataclass(frozen=True)
class ParityReport:
    """How far each step is from eager PyTorch.

    Attributes:
        artifact: the file.
        images: number of photos.
        rtol: the tolerance, relative to the largest absolute output of eager PyTorch.
        steps: "exported", "rewritten", "lowered" (ExecuTorch's Python runtime), "runtime" (C++).
        skipped: photos that could not be read, with the reason.
        first_module: with `bisect`, the first module whose output differs.
    """

    artifact: Path
    images: int
    rtol: float
    steps: tuple[StepResult, ...]
    skipped: tuple[Skipped, ...] = ()
    first_module: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every step is within the tolerance on every photo."""
        return all(step.passed for step in self.steps)

    @property
    def first_break(self) -> str | None:
        """The first step that is not."""
        return next((step.name for step in self.steps if not step.passed), None)

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, ready for JSON."""
        return {
            "artifact": str(self.artifact),
            "images": self.images,
            "skipped": [asdict(photo) for photo in self.skipped],
            "rtol": self.rtol,
            "passed": self.passed,
            "first_break": self.first_break,
            "first_module": self.first_module,
            "steps": [step.to_dict() for step in self.steps],
        }


def validate(
    artifact: str | Path,
    *,
    data: str | Path | None = None,
    model: nn.Module | None = None,
    weights: object = None,
    rtol: float = 1e-4,
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
        rtol: largest difference, relative to the largest absolute output of eager PyTorch.
        threads: of the C++ runtime, 0 for its default.
        bisect: where a step breaks, find the first module whose output differs.

    Raises:
        ArtifactError: the file is unusable.
        InputError: no photos, or weights that are not those the artifact was made from.
    """
    path = Path(artifact)
    session = Session(path, threads=threads)
    model = reference_model(session, model=model, weights=weights)
    photos, skipped = _photos(data)
    inputs = [session.metadata.preprocess(photo) for photo in photos]
    steps = _measure_steps(path, model, inputs, rtol, threads)
    report = ParityReport(path, len(inputs), rtol, steps, skipped)
    if bisect and not report.passed:
        module = first_wrong_module(model, inputs[0], report.first_break, rtol)
        report = replace(report, first_module=module)
    return report


def _photos(data: str | Path | None) -> tuple[list[np.ndarray], tuple[Skipped, ...]]:
    """The photos to validate on, uint8 [h, w, 3] each, and those that could not be read."""
    if data is None:
        return [load_image(path) for path in bundled_photos()], ()
    images = open_images(data)
    photos = [sample.image for sample in images]
    return photos, tuple(images.skipped)


def _measure_steps(
    path: Path, model: nn.Module, inputs: list[np.ndarray], rtol: float, threads: int
) -> tuple[StepResult, ...]:
    eager = pytorch_step(model)
    expected = [eager(array) for array in inputs]
    example = (torch.from_numpy(inputs[0]),)
    graph = export_graph(model, example)
    exported = measure("exported", pytorch_step(graph), inputs, expected, rtol)
    rewrite(graph)
    return (
        exported,
        measure("rewritten", pytorch_step(graph), inputs, expected, rtol),
        measure("lowered", executorch_step(path.read_bytes()), inputs, expected, rtol),
        measure("runtime", runtime_step(path, threads=threads), inputs, expected, rtol),
    )
