"""Exchange elements between space, channels and batch, for tensors [n, C, H, W].

`pixel_shuffle` divides channels as [C, b, b], which is PyTorch's order. `depth_to_space` divides
them as [b, b, C], as TensorFlow's operator does, which coremltools converts to it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator


@operator("pixel_shuffle")
def pixel_shuffle(x: Tensor, *, upscale_factor: int) -> Tensor:
    """Rearrange [n, C b b, H, W] to [n, C, H b, W b]."""
    return F.pixel_shuffle(x, upscale_factor)


@operator("pixel_unshuffle")
def pixel_unshuffle(x: Tensor, *, downscale_factor: int) -> Tensor:
    """Rearrange [n, C, H b, W b] to [n, C b b, H, W]."""
    return F.pixel_unshuffle(x, downscale_factor)


@operator("depth_to_space")
def depth_to_space(x: Tensor, *, block_size: int) -> Tensor:
    """Rearrange [n, b b C, H, W] to [n, C, H b, W b]."""
    n, channels, height, width = x.shape
    b = block_size
    blocks = x.reshape(n, b, b, channels // (b * b), height, width)
    return blocks.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, height * b, width * b)


@operator("space_to_depth")
def space_to_depth(x: Tensor, *, block_size: int) -> Tensor:
    """Rearrange [n, C, H b, W b] to [n, b b C, H, W]."""
    n, channels, height, width = x.shape
    b = block_size
    blocks = x.reshape(n, channels, height // b, b, width // b, b)
    return blocks.permute(0, 3, 5, 1, 2, 4).reshape(n, -1, height // b, width // b)


@operator("space_to_batch")
def space_to_batch(x: Tensor, *, block_shape: list[int], paddings: list[list[int]]) -> Tensor:
    """Pad, then rearrange [n, C, H b0, W b1] to [b0 b1 n, C, H, W]."""
    x = F.pad(x, [*paddings[1], *paddings[0]])
    n, channels, height, width = x.shape
    b0, b1 = block_shape
    blocks = x.reshape(n, channels, height // b0, b0, width // b1, b1)
    return blocks.permute(3, 5, 0, 1, 2, 4).reshape(-1, channels, height // b0, width // b1)


@operator("batch_to_space")
def batch_to_space(x: Tensor, *, block_shape: list[int], crops: list[list[int]]) -> Tensor:
    """Rearrange [b0 b1 n, C, H, W] to [n, C, H b0, W b1], then crop."""
    n, channels, height, width = x.shape
    b0, b1 = block_shape
    blocks = x.reshape(b0, b1, n // (b0 * b1), channels, height, width)
    y = blocks.permute(2, 3, 4, 0, 5, 1).reshape(-1, channels, height * b0, width * b1)
    (top, bottom), (left, right) = crops
    return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]
