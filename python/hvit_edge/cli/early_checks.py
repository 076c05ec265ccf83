"""Check the options of `compile` before torch is imported, which takes seconds.

The compilation makes the same checks, so that Python is refused what the command line is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from hvit_edge.compiler.combinations import combinations, outputs_of
from hvit_edge.compiler.mixed_options import MixedOptions
from hvit_edge.compiler.request import make_request
from hvit_edge.datasets import check_path
from hvit_edge.errors import InputError
from hvit_edge.progress import silent
from hvit_edge.sources.address import Address
from hvit_edge.sources.registered import RANDOM, listed
from hvit_edge.tasks import check_own_task
from hvit_edge.tasks.names import CLASSIFY


def check_compile(
    args: argparse.Namespace,
    model: Address,
    targets: Sequence[str],
    precisions: Sequence[str],
    samples: int,
) -> None:
    """Check that options fit together, that outputs may be written and that named files exist.

    Args:
        args: the options of `compile`.
        model, targets, precisions: what is compiled.
        samples: the largest number of calibration images.

    Raises:
        InputError: an option is wrong, an output exists, or a file is missing.
    """
    if len(targets) > 1 or len(precisions) > 1:
        outputs_of(model, combinations(targets, precisions), args.output)
    else:
        _check_request(args, model, targets[0], *precisions, samples=samples)
    for data in (args.calib_data, args.eval_data):
        if data is not None:
            check_path(Path(data))
    _check_weights(args.weights, model)


def _check_request(
    args: argparse.Namespace,
    model: Address,
    target: str,
    precision: str | None = None,
    *,
    samples: int,
) -> None:
    mixed = MixedOptions(
        args.eval_data, args.max_drop, args.plan, args.cost_profile, args.force_inexact
    )
    make_request(
        model,
        target=target,
        precision=precision,
        cpu=args.cpu,
        ios=args.ios,
        compute_units=args.compute_units,
        output=args.output,
        force=args.force,
        rtol=args.rtol,
        min_delegated=args.min_delegated,
        calib_data=args.calib_data,
        calib_samples=samples,
        mixed=mixed,
        progress=silent,
        on_step=None,
    ).check(_task(args.task, model))


def _task(task: str | None, model: Address) -> str:
    """Return the name of the task of an artifact.

    Raises:
        InputError: a registered model does not have the requested one.
    """
    known = listed(model.name) if model.kind == "registered" else None
    if known is None or task is None:
        return task or (known.task if known else CLASSIFY)
    check_own_task(task, known.task, known.name, "compile")
    return task


def _check_weights(weights: str | None, model: Address) -> None:
    """Raise InputError if the weights are named like a checkpoint file that does not exist."""
    if weights is None or weights.startswith("hf:") or Path(weights).exists():
        return
    known = listed(model.name)
    if weights not in (known.sources if known else (RANDOM,)) and Path(weights).suffix:
        raise InputError(
            f"[read_state_dict] expected a checkpoint file, got no such file: {weights}"
        )
