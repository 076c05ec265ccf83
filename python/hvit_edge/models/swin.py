"""Define the Swin Transformer: attention in windows that shift by half in every other block.

Paper: Swin Transformer: Hierarchical Vision Transformer using Shifted Windows,
https://arxiv.org/abs/2103.14030
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hvit_edge.errors import InputError
from hvit_edge.models.initialization import truncated_normal_
from hvit_edge.models.layers import Attention, Mlp, init_weights
from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.models.registry import Published, register_model
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

PAPER = "https://arxiv.org/abs/2103.14030"
PATCH = 4
WINDOW = 7
MASKED = -100.0  # added to the score of two pixels that are in one window only due to the shift


@dataclass(frozen=True)
class SwinConfig:
    """Holds the size of a variant.

    Attributes:
        dim: width of the first stage; each later stage doubles the width.
        depths: number of blocks of each stage.
        heads: number of attention heads of each stage.
    """

    dim: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]


@dataclass(frozen=True)
class Windows:
    """Cuts the map of a block into windows.

    Attributes:
        size: (height, width) of the map.
        window: (height, width) of a window, no larger than the map.
        shift: (rows, columns) by which the map is rolled up and left before the cut; 0 along a side
            that one window covers.
    """

    size: tuple[int, int]
    window: tuple[int, int]
    shift: tuple[int, int]

    @classmethod
    def of_block(cls, size: tuple[int, int], *, shifted: bool) -> Windows:
        """Return the windows of a block for a map of `size`; every other block is `shifted`."""
        height, width = (min(side, WINDOW) for side in size)
        down, right = (WINDOW // 2 if shifted and side > WINDOW else 0 for side in size)
        return cls(size, (height, width), (down, right))

    @property
    def padding(self) -> tuple[int, int]:
        """Return the rows (bottom) and columns (right) of padding that complete the windows."""
        (height, width), (rows, columns) = self.size, self.window
        return -height % rows, -width % columns

    @property
    def counts(self) -> tuple[int, int]:
        """Return the number of windows as (rows, columns)."""
        (height, width), (rows, columns) = self.size, self.window
        return -(-height // rows), -(-width // columns)

    def part(self, x: Tensor) -> Tensor:
        """Map [N, H, W, C] to [N * windows, pixels of a window, C].

        The columns and channels of a window are one dimension, so no tensor has more than four.
        """
        if any(self.shift):
            x = torch.roll(x, (-self.shift[0], -self.shift[1]), dims=(1, 2))
        if any(self.padding):
            x = F.pad(x, (0, 0, 0, self.padding[1], 0, self.padding[0]))
        batch, channels = x.shape[0], x.shape[3]
        (rows, columns), (high, wide) = self.counts, self.window
        x = x.reshape(batch * rows, high, columns, wide * channels).transpose(1, 2)
        return x.reshape(batch * rows * columns, high * wide, channels)

    def join(self, x: Tensor) -> Tensor:
        """Invert `part`: map [N * windows, pixels of a window, C] to [N, H, W, C]."""
        (rows, columns), (high, wide) = self.counts, self.window
        batch, channels = x.shape[0] // (rows * columns), x.shape[2]
        x = x.reshape(batch * rows, columns, high, wide * channels).transpose(1, 2)
        x = x.reshape(batch, rows * high, columns * wide, channels)
        if any(self.padding):
            x = x[:, : self.size[0], : self.size[1]]
        return torch.roll(x, self.shift, dims=(1, 2)) if any(self.shift) else x

    def mask(self) -> Tensor | None:
        """Return what is added to the scores of a shifted map; None if it is not shifted.

        The mask is float32 [windows, 1, pixels, pixels], 0 or `MASKED`.
        """
        if not any(self.shift):
            return None
        regions = [
            self._regions(count * window, window, shift)
            for count, window, shift in zip(self.counts, self.window, self.shift, strict=True)
        ]
        region = (3 * regions[0][:, None] + regions[1])[None, :, :, None]
        whole = Windows(tuple(region.shape[1:3]), self.window, (0, 0))
        region = whole.part(region).squeeze(-1)
        differs = region[:, :, None] != region[:, None, :]
        return (MASKED * differs.float()).unsqueeze(1)

    @staticmethod
    def _regions(length: int, window: int, shift: int) -> Tensor:
        """Return the region of each row: 0, 1 in the last window, 2 after the shift's seam."""
        position = torch.arange(length)
        if not shift:
            return torch.zeros_like(position)
        return (position >= length - window).int() + (position >= length - shift).int()


class WindowAttention(nn.Module):
    """Applies self-attention inside windows, with a learned bias per offset of two pixels."""

    def __init__(self, dim: int, heads: int, windows: Windows) -> None:
        super().__init__()
        self.windows = windows
        self.attn = Attention(dim, heads)
        self.bias_table = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, heads))
        self.register_buffer("bias_index", bias_index(windows.window), persistent=False)
        self.register_buffer("mask", windows.mask(), persistent=False)
        truncated_normal_(self.bias_table)

    def bias(self, batch: int) -> Tensor:
        """Return the addend of the scores.

        It is float32 [W, heads, pixels, pixels], where W is 1 without a mask, else
        batch * windows.
        """
        pixels = self.bias_index.shape[0]
        bias = self.bias_table[self.bias_index.flatten()].reshape(1, pixels, pixels, -1)
        bias = bias.permute(0, 3, 1, 2)
        if self.mask is None:
            return bias
        bias = bias + self.mask
        return bias if batch == 1 else bias.repeat(batch, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, H, W, C] to [N, H, W, C]."""
        return self.windows.join(self.attn(self.windows.part(x), self.bias(x.shape[0])))


def bias_index(window: tuple[int, int]) -> Tensor:
    """Return the row of the bias table for each pair of pixels, int64 [pixels, pixels].

    The table has a row for each offset between two pixels of a 7x7 window. A smaller window reads a
    part of it.
    """
    rows, columns = (torch.arange(side) for side in window)
    row, column = torch.meshgrid(rows, columns, indexing="ij")
    down = row.flatten()[:, None] - row.flatten() + WINDOW - 1
    right = column.flatten()[:, None] - column.flatten() + WINDOW - 1
    return down * (2 * WINDOW - 1) + right


class SwinBlock(nn.Module):
    """Applies a pre-norm block: window attention, then MLP, each with a skip."""

    def __init__(self, dim: int, heads: int, windows: Windows) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, heads, windows)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, H, W, C] to [N, H, W, C]."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """Makes a channels-last map of 4x4 patches."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, dim, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, 3, H, W] to [N, H / 4, W / 4, dim]."""
        return self.norm(self.conv(x).permute(0, 2, 3, 1))


class PatchMerging(nn.Module):
    """Concatenates 2x2 pixels, normalizes them, and reduces them to twice the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, H, W, C] to [N, H / 2, W / 2, 2 C]; the four pixels are in column order."""
        batch, height, width, channels = x.shape
        x = x.reshape(batch * height // 2, 2, width // 2, 2, channels).permute(0, 2, 3, 1, 4)
        x = x.reshape(batch, height // 2, width // 2, 4 * channels)
        return self.reduction(self.norm(x))


class SwinStage(nn.Module):
    """Applies patch merging (not in the first stage), then blocks, every second one shifted."""

    def __init__(
        self, dim: int, depth: int, heads: int, size: tuple[int, int], *, merges: bool
    ) -> None:
        super().__init__()
        self.merge = PatchMerging(dim // 2) if merges else nn.Identity()
        self.blocks = nn.Sequential(
            *(
                SwinBlock(dim, heads, Windows.of_block(size, shifted=index % 2 == 1))
                for index in range(depth)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, H, W, C] to [N, H, W, C], or to [N, H / 2, W / 2, 2 C] if the stage merges."""
        return self.blocks(self.merge(x))


class SwinTransformer(PooledClassifier):
    """Classifies images of one size; the constructor makes windows and masks."""

    def __init__(
        self, config: SwinConfig, *, input_size: tuple[int, int], num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.embed = PatchEmbed(config.dim)
        self.stages = nn.Sequential()
        for index, (depth, heads) in enumerate(zip(config.depths, config.heads, strict=True)):
            size = tuple(side // PATCH // 2**index for side in input_size)
            dim = config.dim * 2**index
            self.stages.append(SwinStage(dim, depth, heads, size, merges=index > 0))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)
        self.apply(init_weights)

    def forward(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, *input_size] to logits float32 [N, num_classes]."""
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Map float32 [N, 3, *input_size] to the mean of the tokens, float32 [N, 8 * dim]."""
        if tuple(x.shape[2:]) != self.input_size:
            raise InputError(
                f"[SwinTransformer] expected an input of {self.input_size}, got"
                f" {tuple(x.shape[2:])}; build the model with input_size={tuple(x.shape[2:])}"
            )
        x = self.norm(self.stages(self.embed(x)))
        return x.flatten(1, 2).mean(dim=1)


PUBLISHED = Published(
    PAPER,
    Preprocess(
        (224, 224), resize_size=248, interpolation="bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD
    ),
    hub="timm/swin_tiny_patch4_window7_224.ms_in1k",
    top1=81.2,
)


@register_model("swin_t", default=PUBLISHED, multiple=32)
def swin_t(num_classes: int, input_size: tuple[int, int]) -> SwinTransformer:
    """Build the variant of 28.3 M parameters."""
    config = SwinConfig(dim=96, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24))
    return SwinTransformer(config, input_size=input_size, num_classes=num_classes)
