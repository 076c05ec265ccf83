"""Compute the answer of a task from the outputs of its program, in numpy.

Programs on devices, packages and PyTorch's modules return outputs only. `Embedder`, `Segmenter` and
`Detector` compute their answers in C++.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hvit_edge.answers import boxes_of, mask_of, normalized, placement_of
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.runtime.detector import Detection
from hvit_edge.runtime.mask import Mask
from hvit_edge.tasks import colors_of
from hvit_edge.tasks.names import EMBED, SEGMENT

Answer = np.ndarray | Mask | list[Detection]
"""The answer of the tasks "embed", "segment" and "detect"."""


def decode(
    metadata: Metadata,
    outputs: Sequence[np.ndarray],
    height: int,
    width: int,
    *,
    score_threshold: float | None = None,
) -> Answer:
    """Return the answer for a photo of `height` x `width` pixels.

    Args:
        metadata: that of the artifact, of one of the three tasks.
        outputs: the outputs of its program, or of its module in PyTorch.
        height, width: size of the upright photo.
        score_threshold: replaces that of the artifact; only for the task "detect".

    Raises:
        ParityError: an output is NaN or infinity.
    """
    if metadata.task == EMBED:
        return normalized(outputs[0], metadata.normalize)
    placement = placement_of(metadata.preprocess, height, width)
    if metadata.task == SEGMENT:
        classes = outputs[0].shape[1]
        labels = tuple(label_of(metadata.labels, index) for index in range(classes))
        mask = mask_of(outputs[0], placement)
        return Mask(mask.classes, mask.confidence, labels, colors_of(classes, metadata.colors))
    limits = metadata.detect
    if score_threshold is not None:
        limits = replace(limits, score_threshold=score_threshold)
    return [
        Detection(
            label_of(metadata.labels, box.index, first=1),
            box.index,
            box.score,
            box.x,
            box.y,
            box.width,
            box.height,
        )
        for box in boxes_of(*outputs, limits, placement)
    ]


def label_of(labels: Sequence[str], index: int, *, first: int = 0) -> str:
    """Return the label of a class, or "class 17" without labels.

    Args:
        labels: the labels of an artifact.
        index: the class.
        first: the class of the first label.
    """
    return labels[index - first] if labels else f"class {index}"
