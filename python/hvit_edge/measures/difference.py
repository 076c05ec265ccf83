"""Measure the difference of two outputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hvit_edge.artifact.metadata import Difference
from hvit_edge.errors import InputError


def compare(expected: np.ndarray, actual: np.ndarray) -> Difference:
    """Measure the difference of `actual` from `expected`, two float arrays [rows, values].

    It is computed in float64. A NaN or infinity in either array gives infinite differences.

    Raises:
        InputError: the shapes differ.
    """
    if expected.shape != actual.shape:
        raise InputError(
            f"[compare] expected two outputs of one shape, got {list(expected.shape)} and"
            f" {list(actual.shape)}; compare outputs of the same model"
        )
    expected, actual = expected.astype(np.float64), actual.astype(np.float64)
    if not (np.isfinite(expected).all() and np.isfinite(actual).all()):
        return Difference(float("inf"), float("inf"), 0.0, False)
    max_abs = float(np.abs(expected - actual).max())
    scale = float(np.abs(expected).max())
    norms = float(np.linalg.norm(expected) * np.linalg.norm(actual))
    return Difference(
        max_abs=max_abs,
        max_rel=max_abs / scale if scale else (0.0 if max_abs == 0 else float("inf")),
        cosine=float((expected * actual).sum()) / norms if norms else float(max_abs == 0),
        top1_agree=bool((expected.argmax(-1) == actual.argmax(-1)).all()),
    )


def compare_output(expected: np.ndarray, actual: np.ndarray) -> Difference:
    """Measure the difference of one output from the expected one.

    For integers and booleans, `max_rel` is the share of elements that differ, and `cosine` is the
    share of equal elements. There are no classes, so `top1_agree` is always True.

    Raises:
        InputError: the shapes differ.
    """
    if expected.dtype.kind == "f" and actual.dtype.kind == "f":
        return replace(compare(expected, actual), top1_agree=True)
    apart = np.abs(expected.astype(np.float64) - actual.astype(np.float64))
    share = float(np.mean(apart != 0))
    return Difference(float(apart.max()), share, 1 - share, True)


CLEAR = 0.05


def clear_top1(expected: list[np.ndarray], outputs: list[np.ndarray]) -> float:
    """Return the share of images with the same top class, 0 to 1, among those with a clear one.

    A class is clear if its value exceeds the next one by a twentieth of the range of the expected
    values. The result is 1 if no image has a clear class.
    """
    agree = [
        o.argmax() == e.argmax() for e, o in zip(expected, outputs, strict=True) if _is_clear(e)
    ]
    return float(np.mean(agree)) if agree else 1.0


def _is_clear(expected: np.ndarray) -> bool:
    values = np.sort(expected, axis=None)
    return values.size > 1 and values[-1] - values[-2] >= CLEAR * (values[-1] - values[0])


def worst(differences: list[Difference]) -> Difference:
    """Return the worst value of each measure over several images."""
    return Difference(
        max_abs=max(d.max_abs for d in differences),
        max_rel=max(d.max_rel for d in differences),
        cosine=min(d.cosine for d in differences),
        top1_agree=all(d.top1_agree for d in differences),
    )
