"""Compile with precision "auto": apply a plan of layer precisions that is searched or given.

A search uses calibration images, labeled images and the largest allowed drop, and finds a plan. A
given plan, which may be edited, is applied unchanged, and checked on labeled images if there are
any.
"""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch.fx import GraphModule

from hvit_edge.compiler.mixed_on_ray import spread_over
from hvit_edge.compiler.mixed_options import MixedOptions, plan_path, state_path
from hvit_edge.datasets import open_images
from hvit_edge.errors import ParityError
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import Wrap
from hvit_edge.quantize.calibration import Calibration
from hvit_edge.quantize.cost import CostProfile, machine_name
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.plan import Plan, apply_plan, read_plan, resolve, write_plan
from hvit_edge.quantize.search import DEFAULT_MAX_DROP, RankedLayer, search
from hvit_edge.quantize.search_state import SearchState

LISTED = 10  # layers of the ranking that an error lists


@dataclass(frozen=True)
class MixedReport:
    """Reports the result of precision "auto".

    Attributes:
        layers: the precision of each layer.
        plan_path: the file from which the plan was read, or to which it is written.
        max_drop, drop: allowed and measured loss in points of top-1, or of agreement with the
            module for other tasks, see `FloatAnswers`; None without images to measure it on.
        float_top1, top1: top-1, or agreement, of the float graph and of the plan, 0 to 1; None
            without them.
        reached: True if the drop is at most `max_drop`.
        predicted_ms, float_ms: predicted time of the layers with the plan, and with all layers in
            fp32; None for a given plan.
        ranking: the layers, the most sensitive first; empty for a given plan.
    """

    layers: dict[str, str]
    plan_path: Path
    max_drop: float | None = None
    drop: float | None = None
    float_top1: float | None = None
    top1: float | None = None
    reached: bool = True
    predicted_ms: float | None = None
    float_ms: float | None = None
    ranking: tuple[RankedLayer, ...] = field(default=())

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain values for JSON."""
        values = {**self.__dict__, "plan_path": str(self.plan_path)}
        rows = [{**asdict(row), "saved_ms": row.saved_ms} for row in self.ranking]
        return {**values, "ranking": rows}


class Measured(Protocol):
    """Measures graphs on preprocessed photos.

    Attributes:
        inputs: the photos.
        truth: their classes, if they are labeled.
    """

    inputs: list[np.ndarray]
    truth: np.ndarray

    def top1(self, graph: GraphModule) -> float:
        """Return how right the answers of a graph are, 0 to 1: the mean of all `scores`."""

    def scores(self, graph: GraphModule, places: Sequence[int]) -> list[float]:
        """Return how right the answers to the photos at some places are, each 0 to 1."""


class Labelled:
    """Holds preprocessed labeled images, and measures the top-1 of graphs on them.

    Unreadable images and other files are skipped, and named in a warning.
    """

    def __init__(
        self, data: str | Path, preprocess: Preprocess, classes: int, labels: Sequence[str]
    ) -> None:
        images = open_images(data, classes=classes, class_names=labels)
        images = images.checked(preprocess.check_photo)
        samples = list(images)
        self.inputs = [preprocess(sample.image) for sample in samples]
        self.truth = np.array([sample.label for sample in samples])
        for notice in images.notices("datasets"):
            warnings.warn(notice, stacklevel=2)

    def top1(self, graph: GraphModule) -> float:
        """Return the share of images that `graph` classifies correctly, 0 to 1."""
        return float(np.mean(self.scores(graph, range(len(self.inputs)))))

    def scores(self, graph: GraphModule, places: Sequence[int]) -> list[float]:
        """Return 1 for each photo at `places` that `graph` classifies correctly, otherwise 0."""
        with torch.inference_mode():
            found = [int(graph(torch.from_numpy(self.inputs[i])).argmax()) for i in places]
        return [float(index == self.truth[i]) for index, i in zip(found, places, strict=True)]


def mix(
    graph: GraphModule,
    options: MixedOptions,
    *,
    model: str,
    weights_digest: str,
    calibration: Calibration,
    labelled: Measured | None,
    output: Path,
    progress: Wrap,
    tell: Callable[[str], None],
) -> tuple[GraphModule, MixedReport]:
    """Return a graph of mixed precision that loses no more than allowed, and its report.

    Args:
        graph: from `reference_graph`; it is not changed.
        options: checked by `check_mixed`.
        model, weights_digest: name of the model, and digest of its weights.
        calibration: images with which weights are rounded and layers are measured.
        labelled: what measures plans; None for a given plan without evaluation data.
        output: path of the artifact; the state of a search is stored next to it until it ends.
        progress, tell: see `search`.

    Raises:
        InputError: the plan, the cost profile or the state file cannot be used.
        ParityError: every plan, or the given one, loses more than allowed, and `force_inexact` is
            not set.
    """
    if options.plan is not None:
        mixed, report = _given(graph, Path(options.plan), options, calibration, labelled)
    elif labelled is None:
        raise ValueError("expected labeled images for a search")
    else:
        digest = _digest(weights_digest, calibration, labelled, options)
        mixed, report = _searched(
            graph, options, model, calibration, labelled, output, digest, progress, tell
        )
    if not report.reached and not options.force_inexact:
        raise ParityError(_missed(model, report))
    return mixed, report


def keep_plan(report: MixedReport, model: str, output: Path, *, force: bool) -> None:
    """Write the plan of a search, and delete its state, after the artifact is written."""
    if report.ranking:
        write_plan(Plan(report.layers, model), report.plan_path, force=force)
    state_path(output).unlink(missing_ok=True)


def _given(
    graph: GraphModule,
    path: Path,
    options: MixedOptions,
    calibration: Calibration,
    labelled: Measured | None,
) -> tuple[GraphModule, MixedReport]:
    plan, layers = read_plan(path), find_layers(graph)
    chosen = resolve(plan, layers)
    rounded = [layer for layer in layers if chosen[layer.name] == "int8"]
    inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
    mixed = copy.deepcopy(graph)
    apply_plan(mixed, Plan(chosen), input_moments(graph, rounded, inputs))
    report = MixedReport(chosen, path)
    if labelled is None:
        return mixed, report
    float_top1, top1 = labelled.top1(graph), labelled.top1(mixed)
    allowed = DEFAULT_MAX_DROP if options.max_drop is None else options.max_drop
    drop = round(100 * (float_top1 - top1), 9)
    measured = MixedReport(chosen, path, allowed, drop, float_top1, top1, drop <= allowed)
    return mixed, measured


def _searched(
    graph: GraphModule,
    options: MixedOptions,
    model: str,
    calibration: Calibration,
    labelled: Measured,
    output: Path,
    digest: str,
    progress: Wrap,
    tell: Callable[[str], None],
) -> tuple[GraphModule, MixedReport]:
    from hvit_edge.targets.xnnpack.target import runnable  # imports ExecuTorch's compiler

    with spread_over(options.on, graph, calibration, labelled) as spread:
        result = search(
            graph,
            calibration,
            labelled.top1 if spread is None else spread.top1,
            CostProfile.load(options.cost_profile) if options.cost_profile else runnable,
            model=model,
            max_drop=DEFAULT_MAX_DROP if options.max_drop is None else options.max_drop,
            state=SearchState(state_path(output), digest),
            progress=progress,
            tell=tell,
            sensitivities=None if spread is None else spread.sensitivities,
        )
    return result.graph, MixedReport(
        layers=dict(result.plan.layers),
        plan_path=plan_path(output),
        max_drop=result.max_drop,
        drop=result.best.drop,
        float_top1=result.float_plan.top1,
        top1=result.best.top1,
        reached=result.reached,
        predicted_ms=result.best.predicted_ms,
        float_ms=result.float_plan.predicted_ms,
        ranking=result.ranking,
    )


def _digest(
    weights_digest: str, calibration: Calibration, labelled: Measured, options: MixedOptions
) -> str:
    """Return the SHA-256 digest of everything on which a search depends."""
    digest = hashlib.sha256(weights_digest.encode())
    for array in (*calibration.inputs, *labelled.inputs):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(labelled.truth.astype(np.int64).tobytes())
    profile = options.cost_profile
    digest.update(Path(profile).read_bytes() if profile else machine_name().encode())
    for package in ("hvit-edge", "torch", "executorch"):
        digest.update(f"{package}={version(package)}".encode())
    return digest.hexdigest()


def _missed(model: str, report: MixedReport) -> str:
    counts = {p: list(report.layers.values()).count(p) for p in ("int8", "fp16", "fp32")}
    best = ", ".join(f"{count} layers {p}" for p, count in counts.items() if count)
    worst = "".join(
        f"\n  {row.layer}: {row.sensitivity.sqnr_db:.1f} dB"
        for row in report.ranking[:LISTED]
        if row.sensitivity is not None
    )
    listed = f"; the most sensitive layers:{worst}" if worst else ""
    return (
        f"[compile] {model}: expected a drop of at most {report.max_drop:g} points, got"
        f" {report.drop:.2f} ({report.float_top1:.2%} to {report.top1:.2%}) with the best plan"
        f" ({best}); nothing was written: allow more with --max-drop (max_drop=), or use this plan"
        f" with --force-inexact (force_inexact=True){listed}"
    )
