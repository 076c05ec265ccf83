"""Define the tolerances of every step against eager PyTorch in float32, by precision."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from hvit_edge.artifact.metadata import Difference
from hvit_edge.errors import InputError

FLOAT_STEPS = ("exported", "rewritten")  # before anything is rounded


@dataclass(frozen=True)
class Tolerance:
    """Defines the limits for an output; an output that is not finite is never within them.

    Attributes:
        max_rel: largest absolute difference, relative to the largest absolute expected value; None
            for no limit.
        cosine: lowest cosine of the angle between the two; None for no limit.
        same_top1: True if both must have the same top class.
        tied_rel: largest `max_rel` with which the top classes may differ nevertheless: then their
            values differ by at most twice as much in PyTorch, which rounding can reverse; None if
            they may not.
        sqnr_db: lowest signal-to-quantization-noise ratio over all images in dB; None for no limit.
        top1_share: lowest share of images with the same top class, 0 to 1, among those with a clear
            class in PyTorch, see `difference.clear_top1`; None for no limit.
    """

    max_rel: float | None = None
    cosine: float | None = None
    same_top1: bool = True
    sqnr_db: float | None = None
    top1_share: float | None = None
    tied_rel: float | None = None

    def within(self, difference: Difference) -> bool:
        """Return True if `difference` is within every limit for one output."""
        return (
            math.isfinite(difference.max_abs)
            and (self.max_rel is None or difference.max_rel <= self.max_rel)
            and (self.cosine is None or difference.cosine >= self.cosine)
            and (difference.top1_agree or not self.same_top1 or self._is_tie(difference))
        )

    def _is_tie(self, difference: Difference) -> bool:
        return self.tied_rel is not None and difference.max_rel <= self.tied_rel

    def within_over_images(self, sqnr_db: float, top1_share: float) -> bool:
        """Return True if the values for all images together are within their limits."""
        return (self.sqnr_db is None or sqnr_db >= self.sqnr_db) and (
            self.top1_share is None or top1_share >= self.top1_share
        )

    def __str__(self) -> str:
        limits = [
            f"max_rel <= {self.max_rel:g}" if self.max_rel is not None else "",
            f"cosine >= {self.cosine:g}" if self.cosine is not None else "",
            f"SQNR >= {self.sqnr_db:.1f} dB" if self.sqnr_db is not None else "",
            f"{self.top1_share:.0%} of clear top-1" if self.top1_share is not None else "",
            self._same_top1() if self.same_top1 else "",
        ]
        return " and ".join(filter(None, limits)) or "finite outputs"

    def _same_top1(self) -> str:
        tie = "" if self.tied_rel is None else f" if max_rel > {self.tied_rel:g}"
        return f"the same top-1{tie}"


FP32 = Tolerance(max_rel=1e-4)
INT8 = Tolerance(cosine=0.99, same_top1=False)
"""This gate only distinguishes a rounded network from a broken one. One photo does not show the
quality of int8; SQNR and accuracy over many images do, see `validate` and `hvit-edge eval`."""

PALETTE = Tolerance(cosine=0.5, same_top1=False)
"""Gate for sixteen values per layer without training; see `INT8`."""

TOLERANCES = {
    "fp32": FP32,
    "fp16": Tolerance(cosine=0.9995, tied_rel=1e-2),
    "int8": INT8,
    "int8-dynamic": INT8,
    "auto": INT8,
    "w8": INT8,
    "w6": Tolerance(cosine=0.98, same_top1=False),
    "w4": PALETTE,
}
HALF_NOISE = {"sqnr_db": 30.0, "top1_share": 1.0, "same_top1": False}
INT8_NOISE = {"sqnr_db": 17.0, "top1_share": 0.5}
NOISE = {"fp16": HALF_NOISE, "w6": {"sqnr_db": 10.0}, "w4": {"sqnr_db": 1.2}}
"""Limits of a quantized graph against eager PyTorch, over the bundled photos. With 17 dB the noise
is a seventh of the signal. docs/quantization.md has the values of the registered families. Over all
photos the limits match the cosines of `TOLERANCES`; for "w6" they are lower, because mobilevit_xs
with random weights has 14 dB. A photo with logits close to zero may have any cosine."""

GOLDEN_TOLERANCES = {
    "fp32": 1e-4,
    "fp16": 2e-2,
    "int8": 0.2,
    "int8-dynamic": 0.2,
    "auto": 0.2,
    "w8": 0.2,
    "w6": 0.5,
    "w4": 1.0,
}
"""Limits of `max_rel` in the self test on a device, whose kernels round in another order. Measured
on five photos with mobilevit_xs with random weights, and with the bundled classifier: fp16 up to
3.2e-3, int8 6.6e-2, int8-dynamic 2.2e-2. The limit of fp16 is higher, because some devices also add
in half precision."""


def step_tolerance(step: str, precision: str, rtol: float | None = None) -> Tolerance:
    """Return the gate of one step.

    Args:
        step: "exported", "rewritten", "quantised", "lowered", "runtime", "evaluated" or
            "predicted".
        precision: precision of the artifact. Before quantization, all precisions have the gate of
            fp32.
        rtol: replaces the gate of the precision: at most this `max_rel`, and the same top class. It
            does not apply before quantization, unless the precision is fp32.

    Raises:
        InputError: the precision has no gate.
    """
    _check(precision)
    if precision != "fp32" and step in FLOAT_STEPS:
        return FP32
    return TOLERANCES[precision] if rtol is None else Tolerance(max_rel=rtol)


def quantized_tolerance(precision: str, rtol: float | None = None) -> Tolerance:
    """Return the gate of a quantized graph, run by PyTorch, over photos.

    Args:
        precision: precision of the graph.
        rtol: see `step_tolerance`.

    Raises:
        InputError: the precision has no gate.
    """
    _check(precision)
    if rtol is not None:
        return Tolerance(max_rel=rtol)
    noise: dict[str, Any] = {**NOISE.get(precision, INT8_NOISE)}
    return replace(TOLERANCES[precision], cosine=None, **noise)


def golden_tolerance(precision: str, rtol: float | None = None) -> float:
    """Return the largest `max_rel` with which the self test passes: `rtol`, or the precision's."""
    _check(precision)
    return GOLDEN_TOLERANCES[precision] if rtol is None else rtol


def _check(precision: str) -> None:
    if precision not in TOLERANCES:
        raise InputError(
            f"[tolerance] expected one of the precisions {', '.join(TOLERANCES)}, got"
            f" {precision!r}; update hvit-edge"
        )
