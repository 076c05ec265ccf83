"""Compile a model for several targets and precisions, from one module and one export."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from hvit_edge.boundary.public import public, unforeseen
from hvit_edge.boundary.torch_state import settled
from hvit_edge.compiler.combinations import OF_AUTO, combinations, options_of, outputs_of
from hvit_edge.compiler.compile_model import compile_request
from hvit_edge.compiler.mixed_options import MixedOptions
from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.request import Request, make_request
from hvit_edge.compiler.source import Source, read_model
from hvit_edge.errors import HvitEdgeError
from hvit_edge.preprocess import Preprocess
from hvit_edge.progress import Wrap, silent
from hvit_edge.sources.address import Address
from hvit_edge.tasks import Task


@dataclass(frozen=True)
class Outcome:
    """Holds the artifact of one target and precision, or the error that prevented it.

    Attributes:
        target, precision: the combination.
        path: where the artifact is, or would be.
        artifact: the artifact; None if it failed.
        error: why it failed; None if it did not.
    """

    target: str
    precision: str
    path: Path
    artifact: Artifact | None = None
    error: HvitEdgeError | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the report of the artifact, or the combination and its error, for JSON."""
        if self.artifact is not None:
            return self.artifact.report.to_dict()
        return {
            "target": self.target,
            "precision": self.precision,
            "path": str(self.path),
            "error": str(self.error),
            "exit_code": self.error.exit_code if self.error else 0,
        }


@public("compile_many")
@settled
def compile_many(
    model: str | Address | nn.Module,
    *,
    targets: Sequence[str] = ("xnnpack",),
    precisions: Sequence[str] = (),
    weights: object = None,
    num_classes: int | None = None,
    input_size: int | tuple[int, int] | None = None,
    preprocess: Preprocess | Mapping[str, Any] | str | Path | None = None,
    labels: Sequence[str] | Mapping[Any, Any] | str | Path | None = None,
    output: str | Path | None = None,
    force: bool = False,
    calib_samples: int = 512,
    progress: Wrap = silent,
    rtol: float | None = None,
    on_step: Callable[[str], None] | None = None,
    weights_key: str | None = None,
    args: Mapping[str, Any] | None = None,
    inputs: object = None,
    cache: bool = True,
    task: Task | str | None = None,
    **of_some: Any,
) -> list[Outcome]:
    """Compile a model for each of `targets` in each of `precisions`.

    The module is built and exported once, and calibration images are read once. If a combination
    fails, the others are made nevertheless. Arguments that are not listed here are those of
    `compile`. The names of steps begin with the number of the combination, its target and its
    precision.

    Args:
        targets: see `compile(target=)`.
        precisions: see `compile(precision=)`; none means the default of each target.
        output: a folder; or a pattern of file names with "{target}" and "{precision}", which gets
            the suffix of the target if it has none. None is the current folder.
        of_some: the options of `compile` that only some targets or precisions have, such as
            `calib_data`, `cpu` and `ios`. They are passed to those.

    Returns:
        One outcome per combination: by target, then by precision.

    Raises:
        InputError: a combination does not exist, an option is wrong, an output exists already, or
            the module cannot be built. Nothing was compiled then.
    """
    wanted = combinations(targets, precisions)
    named = read_model(model)
    paths = outputs_of(named, wanted, output)
    common = {
        "force": force,
        "calib_samples": calib_samples,
        "progress": progress,
        "rtol": rtol,
    }
    requests = [
        _request(named, number, wanted, path, options, {**common, "on_step": on_step})
        for number, (path, options) in enumerate(
            zip(paths, options_of(wanted, of_some), strict=True)
        )
    ]
    given = (named, args, weights, num_classes, input_size, weights_key)
    source = Source(given, preprocess, labels, inputs, cache, several=True, task=task)
    for request in requests:
        request.check(source.task)
    source.build()
    return [_outcome(replace(request, start=time.perf_counter()), source) for request in requests]


def _request(
    model: Address | nn.Module,
    number: int,
    wanted: Sequence[tuple[str, str]],
    path: Path,
    options: Mapping[str, Any],
    common: Mapping[str, Any],
) -> Request:
    """Return the request of one combination; its steps are named after it."""
    target, precision = wanted[number]
    on_step = common["on_step"]
    label = f"{number + 1}/{len(wanted)} {target} {precision}"

    def tell(step: str) -> None:
        on_step(f"{label}: {step}")

    mixed = MixedOptions(**{name: options[name] for name in OF_AUTO if name in options})
    return make_request(
        model,
        target=target,
        precision=precision,
        output=path,
        mixed=mixed,
        calib_data=options.get("calib_data"),
        **{name: options.get(name) for name in ("cpu", "ios", "compute_units", "min_delegated")},
        **{**common, "on_step": None if on_step is None else tell},
    )


def _outcome(request: Request, source: Source) -> Outcome:
    described = (request.target, request.precision, request.path)
    try:
        return Outcome(*described, artifact=compile_request(request, source))
    except HvitEdgeError as error:
        return Outcome(*described, error=error)
    except MemoryError:
        raise
    except Exception as error:
        failure = unforeseen("compile_many", error)
        failure.__cause__ = error
        return Outcome(*described, error=failure)
