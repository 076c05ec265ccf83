"""Weights that every machine rebuilds from the names of the parameters alone."""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch
from torch import nn

from hvit_edge.weights.keymap import StateDict
from hvit_edge.weights.load import expected_tensors

SILU_GAIN = 1.4  # of kernels; most maps that they read went through SiLU, not all
FEWEST_CENTRED = 8  # input channels: the mean of fewer is signal, not a constant


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

    Kernels and matrices: the input channels' mean is zero for each output (and tap), the standard
    deviation 1 over the root of the number of inputs, times `gain` for kernels.
    """
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        return np.float32(0.5) + generator.random(shape, dtype=np.float32)
    normal = generator.standard_normal(shape, dtype=np.float32)
    if key.endswith("running_mean"):
        return np.float32(0.1) * normal
    if len(shape) >= 2:
        scale = (gain if len(shape) == 4 else 1.0) / math.sqrt(math.prod(shape[1:]))
        return np.float32(scale) * _centred(normal)
    if key.endswith("weight"):
        return np.float32(1) + np.float32(0.1) * normal
    return np.float32(0.02) * normal


def _centred(normal: np.ndarray) -> np.ndarray:
    """`normal` less its mean over the input channels, where there are enough of them.

    The mean is rounded to 20 bits: the order in which a machine adds must not show.
    """
    if normal.shape[1] < FEWEST_CENTRED:
        return normal
    mean = np.round(normal.mean(1, keepdims=True, dtype=np.float64) * 2**20) / 2**20
    return normal - mean.astype(np.float32)
