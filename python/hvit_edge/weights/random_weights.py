"""Make deterministic weights from the names and shapes of the parameters."""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch
from torch import nn

from hvit_edge.weights.keymap import StateDict
from hvit_edge.weights.load import expected_tensors

SILU_GAIN = 1.4  # factor of kernels; most of their inputs, but not all, come from a SiLU
FEWEST_CENTERED = 8  # input channels; the mean of fewer channels is signal, not a constant


def random_state_dict(model: nn.Module) -> StateDict:
    """Return deterministic weights for every parameter and buffer of `model`.

    No norm is trivial, so a program that drops one has other outputs. The logits depend on the
    image as in a trained network, for two reasons. Layers do not pass on a constant input. Kernels
    have a gain, because SiLU passes only a third of the variance. Without these, most of the output
    of a MobileViT is the same for every photo, and errors in the rest are not visible.
    """
    gain = SILU_GAIN if any(isinstance(module, nn.SiLU) for module in model.modules()) else 1.0
    return {
        key: torch.from_numpy(random_array(key, tuple(value.shape), gain))
        for key, value in expected_tensors(model).items()
    }


def random_array(key: str, shape: tuple[int, ...], gain: float = 1.0) -> np.ndarray:
    """Return float32 values for the parameter `key`, from a generator seeded by its CRC-32.

    In kernels and matrices, the mean over the input channels is zero for each output (and tap). The
    standard deviation is 1 over the root of the number of inputs, times `gain` for kernels.
    """
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        return np.float32(0.5) + generator.random(shape, dtype=np.float32)
    values = generator.standard_normal(shape, dtype=np.float32)
    if len(shape) >= 2 and not key.endswith("running_mean"):
        _center(values)
        scale = (gain if len(shape) == 4 else 1.0) / math.sqrt(math.prod(shape[1:]))
        values *= np.float32(scale)
    elif key.endswith(("weight", "running_mean")):
        values *= np.float32(0.1)
    else:
        values *= np.float32(0.02)
    if len(shape) < 2 and key.endswith("weight"):
        values += np.float32(1)
    return values


def _center(normal: np.ndarray) -> None:
    """Subtract the mean over the input channels from `normal`, if there are enough of them.

    The mean is rounded to a multiple of 2^-20, so that the order of summation has no effect.
    """
    if normal.shape[1] >= FEWEST_CENTERED:
        mean = np.round(normal.mean(1, keepdims=True, dtype=np.float64) * 2**20) / 2**20
        normal -= mean.astype(np.float32)
