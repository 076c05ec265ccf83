"""Give the results of a network the outputs of a package, one form for each task on photos.

The outputs of a detector are those that Core ML's `NonMaximumSuppression` reads: confidences
between 0 and 1 whose sum is at most 1, and boxes as center x, center y, width and height in parts
of the photo, from its upper left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Program, Var

from hvit_edge.coreml.features import (
    CLASSES,
    LOGITS,
    PROBABILITIES,
    RAW_CONFIDENCE,
    RAW_COORDINATES,
)
from hvit_edge.targets.coreml.values import Value
from hvit_edge.tasks import Detect, Embed, Segment, Task
from hvit_edge.tasks.names import EMBEDDING, OFFSETS

Outputs = Callable[[Sequence[Value]], list[Var]]
"""Adds the outputs of a function to it, given the results of the graph in PyTorch's order."""
DECODING = "decode_boxes"
"""Prefix of the operators that decode boxes, which stay in float32."""


def classified(results: Sequence[Value]) -> list[Var]:
    """Return the logits of a classifier and their softmax."""
    logits = mb.identity(x=results[0].data, name=LOGITS)
    return [logits, mb.softmax(x=results[0].data, axis=-1, name=PROBABILITIES)]


def embedded(results: Sequence[Value]) -> list[Var]:
    """Return the features of a photo, which are not normalized."""
    return [mb.identity(x=results[0].data, name=EMBEDDING)]


def segmented(size: tuple[int, int]) -> Outputs:
    """Return a function that adds the logits, and the class of each pixel of the input.

    Args:
        size: (height, width) of the input.
    """

    def outputs(results: Sequence[Value]) -> list[Var]:
        logits = results[0].data
        wide = mb.resize_bilinear(
            x=logits,
            target_size_height=size[0],
            target_size_width=size[1],
            sampling_mode="UNALIGN_CORNERS",
        )
        best = mb.reduce_argmax(x=wide, axis=1, keep_dims=False)
        return [mb.identity(x=logits, name=LOGITS), mb.squeeze(x=best, axes=[0], name=CLASSES)]

    return outputs


def detected(anchors: np.ndarray, variances: Sequence[float]) -> Outputs:
    """Return a function that adds logits and offsets, and the scores and boxes that they mean.

    Args:
        anchors: float32 [A, 4], center x, center y, width and height in parts of the input.
        variances: the factors of offsets of centers and of sizes.
    """
    sizes = anchors[:, 2:]

    def outputs(results: Sequence[Value]) -> list[Var]:
        logits, offsets = results[0].data, results[1].data
        shares = mb.softmax(x=logits, axis=-1)
        objects = mb.slice_by_index(x=shares, begin=[0, 0, 1], end=[0] * 3, end_mask=[True] * 3)
        boxes = mb.squeeze(x=offsets, axes=[0], name=f"{DECODING}_rows")
        moves, stretches = mb.split(x=boxes, num_splits=2, axis=1, name=f"{DECODING}_halves")
        scaled = mb.mul(x=moves, y=np.float32(variances[0]) * sizes, name=f"{DECODING}_move")
        center = mb.add(x=scaled, y=anchors[:, :2], name=f"{DECODING}_center")
        power = mb.mul(x=stretches, y=np.float32(variances[1]), name=f"{DECODING}_stretch")
        factor = mb.exp(x=power, name=f"{DECODING}_factor")
        extent = mb.mul(x=factor, y=sizes, name=f"{DECODING}_size")
        return [
            mb.identity(x=logits, name=LOGITS),
            mb.identity(x=offsets, name=OFFSETS),
            mb.squeeze(x=objects, axes=[0], name=RAW_CONFIDENCE),
            mb.concat(values=[center, extent], axis=1, name=RAW_COORDINATES),
        ]

    return outputs


def outputs_of(task: Task, size: tuple[int, int]) -> Outputs:
    """Return the function that adds the outputs of a task.

    Args:
        task: what the network computes from a photo.
        size: (height, width) of its input.
    """
    if isinstance(task, Segment):
        return segmented(size)
    if isinstance(task, Detect):
        return detected(task.anchors, task.variances)
    return embedded if isinstance(task, Embed) else classified


def in_float32(program: Program) -> dict[str, str]:
    """Return the operators that decode boxes, with the reason why they stay in float32.

    float16 would round the center of a box at the right border of a photo to 1/2048 of its width.
    """
    reason = "would round boxes to 1/2048 of the photo"
    names = [operation.name for operation in program.functions["main"].operations]
    return {name: reason for name in names if name.startswith((DECODING, RAW_COORDINATES))}
