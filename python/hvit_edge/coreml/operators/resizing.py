"""Resample the last dimensions.

The grids are those in MIL's description of `resize_bilinear`. MIL does not say which neighbor is
the nearest. coremltools' tests on macOS compare `upsample_nearest_neighbor` with PyTorch's
"nearest", floor(i * in / out), and the `resize` operators with TensorFlow's half-pixel centers,
floor((i + 1/2) * in / out).
"""

from __future__ import annotations

import torch
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("resize_bilinear")
def resize_bilinear(
    x: Tensor, *, target_size_height: int, target_size_width: int, sampling_mode: str
) -> Tensor:
    """Resize to the given height and width."""
    return _linear(x, [target_size_height, target_size_width], sampling_mode)


@operator("upsample_bilinear")
def upsample_bilinear(
    x: Tensor,
    *,
    scale_factor_height: float,
    scale_factor_width: float,
    align_corners: bool,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """Resize to floor(size * factor); the grid follows from the sizes, not from the factors."""
    if half_pixel_centers is None:
        half_pixel_centers = not align_corners
    if align_corners and half_pixel_centers:
        raise ValueError("align_corners and half_pixel_centers exclude each other")
    plain = "STRICT_ALIGN_CORNERS" if align_corners else "DEFAULT"
    sizes = _scaled(x, scale_factor_height, scale_factor_width)
    return _linear(x, sizes, "UNALIGN_CORNERS" if half_pixel_centers else plain)


@operator("upsample_nearest_neighbor")
def upsample_nearest_neighbor(
    x: Tensor, *, scale_factor_height: float, scale_factor_width: float
) -> Tensor:
    """Resize to floor(size * factor); element i comes from floor(i * in / out)."""
    sizes = _scaled(x, scale_factor_height, scale_factor_width)
    for axis, size in zip((-2, -1), sizes, strict=True):
        x = x.index_select(axis, torch.arange(size) * x.shape[axis] // size)
    return x


@operator("resize_nearest_neighbor")
def resize_nearest_neighbor(
    x: Tensor, *, target_size_height: int, target_size_width: int
) -> Tensor:
    """Resize to the given height and width, with half-pixel centers."""
    return _nearest(x, [target_size_height, target_size_width])


@operator("resize")
def resize(
    x: Tensor,
    *,
    shape: list[int],
    resized_dims: int,
    interpolation_mode: str,
    sampling_mode: str,
) -> Tensor:
    """Resize the last `resized_dims` dimensions to the last sizes of `shape`; 0 keeps a size."""
    wanted = shape[len(shape) - resized_dims :]
    kept = x.shape[x.ndim - resized_dims :]
    sizes = [size or old for size, old in zip(wanted, kept, strict=True)]
    if interpolation_mode == "LINEAR":
        return _linear(x, sizes, sampling_mode)
    if sampling_mode != "DEFAULT":
        raise ValueError(f"NEAREST_NEIGHBOR with sampling mode {sampling_mode} is undocumented")
    return _nearest(x, sizes)


def grid(size: int, target: int, mode: str) -> Tensor:
    """Return the places of `target` results on an axis of `size` elements, float64."""
    steps = torch.arange(target, dtype=torch.float64)
    if mode == "ALIGN_CORNERS" and target == 1:
        points = steps + (size - 1) / 2
    elif mode in ("ALIGN_CORNERS", "STRICT_ALIGN_CORNERS"):
        points = steps * (size - 1) / max(target - 1, 1)
    elif mode == "DEFAULT":
        points = steps * size / target
    elif mode == "OFFSET_CORNERS":
        points = (steps + 0.5) * max(1, size - 1) / target
    elif mode == "UNALIGN_CORNERS":
        points = (steps + 0.5) * size / target - 0.5
    else:
        raise ValueError(f"unknown sampling mode {mode}")
    return points.clamp(0, size - 1)


def _linear(x: Tensor, sizes: list[int], mode: str) -> Tensor:
    dtype, x = x.dtype, x.double()  # so that only the result is rounded
    for axis, target in zip(range(x.ndim - len(sizes), x.ndim), sizes, strict=True):
        points = grid(x.shape[axis], target, mode)
        low = points.floor().long()
        high = (low + 1).clamp(max=x.shape[axis] - 1)
        weight = (points - low).reshape(-1, *[1] * (x.ndim - 1 - axis))
        below, above = x.index_select(axis, low), x.index_select(axis, high)
        x = below + (above - below) * weight
    return x.to(dtype)


def _nearest(x: Tensor, sizes: list[int]) -> Tensor:
    for axis, target in zip(range(x.ndim - len(sizes), x.ndim), sizes, strict=True):
        places = (2 * torch.arange(target) + 1) * x.shape[axis] // (2 * target)
        x = x.index_select(axis, places)
    return x


def _scaled(x: Tensor, height: float, width: float) -> list[int]:
    return [int(x.shape[-2] * height), int(x.shape[-1] * width)]
