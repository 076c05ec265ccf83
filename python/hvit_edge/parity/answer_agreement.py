"""Compare the final answers of a program with those of eager PyTorch: masks, boxes, embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from hvit_edge.measures.box_overlap import match_boxes
from hvit_edge.measures.mask_overlap import mask_agreement
from hvit_edge.measures.neighbors import cosine
from hvit_edge.runtime.decode import Answer
from hvit_edge.tasks.names import DETECT, EMBED, SEGMENT

MEASURES = {EMBED: "cosine", SEGMENT: "mask IoU", DETECT: "matched boxes"}
"""Names what is compared for each task."""


@dataclass(frozen=True)
class AnswerAgreement:
    """Compares the answers to all photos.

    Attributes:
        measure: "cosine" of embeddings, "mask IoU" over the classes of both masks, or "matched
            boxes": the share of boxes that overlap one of the same class by at least 0.99.
        mean, worst: mean and lowest value over the photos, 0 to 1.
        worst_image: the photo with the lowest value.
        expected, found, matched: numbers of boxes of all photos; None for other tasks.
        worst_iou: lowest overlap of a box with the one of its class that is paired with it; None
            for other tasks.
    """

    measure: str
    mean: float
    worst: float
    worst_image: str
    expected: int | None = None
    found: int | None = None
    matched: int | None = None
    worst_iou: float | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values."""
        return asdict(self)


def compare_answers(
    task: str, names: Sequence[str], expected: Sequence[Answer], found: Sequence[Answer]
) -> AnswerAgreement:
    """Compare the answers to each photo.

    Args:
        task: "embed", "segment" or "detect".
        names: names of the photos.
        expected, found: what eager PyTorch and the program answered, see `runtime.decode`.
    """
    pairs = list(zip(expected, found, strict=True))
    boxes: dict[str, object] = {}
    if task == EMBED:
        values = [cosine(*pair) for pair in pairs]
    elif task == SEGMENT:
        values = [mask_agreement(one.classes, other.classes) for one, other in pairs]
    else:
        matches = [match_boxes(*pair) for pair in pairs]
        values = [match.share for match in matches]
        boxes = {
            "expected": sum(match.expected for match in matches),
            "found": sum(match.found for match in matches),
            "matched": sum(match.matched for match in matches),
            "worst_iou": min(match.worst_iou for match in matches),
        }
    worst = int(np.argmin(values))
    mean = float(np.mean(values))
    return AnswerAgreement(MEASURES[task], mean, values[worst], names[worst], **boxes)
