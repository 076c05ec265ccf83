"""Variants small enough to train on one core in about an hour, for measurements on trained weights.

Importing this file registers them; `train_cifar10.py` and the benchmarks do. They are no published
models: depth, operators and order are those of the family, the width is not.
"""

from __future__ import annotations

from hvit_edge.models.conformer import Conformer, ConformerConfig, published
from hvit_edge.models.registry import register_model


@register_model("conformer_cifar", default=published(0.0), multiple=32)
def conformer_cifar(num_classes: int, input_size: tuple[int, int]) -> Conformer:
    """1.7 M parameters: twelve blocks as in conformer_ti, a half to a quarter of its width."""
    config = ConformerConfig(channels=(32, 64, 128), dim=96, heads=3)
    return Conformer(config, num_classes=num_classes)
