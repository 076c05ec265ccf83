"""Pools of every kind, against float64."""

import torch
from torch import nn

from hvit_edge.targets.native.values import Number

FLOAT = 3e-6
HALF = 2e-3

POOLS = {
    "mean over padding": nn.AvgPool2d(3, 1, 1),
    "mean without padding": nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    "mean, last windows cut off": nn.AvgPool2d(3, 2, ceil_mode=True),
    "mean over padding, cut off": nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    "mean by a divisor": nn.AvgPool2d((2, 3), divisor_override=5),
    "mean by a divisor, padded": nn.AvgPool2d(3, 2, 1, divisor_override=7),
    "max, last windows cut off": nn.MaxPool2d(3, 2, ceil_mode=True),
    "max, padded and cut off": nn.MaxPool2d(2, 2, 1, ceil_mode=True),
    "max with dilation": nn.MaxPool2d(3, 2, 1, dilation=2),
    "max with dilation of one side": nn.MaxPool2d(2, 1, dilation=(1, 3)),
    "grid of means": nn.AdaptiveAvgPool2d(3),
    "uneven grid of means": nn.AdaptiveAvgPool2d((4, 5)),
    "larger grid of means": nn.AdaptiveAvgPool2d((12, 4)),
    "column of means": nn.AdaptiveAvgPool2d((None, 1)),
    "grid of maxima": nn.AdaptiveMaxPool2d((3, 2)),
    "uneven grid of maxima": nn.AdaptiveMaxPool2d((2, 5)),
    "one maximum": nn.AdaptiveMaxPool2d(1),
}
SEQUENCES = {
    "mean": nn.AvgPool1d(3, 2, 1),
    "max": nn.MaxPool1d(3, 2, 1),
    "grid of means": nn.AdaptiveAvgPool1d(4),
    "grid of maxima": nn.AdaptiveMaxPool1d(4),
}


def test_pools(run_each):
    cases = {
        f"{name} of {images}": (
            nn.Sequential(nn.Conv2d(9, 20, 1), pool),
            torch.randn(images, 9, 9, 12) - 1,
        )
        for name, pool in POOLS.items()
        for images in (1, 2)
    }
    cases |= {f"{name} of sequences": (pool, (2, 9, 14)) for name, pool in SEQUENCES.items()}
    for name, ran in run_each(cases).items():
        assert ran.error < FLOAT, name


def test_in_float16(run_each):
    names = ["mean over padding", "uneven grid of means", "max with dilation"]
    cases = {name: (POOLS[name], (1, 9, 9, 12)) for name in names}
    for name, ran in run_each(cases, Number.FLOAT16).items():
        assert ran.error < HALF, name


def test_activations_of_pools_of_two_images_are_operations_of_their_own(run_each):
    image = torch.randn(2, 3, 6, 8)
    cases = {
        f"{pool}, {activation}": (nn.Sequential(pool, activation), image)
        for pool in (nn.MaxPool2d(2, 1), nn.AvgPool2d(2, 1))
        for activation in (nn.ReLU(), nn.Sigmoid())
    }
    for name, ran in run_each(cases).items():
        assert ran.error < FLOAT, name
