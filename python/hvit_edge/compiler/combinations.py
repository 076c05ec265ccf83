"""Combine targets and precisions: which exist, their options, and the names of their outputs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hvit_edge.compiler.request import (
    APPLE,
    SUFFIXES,
    TAKES_CALIBRATION,
    WHOLE,
    output_path,
)
from hvit_edge.errors import InputError
from hvit_edge.precision import INT8, TARGET_PRECISIONS
from hvit_edge.sources.address import Address

if TYPE_CHECKING:
    from torch import nn

Combination = tuple[str, str]
"""A target and a precision."""
OF_AUTO = ("eval_data", "max_drop", "plan", "cost_profile", "force_inexact", "on")
OF_SOME = {
    "ios": lambda target, precision: target in APPLE,
    "compute_units": lambda target, precision: target in APPLE,
    "cpu": lambda target, precision: (
        target == "xnnpack" or (target == "native" and precision in INT8)
    ),
    "min_delegated": lambda target, precision: target not in WHOLE,
    "calib_data": lambda target, precision: precision in TAKES_CALIBRATION,
    **dict.fromkeys(OF_AUTO, lambda target, precision: precision == "auto"),
}
"""For each option that not every combination has, the combinations that have it."""
PLACES = ("{target}", "{precision}")


def combinations(targets: Sequence[str], precisions: Sequence[str]) -> list[Combination]:
    """Return each target with each precision, or with its default if there are no precisions.

    Raises:
        InputError: a target is unknown, a name is given twice, or a target does not have one of
            the precisions. The message has all combinations that do not exist.
    """
    targets, precisions = _listed("targets", targets), _listed("precisions", precisions)
    unknown = [name for name in targets if name not in TARGET_PRECISIONS]
    if unknown or not targets:
        raise InputError(
            f"[compile] targets: expected some of {', '.join(TARGET_PRECISIONS)}, got"
            f" {', '.join(map(repr, unknown)) or 'none'}"
        )
    for names in (targets, precisions):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(
                f"[compile] expected each target and precision once, got {', '.join(twice)} twice;"
                " leave out the second"
            )
    wanted = [
        (target, precision)
        for target in targets
        for precision in precisions or TARGET_PRECISIONS[target][:1]
    ]
    missing = [one for one in wanted if one[1] not in TARGET_PRECISIONS[one[0]]]
    if missing:
        has = "; ".join(
            f"{target} has {', '.join(TARGET_PRECISIONS[target])}"
            for target in dict.fromkeys(target for target, _ in missing)
        )
        raise InputError(
            "[compile] expected combinations of target and precision that exist, got"
            f" {', '.join(' '.join(one) for one in missing)}; compile these targets separately:"
            f" {has}"
        )
    return wanted


def options_of(wanted: Sequence[Combination], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each combination, those of the given options that it has.

    Raises:
        TypeError: `compile` has no such option.
        InputError: no combination has an option.
    """
    for name in given:
        if name not in OF_SOME:
            close = difflib.get_close_matches(name, OF_SOME, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"compile_many() got an unexpected keyword argument {name!r}{hint}")
    given = {name: v for name, v in given.items() if v is not None and v is not False}
    useless = [name for name in given if not any(OF_SOME[name](*one) for one in wanted)]
    if useless:
        raise InputError(
            f"[compile] expected options that one of {', '.join(' '.join(one) for one in wanted)}"
            f" has, got {', '.join(useless)}; leave it out"
        )
    return [{name: value for name, value in given.items() if OF_SOME[name](*one)} for one in wanted]


def outputs_of(
    model: Address | nn.Module, wanted: Sequence[Combination], output: str | Path | None
) -> list[Path]:
    """Return the path of each artifact.

    Raises:
        InputError: `output` is one file name for several artifacts.
    """
    text = "" if output is None else str(output)
    if not any(place in text for place in PLACES):
        folder = Path(text)
        if not folder.is_dir():
            raise InputError(
                f"[compile] output: expected a folder, or a pattern with {' and '.join(PLACES)} for"
                f" {len(wanted)} artifacts, got {text}; create the folder, or name the files such"
                " as model-{target}-{precision}"
            )
        return [folder / output_path(model, *one, None) for one in wanted]
    paths = [_filled(text, *one) for one in wanted]
    if len(set(paths)) < len(paths):
        raise InputError(
            f"[compile] output: expected a pattern that gives {len(wanted)} names, got {text},"
            f" which gives {len(set(paths))}; use {' and '.join(PLACES)}"
        )
    return paths


def _filled(pattern: str, target: str, precision: str) -> Path:
    name = pattern.replace(PLACES[0], target).replace(PLACES[1], precision)
    return Path(name if Path(name).suffix in SUFFIXES.values() else name + SUFFIXES[target])


def _listed(name: str, given: Sequence[str]) -> list[str]:
    if isinstance(given, str):
        raise InputError(f"[compile] {name}: expected a list of names, got {given!r}; pass a list")
    return list(given)
