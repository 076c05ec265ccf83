"""Check the losses of the two tasks against their definitions, computed box by box."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shape_scenes.losses import box_loss, corners, mask_loss, match, overlaps
from torch.nn import functional as F

from hvit_edge.models.ssd import anchor_boxes

ANCHORS = anchor_boxes((64, 64))


def test_overlaps_count_pixels():
    random = np.random.default_rng(0)
    low = random.integers(0, 20, (2, 5, 2))
    boxes, others = np.concatenate([low, low + random.integers(1, 20, (2, 5, 2))], axis=2)
    y, x = np.mgrid[:40, :40]

    def pixels(box):
        return (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])

    expected = [
        [(pixels(a) & pixels(b)).sum() / (pixels(a) | pixels(b)).sum() for b in others]
        for a in boxes
    ]
    np.testing.assert_allclose(overlaps(boxes, others), expected, rtol=1e-12)


def test_matched_offsets_decode_to_the_boxes():
    boxes = np.array([[0.1, 0.2, 0.5, 0.7], [0.6, 0.1, 0.95, 0.5]], np.float32)
    targets, offsets = match(boxes, np.array([3, 1]), ANCHORS)
    shared = overlaps(corners(ANCHORS), boxes)
    assert set(targets) == {0, 1, 3}
    assert (targets[shared.max(axis=1) >= 0.5] > 0).all()
    for label, box in [(3, boxes[0]), (1, boxes[1])]:
        anchors, own = ANCHORS[targets == label], offsets[targets == label]
        center = anchors[:, :2] + own[:, :2] * 0.1 * anchors[:, 2:]
        size = anchors[:, 2:] * np.exp(own[:, 2:] * 0.2)
        decoded = np.concatenate([center - size / 2, center + size / 2], axis=1)
        np.testing.assert_allclose(decoded, np.broadcast_to(box, decoded.shape), atol=1e-6)


def test_shape_without_a_good_anchor_gets_the_best_one():
    thin = np.array([[0.1, 0.48, 0.9, 0.52]], np.float32)
    assert overlaps(corners(ANCHORS), thin).max() < 0.5
    targets, _ = match(thin, np.array([2]), ANCHORS)
    assert (targets > 0).sum() == 1
    assert targets.argmax() == overlaps(corners(ANCHORS), thin).argmax()


def test_scene_without_shapes():
    targets, offsets = match(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), ANCHORS)
    assert not targets.any() and offsets.shape == (len(ANCHORS), 4)


def test_mask_loss_is_cross_entropy_of_the_scaled_logits():
    logits = torch.randn(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    classes = torch.arange(2 * 4 * 4).reshape(2, 4, 4) % 3
    # From two to four elements: 1, 3/4 and 1/4, 1/4 and 3/4, 1.
    mix = torch.tensor([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    scaled = torch.einsum("yi,ncij,xj->nyxc", mix, logits, mix)
    chosen = scaled.log_softmax(-1).gather(-1, classes[..., None])
    assert mask_loss(logits, classes).item() == pytest.approx(-chosen.mean().item(), rel=1e-5)


def test_box_loss_counts_the_worst_negatives():
    random = torch.Generator().manual_seed(1)
    logits, offsets = (torch.randn(2, 12, n, generator=random) for n in (3, 4))
    targets = torch.zeros(2, 12, dtype=torch.int64)
    targets[0, [2, 5]] = torch.tensor([1, 2])
    wanted = torch.randn(2, 12, 4, generator=random)
    entropy = -logits.log_softmax(-1)
    matched = entropy[0, 2, 1] + entropy[0, 5, 2]
    negatives = [entropy[0, i, 0].item() for i in range(12) if i not in (2, 5)]
    empty = entropy[1, :, 0].tolist()  # a scene without shapes has as many as one with one shape
    worst = sum(sorted(negatives)[-6:]) + sum(sorted(empty)[-3:])
    moves = F.smooth_l1_loss(offsets[0, [2, 5]], wanted[0, [2, 5]], reduction="sum")
    expected = (matched.item() + worst + moves.item()) / 2
    assert box_loss(logits, offsets, targets, wanted).item() == pytest.approx(expected, rel=1e-5)
