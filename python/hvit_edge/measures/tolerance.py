"""How far a program may be from eager PyTorch in float32, by precision: the gates of every step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hvit_edge.artifact.metadata import Difference
from hvit_edge.errors import InputError

FLOAT_STEPS = ("exported", "rewritten")  # before anything is rounded


@dataclass(frozen=True)
class Tolerance:
    """What an output must satisfy; outputs that are not finite never do.

    Attributes:
        max_rel: largest absolute difference, relative to the largest absolute expected value; None
            leaves it free.
        cosine: least cosine of the angle between the two; None leaves it free.
        same_top1: whether both must name the same class.
        sqnr_db: least signal to quantization noise over all images, in decibel; None leaves it
            free.
        top1_share: least share of the images to which both give the same class, 0 to 1, of those
            to which PyTorch's class is a clear one, see `difference.clear_top1`; None leaves it
            free.
    """

    max_rel: float | None = None
    cosine: float | None = None
    same_top1: bool = True
    sqnr_db: float | None = None
    top1_share: float | None = None

    def within(self, difference: Difference) -> bool:
        """Whether `difference` satisfies every limit."""
        return (
            math.isfinite(difference.max_abs)
            and (self.max_rel is None or difference.max_rel <= self.max_rel)
            and (self.cosine is None or difference.cosine >= self.cosine)
            and (difference.top1_agree or not self.same_top1)
        )

    def within_over_images(self, sqnr_db: float, top1_share: float) -> bool:
        """Whether all images together satisfy their limits."""
        return (self.sqnr_db is None or sqnr_db >= self.sqnr_db) and (
            self.top1_share is None or top1_share >= self.top1_share
        )

    def __str__(self) -> str:
        limits = [
            f"max_rel <= {self.max_rel:g}" if self.max_rel is not None else "",
            f"cosine >= {self.cosine:g}" if self.cosine is not None else "",
            f"SQNR >= {self.sqnr_db:.1f} dB" if self.sqnr_db is not None else "",
            f"{self.top1_share:.0%} of clear top-1" if self.top1_share is not None else "",
            "the same top-1" if self.same_top1 else "",
        ]
        return " and ".join(filter(None, limits)) or "finite outputs"


FP32 = Tolerance(max_rel=1e-4)
INT8 = Tolerance(cosine=0.99, same_top1=False)
"""One photo says little of int8: SQNR and accuracy over many images judge it, see `validate` and
`hvit-edge eval`. This gate only tells a rounded network from a broken one."""

PALETTE = Tolerance(cosine=0.5, same_top1=False)
"""Sixteen values a layer, without training: accuracy over many images judges them."""

TOLERANCES = {
    "fp32": FP32,
    "fp16": Tolerance(cosine=0.9995),
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
"""Of a quantized graph against eager PyTorch, over the bundled photos. 17 dB is a seventh of the
signal; what the registered families reach is in docs/quantization.md. Over all photos these are
the cosines of `TOLERANCES` or, of "w6", somewhat less: mobilevit_xs with random weights has 14 dB.
A photo whose logits are close to zero may have any cosine."""

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
"""Of the self test on a device, whose kernels round in their own order. Measured on five photos of
mobilevit_xs with random weights, and of the bundled classifier: fp16 up to 3.2e-3, int8 6.6e-2,
int8-dynamic 2.2e-2. fp16 has more room, because some devices also add in half precision."""


def step_tolerance(step: str, precision: str, rtol: float | None = None) -> Tolerance:
    """The gate of one step.

    Args:
        step: "exported", "rewritten", "quantised", "lowered", "runtime", "evaluated" or
            "predicted".
        precision: of the artifact. Before rounding, every other precision has the gate of fp32.
        rtol: in place of the precision's gate: at most this `max_rel`, and the same top class.

    Raises:
        InputError: a precision without a gate.
    """
    _check(precision)
    if precision != "fp32" and step in FLOAT_STEPS:
        return FP32
    return TOLERANCES[precision] if rtol is None else Tolerance(max_rel=rtol)


def quantized_tolerance(precision: str, rtol: float | None = None) -> Tolerance:
    """Return the gate of a quantized graph, run by PyTorch, over photos.

    Args:
        precision: of the graph: the gate of its noise, and its own top class.
        rtol: as for `step_tolerance`.

    Raises:
        InputError: a precision without a gate.
    """
    _check(precision)
    if rtol is not None:
        return Tolerance(max_rel=rtol)
    return replace(TOLERANCES[precision], cosine=None, **NOISE.get(precision, INT8_NOISE))


def golden_tolerance(precision: str, rtol: float | None = None) -> float:
    """Up to which `max_rel` the self test passes: `rtol`, or what the precision allows."""
    _check(precision)
    return GOLDEN_TOLERANCES[precision] if rtol is None else rtol


def _check(precision: str) -> None:
    if precision not in TOLERANCES:
        raise InputError(
            f"[tolerance] expected one of the precisions {', '.join(TOLERANCES)}, got"
            f" {precision!r}; update hvit-edge"
        )
