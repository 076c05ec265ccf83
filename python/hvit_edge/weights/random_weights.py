"""Weights that every machine rebuilds from the names of the parameters alone."""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch
from torch import nn

from hvit_edge.weights.keymap import StateDict
from hvit_edge.weights.load import expected_tensors


def random_state_dict(model: nn.Module) -> StateDict:
    """Deterministic weights for every parameter and buffer of `model`.

    No norm is trivial, so that a program which drops one gives other outputs.
    """
    return {
        key: torch.from_numpy(random_array(key, tuple(value.shape)))
        for key, value in expected_tensors(model).items()
    }


def random_array(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32 values for the parameter `key`, drawn from a generator seeded by the key's CRC-32."""
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        return np.float32(0.5) + generator.random(shape, dtype=np.float32)
    normal = generator.standard_normal(shape, dtype=np.float32)
    if key.endswith("running_mean"):
        return np.float32(0.1) * normal
    if len(shape) >= 2:
        return normal / np.float32(math.sqrt(math.prod(shape[1:])))
    if key.endswith("weight"):
        return np.float32(1) + np.float32(0.1) * normal
    return np.float32(0.02) * normal
