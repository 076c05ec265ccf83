"""Define the sampling of a map at given coordinates as a product with computed weights.

    out[.., p] = sum over rows y and columns x of  h(v(p) - y) h(u(p) - x) map[.., y, x]
    h(d) = max(0, 1 - |d|)                         the weight of a pixel at distance d

Each output is a weighted sum of all pixels, of which at most four have a weight. Pixels outside the
map do not appear in the sum, so that they count as zeros. A grid that is constant gives a constant
matrix. The cost rises with the product of the areas of the map and of the grid.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MOST_WEIGHTS = 1 << 22
"""The most weights of one map, which is a grid of 45 x 45 on a map of as many pixels."""
BILINEAR, NEAREST = 0, 1
ZEROS, BORDER, REFLECTION = 0, 1, 2


def grid_sampler(x: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool) -> Tensor:
    """Sample maps [N, C, H, W] at coordinates [N, h, w, 2] between -1 and 1.

    Raises:
        NotImplementedError: the mode is bicubic, the input is a volume, or there are too many
            weights.
    """
    if x.dim() != 4 or mode not in (BILINEAR, NEAREST):
        raise NotImplementedError
    count, channels, *sides = x.shape
    places = grid.shape[1] * grid.shape[2]
    if places * math.prod(sides) > MOST_WEIGHTS:
        raise NotImplementedError
    weights = [
        _weights(grid[..., 1 - axis].reshape(count, places, 1), side, mode, padding, align_corners)
        for axis, side in enumerate(sides)
    ]
    of_pixels = weights[0].unsqueeze(3) * weights[1].unsqueeze(2)
    pixels = x.reshape(count, channels, -1)
    sampled = torch.matmul(pixels, of_pixels.reshape(count, places, -1).transpose(1, 2))
    return sampled.reshape(count, channels, grid.shape[1], grid.shape[2])


def _weights(
    coordinates: Tensor, side: int, mode: int, padding: int, align_corners: bool
) -> Tensor:
    """Return the weight of each pixel along one side, [N, places, side]."""
    if align_corners:
        at = (coordinates + 1) * ((side - 1) / 2)
    else:
        at = (coordinates + 1) * (side / 2) - 0.5
    if padding == REFLECTION:
        low, high = (0.0, side - 1.0) if align_corners else (-0.5, side - 0.5)
        at = _reflected(at, low, high)
    if padding != ZEROS:
        at = torch.clamp(at, 0.0, side - 1.0)
    if mode == NEAREST:
        at = torch.round(at)
    distance = torch.abs(at - torch.arange(side, dtype=at.dtype))
    return torch.relu(1 - distance)


def _reflected(at: Tensor, low: float, high: float) -> Tensor:
    """Reflect coordinates at the two ends until they are between them."""
    span = high - low
    if span <= 0:
        return at * 0
    distance = torch.abs(at - low)
    turns = torch.floor(distance / span)
    rest = distance - turns * span
    is_odd = turns - 2 * torch.floor(turns / 2)
    return low + rest + is_odd * (span - 2 * rest)
