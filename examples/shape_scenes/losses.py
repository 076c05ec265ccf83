"""Compute the losses of the two tasks: classes of pixels, and boxes of an SSD."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MATCH = 0.5  # IoU from which an anchor belongs to a shape
NEGATIVES = 3  # anchors of the background for each anchor of a shape
VARIANCES = (0.1, 0.2)


def mask_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Return the cross-entropy of logits [N, C, h, w], scaled to classes int64 [N, H, W]."""
    size = classes.shape[1:]
    scaled = F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
    return F.cross_entropy(scaled, classes)


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the IoU [N, M] of boxes [N, 4] and [M, 4], as left, top, right and bottom."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, others)]
    return common / (areas[0][:, None] + areas[1] - common)


def corners(anchors: np.ndarray) -> np.ndarray:
    """Turn boxes of center and size [N, 4] into left, top, right and bottom."""
    half = anchors[:, 2:] / 2
    return np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], axis=1)


def match(
    boxes: np.ndarray, labels: np.ndarray, anchors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Assign shapes to anchors: those of at least MATCH, and the best one of each shape.

    Args:
        boxes: float32 [objects, 4], as left, top, right and bottom, in parts of the image.
        labels: int64 [objects], from 1.
        anchors: float32 [A, 4], as center x, center y, width and height.

    Returns:
        int64 [A], 0 for the background, and the offsets float32 [A, 4] that decode to the boxes.
    """
    if len(labels) == 0:
        return np.zeros(len(anchors), np.int64), np.zeros((len(anchors), 4), np.float32)
    shared = overlaps(corners(anchors), boxes)
    best = shared.argmax(axis=0)
    shared[best, np.arange(len(boxes))] = 2.0
    owner = shared.argmax(axis=1)
    targets = np.where(shared.max(axis=1) >= MATCH, labels[owner], 0)
    own = boxes[owner]
    center, size = (own[:, :2] + own[:, 2:]) / 2, own[:, 2:] - own[:, :2]
    moves = (center - anchors[:, :2]) / (VARIANCES[0] * anchors[:, 2:])
    growth = np.log(size / anchors[:, 2:]) / VARIANCES[1]
    return targets, np.concatenate([moves, growth], axis=1).astype(np.float32)


def box_loss(logits: Tensor, offsets: Tensor, targets: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of an SSD: classes of the matched and the worst other anchors, and offsets.

    Args:
        logits: [N, A, C].
        offsets: [N, A, 4].
        targets: int64 [N, A], of `match`.
        wanted: float32 [N, A, 4], of `match`.
    """
    matched = targets > 0
    count = matched.sum().clamp(min=1)
    entropy = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    with torch.no_grad():
        others = entropy.masked_fill(matched, -1.0)
        rank = others.argsort(dim=1, descending=True).argsort(dim=1)
        chosen = rank < (NEGATIVES * matched.sum(1, keepdim=True)).clamp(min=NEGATIVES)
    classes = entropy[matched | chosen].sum() / count
    moves = F.smooth_l1_loss(offsets.float()[matched], wanted[matched], reduction="sum") / count
    return classes + moves
