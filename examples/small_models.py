"""Registers variants that one core can train in about an hour, to measure trained weights.

`train_cifar10.py` and the benchmarks import this file, which registers them. They are not published
models: the depth, the operators and their order are those of the family, but the width is not.
"""

from __future__ import annotations

from hvit_edge.models.conformer import Conformer, ConformerConfig, published
from hvit_edge.models.registry import register_model


@register_model("conformer_cifar", default=published(0.0), multiple=32)
def conformer_cifar(num_classes: int, input_size: tuple[int, int]) -> Conformer:
    """Build twelve blocks like conformer_ti's, a half to a quarter as wide: 1.7 M parameters."""
    config = ConformerConfig(channels=(32, 64, 128), dim=96, heads=3)
    return Conformer(config, num_classes=num_classes)
