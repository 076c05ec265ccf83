"""Define the options of precision "auto", and check them; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from hvit_edge.artifact.container import check_output
from hvit_edge.errors import InputError

if TYPE_CHECKING:
    from hvit_edge.ray.cluster import Cluster


@dataclass(frozen=True)
class MixedOptions:
    """Holds the options of precision "auto".

    Attributes:
        eval_data: labeled images, see `evaluate`; for other tasks than "classify" photos, which
            need no labels. Required unless `plan` is given.
        max_drop: allowed loss against eager PyTorch on them, in points of top-1, or of agreement
            for other tasks; None is 0.5.
        plan: a plan file in place of a search.
        cost_profile: latencies of another device; None measures on this machine.
        force_inexact: use the best plan even if it loses more.
        on: a Ray cluster that measures layers and plans; None measures in this process.
    """

    eval_data: str | Path | None = None
    max_drop: float | None = None
    plan: str | Path | None = None
    cost_profile: str | Path | None = None
    force_inexact: bool = False
    on: Cluster | None = None

    @property
    def given(self) -> list[str]:
        """Return the options that were set, by their names in messages."""
        names = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        return [f"--{name.replace('_', '-')} ({name}=)" for name in names]


def plan_path(output: Path) -> Path:
    """Return the path to which the plan of an artifact is written."""
    return output.with_suffix(".plan.json")


def state_path(output: Path) -> Path:
    """Return the path at which the state of an unfinished search is stored."""
    return output.with_suffix(".search.json")


def check_mixed(
    options: MixedOptions,
    precision: str,
    output: Path,
    *,
    force: bool,
    images: str = "labeled images",
) -> None:
    """Check the options of "auto" before any work is done.

    `images` says what `eval_data` contains, for messages.

    Raises:
        InputError: options are given with another precision or contradict each other, `eval_data`
            is missing, or the plan file exists.
    """
    if precision != "auto":
        if options.given:
            raise InputError(
                f"[compile] {', '.join(options.given)}: expected only with precision auto, got"
                f" {precision}"
            )
        return
    if options.plan is None:
        if options.eval_data is None:
            raise InputError(
                f"[compile] evaluation data: expected {images} with precision auto, got none;"
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
