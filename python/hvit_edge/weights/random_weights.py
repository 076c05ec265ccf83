"""Weights that every machine rebuilds from the names of the parameters alone."""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch
from torch import nn

from hvit_edge.weights.keymap import StateDict
from hvit_edge.weights.load import expected_tensors

SILU_GAIN = 1.6


def random_state_dict(model: nn.Module) -> StateDict:
    """Deterministic weights for every parameter and buffer of `model`.

    No norm is trivial, so that a program which drops one gives other outputs. The logits depend on
    the image as those of a trained network do: a constant input of a layer is not passed on, and
    SiLU, which passes a third of the variance, is made up for. Without either, most of a
    MobileViT's output is the same for every photo, and no error in the rest can be seen.
    """
    gain = SILU_GAIN if any(isinstance(module, nn.SiLU) for module in model.modules()) else 1.0
    return {
        key: torch.from_numpy(random_array(key, tuple(value.shape), gain))
        for key, value in expected_tensors(model).items()
    }


def random_array(key: str, shape: tuple[int, ...], gain: float = 1.0) -> np.ndarray:
    """float32 values for the parameter `key`, drawn from a generator seeded by the key's CRC-32.

    Kernels and matrices: the sum of what one output reads is zero, its standard deviation `gain`
    over the root of their number.
    """
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        return np.float32(0.5) + generator.random(shape, dtype=np.float32)
    normal = generator.standard_normal(shape, dtype=np.float32)
    if key.endswith("running_mean"):
        return np.float32(0.1) * normal
    if len(shape) >= 2:
        return np.float32(gain / math.sqrt(math.prod(shape[1:]))) * _centred(normal)
    if key.endswith("weight"):
        return np.float32(1) + np.float32(0.1) * normal
    return np.float32(0.02) * normal


def _centred(normal: np.ndarray) -> np.ndarray:
    """`normal` less the mean of each output's own values, where there are several.

    The mean is rounded to 20 bits: the order in which a machine adds must not show.
    """
    rows = normal.reshape(len(normal), -1)
    if rows.shape[1] == 1:
        return normal
    mean = np.round(rows.mean(1, keepdims=True, dtype=np.float64) * 2**20) / 2**20
    return (rows - mean.astype(np.float32)).reshape(normal.shape)
