"""Define the task of detecting objects."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hvit_edge.errors import InputError
from hvit_edge.tasks.names import DETECT, LOGITS, OFFSETS
from hvit_edge.tasks.task import Shape, Task, listed, same_classes

VARIANCES = (0.1, 0.2)
SCORE_THRESHOLD = 0.01
IOU_THRESHOLD = 0.5
CANDIDATES = 200
MAX_DETECTIONS = 200
"""The values with which the SSDLite networks of ml-cvnets v0.1 are evaluated."""
LEAST = sys.float_info.min
"""The smallest variance; a runtime takes any above 0."""
MOST_CANDIDATES = 1 << 14
"""The largest number of candidates that a runtime takes: its time grows with their square."""
MOST_DETECTIONS = 1 << 20
"""The largest number of boxes that a runtime takes for `max_detections`."""


@dataclass(frozen=True, eq=False)
class Detect(Task):
    """Maps a photo to boxes, by the form of SSD: classes and offsets for each of A anchors.

    The outputs are logits, float32 [1, A, C], whose class 0 is the background, and offsets,
    float32 [1, A, 4]. The center of a box is that of its anchor plus offsets[:2] * variances[0] *
    the anchor's size, and its size is that of the anchor times exp(offsets[2:] * variances[1]). Its
    score is the softmax of its logits.

    Attributes:
        anchors: float32 [A, 4]: center x, center y, width and height in parts of the input.
        variances: factors of the offsets of centers and of sizes.
        score_threshold: a box needs a score above this one.
        iou_threshold: of two boxes of a class that overlap more than this, the better one is kept.
        candidates: the best boxes of a class that are compared with one another.
        max_detections: the best boxes of all classes that are returned.

    Raises:
        InputError: an attribute is not as described. The message lists every fault.
    """

    name = DETECT
    output_names = (LOGITS, OFFSETS)
    _counted = "one per class without the background"

    anchors: np.ndarray
    variances: tuple[float, float] = VARIANCES
    score_threshold: float = SCORE_THRESHOLD
    iou_threshold: float = IOU_THRESHOLD
    candidates: int = CANDIDATES
    max_detections: int = MAX_DETECTIONS

    def __post_init__(self) -> None:
        """Check and convert the attributes."""
        faults = list(self._faults())
        if faults:
            raise InputError("[Detect] " + "; ".join(faults))
        anchors = np.array(self.anchors, np.float32, order="C")
        anchors.setflags(write=False)
        object.__setattr__(self, "anchors", anchors)
        object.__setattr__(self, "variances", tuple(map(float, self.variances)))

    def __eq__(self, other: object) -> bool:
        """Return True if all attributes are equal."""
        if not isinstance(other, Detect):
            return NotImplemented
        return np.array_equal(self.anchors, other.anchors) and self._numbers == other._numbers

    def __hash__(self) -> int:
        """Return a hash of all attributes."""
        return hash((self.anchors.tobytes(), *self._numbers))

    @property
    def _numbers(self) -> tuple[object, ...]:
        limits = (self.score_threshold, self.iou_threshold)
        return (self.variances, *limits, self.candidates, self.max_detections)

    def fault(self, shapes: Sequence[Shape]) -> str:
        """Return what is wrong with the shapes of outputs, see `Task.fault`."""
        if not self._fits(shapes):
            return (
                f"expected logits [1, A, C] with the background as class 0, and offsets [1, A, 4]"
                f" for the task {DETECT}, got {listed(shapes)}; return both, in this order"
            )
        wanted = shapes[0][1]
        if len(self.anchors) != wanted:
            return (
                f"anchors: expected {wanted}, as many as the module has boxes, got"
                f" {len(self.anchors)}; give the anchors of this input size"
            )
        return ""

    def agrees(self, expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> bool:
        """Return True if nearly all anchors have the same class."""
        return same_classes(expected[0], actual[0], axis=2)

    def label_count(self, shapes: Sequence[Shape]) -> int:
        """Return the number of classes without the background."""
        return shapes[0][2] - 1

    @staticmethod
    def _fits(shapes: Sequence[Shape]) -> bool:
        if len(shapes) != 2 or any(len(shape) != 3 or shape[0] != 1 for shape in shapes):
            return False
        (_, boxes, classes), (_, same, numbers) = shapes
        return boxes == same > 0 and classes >= 2 and numbers == 4

    def _faults(self) -> Iterator[str]:
        try:
            anchors = np.asarray(self.anchors, np.float32)
        except (TypeError, ValueError, RuntimeError):  # the last one by tensors with a gradient
            anchors = np.empty(0, np.float32)
        if anchors.ndim != 2 or anchors.shape[1] != 4 or not len(anchors):
            yield f"anchors: expected numbers [A, 4], got {list(np.shape(anchors))}"
        elif not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
            yield "anchors: expected finite numbers, and widths and heights above 0"
        yield from _range_faults("variances", self.variances, 2, most=math.inf)
        yield from _range_faults("score_threshold", (self.score_threshold,), 1, least=0, most=1)
        yield from _range_faults("iou_threshold", (self.iou_threshold,), 1, least=0, most=1)
        for field, most in (("candidates", MOST_CANDIDATES), ("max_detections", MOST_DETECTIONS)):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                yield f"{field}: expected a whole number from 1 to {most}, got {value!r}"


def _range_faults(
    field: str, values: object, count: int, *, least: float = LEAST, most: float
) -> Iterator[str]:
    numbers = values if isinstance(values, (tuple, list)) else ()
    good = [
        one
        for one in numbers
        if isinstance(one, (int, float)) and not isinstance(one, bool) and least <= one <= most
    ]
    if len(good) != count or len(numbers) != count or not all(map(math.isfinite, good)):
        wanted = "2 numbers above 0" if count == 2 else "a number from 0 to 1"
        got = values if count == 2 else numbers[0]
        yield f"{field}: expected {wanted}, got {got!r}"
