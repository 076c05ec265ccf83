"""Remove boxes of the same object, as Core ML's model `NonMaximumSuppression` does.

The method `pickTop` is specified in the comments of coremltools'
`mlmodel/format/NonMaximumSuppression.proto`. A box is one prediction, of its most probable class.
With `perClass`, boxes of different classes do not suppress each other. A threshold of 1 suppresses
nothing, so that only a larger intersection over union does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hvit_edge.errors import ArtifactError

CONFIDENCE, COORDINATES = "confidence", "coordinates"
"""Names of the outputs, with which Vision recognizes an object detector."""
REMEDY = "convert the model with a NonMaximumSuppression of the method pickTop"


@dataclass(frozen=True)
class Suppression:
    """Describes the last model of an object detector, and removes boxes as it does.

    Attributes:
        confidence, coordinates: names of the arrays that it reads: float32 [boxes, classes], and
            [boxes, 4] with center x, center y, width and height.
        iou_threshold: suppressed boxes have a larger intersection over union.
        confidence_threshold: boxes whose most probable class has less are removed first.
        per_class: True if only boxes of the same class suppress each other.
        most: largest number of boxes that are left; None for any.
        labels: class names in class order.
    """

    confidence: str
    coordinates: str
    iou_threshold: float
    confidence_threshold: float
    per_class: bool = True
    most: int | None = None
    labels: tuple[str, ...] = ()

    def __call__(
        self,
        confidence: np.ndarray,
        coordinates: np.ndarray,
        *,
        confidence_threshold: float | None = None,
        iou_threshold: float | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the boxes that are left, the most probable first.

        Args:
            confidence, coordinates: what the program before it computes.
            confidence_threshold, iou_threshold: instead of those of the package, as apps can give
                them with each photo.
        """
        least = self.confidence_threshold if confidence_threshold is None else confidence_threshold
        limit = self.iou_threshold if iou_threshold is None else iou_threshold
        top = confidence.max(axis=1, initial=-np.inf)
        order = np.argsort(-top, kind="stable")
        order = order[top[order] >= least]
        groups = confidence.argmax(axis=1) if self.per_class else np.zeros(len(top), int)
        kept = _pick(coordinates.astype(np.float64), groups, order, limit, self.most)
        return confidence[kept], coordinates[kept]


def read_suppression(spec: Any) -> Suppression:
    """Return the suppression that a model of the type `nonMaximumSuppression` specifies.

    Raises:
        ArtifactError: it uses another method, or its outputs do not have the usual names.
    """
    given = spec.nonMaximumSuppression
    method = given.WhichOneof("SuppressionMethod")
    outputs = (given.confidenceOutputFeatureName, given.coordinatesOutputFeatureName)
    if method != "pickTop" or outputs != (CONFIDENCE, COORDINATES):
        raise ArtifactError(
            f"[read_package] expected a NonMaximumSuppression by pickTop with the outputs"
            f" {CONFIDENCE} and {COORDINATES}, got {method or 'no method'} with"
            f" {outputs[0]!r} and {outputs[1]!r}; {REMEDY}"
        )
    kind = given.WhichOneof("ClassLabels")
    return Suppression(
        confidence=given.confidenceInputFeatureName,
        coordinates=given.coordinatesInputFeatureName,
        iou_threshold=given.iouThreshold,
        confidence_threshold=given.confidenceThreshold,
        per_class=given.pickTop.perClass,
        most=_most(spec.description.output),
        labels=tuple(map(str, getattr(given, kind).vector)) if kind else (),
    )


def _most(described: Any) -> int | None:
    """Return the largest number of rows that the outputs may have; None for any."""
    for feature in described:
        ranges = feature.type.multiArrayType.shapeRange.sizeRanges
        if feature.name == CONFIDENCE and len(ranges) == 2 and ranges[0].upperBound >= 0:
            return int(ranges[0].upperBound)
    return None


def _pick(
    boxes: np.ndarray, groups: np.ndarray, order: np.ndarray, limit: float, most: int | None
) -> list[int]:
    """Return the boxes that no better one of their group suppresses, in order."""
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    areas = boxes[:, 2:].prod(axis=1)
    kept: list[int] = []
    while len(order) and (most is None or len(kept) < most):
        first, order = int(order[0]), order[1:]
        kept.append(first)
        sides = np.minimum(high[order], high[first]) - np.maximum(low[order], low[first])
        shared = sides.clip(0).prod(axis=1)
        union = areas[order] + areas[first] - shared
        overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        order = order[(groups[order] != groups[first]) | (overlap <= limit)]
    return kept
