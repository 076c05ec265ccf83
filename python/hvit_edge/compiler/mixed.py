"""Precision "auto": a plan of layer precisions, searched on labelled images or given.

A search takes calibration images, labelled images and the largest drop, and gives a plan. A given
plan, perhaps an edited one, is applied as it is, and checked on labelled images where there are
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

import numpy as np
import torch
from torch.fx import GraphModule

from hvit_edge.artifact.container import check_output
from hvit_edge.datasets import open_images
from hvit_edge.errors import InputError, ParityError
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import Wrap
from hvit_edge.quantize.calibration import Calibration
from hvit_edge.quantize.cost import CostProfile, machine_name
from hvit_edge.quantize.layers import find_layers
from hvit_edge.quantize.moments import input_moments
from hvit_edge.quantize.plan import Plan, apply_plan, read_plan, resolve, write_plan
from hvit_edge.quantize.search import DEFAULT_MAX_DROP, RankedLayer, search
from hvit_edge.quantize.search_state import SearchState

LISTED = 10  # of the ranking in an error


@dataclass(frozen=True)
class MixedOptions:
    """What "auto" is asked for.

    Attributes:
        eval_data: labelled images, as for `evaluate`; needed unless `plan` is given.
        max_drop: points of top-1 that may be lost against eager PyTorch on them; None is 0.5.
        plan: a plan file in place of a search.
        cost_profile: latencies of another device; None measures here.
        force_inexact: take the best plan although it loses more.
    """

    eval_data: str | Path | None = None
    max_drop: float | None = None
    plan: str | Path | None = None
    cost_profile: str | Path | None = None
    force_inexact: bool = False

    @property
    def given(self) -> list[str]:
        """Return the options that were set, as messages name them."""
        defaults = asdict(MixedOptions())
        names = [name for name, value in asdict(self).items() if value != defaults[name]]
        return [f"--{name.replace('_', '-')} ({name}=)" for name in names]


@dataclass(frozen=True)
class MixedReport:
    """What became of it.

    Attributes:
        layers: the precision of each layer.
        plan_path: where the plan was read from or written to.
        max_drop, drop, float_top1, top1: points and shares on the labelled images; None where
            there were none.
        reached: the drop is at most `max_drop`.
        predicted_ms: of the plan's layers, and `float_ms` of all of them in fp32; None for a given
            plan.
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
        """The report as plain values, ready for JSON."""
        values = {**self.__dict__, "plan_path": str(self.plan_path)}
        rows = [{**asdict(row), "saved_ms": row.saved_ms} for row in self.ranking]
        return {**values, "ranking": rows}


class Labelled:
    """Preprocessed images with their classes, and the top-1 of graphs on them.

    Images that cannot be read are left out and named in a warning, as is what is no image.
    """

    def __init__(self, data: str | Path, preprocess: Preprocess, classes: int, labels: Sequence):
        images = open_images(data, classes=classes, class_names=labels)
        images = images.checked(preprocess.check_photo)
        samples = list(images)
        self.inputs = [preprocess(sample.image) for sample in samples]
        self.truth = np.array([sample.label for sample in samples])
        for notice in images.notices("datasets"):
            warnings.warn(notice, stacklevel=2)

    def top1(self, graph: GraphModule) -> float:
        """Share of the images that `graph` names, 0 to 1."""
        with torch.inference_mode():
            found = [int(graph(torch.from_numpy(array)).argmax()) for array in self.inputs]
        return float((np.array(found) == self.truth).mean())


def plan_path(output: Path) -> Path:
    """Where the plan of an artifact is written."""
    return output.with_suffix(".plan.json")


def state_path(output: Path) -> Path:
    """Where an unfinished search is kept."""
    return output.with_suffix(".search.json")


def check_mixed(options: MixedOptions, precision: str, output: Path, *, force: bool) -> None:
    """Refuse options that do not belong together, and outputs that exist, before any work.

    Raises:
        InputError: options with another precision, no `eval_data`, or an existing plan file.
    """
    if precision != "auto":
        if options.given:
            raise InputError(
                f"[compile] {', '.join(options.given)}: expected with precision auto alone, got"
                f" {precision}"
            )
        return
    if options.plan is None:
        if options.eval_data is None:
            raise InputError(
                "[compile] evaluation data: expected labelled images with precision auto, got none;"
                " pass --eval-data DIR or NPZ (eval_data=...), or a plan as --plan (plan=...)"
            )
        check_output(plan_path(output), force=force)
    elif options.cost_profile is not None:
        raise InputError(
            "[compile] --cost-profile (cost_profile=): expected without --plan (plan=), got both"
        )
    if options.max_drop is not None and options.eval_data is None:
        raise InputError(
            "[compile] --max-drop (max_drop=): expected together with --eval-data (eval_data=), got"
            " it alone"
        )


def mix(
    graph: GraphModule,
    options: MixedOptions,
    *,
    model: str,
    weights_digest: str,
    calibration: Calibration,
    labelled: Labelled | None,
    output: Path,
    progress: Wrap,
    tell: Callable[[str], None],
) -> tuple[GraphModule, MixedReport]:
    """A graph of mixed precision that loses no more than allowed.

    Args:
        graph: from `reference_graph`; it stays as it is.
        options: checked by `check_mixed`.
        model, weights_digest: of what is compiled.
        calibration: rounds the weights, and measures the layers.
        labelled: the evaluation data.
        output: the artifact's path; a search is kept beside it until it is finished.
        progress, tell: as for `search`.

    Raises:
        InputError: an unusable plan, cost profile or state file.
        ParityError: no plan loses so little, or the given one loses more; unless forced.
    """
    if options.plan is not None:
        mixed, report = _given(graph, options, calibration, labelled)
    else:
        digest = _digest(weights_digest, calibration, labelled, options)
        mixed, report = _searched(
            graph, options, model, calibration, labelled, output, digest, progress, tell
        )
    if not report.reached and not options.force_inexact:
        raise ParityError(_missed(model, report))
    return mixed, report


def keep_plan(report: MixedReport, model: str, output: Path, *, force: bool) -> None:
    """Write a searched plan, and forget the search: the artifact is there."""
    if report.ranking:
        write_plan(Plan(report.layers, model), report.plan_path, force=force)
    state_path(output).unlink(missing_ok=True)


def _given(
    graph: GraphModule, options: MixedOptions, calibration: Calibration, labelled: Labelled | None
) -> tuple[GraphModule, MixedReport]:
    plan, layers = read_plan(options.plan), find_layers(graph)
    chosen = resolve(plan, layers)
    rounded = [layer for layer in layers if chosen[layer.name] == "int8"]
    inputs = [(torch.from_numpy(array),) for array in calibration.inputs]
    mixed = copy.deepcopy(graph)
    apply_plan(mixed, Plan(chosen), input_moments(graph, rounded, inputs))
    report = MixedReport(chosen, Path(options.plan))
    if labelled is None:
        return mixed, report
    float_top1, top1 = labelled.top1(graph), labelled.top1(mixed)
    allowed = DEFAULT_MAX_DROP if options.max_drop is None else options.max_drop
    drop = round(100 * (float_top1 - top1), 9)
    measured = MixedReport(
        chosen, Path(options.plan), allowed, drop, float_top1, top1, drop <= allowed
    )
    return mixed, measured


def _searched(
    graph: GraphModule,
    options: MixedOptions,
    model: str,
    calibration: Calibration,
    labelled: Labelled,
    output: Path,
    digest: str,
    progress: Wrap,
    tell: Callable[[str], None],
) -> tuple[GraphModule, MixedReport]:
    result = search(
        graph,
        calibration,
        labelled.top1,
        model=model,
        max_drop=DEFAULT_MAX_DROP if options.max_drop is None else options.max_drop,
        costs=CostProfile.load(options.cost_profile) if options.cost_profile else None,
        state=SearchState(state_path(output), digest),
        progress=progress,
        tell=tell,
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
    weights_digest: str, calibration: Calibration, labelled: Labelled, options: MixedOptions
) -> str:
    """Of all that a search depends on."""
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
        f" ({best}); nothing was written: allow more with --max-drop (max_drop=), or take this plan"
        f" with --force-inexact (force_inexact=True){listed}"
    )
