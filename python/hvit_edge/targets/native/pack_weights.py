"""Weights in the order in which the kernels read them: in panels of outputs."""

from __future__ import annotations

import numpy as np

from hvit_edge.targets.native.plan_limits import PANEL


def code_panels(codes: np.ndarray) -> np.ndarray:
    """Reorder int8 codes [columns, taps, depth] to panels [columns / 16, taps * depth / 4, 16, 4].

    Missing codes are filled with zeros.
    """
    columns, taps, depth = codes.shape
    padded = np.pad(codes, ((0, -columns % PANEL), (0, 0), (0, -depth % 4)))
    fours = padded.reshape(-1, PANEL, taps * (padded.shape[2] // 4), 4)
    return np.ascontiguousarray(fours.transpose(0, 2, 1, 3))


def panels(weights: np.ndarray) -> np.ndarray:
    """Reorder [columns, depth] to panels [columns / 16, depth, 16], with zeros after the last
    column.
    """
    columns, depth = weights.shape
    padded = np.pad(weights, ((0, -columns % PANEL), (0, 0)))
    return np.ascontiguousarray(padded.reshape(-1, PANEL, depth).transpose(0, 2, 1))


def padded_to_panels(array: np.ndarray) -> np.ndarray:
    """Return an array whose last dimension is filled with zeros up to full panels."""
    ends = [(0, 0)] * (array.ndim - 1) + [(0, -array.shape[-1] % PANEL)]
    return np.pad(array, ends)
